"""Where images come from: files, folders, globs, videos and live cameras, behind one interface.

Everything is read lazily: memory does not grow with the number of images.
"""

import contextlib
import glob
import math
import os
import queue
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from egolib.data.images import read_still
from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import is_plain, shown
from egolib.headset.cameras.captures import PATIENCE_S, open_capture

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
_NO_INPUT = "neither an image nor a video with frames"
_ODD_NAME = "its name holds characters that a table cannot hold; rename it"
_MISCOUNTED_FRAMES = 2  # by which the header of an undamaged video may be wrong


class StalledError(EgolibError):
    """A camera gave no frame for PATIENCE_S."""


@dataclass(frozen=True)
class InputImage:
    """One image as given: uint8 RGB (H, W, 3). name: its name in poses.csv. stem: the name, without
    suffix, of files about it. time_s: since the first frame of its video or camera; NaN for a
    still."""

    name: str
    stem: str
    time_s: float
    rgb: np.ndarray


@dataclass(frozen=True)
class Unread:
    """Name of an image that could not be read, and the reason in one line."""

    name: str
    reason: str


@dataclass(frozen=True)
class Source:
    """Stills, one video, or one camera.

    total: number of images; None where it is unknown. fps: frames a second; None for stills. live: a
    camera, which drops frames that are not read in time. read(done, every): an iterator of InputImage
    and Unread over every `every`-th image, without those whose names are in `done`.
    """

    name: str
    total: int | None
    fps: float | None
    live: bool
    read: Callable[..., Iterator[InputImage | Unread]]


def open_sources(inputs: Iterable[str | Path]) -> list[Source]:
    """Open the images, videos and the camera that a user names: all stills are one Source.

    inputs: paths of images, videos and folders of them; globs; a camera by device number,
    /dev/videoN or URL. Raises EgolibError for what is not there, a folder without images, what
    is neither an image nor a video with frames, and a second camera.
    """
    cameras = [str(given) for given in inputs if _is_camera(str(given))]
    if len(cameras) > 1:
        raise EgolibError(f"{cameras[1]}: one camera at a time")
    files = [p for given in inputs if str(given) not in cameras for p in _list_files(str(given))]
    names = _short_names(list(dict.fromkeys(files)))
    stills = {p: name for p, name in names.items() if p.suffix.lower() in IMAGE_SUFFIXES}
    sources = [_stills(stills)] if stills else []
    sources += [
        _frames(str(path.absolute()), name) for path, name in names.items() if path not in stills
    ]
    return sources + [_frames(given, "camera", live=True) for given in cameras]


def _is_camera(given):
    number = given.isdecimal() and not Path(given).exists()
    return number or "://" in given or given.startswith("/dev/video")


def _list_files(given):
    path, known = Path(given), IMAGE_SUFFIXES + VIDEO_SUFFIXES
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in known]
        lacks = f"holds no image or video ({', '.join(known)})"
    else:
        found = [path] if path.exists() else map(Path, glob.glob(given, recursive=True))
        lacks = "no such image, video, folder or camera"
    files = sorted(p for p in found if p.is_file())
    if not files:
        raise EgolibError(f"{shown(given, 300)}: {lacks}")
    return files


def _short_names(paths):
    """{path: its file name, or its path below the common folder where several files share a name}."""
    shared = Counter(path.name for path in paths)
    root = os.path.commonpath([path.resolve().parent for path in paths]) if paths else ""
    return {
        path: path.name if shared[path.name] == 1 else path.resolve().relative_to(root).as_posix()
        for path in paths
    }


def stems_of(names):
    """{name of an image in poses.csv: the name, without suffix, of files about it}."""
    names = list(names)
    stems = [re.sub(r"\.\w+$", "", name).replace("#", "-") for name in names]
    # Some file systems do not tell capitals apart. A stem that is also somebody's name is not used,
    # because images that share a stem are called by their names.
    taken = Counter(stem.casefold() for stem in stems) + Counter({n.casefold() for n in names})
    return {
        name: stem if name == stem or taken[stem.casefold()] == 1 else name
        for name, stem in zip(names, stems, strict=True)
    }


