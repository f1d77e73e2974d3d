"""Writing files so that a half-written one is never taken for a whole one."""

import contextlib
import errno
import functools
import os
import re
import shutil
import socket
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from egolib.foundation.errors import EgolibError, NoSpaceError
from egolib.foundation.provenance import without_effect

_PARTIAL = ".partial-"
_FULL_BYTES = 1 << 20  # free on a disk that counts as full


@without_effect
@contextlib.contextmanager
def no_space_is_one_line(path: Path | str) -> Iterator[None]:
    """Turn "no space left" while writing `path` into a NoSpaceError that names it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        # Libraries also write to the folder for temporary files, which may be on another disk.
        temporary = tempfile.gettempdir()
        full = shutil.disk_usage(temporary).free < _FULL_BYTES and error.filename is None
        place = f"{temporary} (set TMPDIR to another folder)" if full else path
        raise NoSpaceError(
            f"{place}: no space left on this disk; free some and run again"
        ) from error


@without_effect
@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent.absolute())
    writer = f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
    partial = path.with_name(f".{path.name}{_PARTIAL}{writer}")
    with no_space_is_one_line(path):
        try:
            yield partial
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


@without_effect
@functools.cache
def _remove_leftovers(folder):
    """Remove what killed processes of this machine left of `atomic_path` in a folder. Once for each
    folder: listing one with many files takes time."""
    ending = re.escape(f"{_PARTIAL}{socket.gethostname()}")
    name = re.compile(rf"\..*{ending}-(\d+)-\d+")
    for entry in os.scandir(folder):
        if (match := name.fullmatch(entry.name)) and not _is_running(int(match[1])):
            with contextlib.suppress(OSError):
                os.unlink(entry)


def _is_running(process):
    try:
        os.kill(process, 0)
    except PermissionError:  # of another user
        return True
    except (OSError, OverflowError):
        return False
    return True


@without_effect
@contextlib.contextmanager
def only_run(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, and remove it at the end; a killed run holds it no longer.

    Raises EgolibError when another run, of any machine that sees the file, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            try:
                yield
            finally:
                path.unlink()
    except Timeout as error:
        raise EgolibError(f"{path}: another run is at work here; wait until it ends") from error


@without_effect
def write_atomically(path: Path | str, content: bytes | str) -> None:
    """Write `content` (bytes or str) to `path`, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def save_arrays(path: Path, state: str, arrays: dict[str, Any]) -> None:
    """Write `arrays` (a dict of arrays, numbers and text) to the npz file `path`, for `load_arrays`
    to return as long as the same `state` is given."""
    with atomic_path(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, state=state, **arrays)


def load_arrays(path: Path, state: str) -> dict[str, Any] | None:
    """The dict that `save_arrays` wrote to `path` for this `state`, numbers and text as Python
    values; None when the file is missing, damaged or of another state."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {k: v.item() if v.ndim == 0 else v for k, v in stored.items()}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return arrays if arrays.pop("state", None) == state else None
