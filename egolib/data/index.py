"""Index the frames in a folder tree, in which images and labels are paired by frame number.

The layout is the official one: `<Set>/<character>/env*/cam_down/{rgba,json,...}`. The frame
number is the only key that pairs an image with its labels (official issue 20). Its zero padding
varies, so numbers are compared as integers, and files are never paired by their order in a folder.
Label files hold centimetres and native pixels; this module returns metres and native pixels.
"""

import contextlib
import hashlib
import math
import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from egolib.camera import in_front, inside_square, native_to_square
from egolib.data.exclusions import excluded_path, place_beside, read_excluded
from egolib.data.images import read_square
from egolib.data.labels import read_labels
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import load_arrays, save_arrays
from egolib.foundation.progress import progress_bar
from egolib.foundation.untrusted import is_plain, shown
from egolib.skeleton import SPLIT_FOLDERS, action_of_clip

_CACHE_FORMAT = "5"
File = tuple[str, int, int]  # name, size in bytes, time of last change in ns
_Listing = list[tuple[str, dict[int, File], dict[int, File]]]


@dataclass(frozen=True)
class Frame:
    """One labelled image. Joints follow skeleton.JOINTS.

    image_path: the image file in the tree; for a packed frame, whose image is in a shard, its name.
    uv_native: (16, 2) native 1280x800 pixels, mirrored where the joint is behind the lens plane.
    joints_cam_m: (16, 3) metres in the camera frame.
    """

    image_path: Path
    character: str
    environment: str
    number: int
    clip: str
    action: str
    uv_native: np.ndarray
    joints_cam_m: np.ndarray


@dataclass(frozen=True)
class FrameIndex:
    """The frames of one split as columns, ordered by folder and frame number.

    uv_native (N, 16, 2) and joints_cam_m (N, 16, 3) as in Frame; rotations_rad (N, 16, 3) as in
    the label files (see rotations.py), NaN where a file has none; folder_ids (N,) are indices into
    `folders`, clip_ids (N,) into `clips`. `fingerprint` is a digest of the labels and of the names
    and sizes of the images; it does not depend on where the tree is stored. unpaired_images and
    unpaired_labels count the files that were left out because no other file has their number,
    `excluded` counts the frames that were left out because an audit lists them (exclusions.py).
    """

    PER_FRAME: ClassVar[tuple[str, ...]] = (
        "folder_ids", "image_names", "numbers", "clip_ids", "uv_native", "joints_cam_m",
        "rotations_rad",
    )  # fmt: skip

    root: Path
    split: str
    fingerprint: str
    folders: np.ndarray
    folder_ids: np.ndarray
    image_names: np.ndarray
    numbers: np.ndarray
    clips: np.ndarray
    clip_ids: np.ndarray
    uv_native: np.ndarray
    joints_cam_m: np.ndarray
    rotations_rad: np.ndarray
    unpaired_images: int
    unpaired_labels: int
    excluded: int = 0

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, position: int) -> Frame:
        folder = str(self.folders[self.folder_ids[position]])
        clip = str(self.clips[self.clip_ids[position]])
        return Frame(
            image_path=self.root / self.image(position),
            character=folder.split("/")[1],
            environment=folder.split("/")[2],
            number=int(self.numbers[position]),
            clip=clip,
            action=action_of_clip(clip),
            uv_native=self.uv_native[position],
            joints_cam_m=self.joints_cam_m[position],
        )

    def read_square(self, position: int, size_px: int) -> np.ndarray:
        """Square crop of a frame, uint8 RGB (size_px, size_px, 3). Raises EgolibError, with
        the path of the image, if it cannot be read."""
        return read_square(self.root / self.image(position), size_px)

    @property
    def largest_px(self) -> float:
        """Side of the packed square images; infinite for a tree, which holds original images."""
        return math.inf

    def image(self, position: int) -> str:
        """Path of a frame's image relative to the tree, such as
        `TrainSet/female_003_a_a/env_001/cam_down/rgba/female_003_a_a.rgba.005000.png`."""
        return f"{self.folders[self.folder_ids[position]]}/rgba/{self.image_names[position]}"

    @property
    def images(self) -> np.ndarray:
        """`image` of every frame, (N,) str."""
        rgba = np.char.add(self.folders, "/rgba/")
        return np.char.add(rgba[self.folder_ids], self.image_names)

    @property
    def inside(self) -> np.ndarray:
        """Whether a joint is in the square crop and in front of the lens plane, bool (N, 16)."""
        pixels = native_to_square(self.uv_native, 1)
        return inside_square(pixels, 1) & in_front(self.joints_cam_m)

    @property
    def characters(self) -> np.ndarray:
        """Character of every frame, (N,) str."""
        return np.array([folder.split("/")[1] for folder in self.folders])[self.folder_ids]

    @property
    def environments(self) -> np.ndarray:
        """Environment of every frame, (N,) str."""
        return np.array([folder.split("/")[2] for folder in self.folders])[self.folder_ids]

    @property
    def clip_names(self) -> np.ndarray:
        """Clip name of every frame, as in its label file, (N,) str."""
        return self.clips[self.clip_ids]

    @property
    def actions(self) -> np.ndarray:
        """Action category of every frame, (N,) str."""
        return np.array([action_of_clip(clip) for clip in self.clips])[self.clip_ids]


