"""Packing a tree into shards of square crops (shards.py describes the folder), on one machine or many,
and verifying a packed folder.

The bytes written depend on the tree and the settings alone, never on the number of threads or
machines. A shard takes its name when it is whole, so a killed run goes on with the next one.
"""

import contextlib
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from egolib.data import shards
from egolib.data.exclusions import AUDIT_FOLDER, excluded_path
from egolib.data.images import read_crop, resize_square
from egolib.data.index import index_tree
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path, write_atomically
from egolib.foundation.jobs import run_parts
from egolib.foundation.processes import cores
from egolib.foundation.progress import progress_bar
from egolib.skeleton import SPLIT_FOLDERS

# The paper's network looks at 368 px; smaller squares are made from these while training.
DEFAULT_PX = 368
# 2,048 images of 368 px are 70 to 150 MB: few files for the whole data set (190), and little for
# a killed run to do again.
FRAMES_PER_SHARD = 2048


def pack_tree(tree, out, workers=None, part=(1, 1), **settings):
    """Pack what is missing of `tree` below `out` -> the names of the files still missing.

    workers: threads (default: the processors). part (i, n): only the i-th of n parts of the shards,
    i from 1 to n, for one of n machines that share `out`; whoever writes the last shard completes
    the folder. settings: those of `prepare_pack`.
    Raises EgolibError for a full disk and whatever prepare_pack and images.read_crop refuse.
    """
    out = Path(out)
    indices, pack = prepare_pack(tree, out, **settings)
    assigned = _all_shards(pack)[part[0] - 1 :: part[1]]
    missing = [shard for shard in assigned if not shards.shard_checksum(out / shard[0], shard[2])]
    total, left = (sum(frames for _, _, frames in some) for some in (assigned, missing))
    with (
        ThreadPoolExecutor(workers or cores()) as pool,  # OpenCV lets other threads run
        progress_bar(total=total, initial=total - left, desc="Packing", unit="frame") as bar,
    ):
        for name, first, frames in missing:
            encode = partial(_encode, indices[name.split("/")[0]], pack)
            with contextlib.closing(pool.map(encode, range(first, first + frames))) as images:
                _write_shard(out / name, frames, images, bar)
    return complete(out)


def submit_pack(machines, executor, options, tree, out, workers=None, **settings):
    """`pack_tree` in as many jobs as `machines`, and wait for them; arguments and outcome as there,
    `executor` and `options` as in jobs.run_parts."""
    tree, out, workers = Path(tree).resolve(), Path(out).resolve(), workers or cores()
    prepare_pack(tree, out, **settings)  # once, before the jobs would all do it
    work = partial(pack_tree, tree, out, workers, **settings)
    run_parts(work, machines, out / "jobs", executor, workers, options)
    return complete(out)


def prepare_pack(
    tree, out, px=None, encoding="jpeg", quality=95, frames_per_shard=FRAMES_PER_SHARD
):
    """Index a tree, bind `out` (Path) to it and to the settings, write the labels and a copy of
    the tree's audit -> ({split: FrameIndex}, Pack).

    px: side of the squares, at most that of the tree's (default: DEFAULT_PX, or the tree's own if
    that is smaller). encoding: "jpeg" of `quality`, or "png".
    Raises EgolibError for a folder of other settings or of another state of the tree, and whatever
    index.index_tree refuses.
    """
    tree = Path(tree)
    splits = [split for split, folder in SPLIT_FOLDERS.items() if (tree / folder).is_dir()]
    # Without any of them, index_tree raises the error for such a folder.
    indices = {split: index_tree(tree, split) for split in splits or SPLIT_FOLDERS}
    first = next(iter(indices.values()))
    known = {
        split: {"frames": len(index), "fingerprint": index.fingerprint}
        | {key: getattr(index, key) for key in shards.LEFT_OUT}
        for split, index in indices.items()
    }
    px = px or min(DEFAULT_PX, len(read_crop(first.root / first.image(0))))
    quality = quality if encoding == "jpeg" else None
    pack = shards.Pack(shards.FORMAT, px, encoding, quality, frames_per_shard, known)
    _bind(out, pack)
    for split, index in indices.items():
        for column, name in shards.column_files(split).items():
            with atomic_path(out / name) as path, open(path, "wb") as stream:
                np.save(stream, getattr(index, column), allow_pickle=False)
    audit = excluded_path(tree).parent
    for path in audit.glob("*.*"):  # the frames left out, and the reasons
        write_atomically(out / AUDIT_FOLDER / path.name, path.read_bytes())
    return indices, pack


