"""Where a heatmap network sees the joints in each picture of a character, looked up once."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from egolib.audit.defects import Finding
from egolib.audit.listing import digest
from egolib.checkpoints import NetworkSpec, load_network
from egolib.errors import EgolibError
from egolib.evaluation import device, run_network
from egolib.files import atomic_path
from egolib.heatmaps import find_peaks
from egolib.pictures import read_square

_BATCH = 64


class Eye(NamedTuple):
    """A network that sees joints in pictures; `fingerprint` is a digest of its file."""

    network: torch.nn.Module
    spec: NetworkSpec
    fingerprint: str


def open_eye(checkpoint):
    """The network of a stage 1 or end-to-end checkpoint -> Eye. Raises as `load_network`."""
    network, spec, _ = load_network(checkpoint, ["heatmaps", "egopose"])
    network = network.to(device(), memory_format=torch.channels_last)
    return Eye(network, spec, hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest())


@dataclass(frozen=True)
class Sight:
    """joints_px (N, 15, 2) in pixels of the network's square, peaks (N, 15) their heatmap peaks, for
    the frames of a CharacterRecord; `unreadable` (N,) says why a picture could not be decoded, ""
    where it could."""

    joints_px: np.ndarray
    peaks: np.ndarray
    unreadable: np.ndarray

    def findings(self, record):
        """The pictures that could not be decoded, though each of their chunks is whole."""
        return [
            Finding(str(record.folders[record.folder_ids[i]]), int(record.numbers[i]), "rgba",
                    "unreadable_picture", str(self.unreadable[i]))
            for i in np.flatnonzero(self.unreadable != "")
        ]  # fmt: skip


class _Pictures(Dataset):
    def __init__(self, tree, record, image_px):
        self.tree, self.record, self.image_px = tree, record, image_px

    def __len__(self):
        return len(self.record.numbers)

    def __getitem__(self, i):
        folder = self.record.folders[self.record.folder_ids[i]]
        path = self.tree / folder / "rgba" / self.record.image_names[i]
        try:
            square, error = read_square(path, self.image_px), ""
        except EgolibError as caught:
            error = str(caught).removeprefix(f"{path}: ").partition(";")[0]
            square = np.zeros((self.image_px, self.image_px, 3), np.uint8)
        return {"image": torch.from_numpy(square).permute(2, 0, 1), "error": error}


def see(tree, record, eye, kept, workers, bar):
    """Look at the frames of a CharacterRecord -> Sight, kept at the path `kept` and read from there
    while neither the record nor the network changes. `bar` counts frames."""
    state = digest(record.state, eye.fingerprint)
    sight = _load(kept, state)
    if sight is None:
        sight = _look(_Pictures(tree, record, eye.spec.image_px), eye, workers, bar)
        with atomic_path(kept) as partial, open(partial, "wb") as stream:
            np.savez(stream, state=state, **vars(sight))
    else:
        bar.update(len(record.numbers))
    return sight


def _look(pictures, eye, workers, bar):
    joints, peaks, errors = [np.empty((0, 15, 2), np.float32)], [np.empty((0, 15), np.float32)], []
    for batch in DataLoader(pictures, _BATCH, num_workers=workers):
        heatmaps, _ = run_network(eye.network, eye.spec, batch)
        for kept, found in zip((joints, peaks), find_peaks(heatmaps, eye.spec.image_px), strict=True):  # fmt: skip
            kept.append(found.numpy())
        errors += batch["error"]
        bar.update(len(batch["error"]))
    return Sight(np.concatenate(joints), np.concatenate(peaks), np.array(errors, str))


def _load(path, state):
    try:
        with np.load(path, allow_pickle=False) as stored:
            values = dict(stored)
        return Sight(**values) if values.pop("state").item() == state else None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