def index_tree(tree: Path | str, split: str) -> FrameIndex:
    """Index the frames of one split ("train", "val", "test") of a tree. Frames that an audit has
    excluded are left out, and their labels are not read.

    The index is built once and cached beside the tree (in the user's cache folder if the tree is
    read-only); the cache is used until a file of the split is changed, added or removed.
    Raises EgolibError for a folder that is not a tree, a split without frames, a list of excluded
    frames that cannot be read, and labels that `read_labels` rejects.
    """
    tree = Path(tree)
    listing, excluded = _list_split(tree, split)
    state = hashlib.sha256(repr((_CACHE_FORMAT, listing, excluded)).encode()).hexdigest()
    cache = place_beside(tree, ".egolib") / f"index_{split}.npz"
    columns = load_arrays(cache, state)
    if columns is None:
        columns = _read_columns(tree, split, listing)
        save_arrays(cache, state, columns)
    return FrameIndex(tree, split, excluded=excluded, **columns)


def select(index: FrameIndex, keep: np.ndarray | list[int] | slice) -> FrameIndex:
    """The same index with only the frames where `keep` (N,) is True, or that `keep` lists."""
    return replace(index, **{name: getattr(index, name)[keep] for name in index.PER_FRAME})


def numbered_files(folder: Path, ending: str) -> dict[int, list[File]]:
    """The files in `folder` whose names end in a number, a dot and `ending` (a regular expression
    such as "png").

    Returns {number: [(name, size in bytes, time of last change in ns), ...]}, ordered by number,
    then name; empty for a folder that does not exist. Size and time are 0 for what is no file, such
    as a pipe, or a link to a missing file; who reads it gets an error that names it. Names whose number
    has more than 18 digits are no frames.
    """
    found = {}
    for entry in os.scandir(folder) if folder.is_dir() else ():
        if match := re.search(rf"(?<!\d)(\d{{1,18}})\.{ending}$", entry.name, re.ASCII):
            size, changed = 0, 0
            with contextlib.suppress(OSError):
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    size, changed = status.st_size, status.st_mtime_ns
            found.setdefault(int(match[1]), []).append((entry.name, size, changed))
    return {number: sorted(files) for number, files in sorted(found.items())}


