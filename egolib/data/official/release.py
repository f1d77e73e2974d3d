"""The content of release v1.0 of the official data set: 34 characters in 216 parts of archives.

Source: the download script of the xR-EgoPose repository (names, sets, last parts) and its README
(about 1 TB unpacked). The sizes of the parts are not published; GitHub admits no file of 2 GiB.
"""

import re
import string
from pathlib import Path

from egolib.config import read_toml
from egolib.foundation.errors import EgolibError
from egolib.skeleton import SPLIT_FOLDERS, SPLITS

URL = "https://github.com/facebookresearch/xR-EgoPose/releases/download/v1.0/"
UNPACKED_BYTES = 10**12
MAX_PART_BYTES = 2 * 1024**3

# {character: last letter of its archive's parts}. The archive of a character, `<character>.tar.gz`,
# is cut into `.partaa`, `.partab` and so on.
LAST_PARTS = read_toml(Path(__file__).with_name("last_parts.toml"))
_ARCHIVE = re.compile(r"(\w+)\.tar\.gz(?:\.parta[a-z])?")


def set_folder(character: str) -> str:
    """The official set of a character: "TrainSet", "ValSet" or "TestSet"."""
    return next(folder for folder, names in SPLITS.items() if character in names)


def part_names(character: str, last: str | None = None) -> list[str]:
    """File names of a character's parts in order, up to its last letter in the release, or to
    `last` where that comes later."""
    letters = string.ascii_lowercase
    end = letters.index(max(LAST_PARTS[character], last or "a"))
    return [f"{character}.tar.gz.parta{letter}" for letter in letters[: end + 1]]


def character_of(file_name: str) -> str | None:
    """The character to whose archive a file of this name belongs; None for any other file."""
    match = _ARCHIVE.fullmatch(file_name)
    return match[1] if match and match[1] in LAST_PARTS else None


def choose_characters(characters=None, splits=None):
    """The characters of the release among `characters` that are in one of `splits` ("train",
    "val", "test"), in the official order; None stands for all.

    Raises EgolibError for a name that is unknown, and when nothing is left.
    """
    choices = (characters, LAST_PARTS, "character of release v1.0"), (splits, SPLIT_FOLDERS, "set")
    for given, known, what in choices:
        if unknown := [name for name in given or () if name not in known]:
            raise EgolibError(f"{unknown[0]!r} is not a {what}; known: {', '.join(known)}")
    folders = [SPLIT_FOLDERS[split] for split in splits or SPLIT_FOLDERS]
    wanted = LAST_PARTS if characters is None else characters
    chosen = [name for name in LAST_PARTS if name in wanted and set_folder(name) in folders]
    if not chosen:
        raise EgolibError(f"none of {', '.join(wanted)} is in {', '.join(folders)}")
    return chosen
