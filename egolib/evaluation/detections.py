"""Heatmaps that a network detects in every image of a split, stored on disk.

One heatmap network per seed serves many lifters, which are trained without images.
"""

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from egolib.data.dataset import FrameDataset, make_loader
from egolib.data.index import select
from egolib.evaluation.inference import device, run_network
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import no_space_is_one_line, write_atomically
from egolib.foundation.progress import progress_bar
from egolib.foundation.provenance import code_digest
from egolib.models.checkpoints import weights_digest
from egolib.skeleton import HEATMAP_JOINTS

PART_FRAMES = 4096  # frames between two notes of what is done


@dataclass(frozen=True)
class Detections:
    """found: heatmaps float16 (N, 15, H, H), a memory map in the order of the index. key: what they
    depend on, digests of the network's weights, of the frames and of the code, and the
    NetworkSpec."""

    found: np.ndarray
    key: dict


def detect(network, spec, index, folder, workers=0, batch_size=64):
    """Run a heatmap network over a FrameIndex, unless that is already done -> Detections.

    They lie in `<folder>/<split>.npy`; `<split>.json` beside it holds what they depend on and how
    many frames are done, so that a killed run continues, and another network or other frames start
    from the first frame. Of several processes at once, one detects and the others wait. Raises EgolibError on a
    full disk, and for files that are damaged.
    """
    path, progress_path = (Path(folder) / f"{index.split}.{suffix}" for suffix in ("npy", "json"))
    key = {
        "network": weights_digest(network),
        "spec": dataclasses.asdict(spec),
        "frames": index.fingerprint,
        "code": code_digest(detect, type(network)),
    }
    shape = (len(index), len(HEATMAP_JOINTS), spec.heatmap_px, spec.heatmap_px)
    path.parent.mkdir(parents=True, exist_ok=True)
    with no_space_is_one_line(path), FileLock(path.with_suffix(".lock")):
        done = _frames_done(progress_path, key) if path.is_file() else 0
        if done < len(index):
            _write(
                network, spec, index, (path, progress_path), key, shape, done, (workers, batch_size)
            )
    return Detections(_open(path, shape), key)


def _write(network, spec, index, paths, key, shape, done, loading):
    path, progress_path = paths
    if not done:
        progress_path.unlink(missing_ok=True)
    with open(path, "r+b" if done else "w+b") as stream:
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.truncate(stream.tell() + done * 2 * int(np.prod(shape[1:])))
        stream.seek(0, os.SEEK_END)
        while done < len(index):
            part = select(index, slice(done, done + PART_FRAMES))
            for found in _find(network, spec, part, *loading):
                stream.write(found.tobytes())
            os.fsync(stream.fileno())
            done += len(part)
            write_atomically(progress_path, json.dumps({"key": key, "done": done}, indent=1))


def _find(network, spec, index, workers, batch_size):
    """Heatmaps of a FrameIndex, float16, a batch at a time."""
    network = network.to(device(), memory_format=torch.channels_last).eval()
    loader = make_loader(FrameDataset(index, spec.image_px), batch_size, workers)
    with progress_bar(loader, desc=f"detect {index.split}", unit="batch") as bar:
        for batch in bar:
            yield run_network(network, spec, batch).heatmaps.numpy().astype("<f2")


def _open(path, shape):
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise EgolibError(f"{path}: damaged ({error}); delete it and run again") from error
    if found.shape != shape:
        raise EgolibError(f"{path}: holds {found.shape}, not {shape}; delete it and run again")
    return found


def _frames_done(path, key):
    try:
        stored = json.loads(path.read_text())
        return int(stored["done"]) if stored["key"] == key else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0
