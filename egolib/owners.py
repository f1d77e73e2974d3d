"""Whose results a folder holds, as a marker in it says: what is there is never mixed with another's,
whether of a run or of a sweep."""

import json

from egolib.errors import EgolibError
from egolib.files import write_atomically

MARKER = "study.json"
_TRAINED = ("checkpoints", "heatmaps", "runs")  # folders of a run, and of a sweep, that took long


def owner_of(folder):
    """What the marker of a results folder says, {key: value}; None without one. Raises EgolibError for
    one that cannot be read."""
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
    """Mark a results folder as that of `owner`, {key: value}. Raises EgolibError where it is another's
    and something was trained there."""
    if (found := owner_of(folder)) == owner:
        return
    if found and any((folder / name).is_dir() for name in _TRAINED):
        told = ", ".join(f"{key} {value}" for key, value in found.items())
        raise EgolibError(
            f"{folder}: holds results of another run ({told}); "
            "choose another folder with --results, or delete this one"
        )
    write_atomically(folder / MARKER, json.dumps(owner, indent=1))
