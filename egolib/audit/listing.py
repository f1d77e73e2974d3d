"""The files of a character by channel and frame number, and what a listing alone tells."""

import hashlib
import os
import re
from collections import Counter
from itertools import pairwise

from egolib.audit.defects import Finding
from egolib.skeleton import SPLITS

CHANNELS = ("rgba", "json", "depth", "objectId", "worldp", "rot")
PICTURE_CHANNELS = ("rgba", "depth", "objectId", "worldp")
_ENDINGS = {"rgba": "png", "json": "json"}  # the names of the other channels are not documented


def list_character(tree, character):
    """`character` (such as "ValSet/male_008_a_a") -> {folder relative to the tree: {channel:
    {number: [(file name, bytes, time of change), ...]}}}, numbers in order."""
    folders = sorted((tree / character).glob("env*/cam_down"))
    return {
        folder.relative_to(tree).as_posix(): {
            channel: _numbered(folder / channel, _ENDINGS.get(channel, r"\w+"))
            for channel in CHANNELS
        }
        for folder in folders
    }


def _numbered(folder, ending):
    found = {}
    pattern = re.compile(rf"(\d+)\.{ending}$")
    for entry in os.scandir(folder) if folder.is_dir() else ():
        match = pattern.search(entry.name)
        if match:
            status = entry.stat()
            found.setdefault(int(match[1]), []).append(
                (entry.name, status.st_size, status.st_mtime_ns)
            )
    return {number: sorted(files) for number, files in sorted(found.items())}


def digest(*content):
    """Digest of what repr shows, to see whether anything changed."""
    return hashlib.sha256(repr(content).encode()).hexdigest()


def paired(channels):
    """Numbers with exactly one picture and one label file, in order."""
    images, labels = channels["rgba"], channels["json"]
    return [n for n in labels if n in images and len(labels[n]) == len(images[n]) == 1]


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
    everything = set().union(*(channels[c] for c in CHANNELS if c != "rot"))
    for channel, files in channels.items():
        place = tree / folder / channel
        if place.is_symlink() and not place.exists():
            yield Finding(folder, None, channel, "rot_dangling", f"points to {os.readlink(place)}")
        elif not files:
            what = "holds no numbered file" if place.is_dir() else "is missing"
            yield Finding(folder, None, channel, "channel_absent", what)
        elif not place.is_symlink():  # a link shows another environment's frames
            kind = {"rgba": "no_picture", "json": "no_labels"}.get(channel, "no_companion")
            for number in sorted(everything - files.keys()):
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
    everything = sorted(set().union(*(channels[c] for c in CHANNELS if c != "rot")))
    clip = None
    for before, after in pairwise(everything):
        clip = clips.get(before, clip)
        missing = after - before - 1
        if not missing or after in starts:
            continue
        if clip is not None and clips.get(after, clip) == clip:
            detail = f"{missing} frames of {clip}, {before + 1} to {after - 1}"
            yield Finding(folder, before + 1, "", "hole", detail)


def usual_width(folders):
    """Digits of most frame numbers of a character."""
    widths = Counter(
        len(_digits(name))
        for channels in folders.values()
        for channel in ("rgba", "json")
        for files in channels[channel].values()
        for name, *_ in files
    )
    return widths.most_common(1)[0][0] if widths else 0


def _digits(name):
    return re.search(r"(\d+)\.\w+$", name)[1]
