"""The marker of a results folder: it names the run or sweep that owns the folder, so that results of
different runs never mix."""

import json

from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically

MARKER = "study.json"
_LAYOUT = 2  # of a results folder: how its files are called
_TRAINED = ("checkpoints", "heatmaps", "runs")  # folders of a run, and of a sweep, that took long


def owner_of(folder):
    """The content of the marker of a results folder, {key: value}; None without a marker. Raises
    EgolibError for a marker that cannot be read."""
    marker = folder / MARKER
    if not marker.is_file():
        return None
    try:
        return dict(json.loads(marker.read_text()))
    except (ValueError, TypeError) as error:
        raise EgolibError(
            f"{marker}: not readable ({error}); delete it if what lies beside it is yours"
        ) from error


def is_owned_by(folder, owner):
    """Whether a results folder is marked as that of `owner`. Raises as `owner_of`."""
    return owner_of(folder) == {**owner, "layout": _LAYOUT}


def reserve(folder, owner):
    """Mark a results folder as that of `owner`, {key: value}. Raises EgolibError where it belongs to
    another owner and something was trained there."""
    if is_owned_by(folder, owner):
        return
    found = owner_of(folder)
    if found and any((folder / name).is_dir() for name in _TRAINED):
        if found.get("layout") != _LAYOUT:
            raise EgolibError(
                f"{folder}: holds results of an earlier version of egolib, whose stages have other "
                "names; choose another folder with --results, or delete this one"
            )
        other = ", ".join(f"{key} {value}" for key, value in found.items() if key != "layout")
        raise EgolibError(
            f"{folder}: holds results of another run ({other}); "
            "choose another folder with --results, or delete this one"
        )
    write_atomically(folder / MARKER, json.dumps({**owner, "layout": _LAYOUT}, indent=1))
