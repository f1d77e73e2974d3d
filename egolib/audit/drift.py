"""Labels that have drifted against their pictures in time: which moment do the pictures show?

A heatmap network says where the joints are in each picture; the labels of which frame fit that
best? Networks err, but much the same way from one frame to the next, so joints are compared by
their motion: each track without its running median over two seconds. A wrong pairing persists (each later frame
of the folder is one off), so the offset is a path over the whole folder that pays for each step
(Viterbi). A stretch of the path counts when its gain over no offset stands out from its own spread over
joints and times.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

REACH = 15  # frames that labels are looked for, before and after
MEDIAN_FRAMES = 61
CAP = 0.04  # of the picture's side: a joint that is further off than this says no more
STEP_COST = 0.25  # of the picture's side: what a change of offset by one frame must gain
BLOCK_FRAMES = 15  # errors of a network within so many frames count as one
CONFIDENT = 5.0


@dataclass(frozen=True)
class Stretch:
    """Frames first to last of a folder whose labels are `offset` frames off: picture n shows what
    the label of n + offset says. confidence: gain over no offset, in units of its spread."""

    first: int
    last: int
    offset: float
    confidence: float

    @property
    def drifted(self):
        return self.confidence >= CONFIDENT


def offset_costs(predicted_px, weights, labels_px, runs, side_px, reach=REACH):
    """Misfit of each joint with the labels k frames on, k from -reach to reach.

    predicted_px, labels_px: (T, J, 2) pixels of a square of side `side_px`, in the order of time;
    weights: (T, J) in 0..1, 0 where a prediction says nothing; runs: (T,) equal within frames
    that follow each other without a gap. Returns (T, J, 2 reach + 1) in shares of the side, times weight;
    what lies outside a run is as good as no offset.
    """
    moved = [_motion(track / side_px, runs) for track in (predicted_px, labels_px)]
    frames = np.arange(len(runs))
    costs = np.empty((*weights.shape, 2 * reach + 1), np.float32)
    for k in range(-reach, reach + 1):
        other = np.clip(frames + k, 0, len(runs) - 1)
        distance = np.linalg.norm(moved[0] - moved[1][other], axis=-1)
        valid = (runs[other] == runs) & (other == frames + k)
        costs[..., k + reach] = np.where(valid[:, None], np.minimum(distance, CAP), np.nan)
    still = costs[..., reach, None]
    return np.where(np.isnan(costs), still, costs) * weights[..., None]


def _motion(track, runs):
    """Track (T, J, 2) without its running median within each run."""
    flat = pd.DataFrame(track.reshape(len(track), -1))
    rolling = flat.groupby(runs, sort=False).rolling(MEDIAN_FRAMES, center=True, min_periods=1)
    return (flat - rolling.median().reset_index(0, drop=True)).to_numpy().reshape(track.shape)


def offset_path(costs, step_cost=STEP_COST):
    """The path of offsets (T,) that costs least, (T, J, K) summed over joints, when each step by
    one frame costs `step_cost`."""
    emission = costs.sum(1, dtype=np.float64)
    offsets = np.arange(emission.shape[1])
    steps = step_cost * np.abs(offsets[:, None] - offsets)
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
    away = path != 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], away, [0]])))
    middle = costs.shape[-1] // 2
    chosen = np.take_along_axis(costs, (path + middle)[:, None, None], -1)[..., 0]
    gains = costs[..., middle] - chosen
    found = []
    for start, stop in edges.reshape(-1, 2):
        blocks = np.add.reduceat(gains[start:stop], np.arange(0, stop - start, BLOCK_FRAMES))
        spread = np.sqrt((blocks**2).sum())
        confidence = float(blocks.sum() / spread) if spread else 0.0
        offset = float(np.median(path[start:stop]))
        found.append(Stretch(int(numbers[start]), int(numbers[stop - 1]), offset, confidence))
    return found