def _list_split(tree: Path, split: str) -> tuple[_Listing, int]:
    """List the files of a split without the excluded frames.

    Returns ([(folder relative to the tree, images, labels), ...], number of excluded frames);
    images and labels are {frame number: File}.
    """
    if not tree.is_dir():
        raise EgolibError(f"{tree}: no such folder; render one with `egolib render {tree}`")
    if not any((tree / name).is_dir() for name in SPLIT_FOLDERS.values()):
        sets = ", ".join(SPLIT_FOLDERS.values())
        raise EgolibError(f"{tree}: not a tree of frames; expected the folders {sets} in it")
    top = tree / SPLIT_FOLDERS[split]
    if not top.is_dir():
        raise EgolibError(f"{tree}: has no {top.name}, which the {split} split needs")
    listing, excluded, unwanted_frames = [], 0, read_excluded(tree)
    for folder in sorted(top.glob("*/env*/cam_down")):
        name = folder.relative_to(tree).as_posix()
        if not is_plain(name):
            raise EgolibError(f"{shown(name)}: a folder whose name cannot be printed; rename it")
        unwanted = unwanted_frames.get(name, set())
        images = _one_file_per_frame(folder / "rgba", "png", unwanted)
        labels = _one_file_per_frame(folder / "json", "json", unwanted)
        for number in images.keys() & labels.keys() & unwanted:
            del images[number], labels[number]
            excluded += 1
        listing.append((name, images, labels))
    if not any(images.keys() & labels.keys() for _, images, labels in listing):
        if excluded:
            raise EgolibError(f"{excluded_path(tree)}: excludes all {excluded} frames of {top}")
        raise EgolibError(
            f"{top}: holds no frame; expected <character>/env_001/cam_down/rgba/*.png "
            "and json/*.json with the same numbers"
        )
    return listing, excluded


def _one_file_per_frame(folder: Path, ending: str, unwanted: set[int]) -> dict[int, File]:
    """{frame number: its file}. Raises EgolibError if a frame that is not unwanted has several."""
    files = numbered_files(folder, ending)
    for number, (_, *others) in files.items():
        if others and number not in unwanted:
            raise EgolibError(
                f"{folder / others[0][0]}: is a second file of frame {number}; remove one, "
                "or exclude the frame with `egolib audit`"
            )
    return {number: same[0] for number, same in files.items()}


def _read_columns(tree: Path, split: str, listing: _Listing) -> dict[str, Any]:
    """Read all labels -> the fields of FrameIndex from `fingerprint` to `unpaired_labels`."""
    pairs = [
        (folder_id, number, images[number][:2], labels[number][0])
        for folder_id, (_, images, labels) in enumerate(listing)
        for number in sorted(images.keys() & labels.keys())
    ]
    folders = [folder for folder, _, _ in listing]
    # The `with` block closes the progress bar before an error is shown, not after it.
    with progress_bar(pairs, desc=f"index {split}", unit="frame") as bar:
        rows = [read_labels(tree / folders[i] / "json" / name) for i, _, _, name in bar]
    names, *joints = zip(*rows, strict=True)
    clips, clip_ids = np.unique(names, return_inverse=True)
    uv_native, joints_cam_m, rotations_rad = map(np.stack, joints)
    content = hashlib.sha256(repr((folders, pairs, clips.tolist(), clip_ids.tolist())).encode())
    content.update(uv_native.tobytes() + joints_cam_m.tobytes() + rotations_rad.tobytes())
    folder_ids, numbers, images, _ = zip(*pairs, strict=True)
    return {
        "fingerprint": content.hexdigest(),
        "folders": np.array(folders),
        "folder_ids": np.array(folder_ids, np.int32),
        "image_names": np.array([name for name, _ in images]),
        "numbers": np.array(numbers, np.int64),
        "clips": clips,
        "clip_ids": clip_ids.astype(np.int32),
        "uv_native": uv_native,
        "joints_cam_m": joints_cam_m,
        "rotations_rad": rotations_rad,
        "unpaired_images": sum(len(own.keys() - other.keys()) for _, own, other in listing),
        "unpaired_labels": sum(len(own.keys() - other.keys()) for _, other, own in listing),
    }