def _bind(out, pack):
    """Write pack.json to `out`, or refuse a folder of another pack or of other files."""
    if (out / shards.PACK_FILE).exists():
        found, wanted = vars(shards.load_pack(out)), vars(pack)
        if differing := [key for key in wanted if found[key] != wanted[key]]:
            raise EgolibError(
                f"{out / shards.PACK_FILE}: another pack, its {', '.join(differing)} differ (splits: the "
                "tree has changed since); choose another folder or delete this one"
            )
    elif out.exists() and any(out.iterdir()):
        raise EgolibError(f"{out}: holds files of another origin; choose another folder")
    else:
        write_atomically(out / shards.PACK_FILE, json.dumps(vars(pack), indent=1))


def complete(out):
    """Write checksums.json if every file of `out` (Path) is there -> the names of the missing."""
    pack = shards.load_pack(out)
    files = {
        n: shards.file_checksum(out / n)
        for s in pack.splits
        for n in shards.column_files(s).values()
    }
    files |= {
        name: shards.shard_checksum(out / name, frames) for name, _, frames in _all_shards(pack)
    }
    missing = [name for name, found in files.items() if found is None]
    if not missing:
        content = {
            "fingerprints": {s: shards.fingerprint_of(pack, files, s) for s in pack.splits},
            "files": files,
        }
        write_atomically(out / shards.CHECKSUM_FILE, json.dumps(content, indent=1))
        for leftover in out.glob("*/.*.shard.partial-*"):  # of runs that were killed
            leftover.unlink(missing_ok=True)
    return missing


def verify_pack(root):
    """Read every byte of a packed folder -> one line for each damaged file; [] when it is whole.

    Raises EgolibError for a folder that is no complete pack.
    """
    root = Path(root)
    pack, (fingerprints, known) = shards.load_pack(root), shards.load_checksums(root)
    shards.check_description(root, pack, fingerprints, known)
    findings = []
    total = sum(split["frames"] for split in pack.splits.values())
    with progress_bar(total=total, desc="Verifying", unit="frame") as bar:
        for split in pack.splits:
            columns = shards.column_files(split).values()
            damaged = [n for n in columns if shards.file_checksum(root / n) != known.get(n)]
            findings += [f"{root / name}: this column of labels is damaged" for name in damaged]
            index = None if damaged else shards.map_index(root, pack, split, "")
            for name, first, frames in pack.shards(split):
                if shards.shard_checksum(root / name, frames) != known.get(name):
                    findings.append(f"{root / name}: missing, cut short, or its table is damaged")
                elif len(rows := first + _damaged_images(root / name, frames)):
                    shown = [f"frame {i}" if damaged else index.image(i) for i in rows[:5]]
                    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
                    findings.append(f"{root / name}: damaged images: {', '.join(shown)}{more}")
                bar.update(frames)
    return findings


def _damaged_images(path, frames):
    """Places in a shard of the images that do not fit their checksums."""
    table, content = shards.map_shard(path, frames)
    view = memoryview(content)

    def is_damaged(image):
        start, size, crc32 = image.item()
        return zlib.crc32(view[start : start + size]) != crc32

    with ThreadPoolExecutor() as pool:  # crc32 lets other threads run
        return np.flatnonzero(list(pool.map(is_damaged, table)))


def _all_shards(pack):
    return [shard for split in pack.splits for shard in pack.shards(split)]


def _encode(index, pack, position):
    """The square crop of a frame of a tree, as bytes of an image file."""
    path = index.root / index.image(position)
    crop = read_crop(path)
    if len(crop) < pack.px:
        raise EgolibError(
            f"{path}: is {len(crop)} px high, and packing does not enlarge; choose --px {len(crop)}"
        )
    square = cv2.cvtColor(resize_square(crop, pack.px), cv2.COLOR_RGB2BGR)
    if pack.encoding == "png":
        return cv2.imencode(".png", square)[1]
    return cv2.imencode(".jpg", square, [cv2.IMWRITE_JPEG_QUALITY, pack.quality])[1]


def _write_shard(path, frames, images, bar):
    table = np.zeros(frames, shards.IMAGE)
    with atomic_path(path) as partial_path, open(partial_path, "wb") as stream:
        stream.seek(table.nbytes)
        for place, content in enumerate(images):
            table[place] = stream.tell(), content.nbytes, zlib.crc32(content)
            stream.write(content)
            bar.update()
        stream.seek(0)
        stream.write(table)
