"""Where pictures come from: files, folders, globs, videos and live cameras, behind one interface.

Everything is read lazily: memory does not grow with the number of pictures.
"""

import contextlib
import glob
import math
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from egolib.cameras.captures import PATIENCE_S, open_capture
from egolib.errors import EgolibError
from egolib.pictures import read_still

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
_BATCH_BYTES = 2**28
_MISCOUNTED_FRAMES = 2  # a whole video's header may be wrong by so many


class StalledError(EgolibError):
    """A camera gave no frame for PATIENCE_S."""


@dataclass(frozen=True)
class Picture:
    """One picture as given: uint8 RGB (H, W, 3). name: what poses.csv calls it. stem: what files
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

    total: pictures in all; None where nobody knows. fps: frames a second; None for stills. live: a
    camera, which does not wait for who is slow. read(done, every): an iterator of Picture and
    Unread, of each `every`-th picture, that leaves out those whose names are in `done`.
    """

    name: str
    total: int | None
    fps: float | None
    live: bool
    read: Callable[..., Iterator[Picture | Unread]]


def open_sources(inputs):
    """What a user names -> [Source]: all stills as one, each video, the camera.

    inputs: paths of pictures, videos and folders of them; globs; a camera by device number,
    /dev/videoN or URL. Raises EgolibError for what is not there, a folder without pictures, what
    is neither a picture nor a video with frames, and a second camera.
    """
    cameras = [str(given) for given in inputs if _is_camera(str(given))]
    if len(cameras) > 1:
        raise EgolibError(f"{cameras[1]}: one camera at a time")
    files = [p for given in inputs if str(given) not in cameras for p in _list_files(str(given))]
    names = _short_names(list(dict.fromkeys(files)))
    stills = {p: name for p, name in names.items() if p.suffix.lower() in PICTURE_SUFFIXES}
    sources = [_stills(stills)] if stills else []
    sources += [_video(path, name) for path, name in names.items() if path not in stills]
    return sources + [_camera(given) for given in cameras]


def _is_camera(given):
    number = given.isdecimal() and not Path(given).exists()
    return number or "://" in given or given.startswith("/dev/video")


def _list_files(given):
    path, known = Path(given), PICTURE_SUFFIXES + VIDEO_SUFFIXES
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [p for p in path.iterdir() if p.is_file() and p.suffix.lower() in known]
        lacks = f"holds no picture or video ({', '.join(known)})"
    else:
        found = [p for p in map(Path, glob.glob(given, recursive=True)) if p.is_file()]
        lacks = "no such picture, video, folder or camera"
    if not found:
        raise EgolibError(f"{path}: {lacks}")
    return sorted(found)


def _short_names(paths):
    """{path: its file name; below their common folder, where several files share the name}."""
    shared = Counter(path.name for path in paths)
    root = os.path.commonpath([path.resolve().parent for path in paths]) if paths else ""
    return {
        path: path.name if shared[path.name] == 1 else path.resolve().relative_to(root).as_posix()
        for path in paths
    }


def stems_of(names):
    """{name of a picture, as poses.csv calls it: what files about it are called, without suffix}."""
    stems = {
        name: name.replace("#", "-")
        if "#" in name
        else PurePosixPath(name).with_suffix("").as_posix()
        for name in names
    }
    shared = Counter(stems.values())
    return {name: stem if shared[stem] == 1 else name for name, stem in stems.items()}


def _stills(names):
    stems = stems_of(names.values())

    def read(done=(), every=1):
        for path, name in islice(names.items(), None, None, every):
            if name in done:
                continue
            try:
                yield Picture(name, stems[name], math.nan, read_still(path))
            except EgolibError as error:
                yield Unread(name, str(error).removeprefix(f"{path}: "))

    return Source("pictures", len(names), None, False, read)


def _video(path, name):
    try:
        capture = open_capture(str(path))
    except EgolibError as error:
        raise EgolibError(f"{path}: neither a picture nor a video with frames") from error

    def read(done=(), every=1):
        number = capture.frames - 1
        for number, time_s, rgb in capture.read(
            lambda n: n % every == 0 and f"{name}#{n:06d}" not in done
        ):
            yield Picture(f"{name}#{number:06d}", f"{name}-{number:06d}", time_s, rgb)
        if (missing := capture.frames - 1 - number) > _MISCOUNTED_FRAMES + every:
            yield Unread(name, f"cut short: {missing} of {capture.frames} frames are missing")

    return Source(name, capture.frames or None, capture.fps, False, read)


def _camera(device):
    try:
        capture = open_capture(int(device) if device.isdecimal() else device)
    except EgolibError as error:
        raise EgolibError(f"{device}: no such camera, or it gives no pictures") from error

    def read(done=(), every=1):
        # A camera starts anew: its numbers go on where those of the last time ended.
        before = [int(name.removeprefix("camera#")) for name in done if name.startswith("camera#")]
        first, started = max(before, default=-1) + 1, time.monotonic()
        for number, _, rgb in capture.read(lambda n: n % every == 0):
            number += first
            time_s = time.monotonic() - started
            yield Picture(f"camera#{number:06d}", f"camera-{number:06d}", time_s, rgb)

    return Source(device, None, capture.fps, True, read)


def batches(pictures, size):
    """Picture and Unread, in order -> lists of at most `size`, fewer where pictures are huge."""
    batch, filled = [], 0
    for picture in pictures:
        batch.append(picture)
        filled += picture.rgb.nbytes if isinstance(picture, Picture) else 0
        if len(batch) == size or filled > _BATCH_BYTES:
            yield batch
            batch, filled = [], 0
    if batch:
        yield batch


def read_ahead(items, live=False):
    """Run an iterator in a thread of its own, one item ahead of who consumes this one.

    live: an item that nobody has taken yet gives way to the next, so that what comes is fresh;
    raises StalledError when none comes for PATIENCE_S. What `items` raises is raised here.
    """
    ready, stop = queue.Queue(maxsize=1), threading.Event()

    def put(kind, value=None):
        replaces = live and kind == "item"
        while not stop.is_set():
            try:
                return ready.put((kind, value), timeout=0 if replaces else 0.1)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    if replaces:
                        ready.get_nowait()

    def work():
        try:
            for item in items:
                put("item", item)
                if stop.is_set():
                    return
            put("end")
        except BaseException as error:  # whatever it is, it is the consumer's
            put("error", error)

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            kind, value = ready.get(timeout=PATIENCE_S if live else None)
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    except queue.Empty:
        raise StalledError(f"the camera stalled: no frame for {PATIENCE_S} s") from None
    finally:
        stop.set()
