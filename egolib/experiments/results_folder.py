"""The marker of a results folder: it names the run or sweep that owns the folder, so that results of
different runs never mix."""

import json

from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically

MARKER = "study.json"
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


def claim(folder, owner):
    """Mark a results folder as that of `owner`, {key: value}. Raises EgolibError where it belongs to
    another owner and something was trained there."""
    if (found := owner_of(folder)) == owner:
        return
    if found and any((folder / name).is_dir() for name in _TRAINED):
        other = ", ".join(f"{key} {value}" for key, value in found.items())
        raise EgolibError(
            f"{folder}: holds results of another run ({other}); "
            "choose another folder with --results, or delete this one"
        )
    write_atomically(folder / MARKER, json.dumps(owner, indent=1))
