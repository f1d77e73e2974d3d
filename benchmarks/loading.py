"""Samples a second from disk to training tensors with targets: a tree read the usual way against
shards, side by side in one run.

The usual way, as the public re-implementations do it: a sample decodes its whole 1280x800 PNG
(Pillow, which skimage.io uses), crops, resizes with anti-aliasing, and draws 15 Gaussians in numpy;
PyTorch's loader collates. The resize is measured twice: by torchvision v2, and as
skimage.transform.resize does it (a Gaussian and a zoom of scipy), which the published code calls. Labels come
from egolib's index: their json is not parsed again for every sample, which favours the usual way. Shards: egolib's loader, heatmaps drawn
and images scaled in batch. Both end in float32 images in [-1, 1] and heatmaps, on the CPU;
"loading alone" leaves drawing and scaling out, which a GPU does.

A busy machine distorts the clock, so two rates are given, both of one process: by the clock, and by
the processor time of all processes together. Files are read before the clock starts: this measures
the processor, not the disk.

    egolib render native --scale 1.0 ...      # a tree of the official size
    python benchmarks/loading.py native --scratch packs
"""

import argparse
import resource
import shutil
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy import ndimage
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from egolib.camera import crop_square, in_front, native_to_square
from egolib.data.dataset import FrameDataset, make_loader, normalise
from egolib.data.index import index_tree, select
from egolib.data.packing import pack_tree
from egolib.data.shards import open_frames
from egolib.models.heatmap_network import heatmap_side
from egolib.models.heatmaps import draw_heatmaps
from egolib.skeleton import HEATMAP_JOINT_INDICES, relative_to_neck

SIGMA_PX, BATCH = 1.0, 32


class UsualDataset(Dataset):
    """A FrameIndex of a tree, one sample after the other."""

    def __init__(self, index, image_px, resize):
        self.index, self.image_px, self.resize = index, image_px, resize
        self.side = heatmap_side(image_px)

    def __len__(self):
        return len(self.index)

    def __getitem__(self, position):
        frame = self.index[position]
        with Image.open(frame.image_path) as image:
            square = crop_square(np.asarray(image.convert("RGB")))
        joints_px = native_to_square(frame.uv_native[HEATMAP_JOINT_INDICES], self.side)
        seen = in_front(frame.joints_cam_m[HEATMAP_JOINT_INDICES])
        return {
            "image": self.resize(square, self.image_px) / 127.5 - 1,
            "heatmaps": self.gaussians(joints_px, seen),
            "joints_rel_m": relative_to_neck(frame.joints_cam_m),
        }

    def gaussians(self, joints_px, seen):
        v, u = np.mgrid[: self.side, : self.side].astype(np.float32)
        maps = np.zeros((len(joints_px), self.side, self.side), np.float32)
        for j in np.flatnonzero(seen):
            away = (u - joints_px[j, 0]) ** 2 + (v - joints_px[j, 1]) ** 2
            maps[j] = np.exp(-away / (2 * SIGMA_PX**2))
        return maps


def by_torchvision(square, image_px):
    planes = torch.from_numpy(square.copy()).permute(2, 0, 1)
    return v2.functional.resize(planes, [image_px, image_px], antialias=True).float()


def as_skimage(square, image_px):
    factor = len(square) / image_px
    smooth = ndimage.gaussian_filter(square.astype(np.float64), ((factor - 1) / 2,) * 2 + (0,))
    small = ndimage.zoom(
        smooth, (1 / factor, 1 / factor, 1), order=1, grid_mode=True, mode="mirror"
    )
    return torch.from_numpy(small.astype(np.float32)).permute(2, 0, 1)


def finish(batch, image_px):
    """What the device does with a batch of egolib's loader before the network."""
    heatmaps = draw_heatmaps(
        batch["uv_crop"], batch["in_front"], image_px, heatmap_side(image_px), SIGMA_PX
    )
    return {**batch, "image": normalise(batch["image"]), "heatmaps": heatmaps}


