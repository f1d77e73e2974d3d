"""Checks that the members and links of an archive stay inside their character's folder.

They use names alone, before anything is on disk, so they depend neither on the version of tarfile
nor on the files that an earlier member has written.
"""

import os
import shutil
from pathlib import PurePosixPath

from egolib.data.official.release import LAST_PARTS
from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import is_plain, shown
from egolib.skeleton import SPLITS

STAMP = ".parts.json"  # in a character's folder: the names and bytes of the parts it came from
_MOST_DEPTH = 16  # folders above a file; the data set has 5


def member_place(name, character):
    """Name of a member -> its place below the character's folder, PurePosixPath.

    The archive may hold the content of the character's folder, that folder, or that folder in a
    set's. Raises EgolibError for an absolute name, one with `..`, or another character's.
    """
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name:
        raise EgolibError(f"member {shown(name)!r} would land outside its folder")
    if not is_plain(name) or len(place.parts) > _MOST_DEPTH or "\0" in name:
        raise EgolibError(f"member {shown(name)!r} has a name that no file of the data set has")
    parts = place.parts[1:] if place.parts[:1] and place.parts[0] in SPLITS else place.parts
    if parts and parts[0] in LAST_PARTS:
        if parts[0] != character:
            raise EgolibError(f"member {name!r} belongs to another character")
        parts = parts[1:]
    if parts and parts[0].casefold() == STAMP:
        raise EgolibError(f"member {shown(name)!r} has the name of egolib's own record")
    return PurePosixPath(*parts)


def make_links(folder, symbolic, hard):
    """Make the links of an archive in `folder`, which holds its files and no link yet.

    symbolic: {place: text of the target}; hard: {place: place of the target}. Where the file
    system has no links of that kind, they become copies (a dangling one then becomes nothing).
    Raises EgolibError for a link that leaves the folder, goes through another link, points at a
    folder that it lies in, or takes the place of a file.
    """
    targets = {place: _resolve(place, text, symbolic) for place, text in symbolic.items()}
    for place, target in hard.items():
        if not (folder / target).is_file():
            raise EgolibError(f"link {str(place)!r} points at {str(target)!r}, which is no file")
        _make(os.link, folder / target, folder / place, folder / target)
    for place, text in symbolic.items():
        source = targets[place]
        for _ in targets:  # a link may point at a link
            source = targets.get(source, source)
        _make(os.symlink, text, folder / place, folder / source)


def _resolve(place, text, links):
    def refused(why):
        return EgolibError(f"link {str(place)!r} to {text!r} {why}")

    target = PurePosixPath(text)
    if target.is_absolute() or "\\" in text:
        raise refused("leaves its character's folder")
    reached = PurePosixPath()
    for part in (*place.parent.parts, *target.parts):
        if reached in links:
            raise refused(f"goes through the link {str(reached)!r}")
        if part != "..":
            reached /= part
        elif reached.parts:
            reached = reached.parent
        else:
            raise refused("leaves its character's folder")
    if place.is_relative_to(reached):
        raise refused("points at a folder that it lies in")
    return reached


def _make(link, target, path, source):
    """link(target, path), or else a copy of `source`."""
    if os.path.lexists(path):
        raise EgolibError(f"link {path.name!r} takes the place of another member")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        link(target, path)
    except OSError:
        if source.is_dir():
            shutil.copytree(source, path)
        elif source.is_file():
            shutil.copyfile(source, path)
