"""The one way in for files, values and names that egolib did not write itself.

Labels, calibrations, packs, checkpoints, profiles and lists come from other people and from disks that
fail. What is read here is bounded in size, comes from regular files only, and holds what its reader
expects; everything else ends in one error that names the file.
"""

import errno
import json
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from egolib.foundation.errors import EgolibError
from egolib.foundation.provenance import without_effect

MOST_BYTES = 64 << 20  # of a text file or an image file
_BINARY = getattr(os, "O_BINARY", 0)  # of Windows
_LFS_POINTER = b"version https://git-lfs"
_IS_LFS_POINTER = (
    "a pointer of Git LFS, not the file itself; run `git lfs pull` where it comes from"
)
_MOST_DIGITS = 300  # of a whole number in JSON; more do not fit a float
# Names that already mean something below `results/`, or that Windows reserves for devices.
_RESERVED_NAMES = {"published", "con", "prn", "aux", "nul"}
_FILE_NAME = re.compile(r"\w(?:[\w.=-]{0,98}\w)?")


@without_effect
def read_bytes(path: Path | str, most_bytes: int = MOST_BYTES) -> bytes:
    """Read a file whole. Raises EgolibError for a file that cannot be read, is larger than `most_bytes`,
    or is not a regular file; a pipe or a device could be read without end."""
    try:
        # A pipe without a writer would block the call without this flag, which Windows does not have.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
        with open(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(status.st_mode):
                raise EgolibError(f"{path}: a pipe or a device, not a file; remove it")
            if status.st_size > most_bytes:
                sizes = f"{status.st_size:,} bytes, and at most {most_bytes:,} are read"
                raise EgolibError(f"{path}: {sizes}; it is probably another file")
            content = stream.read(most_bytes)
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: no such file") from error
    except OSError as error:
        raise EgolibError(f"{path}: cannot be read ({error.strerror}); restore the file") from error
    if content.startswith(_LFS_POINTER):
        raise EgolibError(f"{path}: {_IS_LFS_POINTER}")
    return content


@without_effect
def check_file(path: Path) -> None:
    """Check a file that another library is about to open, such as a checkpoint. Raises EgolibError for
    a file that cannot be read, a pipe or a device, and a pointer of Git LFS."""
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)
        beginning = b""
        if is_file:
            with open(path, "rb") as stream:
                beginning = stream.read(len(_LFS_POINTER))
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: no such file") from error
    except OSError as error:
        raise EgolibError(f"{path}: cannot be read ({error.strerror})") from error
    if not is_file:
        raise EgolibError(f"{path}: not a file")
    if beginning == _LFS_POINTER:
        raise EgolibError(f"{path}: {_IS_LFS_POINTER}")


def parse_json(content: bytes | str) -> Any:
    """JSON -> its content. Raises ValueError, with the reason, for what is not JSON, and also for a key
    that occurs twice in one object, for numbers beyond a float, for deep nesting, and for text that
    is not valid Unicode; Python's own parser accepts these or fails on them with other errors."""
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    try:
        parsed = json.loads(text, object_pairs_hook=_unique, parse_int=_whole_number)
    except RecursionError as error:
        raise ValueError("lists or objects are nested too deeply") from error
    if "\\ud" in text or "\\uD" in text:
        json.dumps(parsed, ensure_ascii=False).encode()  # a UnicodeEncodeError is a ValueError
    return parsed


def _unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} occurs twice")
    return found


def _whole_number(digits):
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


@without_effect
def load_json(path: Path, check: Callable[[Any], Any] = dict, remedy: str = "restore it") -> Any:
    """A JSON file -> check(its content). Raises EgolibError with the remedy where it cannot be read, is not
    an object in JSON, or makes `check` raise ValueError, TypeError or KeyError."""
    content = read_bytes(path)
    try:
        return check(_object(parse_json(content)))
    except (ValueError, TypeError, KeyError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else error
        raise EgolibError(f"{path}: not readable ({reason}); {remedy}") from error


def _object(content):
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content


@without_effect
def load_state(path: Path, check: Callable[[Any], Any] = dict) -> Any:
    """A JSON file that egolib wrote itself -> check(its content); check({}) when there is none.

    The file only saves work, so a damaged one must not stop every later run: it is renamed to
    `<name>.damaged`, and one line says so. `check` raises ValueError, TypeError or KeyError for
    content that it does not expect.
    """
    if not path.is_file():
        return check({})
    try:
        return load_json(path, check)
    except EgolibError as error:
        set_aside(path, str(error))
        return check({})


@without_effect
def set_aside(path: Path, reason: str) -> None:
    """Rename a damaged file of egolib's own to `<name>.damaged` and say so in one line."""
    damaged = path.with_name(f"{path.name}.damaged")
    os.replace(path, damaged)
    print(f"{path}: damaged ({reason}); it is now {damaged.name}", file=sys.stderr, flush=True)


def numbers(value: Any) -> np.ndarray:
    """A number or nested lists of numbers, as parsed from JSON, YAML or TOML -> float64 array.

    Raises ValueError for lists of unequal lengths and for anything but numbers; numpy alone would
    also accept the text "12" and the truth value true.
    """
    array = np.array(value, object)
    kinds = {type(each) for each in array.ravel().tolist()}
    if not kinds <= {int, float}:
        wrong = min(kind.__name__ for kind in kinds - {int, float})
        raise ValueError(f"holds a {wrong} where a number belongs, or lists of unequal lengths")
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        raise ValueError("holds a number beyond a float") from error


@without_effect
def number_between(value: Any, low: float, high: float, whole: bool = False) -> Any:
    """`value` if it is a number from `low` to `high`, both included. Raises ValueError otherwise, and
    with `whole` also for a float; truth values and text are never numbers."""
    kinds = (int,) if whole else (int, float)
    if type(value) not in kinds or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{shown(repr(value))} is not {kind} from {low:,} to {high:,}")
    return value


@without_effect
def file_name(name: str, source: object) -> str:
    """`name` if it can be the name of one file or folder on every system, and nothing else: letters,
    digits, `_`, `.`, `=` and `-` without a dot at either end. Raises EgolibError, which begins with
    `source`, otherwise. Every name from outside that becomes part of a path passes through here."""
    if not _FILE_NAME.fullmatch(name) or name.lower() in _RESERVED_NAMES:
        raise EgolibError(
            f"{source}: the name {shown(name)!r} cannot be used for a folder; use letters, digits, "
            "'_' and '-' (and not the name 'published')"
        )
    return name


@without_effect
def is_plain(name: str) -> bool:
    """Whether `name` fits one cell of a table and one line of a message: valid Unicode without control
    characters such as a line end."""
    return name.isprintable()


@without_effect
def shown(name: str, most: int = 80) -> str:
    """`name` as a message can print it on every terminal: characters that cannot be printed as escape
    sequences, and its middle left out when it is long."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 :]}"
