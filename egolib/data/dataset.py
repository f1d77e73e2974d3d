"""Dataset, sampler and data loader: the frames of an index -> batches of tensors."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from egolib.camera import in_front, native_to_square
from egolib.data.index import FrameIndex
from egolib.data.shards import PackedIndex
from egolib.foundation.errors import EgolibError
from egolib.skeleton import HEATMAP_JOINT_INDICES, NECK, relative_to_neck

Batch = dict[str, torch.Tensor]
_MAX_DECODED_BYTES = 2_000_000_000  # bytes of decoded images


def targets(
    index: FrameIndex | PackedIndex, image_px: int, positions: Sequence[int] | slice = slice(None)
) -> dict[str, np.ndarray]:
    """Ground truth of frames of an index, all or those at `positions`, as arrays:

    uv_crop: float32 (N, 15, 2), heatmap joints in pixels of the square image of side `image_px`
        (centres on integers).
    in_front: bool (N, 15), False where the joint is behind the lens plane and has no 2D target.
    joints_rel_m: float32 (N, 16, 3), metres relative to the neck, camera axes.
    neck_cam_m: float32 (N, 3), the neck in the camera frame.
    rotations_rad: float32 (N, 16, 3), as in FrameIndex.
    """
    pixels = index.uv_native[positions][:, HEATMAP_JOINT_INDICES]
    joints_m = index.joints_cam_m[positions]
    return {
        "uv_crop": native_to_square(pixels, image_px).astype(np.float32),
        "in_front": in_front(joints_m[:, HEATMAP_JOINT_INDICES]),
        "joints_rel_m": relative_to_neck(joints_m),
        "neck_cam_m": joints_m[:, NECK],
        "rotations_rad": index.rotations_rad[positions],
    }


class FrameDataset(Dataset):
    """The frames of an index as samples: dicts with the entries of `targets` and

    image: uint8 (3, S, S) RGB, the square crop; left out when `with_images` is False.
    heatmaps: float16 (15, H, H), the frame's row of `detected` (N, 15, H, H), heatmaps that a
        network predicted; left out when `detected` is None.
    position: int64, the position of the frame in the index.

    If `keep` is True, decoded images stay in memory, provided that all of them fit into 2 GB and no
    worker processes load them.
    Raises EgolibError if the packed images are smaller than `image_px`.
    """

    def __init__(self, index: FrameIndex | PackedIndex, image_px: int, with_images: bool = True,
                 detected: np.ndarray | None = None, keep: bool = False):  # fmt: skip
        if with_images and image_px > index.largest_px:
            raise EgolibError(
                f"{index.root}: holds images of {index.largest_px} px, {image_px} are asked for: "
                f"pack the tree again with --px {image_px}, or train on smaller images"
            )
        self.index = index
        self.image_px = image_px
        self.with_images = with_images
        self.detected = detected
        self.keep = keep and 3 * len(index) * image_px**2 <= _MAX_DECODED_BYTES
        self.decoded: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, index: int) -> Batch:
        return {name: values[0] for name, values in self.__getitems__([index]).items()}

    def __getitems__(self, positions: list[int]) -> Batch:
        """The samples at `positions`, stacked into a batch. PyTorch's DataLoader calls this."""
        batch = targets(self.index, self.image_px, positions)
        batch["position"] = np.asarray(positions)
        if self.detected is not None:
            batch["heatmaps"] = np.asarray(self.detected[positions])
        if self.with_images:
            squares = np.empty((len(positions), self.image_px, self.image_px, 3), np.uint8)
            for square, position in zip(squares, positions, strict=True):
                square[:] = self._square(position)
            batch["image"] = squares.transpose(0, 3, 1, 2)
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def _square(self, position: int) -> np.ndarray:
        if position in self.decoded:
            return self.decoded[position]
        square = self.index.read_square(position, self.image_px)
        if self.keep and get_worker_info() is None:
            self.decoded[position] = square
        return square


def mean_pose_m(index: FrameIndex, relative: bool = True) -> torch.Tensor:
    """Mean pose of a FrameIndex, float32 (16, 3) in metres, relative to the neck or, if `relative`
    is False, in the camera frame."""
    joints_m = index.joints_cam_m.mean(0, dtype=np.float64)
    joints_m = relative_to_neck(joints_m) if relative else joints_m
    return torch.from_numpy(joints_m.astype(np.float32))


class EpochShuffle(Sampler[int]):
    """A shuffle that depends on seed and epoch only, so that a resumed run draws the same batches
    as an uninterrupted one. Lightning calls `set_epoch`.

    Process `rank` of `world_size` gets every world_size-th frame, so that all processes together
    draw the same batches as a single process would. A short last batch is dropped unless it is the
    only one, because batch normalisation needs more than a handful of images.
    """

    def __init__(
        self, length: int, seed: int, batch_size: int = 1, rank: int = 0, world_size: int = 1
    ):
        used = length - length % batch_size or length
        self.length, self.share = length, used // world_size
        self.seed, self.epoch = seed, 0
        self.rank, self.world_size = rank, world_size

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.share

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.length)
        shared = order[: self.share * self.world_size]
        return iter(shared[self.rank :: self.world_size].tolist())


def ordered_batches(
    length: int, batch_size: int, rank: int = 0, world_size: int = 1
) -> list[list[int]]:
    """Split positions 0 to length - 1, in order, into batches; return those of process `rank`.

    Every process gets the same number of batches, of nearly the same size. The processes wait for
    each other at every batch; if one had fewer batches, the others would wait for ever.
    """
    rounds = -(-length // max(batch_size, 2 * world_size))
    parts = np.array_split(np.arange(length), rounds * world_size)
    return [part.tolist() for part in parts[rank::world_size]]


def make_loader(
    dataset: FrameDataset, batch_size: int, workers: int = 0, shuffle_seed: int | None = None,
    accumulate: int = 1, rank: int = 0, world_size: int = 1,
) -> DataLoader:  # fmt: skip
    """DataLoader of `dataset`: in order, or reshuffled each epoch if `shuffle_seed` is given.

    `world_size` processes share the `batch_size` frames of a batch; this process is number `rank`.
    In training, each process splits its share into `accumulate` pieces and accumulates their
    gradients. Raises EgolibError if the batch cannot be split evenly, or if there are fewer frames
    than processes.
    """
    if len(dataset) < world_size:
        raise EgolibError(f"{world_size} processes cannot share {len(dataset)} frames")
    if shuffle_seed is None:
        batches: dict[str, Any] = {
            "batch_sampler": ordered_batches(len(dataset), batch_size, rank, world_size)
        }
    else:
        if batch_size % (world_size * accumulate):
            raise EgolibError(
                f"batch_size = {batch_size} does not divide among {world_size} processes in "
                f"{accumulate} pieces each; choose a multiple of {world_size * accumulate}"
            )
        batches = {
            "sampler": EpochShuffle(len(dataset), shuffle_seed, batch_size, rank, world_size),
            "batch_size": batch_size // (world_size * accumulate),
        }
    return DataLoader(
        dataset,
        **batches,
        collate_fn=_unchanged,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def _unchanged(batch: Any) -> Any:
    """Collate nothing: `FrameDataset.__getitems__` has already stacked the samples."""
    return batch


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, 3, S, S) -> float32 in [-1, 1], channels last in memory."""
    scaled = images.float().div_(127.5).sub_(1)
    return scaled.contiguous(memory_format=torch.channels_last)
