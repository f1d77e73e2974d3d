"""The list of frames that an audit excludes, and where it lies.

`excluded.csv` has the columns folder (relative to the tree, such as
`TrainSet/female_003_a_a/env_001/cam_down`), number and reason: one row a frame and reason.
"""

import hashlib
import io
import os
from pathlib import Path

import pandas as pd

from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import MOST_BYTES, read_bytes

AUDIT_FOLDER, EXCLUDED_FILE = "audit", "excluded.csv"
EXCLUDED_COLUMNS = ("folder", "number", "reason")


def place_beside(tree: Path, folder: str) -> Path:
    """Where a folder that belongs to `tree` is written: in the tree, or, when the tree cannot be
    written, below the user's cache folder."""
    beside = tree / folder
    if os.access(beside if beside.exists() else tree, os.W_OK):
        return beside
    key = hashlib.sha256(str(tree.resolve()).encode()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "egolib" / key / folder


def excluded_path(tree: Path) -> Path:
    """The list that training on `tree` reads: the one in the user's cache, or else in the tree."""
    path = place_beside(tree, AUDIT_FOLDER) / EXCLUDED_FILE
    return path if path.is_file() else tree / AUDIT_FOLDER / EXCLUDED_FILE


def read_excluded(tree: Path) -> dict[str, set[int]]:
    """{folder: set of frame numbers} to leave out of `tree`; empty without a list.

    Raises EgolibError that names a list which cannot be read.
    """
    path = excluded_path(tree)
    if not path.is_file():
        return {}
    content = io.BytesIO(read_bytes(path, 4 * MOST_BYTES))
    types = {"folder": str, "number": "int64"}
    try:
        rows = pd.read_csv(content, usecols=list(types), dtype=types)
    except (ValueError, OverflowError) as error:
        raise EgolibError(
            f"{path}: not a list with the columns {', '.join(EXCLUDED_COLUMNS)} ({error}); "
            "audit the tree again, or delete the list to train on everything"
        ) from error
    return {folder: set(numbers) for folder, numbers in rows.groupby("folder").number}
