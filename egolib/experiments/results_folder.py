"""The marker of a results folder: it names the run or the sweep that the folder belongs to, so that
results of different runs never mix."""

import json
from pathlib import Path

from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically
from egolib.foundation.untrusted import load_json

MARKER = "study.json"
_LAYOUT = 2  # changes with the names of the files in a results folder
_TRAINED = ("checkpoints", "heatmaps", "runs")  # folders, of a run or a sweep, that took long


def _owner_of(folder):
    """The content of the marker of a results folder, {} without a marker. Raises EgolibError for a
    marker that cannot be read."""
    marker = folder / MARKER
    if not marker.is_file():
        return {}
    return load_json(marker, remedy="delete it if what lies beside it is yours")


def is_owned_by(folder: Path, owner: dict) -> bool:
    """Whether a results folder is marked as that of `owner`. Raises EgolibError for a marker that
    cannot be read."""
    return _owner_of(folder) == {**owner, "layout": _LAYOUT}


def reserve(folder: Path, owner: dict) -> None:
    """Mark a results folder as that of `owner`, {key: value}. Raises EgolibError where another owner
    has trained something there."""
    if is_owned_by(folder, owner):
        return
    other = _owner_of(folder)
    if other and any((folder / name).is_dir() for name in _TRAINED):
        whose = f"another run ({', '.join(f'{k} {v}' for k, v in other.items() if k != 'layout')})"
        if other.get("layout") != _LAYOUT:
            whose = "an earlier version of egolib, whose stages have other names"
        raise EgolibError(
            f"{folder}: holds results of {whose}; "
            "choose another folder with --results, or delete this one"
        )
    write_atomically(folder / MARKER, json.dumps({**owner, "layout": _LAYOUT}, indent=1))
