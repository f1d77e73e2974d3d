"""Pose errors, each named after its protocol, and bootstrap intervals for their means.

Poses are (N, 16, 3) in metres along the axes of the camera, with joints in the order of
skeleton.JOINTS.
"""

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from egolib.skeleton import JOINTS, relative_to_neck

_BLOCK = 8192
_Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _in_blocks(measure: _Measure) -> _Measure:
    """Decorator for a metric: check the shapes of the poses, then compute the metric in float64 for
    one block of frames after the other, which saves memory."""

    @functools.wraps(measure)
    def measure_all(predicted_rel_m: np.ndarray, true_rel_m: np.ndarray) -> np.ndarray:
        poses = predicted_rel_m, true_rel_m = np.asarray(predicted_rel_m), np.asarray(true_rel_m)
        shape, other = predicted_rel_m.shape, true_rel_m.shape
        if shape != other or shape[1:] != (len(JOINTS), 3):
            raise ValueError(f"poses of shapes {shape} and {other}; both must be (N, 16, 3)")
        starts = range(0, max(len(true_rel_m), 1), _BLOCK)
        blocks = ([p[i : i + _BLOCK].astype(np.float64) for p in poses] for i in starts)
        return np.concatenate([measure(*block) for block in blocks])

    return measure_all


@_in_blocks
def joint_errors_mm(predicted_rel_m: np.ndarray, true_rel_m: np.ndarray) -> np.ndarray:
    """Error of every joint (N, 16) in millimetres, including the neck, by the protocol of the data
    set: the true pose is moved so that its neck is at the origin; the predicted pose is not
    aligned."""
    return 1000 * np.linalg.norm(predicted_rel_m - relative_to_neck(true_rel_m), axis=-1)


def mpjpe_mm(predicted_rel_m: np.ndarray, true_rel_m: np.ndarray) -> np.ndarray:
    """MPJPE: mean over joints of `joint_errors_mm`, per frame (N,)."""
    return joint_errors_mm(predicted_rel_m, true_rel_m).mean(-1)


@_in_blocks
def neck_aligned_mpjpe_mm(predicted_rel_m: np.ndarray, true_rel_m: np.ndarray) -> np.ndarray:
    """MPJPE per frame (N,) after both necks are moved to the origin (root-relative)."""
    return mpjpe_mm(relative_to_neck(predicted_rel_m), true_rel_m)


@_in_blocks
def pa_joint_errors_mm(predicted_rel_m: np.ndarray, true_rel_m: np.ndarray) -> np.ndarray:
    """Error of every joint (N, 16) in millimetres after Procrustes alignment: the predicted pose is
    moved by the similarity transform (rotation, scale, translation) that best fits it to the true
    pose."""
    p = predicted_rel_m - predicted_rel_m.mean(1, keepdims=True)
    t = true_rel_m - true_rel_m.mean(1, keepdims=True)
    u, singular, vt = np.linalg.svd(p.transpose(0, 2, 1) @ t)
    # Where the best fit is a reflection, flip its weakest axis to get a rotation.
    flip = np.ones_like(singular)
    flip[:, -1] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * flip[:, None]) @ vt
    energy = np.maximum((p**2).sum((1, 2)), 1e-12)
    scale = (singular * flip).sum(-1) / energy
    return 1000 * np.linalg.norm(scale[:, None, None] * (p @ rotation) - t, axis=-1)


def pa_mpjpe_mm(predicted_rel_m: np.ndarray, true_rel_m: np.ndarray) -> np.ndarray:
    """PA-MPJPE: mean over joints of `pa_joint_errors_mm`, per frame (N,)."""
    return pa_joint_errors_mm(predicted_rel_m, true_rel_m).mean(-1)


def correct(errors_mm: ArrayLike, threshold_mm: float = 150) -> np.ndarray:
    """Contribution of each joint to PCK in percent, 100 for an error up to the threshold, else 0.

    `errors_mm` has any shape, which is also that of the result. The mean of the result is the
    percentage of correct keypoints.
    """
    return 100.0 * (np.asarray(errors_mm) <= threshold_mm)


def area(errors_mm: ArrayLike, limit_mm: float = 150) -> np.ndarray:
    """Contribution of each joint to AUC in percent.

    `errors_mm` has any shape, which is also that of the result. The mean of the result is the area
    under the curve of PCK over thresholds from 0 to the limit. The area is exact, not a sum over a
    grid of thresholds: a joint is correct at every threshold above its error, that is, over the
    fraction 1 - error / limit of the range.
    """
    return 100 * (1 - np.asarray(errors_mm) / limit_mm).clip(0, 1)


