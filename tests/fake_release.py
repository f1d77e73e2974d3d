"""A fake release v1.0 made from a tree: real tar.gz archives in parts with the official names.

`write_release(tree, out)` packs every character of a tree; the functions below it plant a defect in
what was written. Run as a script: `python tests/fake_release.py TREE OUT`.
"""

import gzip
import io
import math
import os
import sys
import tarfile
from pathlib import Path

from egolib.data.official.release import part_names
from egolib.skeleton import SPLITS


def write_release(tree, out, top="{character}", rot_links=True):
    """Pack each character of `tree`; returns {character: its parts in order}.

    top: where the archive puts the character's content, such as "{character}", "" or
    "{set}/{character}". rot_links: where the tree has no `rot`, env_001 gets one, and the other
    environments a link to it.
    """
    return {
        folder.name: write_character(folder, out, top, rot_links)
        for name in SPLITS
        for folder in sorted((Path(tree) / name).glob("*"))
    }


def write_character(folder, out, top="{character}", rot_links=True, extra=()):
    """Pack one character's folder; returns its parts in order.

    extra: TarInfo members, or (TarInfo, bytes), to be added at the end as they are.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        prefix = top.format(character=folder.name, set=folder.parent.name)
        archive.add(folder, prefix or ".")
        for number, env in enumerate(sorted(folder.glob("env*")) if rot_links else ()):
            if os.path.lexists(env / "cam_down" / "rot"):
                continue
            for member, content in _rot(f"{prefix or '.'}/{env.name}/cam_down/rot", number):
                archive.addfile(member, io.BytesIO(content))
        for item in extra:
            member, content = item if isinstance(item, tuple) else (item, b"")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return write_parts(gzip.compress(packed.getvalue(), 6, mtime=0), folder.name, Path(out))


def _rot(name, number):
    member = tarfile.TarInfo(name)
    if number:
        member.type, member.linkname = tarfile.SYMTYPE, "../../env_001/cam_down/rot"
        return [(member, b"")]
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    content = b"0 0 0\n"
    file = tarfile.TarInfo(f"{name}/000000.txt")
    file.size = len(content)
    return [(member, b""), (file, content)]


def write_parts(archive, character, out):
    """Cut the bytes of an archive into the parts that the release has of this character, all but
    the last of one size; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    names = part_names(character)
    size = math.ceil(len(archive) / len(names))
    paths = [out / name for name in names]
    for number, path in enumerate(paths):
        path.write_bytes(archive[number * size : (number + 1) * size])
    return paths


def truncate(part, count=100):
    """Cut the last `count` bytes off a part."""
    part.write_bytes(part.read_bytes()[:-count])


def flip_bit(part, where=0.5):
    """Change one bit of a part, at a fraction of its length."""
    content = bytearray(part.read_bytes())
    content[int(where * len(content))] ^= 16
    part.write_bytes(content)


def link(name, target, kind=tarfile.SYMTYPE):
    """A member that is a link."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def device(name):
    """A member that is a device file."""
    member = tarfile.TarInfo(name)
    member.type = tarfile.CHRTYPE
    return member


if __name__ == "__main__":
    for character, parts in write_release(*sys.argv[1:]).items():
        print(character, len(parts), "parts")
