"""Labels that have drifted in time: the offset in frames between labels and images.

A heatmap network finds the joints in each image, and the search is for the frame whose labels fit
them best. The errors of a network change little from one frame to the next, so joints are compared
by their motion: each track minus its running median over two seconds. A wrong pairing persists
(all later frames of the folder are off by one), so the offset is a path over the whole folder with
a cost for each step (Viterbi). A stretch of the path counts as drift when its gain over no offset
is large against the spread of the gain over joints and times.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from egolib.camera import inside_square, native_to_square

REACH = 15  # largest offset that is tried, in frames, before and after
MEDIAN_FRAMES = 61
CAP = 0.04  # largest cost of a joint, as a fraction of the image's side
STEP_COST = 0.5  # cost of a change of offset by one frame, as a fraction of the image's side
BLOCK_FRAMES = 15  # frames whose errors are taken for correlated and counted as one
CONFIDENT = 4.5  # folders of a few short sequences reach 4 by chance


@dataclass(frozen=True)
class Stretch:
    """Frames first to last of a folder whose labels are `offset` frames off: image n shows the pose
    of label n + offset. confidence: gain over no offset, in units of its spread."""

    first: int
    last: int
    offset: float
    confidence: float

    @property
    def drifted(self):
        return self.confidence >= CONFIDENT


@dataclass(frozen=True)
class FolderDrift:
    """numbers, offsets: (T,), frame numbers and the offset of their labels. noticeable: the
    smallest shift of the whole folder that would have been found, or None."""

    numbers: np.ndarray
    offsets: np.ndarray
    stretches: list
    noticeable: int | None


def offset_costs(predicted_uv_crop, weights, labels_px, runs, side_px):
    """Misfit of each joint with the labels k frames on, k from -REACH to REACH.

    predicted_uv_crop, labels_px: (T, J, 2) pixels of a square of side `side_px`, in the order of
    time; labels are NaN where a joint is not in the image. weights: (T, J) in 0..1, how much a
    prediction counts. runs: (T,) the same number for frames that follow each other without a gap.
    Returns (T, J, 2 REACH + 1), fractions of the side times weight; where there is no label k frames
    on, the cost is that of the frame's own label.
    """
    moved = [_motion(track / side_px, runs) for track in (predicted_uv_crop, labels_px)]
    frames = np.arange(len(runs))
    costs = np.empty((*weights.shape, 2 * REACH + 1), np.float32)
    for k in range(-REACH, REACH + 1):
        other = np.clip(frames + k, 0, len(runs) - 1)
        distance = np.linalg.norm(moved[0] - moved[1][other], axis=-1)
        valid = (runs[other] == runs) & (other == frames + k)
        costs[..., k + REACH] = np.where(valid[:, None], np.minimum(distance, CAP), np.nan)
    still = costs[..., REACH, None]
    return np.nan_to_num(np.where(np.isnan(costs), still, costs)) * weights[..., None]


def _motion(track, runs):
    """Track (T, J, 2) without its running median within each run."""
    flat = pd.DataFrame(track.reshape(len(track), -1))
    rolling = flat.groupby(runs, sort=False).rolling(MEDIAN_FRAMES, center=True, min_periods=1)
    return (flat - rolling.median().reset_index(0, drop=True)).to_numpy().reshape(track.shape)


def offset_path(costs):
    """The path of offsets (T,) that costs least, (T, J, K) summed over joints, when each step by
    one frame costs `step_cost`."""
    emission = costs.sum(1, dtype=np.float64)
    offsets = np.arange(emission.shape[1])
    steps = STEP_COST * np.abs(offsets[:, None] - offsets)
    came_from = np.empty(emission.shape, np.int16)
    best = steps[:, len(offsets) // 2].copy()
    for t, cost in enumerate(emission):
        ways = best + steps
        came_from[t] = ways.argmin(1)
        best = ways[offsets, came_from[t]] + cost
    path = np.empty(len(emission), int)
    state = int(best.argmin())
    for t in range(len(emission) - 1, -1, -1):
        path[t], state = state, came_from[t, state]
    return path - len(offsets) // 2


def stretches(costs, path, numbers):
    """The stretches of a path in which labels are off -> list of Stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], path != 0, [0]])))
    middle = costs.shape[-1] // 2
    chosen = np.take_along_axis(costs, (path + middle)[:, None, None], -1)[..., 0]
    gains = costs[..., middle] - chosen
    found = []
    for start, stop in edges.reshape(-1, 2):
        first, last = int(numbers[start]), int(numbers[stop - 1])
        offset, confidence = float(np.median(path[start:stop])), _confidence(gains[start:stop])
        found.append(Stretch(first, last, offset, confidence))
    return found


def noticeable_shift(costs):
    """The smallest shift of all these frames that would have been found with confidence, or None.
    It shows how much "no drift" means, which depends on network, motion and number of frames."""
    middle = costs.shape[-1] // 2
    still = costs[..., middle]
    for k in range(1, middle + 1):
        if min(_confidence(costs[..., middle + way] - still) for way in (k, -k)) >= CONFIDENT:
            return k
    return None


def _confidence(gains):
    """Sum of gains (T, J) in units of its spread over joints and blocks of frames."""
    blocks = np.add.reduceat(gains, np.arange(0, len(gains), BLOCK_FRAMES))
    spread = np.sqrt((blocks**2).sum())
    return float(blocks.sum() / spread) if spread else 0.0


def find_drift(record, detected, side_px):
    """Look for drift in the folders of a character -> {folder: FolderDrift}. record: a
    CharacterRecord; detected: the joints that a network with images of side_px finds in it."""
    labels_px = native_to_square(record.uv_native, side_px)
    labels_px[~(inside_square(labels_px, side_px) & record.in_front)] = np.nan
    weights = np.where(detected.unreadable[:, None] == "", np.clip(detected.peaks, 0, 1), 0)
    follows = (np.diff(record.numbers) == 1) & (np.diff(record.clip_ids) == 0)
    runs = np.concatenate([[0], np.cumsum(~follows)])
    found = {}
    for folder_id, folder in enumerate(record.folders):
        rows = record.folder_ids == folder_id
        if rows.any():
            joints_px, numbers = detected.joints_px[rows], record.numbers[rows]
            costs = offset_costs(joints_px, weights[rows], labels_px[rows], runs[rows], side_px)
            path = offset_path(costs)
            moving = stretches(costs, path, numbers)
            found[str(folder)] = FolderDrift(numbers, path, moving, noticeable_shift(costs))
    return found
