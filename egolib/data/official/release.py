"""What release v1.0 of the official data set holds: 34 characters in 216 parts of archives.

Source: the download script of the xR-EgoPose repository (names, sets, last parts) and its README
(about 1 TB unpacked). How large a part is, is not published; GitHub admits no file of 2 GiB.
"""

import re
import string

from egolib.foundation.errors import EgolibError
from egolib.skeleton import SPLIT_FOLDERS, SPLITS

URL = "https://github.com/facebookresearch/xR-EgoPose/releases/download/v1.0/"
UNPACKED_BYTES = 10**12
MAX_PART_BYTES = 2 * 1024**3

# The archive of a character, `<character>.tar.gz`, is cut into `.partaa`, `.partab` and so on.
LAST_PARTS = {
    "female_001_a_a": "i", "female_002_a_a": "j", "female_002_f_s": "a", "female_003_a_a": "f",
    "female_005_a_a": "i", "female_006_a_a": "i", "female_007_a_a": "h", "female_009_a_a": "i",
    "female_011_a_a": "f", "female_014_a_a": "f", "female_015_a_a": "j",
    "male_003_f_s": "a", "male_004_a_a": "i", "male_005_a_a": "j", "male_006_f_s": "a",
    "male_007_a_a": "i", "male_008_f_s": "a", "male_009_a_a": "h", "male_010_f_s": "a",
    "male_011_f_s": "a", "male_014_a_a": "i",
    "male_008_a_a": "i",
    "female_004_a_a": "i", "female_008_a_a": "i", "female_010_a_a": "i", "female_012_a_a": "f",
    "female_012_f_s": "a", "male_001_a_a": "i", "male_002_a_a": "j", "male_004_f_s": "a",
    "male_006_a_a": "i", "male_007_f_s": "a", "male_010_a_a": "i", "male_014_f_s": "a",
}  # fmt: skip
_ARCHIVE = re.compile(r"(\w+)\.tar\.gz(?:\.parta[a-z])?")
_SETS = {name: folder for folder, names in SPLITS.items() for name in names}


def set_folder(character):
    """The official set of a character: "TrainSet", "ValSet" or "TestSet"."""
    return _SETS[character]


def part_names(character, last=None):
    """File names of a character's parts in order, up to its last letter in the release, or to
    `last` where that comes later."""
    letters = string.ascii_lowercase
    end = letters.index(max(LAST_PARTS[character], last or "a"))
    return [f"{character}.tar.gz.parta{letter}" for letter in letters[: end + 1]]


def character_of(file_name):
    """The character whose archive, or part of one, has this name; None for another file."""
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
    chosen = [name for name in LAST_PARTS if name in wanted and _SETS[name] in folders]
    if not chosen:
        raise EgolibError(f"none of {', '.join(wanted)} is in {', '.join(folders)}")
    return chosen
