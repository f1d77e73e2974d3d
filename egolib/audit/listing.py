"""The files of a character by channel and frame number, and what a listing alone tells."""

import hashlib
import os
import re
import statistics
from itertools import pairwise

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


def digest(*content):
    """Digest of what repr shows, to see whether anything changed."""
    return hashlib.sha256(repr(content).encode()).hexdigest()


def paired(channels):
    """The set of numbers with exactly one image and one label file."""
    single = ({n for n, same in channels[c].items() if len(same) == 1} for c in ("rgba", "json"))
    return set.intersection(*single)


def _all_numbers(channels):
    """Numbers of all files in order; `rot` may be a link to the files of another environment."""
    return sorted(set().union(*(channels[c] for c in CHANNELS if c != "rot")))


def place_findings(character, folders):
    """What the character's own name and place tell."""
    set_name, name = character.split("/")
    official = next((key for key, names in SPLITS.items() if name in names), None)
    if not folders:
        yield Finding(character, None, "", "no_frames", "no env*/cam_down in it")
    if official is None:
        yield Finding(character, None, "", "unknown_character", name)
    elif official != set_name:
        for folder, channels in folders.items():
            for number in channels["rgba"].keys() & channels["json"].keys():
                detail = f"{name} belongs to {official}"
                yield Finding(folder, number, "", "wrong_set", detail)


def file_findings(tree, folder, channels, width):
    """What the names of the files in one cam_down tell. width: digits of most of the character's
    numbers (`usual_width`)."""
    for channel, files in channels.items():
        place = tree / folder / channel
        if place.is_symlink() and not place.exists():
            yield Finding(folder, None, channel, "rot_dangling", f"points to {os.readlink(place)}")
        elif not files:
            what = "holds no numbered file" if place.is_dir() else "is missing"
            yield Finding(folder, None, channel, "channel_absent", what)
        elif not place.is_symlink():  # a link shows another environment's frames
            kind = {"rgba": "no_image", "json": "no_labels"}.get(channel, "no_companion")
            for number in _all_numbers(channels):
                if number not in files:
                    yield Finding(folder, number, channel, kind, "")
        for number, same in files.items():
            if len(same) > 1:
                names = ", ".join(name for name, *_ in same)
                yield Finding(folder, number, channel, "second_file", names)
        odd = [
            n for n, same in files.items() if any(_digits(f[0]) != f"{n:0{width}d}" for f in same)
        ]
        if odd:
            detail = f"{len(odd)} of {len(files)} not padded to {width} digits, from {odd[0]} on"
            yield Finding(folder, None, channel, "mixed_padding", detail)


def sequence_starts(folder):
    """Numbers at which the miniature says that a sequence begins; none where nothing says so."""
    return {int(_digits(path.name)) for path in (folder / "meta").glob("*.meta.*.json")}


def hole_findings(folder, channels, clips, starts):
    """Numbers that are missing between two frames of one clip, but before those in `starts`: there
    another performance of it begins. clips: {number: clip}."""
    clip = None
    for before, after in pairwise(_all_numbers(channels)):
        clip = clips.get(before, clip)
        missing = after - before - 1
        if missing and after not in starts and clip is not None and clips.get(after, clip) == clip:
            detail = f"{missing} frames of {clip}, {before + 1} to {after - 1}"
            yield Finding(folder, before + 1, "", "hole", detail)


def usual_width(folders):
    """Digits of most frame numbers of a character."""
    listed = [channels[c] for channels in folders.values() for c in ("rgba", "json")]
    names = [name for files in listed for same in files.values() for name, *_ in same]
    return statistics.mode(len(_digits(name)) for name in names) if names else 0


def _digits(name):
    return re.search(r"(\d+)\.\w+$", name)[1]
