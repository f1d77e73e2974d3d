"""The worst frames, and what every joint's error is made of: a cause that is computed.

A joint has one cause, by what is known about it, in this order: it is not in the image; its peak in
2D is wrong, because left and right are swapped, or it is hidden, or although it is seen; its peak
is right, or it has none, and the error is mostly depth, or mostly not.
"""

import numpy as np
import pandas as pd

from egolib.data.visibility import BEHIND, HIDDEN_BY_THINGS, HIDDEN_BY_WEARER, OUTSIDE, STATES
from egolib.evaluation.analysis.answers import BOUNDED, Answer, amount, table_of
from egolib.evaluation.analysis.causes import FOUND
from egolib.evaluation.analysis.components import ErrorComponents
from egolib.evaluation.predictions import Predictions
from egolib.skeleton import (
    HEATMAP_JOINT_INDICES,
    HEATMAP_JOINTS,
    JOINTS,
    mirrored_name,
    relative_to_neck,
)

CAUSES = (
    "outside the image", "left and right swapped in 2D", "hidden, not found in 2D",
    "in the image, not found in 2D", "right in 2D, wrong in depth", "right in 2D, else wrong",
)  # fmt: skip
_WORST_SHARE = 0.05
_REFERENCE_POSES = 20_000


def joint_causes(components: ErrorComponents, predictions: Predictions) -> np.ndarray:
    """Cause of every joint's error -> int8 (N, 16), positions in CAUSES."""
    mirrored = np.array([HEATMAP_JOINTS.index(mirrored_name(name)) for name in HEATMAP_JOINTS])
    from_itself, from_mirrored = (
        np.linalg.norm(predictions.predicted_uv_crop - true_uv_crop, axis=-1)
        for true_uv_crop in (predictions.true_uv_crop, predictions.true_uv_crop[:, mirrored])
    )
    near = (from_mirrored < FOUND * predictions.image_px) & (from_mirrored < from_itself)
    swapped = np.zeros(components.state.shape, bool)
    swapped[:, HEATMAP_JOINT_INDICES] = near & (mirrored != np.arange(len(mirrored)))
    missed = components.error_px > FOUND  # False for NaN: the head, and joints outside the image
    hidden = np.isin(STATES, (HIDDEN_BY_WEARER, HIDDEN_BY_THINGS))[components.state]
    conditions = [  # of CAUSES but the last, which is what remains
        np.isin(STATES, (OUTSIDE, BEHIND))[components.state],
        missed & swapped,
        missed & hidden,
        missed,
        components.along_mm**2 > components.across_mm**2,
    ]
    causes = np.select(conditions, range(len(conditions)), len(conditions))
    return causes.astype(np.int8)


def millimetres_by_cause(components: ErrorComponents, causes: np.ndarray) -> np.ndarray:
    """What each frame's MPJPE is made of -> (N, len(CAUSES)) mm that sum to it."""
    of_cause = [np.where(causes == i, components.error_mm, 0).mean(-1) for i in range(len(CAUSES))]
    return np.stack(of_cause, -1)


def made_of(components: ErrorComponents, causes: np.ndarray) -> Answer:
    """What are the millimetres made of? Table: rows ("all frames" or "worst 5 %", cause); mean and
    bounds in mm, and percent of the joints with this cause."""
    parts, mpjpe = millimetres_by_cause(components, causes), components.error_mm.mean(-1)
    worst = mpjpe >= np.quantile(mpjpe, 1 - _WORST_SHARE)
    rows = {}
    for name, chosen in (("all frames", np.full(len(components), True)), ("worst 5 %", worst)):
        groups = np.where(chosen[:, None], np.arange(len(CAUSES)), -1)
        found = components.means(groups, len(CAUSES), parts)
        joints = 100 * np.bincount(causes[chosen].ravel(), minlength=len(CAUSES))
        rows[name] = table_of(*found, CAUSES).assign(joints=joints / causes[chosen].size)
    usual, bad = (table[BOUNDED] for table in rows.values())
    first, grown = usual["mean"].idxmax(), (bad["mean"] - usual["mean"]).idxmax()
    return Answer(
        "what_is_the_error_made_of",
        "What are the millimetres made of?",
        f"The largest part of the error comes from joints that are {first}: "
        f"{amount(*usual.loc[first])} of {mpjpe.mean():.0f} mm. In the worst 5 % of frames what "
        f"grows most is: {grown}, to {amount(*bad.loc[grown])} of {mpjpe[worst].mean():.0f} mm.",
        pd.concat(rows, names=["frames", "cause"]),
    )


def worst_frames(components, predictions, causes, training_poses_m, count=20):
    """The worst frames, at most one of a sequence in one environment, with a guess at the cause:
    what adds most millimetres beyond the mean of all frames.

    training_poses_m (M, 16, 3): to tell how unlike all of them a pose is. Table: a row a frame,
    `place` in the predictions, and image, character, clip, action, mpjpe_mm, cause, cause_mm, worst_joint, and
    nearest_training_pose_mm.
    """
    mpjpe = components.error_mm.mean(-1)
    columns = ("image", "character", "environment", "clip", "action")
    frames = pd.DataFrame({name: getattr(predictions, name) for name in columns})
    frames = frames.assign(place=frames.index, mpjpe_mm=mpjpe)
    frames = frames.sort_values("mpjpe_mm", ascending=False)
    frames = frames.drop_duplicates(["character", "environment", "clip"])[:count]
    places = frames.place.to_numpy()
    parts = millimetres_by_cause(components, causes)
    cause = (parts - parts.mean(0))[places].argmax(-1)
    usual = np.linspace(0, len(mpjpe) - 1, min(100, len(mpjpe))).astype(int)
    away_mm, usual_mm = (
        _nearest_mm(predictions.true_rel_m[at], training_poses_m) for at in (places, usual)
    )
    table = frames[["place", "image", "character", "clip", "action", "mpjpe_mm"]].assign(
        cause=np.array(CAUSES)[cause],
        cause_mm=parts[places, cause],
        worst_joint=np.array(JOINTS)[components.error_mm[places].argmax(-1)],
        nearest_training_pose_mm=away_mm,
    )
    often = table.cause.value_counts()
    return Answer(
        "which_frames_are_worst",
        f"The {len(table)} worst frames: what went wrong?",
        f"In {often.iloc[0]} of {len(table)} the computed cause is: {often.index[0]}. The worst "
        f"joint is most often {table.worst_joint.mode()[0]}. Their poses are "
        f"{np.median(away_mm):.0f} mm from the nearest training pose, where usual test poses are {np.median(usual_mm):.0f} mm away "
        "(medians; single frames, so without intervals).",
        table.reset_index(drop=True),
    )


def _nearest_mm(poses_m, training_poses_m):
    """Mean joint distance (K,) of poses from the nearest of at most _REFERENCE_POSES others."""
    step = max(1, len(training_poses_m) // _REFERENCE_POSES)
    others = relative_to_neck(training_poses_m[::step].astype(np.float32))
    away_m = (np.linalg.norm(others - pose, axis=-1).mean(-1) for pose in poses_m)
    return np.array([1000 * distances.min() for distances in away_m])