def bootstrap_means(
    values: ArrayLike, clusters: ArrayLike, rounds: int = 1000, seed: int = 0
) -> np.ndarray:
    """Means of `values` in each bootstrap round -> (rounds,), all NaN with fewer than two clusters.

    Frames of one sequence resemble each other. Therefore `clusters` (N,) names the sequence of each
    value, and whole sequences are drawn with replacement. If `values` is (S, N), it comes from S
    runs that differ in their seed. Every round then also draws S - 1 of the runs with replacement,
    so that the spread of the means includes the variation between sequences and between seeds. With
    S draws, the variance between seeds would be too small, by the factor (S - 1) / S.
    """
    values = np.atleast_2d(np.asarray(values, np.float64))
    _, cluster_ids = np.unique(clusters, return_inverse=True)
    counts = np.bincount(cluster_ids)
    if len(counts) < 2:
        return np.full(rounds, np.nan)
    sums = np.stack([np.bincount(cluster_ids, run) for run in values])
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(counts), size=(rounds, len(counts)))
    runs = rng.integers(len(sums), size=(rounds, max(len(sums) - 1, 1)))
    drawn = np.take_along_axis(sums[runs].mean(1), draws, axis=1)
    return drawn.sum(1) / counts[draws].sum(1)


def bootstrap_interval(
    values: ArrayLike, clusters: ArrayLike, level: float = 0.95, rounds: int = 1000, seed: int = 0
) -> tuple[np.floating, np.floating, np.floating]:
    """Mean of `values` (N,) or (S, N) and its interval by `bootstrap_means` -> (mean, low, high);
    the bounds are NaN where no interval exists."""
    tail = 50 * (1 - level)
    means = bootstrap_means(values, clusters, rounds, seed)
    low, high = np.percentile(means, [tail, 100 - tail])
    return np.mean(np.asarray(values)), low, high


def bootstrap_group_means(
    values: ArrayLike, groups: ArrayLike, clusters: ArrayLike, count: int,
    rounds: int = 1000, seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Mean of `values` within each of `count` groups, and its bootstrap draws. All groups share the
    same resampled clusters, so that intervals of differences between groups can be computed too.

    Args:
        values: (N,), NaN where a value is missing.
        groups: int (N,) from 0 to count - 1, or -1 for a value that is in no group.
        clusters: int (N,).

    Returns (means (count,), draws (rounds, count)). Both are NaN for a group without values; the
    draws are also NaN for a group with values from only one cluster.
    """
    values, groups, clusters = (np.asarray(a).ravel() for a in (values, groups, clusters))
    keep = (groups >= 0) & np.isfinite(values)
    size = int(clusters.max(initial=-1)) + 1
    cells = clusters[keep] * count + groups[keep]
    shape = (size, count)
    sums = np.bincount(cells, values[keep], size * count).reshape(shape)
    counts = np.bincount(cells, minlength=size * count).reshape(shape).astype(float)
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / max(size, 1)), rounds)
    with np.errstate(invalid="ignore", divide="ignore"):
        means, draws = sums.sum(0) / counts.sum(0), (drawn @ sums) / (drawn @ counts)
    draws[:, (counts > 0).sum(0) < 2] = np.nan
    return means, draws


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Confidence interval (low, high) from bootstrap draws (rounds, ...), each of shape (...); NaN
    where more than half of the draws are NaN."""
    tail = 50 * (1 - level)
    gone = np.isnan(draws).mean(0) > 0.5
    low, high = np.nanpercentile(np.where(gone, 0.0, draws), [tail, 100 - tail], axis=0)
    return np.where(gone, np.nan, low), np.where(gone, np.nan, high)


def equal_bins(values: np.ndarray, known: np.ndarray, count: int) -> tuple[np.ndarray, int]:
    """Divide `values` into `count` bins with equally many values each, or into fewer bins if many
    values are equal -> (bin of each value, -1 where not `known`; number of bins)."""
    edges = np.quantile(values[known], np.linspace(0, 1, count + 1)[1:-1])
    bins = np.full(values.shape, -1)
    numbers, bins[known] = np.unique(np.searchsorted(edges, values[known]), return_inverse=True)
    return bins, len(numbers)
