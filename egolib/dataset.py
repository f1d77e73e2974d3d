"""Frames -> batches of tensors."""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from egolib.camera import in_front, native_to_square
from egolib.pictures import read_square
from egolib.skeleton import HEATMAP_JOINT_INDICES, JOINTS

NECK = JOINTS.index("Neck")


class FrameDataset(Dataset):
    """Samples of a FrameIndex, as dicts:

    image: uint8 (3, S, S) RGB, the square crop; left out when `with_images` is False.
    joints_2d_px: float32 (15, 2), heatmap joints in pixels of that image (centres on integers).
    in_front: bool (15,), False where the joint is behind the lens plane and has no 2D target.
    joints_3d_m: float32 (16, 3), metres relative to the neck, camera axes.
    rotations_rad: float32 (16, 3), as in FrameIndex.
    heatmaps: float16 (15, H, H), from `detected` (N, 15, H, H), which a network found in the
        pictures; left out when there is none.
    action, character: str. position: int, the place in the index.
    """

    def __init__(self, index, image_px, with_images=True, detected=None):
        self.index = index
        self.image_px = image_px
        self.with_images = with_images
        self.detected = detected

    def __len__(self):
        return len(self.index)

    def __getitem__(self, position):
        frame = self.index[position]
        joints_2d_px = native_to_square(frame.joints_2d_px[HEATMAP_JOINT_INDICES], self.image_px)
        sample = {
            "joints_2d_px": torch.from_numpy(joints_2d_px.astype(np.float32)),
            "in_front": torch.from_numpy(in_front(frame.joints_3d_m[HEATMAP_JOINT_INDICES])),
            "joints_3d_m": torch.from_numpy(frame.joints_3d_m - frame.joints_3d_m[NECK]),
            "rotations_rad": torch.from_numpy(self.index.rotations_rad[position]),
            "action": frame.action,
            "character": frame.character,
            "position": position,
        }
        if self.detected is not None:
            sample["heatmaps"] = torch.from_numpy(np.array(self.detected[position]))
        if self.with_images:
            square = read_square(frame.image_path, self.image_px)
            sample["image"] = torch.from_numpy(square).permute(2, 0, 1)
        return sample


def mean_pose_m(index):
    """Mean pose of a FrameIndex relative to the neck, float32 (16, 3) metres."""
    poses_m = index.joints_3d_m - index.joints_3d_m[:, NECK, None]
    return torch.from_numpy(poses_m.mean(0, dtype=np.float64).astype(np.float32))


class EpochShuffle(Sampler):
    """A shuffle that depends on seed and epoch only, so that a resumed run sees what the
    uninterrupted one would have seen. Lightning calls `set_epoch`."""

    def __init__(self, length, seed):
        self.length, self.seed, self.epoch = length, seed, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return self.length

    def __iter__(self):
        rng = np.random.default_rng([self.seed, self.epoch])
        return iter(rng.permutation(self.length).tolist())


def make_loader(dataset, batch_size, workers=0, shuffle_seed=None):
    """Batches of `dataset`: in order, or shuffled anew each epoch from `shuffle_seed`.

    Training (a shuffle seed) drops the last short batch unless it is the only one: batch
    normalisation is poor on a handful of pictures.
    """
    shuffled = shuffle_seed is not None
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=EpochShuffle(len(dataset), shuffle_seed) if shuffled else None,
        drop_last=shuffled and len(dataset) >= batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def normalise(images):
    """uint8 (B, 3, S, S) -> float32 in [-1, 1], channels last in memory."""
    scaled = images.float().div_(127.5).sub_(1)
    return scaled.contiguous(memory_format=torch.channels_last)