def _stills(names):
    stems = stems_of(names.values())

    def read(done=(), every=1):
        for path, name in islice(names.items(), None, None, every):
            if name in done:
                continue
            if not is_plain(name):
                yield Unread(shown(name), _ODD_NAME)
                continue
            try:
                yield InputImage(name, stems[name], math.nan, read_still(path))
            except EgolibError as error:
                yield Unread(name, str(error).removeprefix(f"{path}: "))

    return Source("images", len(names), None, False, read)


def _frames(device, name, live=False):
    """Source of a video file, or of a camera (live: a number, /dev/videoN or URL)."""
    lacks = "no such camera, or it gives no images" if live else _NO_INPUT
    if not live and not is_plain(name):
        return _unreadable(shown(name), _ODD_NAME)
    try:
        capture = open_capture(int(device) if live and device.isdecimal() else device, lacks)
    except EgolibError as error:
        if live:
            raise
        return _unreadable(name, str(error).removeprefix(f"{device}: "))

    def read(done=(), every=1):
        # A camera always starts at 0: its numbers continue after those of an earlier run.
        before = [int(known.rpartition("#")[2]) for known in done if known.startswith(f"{name}#")]
        first, started = (max(before, default=-1) + 1 if live else 0), time.monotonic()

        def wanted(number):
            return number % every == 0 and f"{name}#{first + number:06d}" not in done

        number, time_s = capture.frames - 1, math.inf
        for number, time_s, rgb in capture.read(wanted):
            time_s = time.monotonic() - started if live else time_s
            suffix = f"{first + number:06d}"
            yield InputImage(f"{name}#{suffix}", f"{name}-{suffix}", time_s, rgb)
        # Where a container holds no count, FFmpeg makes one up from the duration and a rate: then it is
        # wrong for frames at uneven times, but the duration is right.
        missing = capture.frames - 1 - number
        missing_by_time = (capture.frames - 1) - time_s * capture.fps
        if min(missing, missing_by_time) > _MISCOUNTED_FRAMES + every and not live:
            yield Unread(name, f"cut short: {missing} of {capture.frames} frames are missing")

    total = None if live else capture.frames or None
    return Source(device if live else name, total, capture.fps, live, read)


def _unreadable(name, reason):
    """Source of a video file that gives no frame: it is counted as skipped, like such a still."""
    return Source(name, 1, None, False, lambda done=(), every=1: iter([Unread(name, reason)]))


def batches(images, size, most_bytes=2**28):
    """Group InputImage and Unread, in order, into lists of at most `size`; one of huge images ends with
    the image that exceeds most_bytes."""
    batch = []
    for item in images:
        batch.append(item)
        filled = sum(image.rgb.nbytes for image in batch if isinstance(image, InputImage))
        if len(batch) == size or filled > most_bytes:
            yield batch
            batch = []
    if batch:
        yield batch


def read_ahead(items, live=False):
    """Run an iterator in a thread of its own, one item ahead of the consumer.

    live: an item that has not been taken yet is replaced by the next, so that the consumer gets the
    newest; raises StalledError when none comes for PATIENCE_S. Exceptions of `items` are raised here.
    """
    ready, stop = queue.Queue(maxsize=1), threading.Event()

    def put(item, end=None):
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                return ready.put((item, end), timeout=0.1)

    def work():
        try:
            for item in items:
                if live:
                    with contextlib.suppress(queue.Empty):
                        ready.get_nowait()
                put(item)
                if stop.is_set():
                    return
            put(None, StopIteration())
        except BaseException as error:  # of any kind: the consumer has to know
            put(None, error)

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            item, end = ready.get(timeout=PATIENCE_S if live else None)
            if isinstance(end, StopIteration):
                return
            if end:
                raise end
            yield item
    except queue.Empty:
        raise StalledError(f"the camera stalled: no frame for {PATIENCE_S} s") from None
    finally:
        stop.set()