def processor_seconds():
    """Of this process and of the loading processes that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measure(make, workers, count):
    """Iterate `make()` over `count` samples -> samples a second of one process, by the clock (after
    the first batch: processes take time to start) and by processor time."""
    used, loader = processor_seconds(), make()
    batches = iter(loader)
    next(batches)
    started = time.perf_counter()
    for _ in batches:
        pass
    clock_s = time.perf_counter() - started
    del batches, loader  # ends the loading processes, whose time counts from then on
    return {
        "by the clock": (count - BATCH) / clock_s / max(workers, 1),
        "by processor time": count / (processor_seconds() - used),
    }


def ours(index, image_px, workers, here):
    """Batches of egolib's loader, finished `here` or left to another device."""
    dataset = FrameDataset(index, image_px)
    loader = make_loader(dataset, BATCH, workers, shuffle_seed=0)
    return (finish(batch, image_px) if here else batch for batch in loader)


def usual(index, image_px, workers, resize):
    dataset = UsualDataset(index, image_px, resize)
    return DataLoader(dataset, BATCH, True, num_workers=workers, drop_last=True)


def repeated(index, count):
    """`count` samples of an index, over and over, in whole batches."""
    return select(index, np.resize(np.arange(len(index)), count // BATCH * BATCH))


def megabytes(paths):
    return sum(path.stat().st_size for path in paths) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("tree", type=Path, help="of the native size; its train split is used")
    parser.add_argument("--scratch", type=Path, required=True, help="for the packs, made anew")
    parser.add_argument("--px", type=int, nargs="+", default=[128, 256, 368])
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--encodings", nargs="+", default=["jpeg"], choices=["jpeg", "png"])
    parser.add_argument("--usual-samples", type=int, default=160)
    parser.add_argument("--samples", type=int, default=6400)
    parser.add_argument("--rounds", type=int, default=3, help="the best is reported")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    tree = index_tree(options.tree, "train")
    images = [tree.root / image for image in tree.images]
    height = Image.open(images[0]).height
    print(f"{len(tree)} PNG of {height} px height: {megabytes(images) / len(tree):.3f} MB each")
    rates, disk = [], []
    for px in options.px:
        few = repeated(tree, options.usual_samples)
        kinds = {"the usual way": (len(few), partial(usual, few, px, resize=by_torchvision)),
                 "the same as skimage resizes": (len(few), partial(usual, few, px, resize=as_skimage))}  # fmt: skip
        for encoding in options.encodings:
            out = options.scratch / f"{encoding}_{px}"
            shutil.rmtree(out, ignore_errors=True)
            started = processor_seconds()
            pack_tree(options.tree, out, 1, px=px, encoding=encoding)
            pack_s = (processor_seconds() - started) / len(tree)
            size = 1000 * megabytes((out / "train").glob("*.shard")) / len(tree)
            disk.append({"px": px, "encoding": encoding, "KB a frame": size,
                         "GB for 383 K": 383e3 * size / 1e6, "packed a core-second": 1 / pack_s})  # fmt: skip
            index = repeated(open_frames(out, "train"), options.samples)
            for name, here in (
                (f"shards, {encoding}", True),
                (f"{encoding}, loading alone", False),
            ):
                kinds[name] = (len(index), partial(ours, index, px, here=here))
        for workers in options.workers:
            for _ in range(options.rounds):  # side by side: what slows one slows the other
                for kind, (count, make) in kinds.items():
                    found = measure(partial(make, workers=workers), workers, count)
                    rates.append({"px": px, "workers": workers, "kind": kind, **found})
    best = pd.DataFrame(rates).groupby(["px", "workers", "kind"], sort=False).max()
    for column in ("by the clock", "by processor time"):
        reference = best[column].xs("the usual way", level="kind")
        best[f"times ({column.split()[-1]})"] = best[column] / reference
    print(pd.DataFrame(disk).round(1).to_markdown(index=False), end="\n\n")
    print("Samples a second of one process:\n")
    print(best.reset_index().round(1).to_markdown(index=False))


if __name__ == "__main__":
    main()
