"""Packed frames: the square crops of a tree in a few large files, and its labels as columns.

A packed folder holds pack.json (see Pack), for every split one .npy file a column of
FrameIndex and shards of `frames_per_shard` images, and checksums.json, which is written last. A
shard is a table (dtype IMAGE) followed by the encoded images. All is mapped into memory: to
open 383 K frames takes no longer than to open a hundred, and processes share what they read.
"""

import contextlib
import hashlib
import json
import mmap
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egolib.data.images import decode, resize_square
from egolib.data.index import FrameIndex, index_tree, select
from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import number_between, parse_json, read_bytes, shown
from egolib.skeleton import SPLIT_FOLDERS

FORMAT = 2
PACK_FILE, CHECKSUM_FILE = "pack.json", "checksums.json"
IMAGE = np.dtype([("start", "<u8"), ("bytes", "<u4"), ("crc32", "<u4")])
COLUMNS = ("folders", "clips", *FrameIndex.PER_FRAME)
# Columns whose files have another name in a pack of this FORMAT.
_FILE_NAMES = {"uv_native": "joints_2d_px", "joints_cam_m": "joints_3d_m"}
LEFT_OUT = ("excluded", "unpaired_images", "unpaired_labels")
_MAPPED_AROUND = 1 << 16  # bytes, aligned, that Linux maps when one of them is read
_REMEDY = "run `egolib pack` again, which makes only what is missing"


@dataclass(frozen=True)
class Pack:
    """pack.json: images of px x px, `encoding` "jpeg" (of `quality`) or "png".

    splits: {split: {"frames", "fingerprint" of the tree's index, and what the index left out:
    "excluded", "unpaired_images", "unpaired_labels"}}.
    """

    format: int
    px: int
    encoding: str
    quality: int | None
    frames_per_shard: int
    splits: dict

    def shards(self, split):
        """[(file name below the packed folder, place of its first frame, frames in it)]."""
        frames, step = self.splits[split]["frames"], self.frames_per_shard
        return [
            (f"{split}/{first // step:05d}.shard", first, min(step, frames - first))
            for first in range(0, frames, step)
        ]


@dataclass(frozen=True, kw_only=True)
class PackedIndex(FrameIndex):
    """A FrameIndex whose columns are memory maps and whose images come from shards.

    rows (N,): the place of each frame in the packed split, which `select` keeps.
    """

    PER_FRAME = (*FrameIndex.PER_FRAME, "rows")

    rows: np.ndarray
    pack: Pack
    shards: "ShardReader"

    @property
    def largest_px(self):
        return self.pack.px

    def read_square(self, position, size_px):
        square = self.shards.read(int(self.rows[position]))
        if square is None or square.shape != (self.pack.px, self.pack.px, 3):
            raise EgolibError(
                f"{self.root}: the packed image {self.image(position)} is damaged; "
                f"`egolib verify {self.root}` names the file"
            )
        return resize_square(square, size_px)

    def __reduce__(self):
        """Pickle the place of the folder, which another process opens itself, without the columns."""
        return _reopen, (self.root, self.split, np.asarray(self.rows))


class ShardReader:
    """The images of one split by row; a shard is mapped when it is first read."""

    def __init__(self, root, pack, split):
        self._paths = [(root / name, frames) for name, _, frames in pack.shards(split)]
        self._frames_per_shard, self._maps = pack.frames_per_shard, {}

    def read(self, row):
        """uint8 RGB (px, px, 3), or None when the image cannot be decoded."""
        number, place = divmod(row, self._frames_per_shard)
        if number not in self._maps:
            self._maps[number] = map_shard(*self._paths[number])
        table, content = self._maps[number]
        start, size, checksum = table[place].item()
        if start + size > len(content):
            return None
        encoded = np.frombuffer(content, np.uint8, size, start)
        square = decode(encoded) if zlib.crc32(encoded) == checksum else None
        # The system's cache keeps the bytes; an epoch must not fill the memory of this process.
        if hasattr(content, "madvise"):  # Windows has none
            first = start - start % _MAPPED_AROUND
            past = min(start + size + -(start + size) % _MAPPED_AROUND, len(content))
            content.madvise(mmap.MADV_DONTNEED, first, past - first)
        return square


def open_frames(data: str | Path, split: str) -> FrameIndex:
    """The frames of a split ("train", "val", "test") of a tree or of a packed folder.

    Raises EgolibError as index.index_tree does, and for a pack that is foreign, of another
    format, not complete or cut short.
    """
    data = Path(data)
    return open_packed(data, split) if (data / PACK_FILE).is_file() else index_tree(data, split)


def open_packed(root: Path, split: str) -> PackedIndex:
    """The PackedIndex of a split of a packed folder."""
    pack, (fingerprints, files) = load_pack(root), load_checksums(root)
    check_description(root, pack, fingerprints, files)
    if split not in pack.splits:
        raise EgolibError(
            f"{root}: has no {split} split; the tree that was packed lacked {SPLIT_FOLDERS[split]}"
        )
    for name in (*column_files(split).values(), *(name for name, *_ in pack.shards(split))):
        if not (root / name).is_file():
            raise EgolibError(f"{root / name}: missing; {_REMEDY}")
        if (root / name).stat().st_size != files[name]["bytes"]:
            raise EgolibError(f"{root / name}: cut short or foreign; delete it, then {_REMEDY}")
    for name in column_files(split).values():
        if file_checksum(root / name) != files[name]:
            raise EgolibError(f"{root / name}: these labels are damaged; delete it, then {_REMEDY}")
    for name, _, frames in pack.shards(split):
        if shard_checksum(root / name, frames) != files[name]:
            raise EgolibError(f"{root / name}: its table is damaged; delete it, then {_REMEDY}")
    return map_index(root, pack, split, fingerprints[split])


