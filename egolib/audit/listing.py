"""The files of a character by folder, channel and frame number, and what is wrong with them."""

import hashlib
import os
import re
import statistics
from itertools import pairwise
from pathlib import Path

from egolib.audit.defects import Finding
from egolib.data.index import numbered_files
from egolib.skeleton import SPLITS

# The ending of each channel's files, as a regular expression; that of most is not documented.
CHANNELS = {"rgba": "png", "json": "json"} | dict.fromkeys(
    ("depth", "objectId", "worldp", "rot"), r"\w+"
)
IMAGE_CHANNELS = ("rgba", "depth", "objectId", "worldp")


def list_character(tree, character):
    """`character` (such as "ValSet/male_008_a_a") -> {folder relative to the tree: {channel:
    {number: [(file name, bytes, time of change), ...]}}}, numbers in order."""
    return {
        folder.relative_to(tree).as_posix(): {
            channel: numbered_files(folder / channel, ending)
            for channel, ending in CHANNELS.items()
        }
        for folder in sorted((tree / character).glob("env*/cam_down"))
    }


def cache_path(folder: Path, character: str, suffix: str = "") -> Path:
    """The file below `folder` in which results for one character are stored."""
    return folder / f"{character.replace('/', '.')}{suffix}.npz"


def digest(*content):
    """Digest of the representation of `content`; it changes when the content does."""
    return hashlib.sha256(repr(content).encode()).hexdigest()


def paired(folders):
    """{(folder, number): name of its image} of frames with exactly one image and one label file."""
    return {
        (folder, number): images[0][0]
        for folder, channels in folders.items()
        for number, images in channels["rgba"].items()
        if len(images) == len(channels["json"].get(number, ())) == 1
    }


def _all_numbers(channels):
    """Numbers of all files in order; `rot` may be a link to the files of another environment."""
    return sorted(set().union(*(channels[c] for c in CHANNELS if c != "rot")))


def place_findings(character, folders):
    """Check a character's name and set against the official split."""
    set_name, name = character.split("/")
    official = next((key for key, names in SPLITS.items() if name in names), None)
    if not folders:
        yield Finding(character, None, "", "no_frames", "no env*/cam_down in it")
    if official is None:
        yield Finding(character, None, "", "unknown_character", name)
    elif official != set_name:
        for folder, channels in folders.items():
            for number in channels["rgba"].keys() & channels["json"].keys():
                yield Finding(folder, number, "", "wrong_set", f"{name} belongs to {official}")


def file_findings(tree, folders):
    """Check the names of the files: missing channels, missing frames, second files, padding."""
    main = [channels[c] for channels in folders.values() for c in ("rgba", "json")]
    names = [name for files in main for same in files.values() for name, *_ in same]
    width = statistics.mode([len(_digits(name)) for name in names] or [0])
    for folder, channels in folders.items():
        for channel, files in channels.items():
            place = tree / folder / channel
            if place.is_symlink() and not place.exists():
                target = os.readlink(place)
                yield Finding(folder, None, channel, "rot_dangling", f"points to {target}")
            elif not files:
                what = "holds no numbered file" if place.is_dir() else "is missing"
                yield Finding(folder, None, channel, "channel_absent", what)
            elif not place.is_symlink():  # a link shows another environment's frames
                defect = {"rgba": "no_image", "json": "no_labels"}.get(channel, "no_companion")
                for number in _all_numbers(channels):
                    if number not in files:
                        yield Finding(folder, number, channel, defect, "")
            odd = []
            for number, same in files.items():
                names = [name for name, *_ in same]
                if len(names) > 1:
                    yield Finding(folder, number, channel, "second_file", ", ".join(names))
                if any(_digits(name) != f"{number:0{width}d}" for name in names):
                    odd.append(number)
            if odd:
                what = f"{len(odd)} of {len(files)} not padded to {width} digits, from {odd[0]} on"
                yield Finding(folder, None, channel, "mixed_padding", what)


def hole_findings(tree, folders, clips):
    """Frame numbers that are missing between two frames of one clip. clips: {(folder, number):
    clip}. Where the miniature's `meta` says that a sequence begins, another performance of the
    same clip starts, and no number is missing before it."""
    for folder, channels in folders.items():
        starts = {
            int(_digits(path.name)) for path in (tree / folder / "meta").glob("*.meta.*.json")
        }
        clip = None
        for before, after in pairwise(_all_numbers(channels)):
            clip = clips.get((folder, before), clip)
            missing = after - before - 1
            goes_on = clip is not None and clips.get((folder, after), clip) == clip
            if missing and goes_on and after not in starts:
                detail = f"{missing} frames of {clip}, {before + 1} to {after - 1}"
                yield Finding(folder, before + 1, "", "hole", detail)


def _digits(name):
    return re.search(r"(\d+)\.\w+$", name)[1]
