"""The joints that a heatmap network finds in the images of a character, computed once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from egolib.audit.defects import Finding
from egolib.audit.listing import cache_path, digest
from egolib.data.images import read_square
from egolib.evaluation.inference import device, run_network
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import load_arrays, save_arrays
from egolib.models.checkpoints import load_network
from egolib.models.heatmaps import find_peaks

_BATCH = 64


class DriftNetwork:
    """The network of a heatmap or end-to-end checkpoint, and a digest of its file. Raises as
    `load_network`."""

    def __init__(self, checkpoint):
        network, self.spec, _ = load_network(checkpoint, ["heatmaps", "end_to_end"])
        self.network = network.to(device(), memory_format=torch.channels_last)
        self.digest = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()


@dataclass(frozen=True)
class DetectedJoints:
    """Joints found in the frames of a CharacterRecord: joints_px (N, 15, 2) in pixels of the square
    input and their heatmap peaks (N, 15). unreadable: (N,) str, the reason why an image could not
    be decoded, "" where it could."""

    joints_px: np.ndarray
    peaks: np.ndarray
    unreadable: np.ndarray

    def findings(self, record):
        """Findings for images that could not be decoded although each of their chunks is whole."""
        for i in np.flatnonzero(self.unreadable != ""):
            folder, number = str(record.folders[record.folder_ids[i]]), int(record.numbers[i])
            yield Finding(folder, number, "rgba", "unreadable_image", str(self.unreadable[i]))


def detect_joints(tree, record, network, cache, workers, bar):
    """Run a DriftNetwork on the frames of a CharacterRecord -> DetectedJoints.

    The outcome is stored in the folder `cache` and read from there while neither the record nor
    the network changes. workers: threads that read images. `bar` counts frames.
    """
    path, state = cache_path(cache, record.character, ".seen"), digest(record.state, network.digest)
    arrays = load_arrays(path, state)
    if arrays is None:
        arrays = _detect(tree, record, network, workers, bar)
        save_arrays(path, state, arrays)
    else:
        bar.update(len(record.numbers))
    return DetectedJoints(**arrays)


def _detect(tree, record, network, workers, bar):
    side_px = network.spec.image_px

    def read(row):
        path = tree / record.folders[record.folder_ids[row]] / "rgba" / record.image_names[row]
        try:
            return read_square(path, side_px), ""
        except EgolibError as error:
            what = str(error).removeprefix(f"{path}: ").partition(";")[0]
            return np.zeros((side_px, side_px, 3), np.uint8), what

    frames = range(len(record.numbers))
    joints, peaks, errors = [np.empty((0, 15, 2), np.float32)], [np.empty((0, 15), np.float32)], []
    with ThreadPoolExecutor(workers) as pool:  # OpenCV lets other threads run
        for start in frames[::_BATCH]:
            squares, wrong = zip(*pool.map(read, frames[start : start + _BATCH]), strict=True)
            images = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
            heatmaps = run_network(network.network, network.spec, {"image": images}).heatmaps
            found = find_peaks(heatmaps, side_px)
            joints.append(found[0].numpy())
            peaks.append(found[1].numpy())
            errors += wrong
            bar.update(len(wrong))
    joints_px, peaks = np.concatenate(joints), np.concatenate(peaks)
    return {"joints_px": joints_px, "peaks": peaks, "unreadable": np.array(errors, str)}
