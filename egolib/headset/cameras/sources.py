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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from egolib.data.images import read_still
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.captures import PATIENCE_S, open_capture

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
_MISCOUNTED_FRAMES = 2  # a whole video's header may be wrong by so many


class StalledError(EgolibError):
    """A camera gave no frame for PATIENCE_S."""


@dataclass(frozen=True)
class InputImage:
    """One image as given: uint8 RGB (H, W, 3). name: what poses.csv calls it. stem: what files
    about it are called, without their suffix. time_s: since the first frame of its video or
    camera; NaN for a still."""

    name: str
    stem: str
    time_s: float
    rgb: np.ndarray


@dataclass(frozen=True)
class Unread:
    """What could not be read, and why, in one line."""

    name: str
    reason: str


@dataclass(frozen=True)
class Source:
    """Stills, one video, or one camera.

    total: images in all; None where nobody knows. fps: frames a second; None for stills. live: a
    camera, which does not wait for who is slow. read(done, every): an iterator of InputImage and
    Unread, of each `every`-th image, that leaves out those whose names are in `done`.
    """

    name: str
    total: int | None
    fps: float | None
    live: bool
    read: Callable[..., Iterator[InputImage | Unread]]


def open_sources(inputs):
    """What a user names -> [Source]: all stills as one, each video, the camera.

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
    sources += [_video(path, name) for path, name in names.items() if path not in stills]
    return sources + [_camera(given) for given in cameras]


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
        raise EgolibError(f"{path}: {lacks}")
    return files


def _short_names(paths):
    """{path: its file name; below their common folder, where several files share the name}."""
    shared = Counter(path.name for path in paths)
    root = os.path.commonpath([path.resolve().parent for path in paths]) if paths else ""
    return {
        path: path.name if shared[path.name] == 1 else path.resolve().relative_to(root).as_posix()
        for path in paths
    }


def stems_of(names):
    """{name of an image, as poses.csv calls it: what files about it are called, without suffix}."""
    stems = {name: re.sub(r"\.\w+$", "", name).replace("#", "-") for name in names}
    shared = Counter(stems.values())
    return {name: stem if shared[stem] == 1 else name for name, stem in stems.items()}


def _stills(names):
    stems = stems_of(names.values())

    def read(done=(), every=1):
        for path, name in islice(names.items(), None, None, every):
            if name in done:
                continue
            try:
                yield InputImage(name, stems[name], math.nan, read_still(path))
            except EgolibError as error:
                yield Unread(name, str(error).removeprefix(f"{path}: "))

    return Source("images", len(names), None, False, read)


def _video(path, name):
    capture = open_capture(str(path), "neither an image nor a video with frames")

    def read(done=(), every=1):
        number = capture.frames - 1

        def wanted(number):
            return number % every == 0 and f"{name}#{number:06d}" not in done

        for number, time_s, rgb in capture.read(wanted):
            yield InputImage(f"{name}#{number:06d}", f"{name}-{number:06d}", time_s, rgb)
        if (missing := capture.frames - 1 - number) > _MISCOUNTED_FRAMES + every:
            yield Unread(name, f"cut short: {missing} of {capture.frames} frames are missing")

    return Source(name, capture.frames or None, capture.fps, False, read)


def _camera(device):
    known_as = int(device) if device.isdecimal() else device
    capture = open_capture(known_as, "no such camera, or it gives no images")

    def read(done=(), every=1):
        # A camera starts anew: its numbers go on where those of the last time ended.
        before = [int(name.removeprefix("camera#")) for name in done if name.startswith("camera#")]
        first, started = max(before, default=-1) + 1, time.monotonic()
        for number, _, rgb in capture.read(lambda n: n % every == 0):
            number += first
            time_s = time.monotonic() - started
            yield InputImage(f"camera#{number:06d}", f"camera-{number:06d}", time_s, rgb)

    return Source(device, None, capture.fps, True, read)


def batches(images, size, most_bytes=2**28):
    """InputImage and Unread, in order -> lists of at most `size`, fewer where images are huge: one ends
    with the image that exceeds most_bytes."""
    batch = []
    for image in images:
        batch.append(image)
        filled = sum(each.rgb.nbytes for each in batch if isinstance(each, InputImage))
        if len(batch) == size or filled > most_bytes:
            yield batch
            batch = []
    if batch:
        yield batch


def read_ahead(items, live=False):
    """Run an iterator in a thread of its own, one item ahead of who consumes this one.

    live: an item that nobody has taken yet gives way to the next, so that what comes is fresh;
    raises StalledError when none comes for PATIENCE_S. What `items` raises is raised here.
    """
    ready, stop = queue.Queue(maxsize=1), threading.Event()

    def put(entry):
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                return ready.put(entry, timeout=0.1)

    def work():
        end = None
        try:
            for item in items:
                if live:
                    with contextlib.suppress(queue.Empty):
                        ready.get_nowait()
                put((item, False))
                if stop.is_set():
                    return
        except BaseException as error:  # whatever it is, it is the consumer's
            end = error
        put((end, True))

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            item, ended = ready.get(timeout=PATIENCE_S if live else None)
            if ended and item:
                raise item
            if ended:
                return
            yield item
    except queue.Empty:
        raise StalledError(f"the camera stalled: no frame for {PATIENCE_S} s") from None
    finally:
        stop.set()
