"""Whose results a folder holds, as a marker in it says: what is there is never mixed with another's."""

import json

from egolib.errors import EgolibError
from egolib.files import write_atomically


def owner_of(marker):
    """What a marker says, {key: value}; None without one. Raises EgolibError for one that cannot be
    read."""
    if not marker.is_file():
        return None
    try:
        return dict(json.loads(marker.read_text()))
    except (ValueError, TypeError) as error:
        raise EgolibError(
            f"{marker}: not readable ({error}); delete it if what lies beside it is yours"
        ) from error


def claim(marker, owner, taken):
    """Write `owner`, {key: value}, to a marker. Raises EgolibError where it names another and `taken`:
    results of that one are there."""
    found = owner_of(marker) or owner
    if found != owner and taken:
        told = ", ".join(f"{key} {value}" for key, value in found.items())
        raise EgolibError(
            f"{marker.parent}: holds results of another run ({told}); "
            "choose another folder with --results, or delete this one"
        )
    write_atomically(marker, json.dumps(owner, indent=1))