def load_pack(root: Path) -> Pack:
    """pack.json of a packed folder. Raises EgolibError for a folder without it, and for a file of
    another format."""
    with _reading(root / PACK_FILE, f"not a packed folder; it has no {PACK_FILE}") as path:
        content = dict(parse_json(read_bytes(path)))
        if (found := content["format"]) != FORMAT:
            remedy = f"this egolib reads {FORMAT}; pack the tree again"
            raise EgolibError(f"{path}: format {found}, {remedy}")
        return _checked(Pack(**content))


def _checked(pack):
    """The Pack, whose numbers are in range. Raises ValueError, TypeError or KeyError otherwise."""
    number_between(pack.px, 16, 4096, whole=True)
    number_between(pack.frames_per_shard, 1, 10**6, whole=True)
    if not set(pack.splits) <= set(SPLIT_FOLDERS):
        raise ValueError(f"unknown splits {shown(repr(pack.splits))}")
    for known in pack.splits.values():
        for key in ("frames", *LEFT_OUT):
            number_between(known[key], key == "frames", 10**8, whole=True)
    return pack


def check_description(root: Path, pack: Pack, fingerprints: dict, files: dict) -> None:
    """Raise EgolibError unless pack.json, the list of files and their checksums are those that were
    written together: the fingerprint of a split is a digest of all three."""
    for split in pack.splits:
        if fingerprints.get(split) != fingerprint_of(pack, files, split):
            raise EgolibError(
                f"{root}: {PACK_FILE} and {CHECKSUM_FILE} do not belong together, or one was changed; "
                f"delete {CHECKSUM_FILE}, then {_REMEDY}"
            )


def fingerprint_of(pack: Pack, files: dict, split: str) -> str:
    """Digest of the labels and images of a split, by the checksums of their files."""
    named = {*column_files(split).values(), *(name for name, *_ in pack.shards(split))}
    of_split = {name: found for name, found in files.items() if name.startswith(f"{split}/")}
    if of_split.keys() != named:
        return ""
    content = json.dumps([pack.splits[split], pack.px, of_split])
    return hashlib.sha256(content.encode()).hexdigest()


def column_files(split: str) -> dict[str, str]:
    """{column of FrameIndex: file name below the packed folder}. The rows need none."""
    return {column: f"{split}/{_FILE_NAMES.get(column, column)}.npy" for column in COLUMNS}


def map_shard(path: Path, frames: int) -> tuple[np.ndarray, mmap.mmap]:
    """A shard -> (its table (frames,) of IMAGE, its bytes as mmap)."""
    with open(path, "rb") as stream:
        content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(content, IMAGE, frames), content


def shard_checksum(path: Path, frames: int) -> dict | None:
    """{"bytes", "table_crc32"} of a shard, None when it is missing or not whole. The table holds
    the checksum of every image."""
    try:
        table, content = map_shard(path, frames)
    except (OSError, ValueError):  # missing, empty, or shorter than its table
        return None
    if int(table["start"][-1]) + int(table["bytes"][-1]) != len(content):
        return None
    return {"bytes": len(content), "table_crc32": zlib.crc32(table)}


def file_checksum(path: Path) -> dict | None:
    """{"bytes", "crc32"} of a file, None when it is missing."""
    if not path.is_file():
        return None
    content = path.read_bytes()
    return {"bytes": len(content), "crc32": zlib.crc32(content)}


def load_checksums(root: Path) -> tuple[dict, dict]:
    """checksums.json of a packed folder -> {split: fingerprint}, {file name: checksum}. Raises
    EgolibError when the pack is not complete."""
    with _reading(root / CHECKSUM_FILE, f"the pack is not complete; {_REMEDY}") as path:
        content = parse_json(read_bytes(path))
        files = {
            name: {key: number_between(found[key], 0, 2**63, whole=True) for key in found}
            for name, found in content["files"].items()
        }
        return dict(content["fingerprints"]), files


@contextlib.contextmanager
def _reading(path, missing):
    """Raise EgolibError with the text `missing` where the block finds no file at `path`, and another
    one where the content is not as `egolib pack` writes it."""
    if not path.exists():
        raise EgolibError(f"{path.parent}: {missing}")
    try:
        yield path
    except EgolibError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise EgolibError(
            f"{path}: not what `egolib pack` writes ({error}); delete it, then {_REMEDY}"
        ) from error


def map_index(root: Path, pack: Pack, split: str, fingerprint: str) -> PackedIndex:
    """The PackedIndex of a split whose files are known to exist."""
    known, columns = pack.splits[split], {}
    for column, name in column_files(split).items():
        with _reading(root / name, f"{name} is missing") as path:
            columns[column] = np.load(path, mmap_mode="r", allow_pickle=False)
            if column in FrameIndex.PER_FRAME and len(columns[column]) != known["frames"]:
                raise ValueError(f"{len(columns[column])} rows for {known['frames']} frames")
    for ids, names in (("folder_ids", "folders"), ("clip_ids", "clips")):
        if not (columns[ids].min() >= 0 and columns[ids].max() < len(columns[names])):
            raise EgolibError(f"{root}/{split}: {ids} do not fit {names}; {_REMEDY}")
    columns |= {key: known[key] for key in LEFT_OUT} | {"rows": np.arange(known["frames"])}
    shards = ShardReader(root, pack, split)
    return PackedIndex(root, split, fingerprint, **columns, pack=pack, shards=shards)


def _reopen(root, split, rows):
    index = open_packed(root, split)
    return index if np.array_equal(rows, index.rows) else select(index, rows)
