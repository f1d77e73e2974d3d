"""Causes of an error: its direction, the circumstances of a joint, lifting against detection.

Every function takes an ErrorComponents and answers one question."""

import numpy as np
import pandas as pd

from egolib.data.visibility import STATES
from egolib.evaluation.analysis.answers import Answer, amount, compared, difference, table_of
from egolib.evaluation.analysis.components import JOINT_PARTS, ErrorComponents
from egolib.metrics import equal_bins, interval
from egolib.skeleton import (
    ACTIONS,
    BODY_PARTS,
    JOINTS,
    LOWER_BODY,
    UNKNOWN_ACTION,
    left_right_indices,
)

FOUND = 0.05  # a joint is found in 2D if it is off by at most this share of the image's side
# What may explain the error of a joint: {field of ErrorComponents: (what it is, its unit)}.
FACTORS = {
    "distance_m": ("the distance from the camera", "m"),
    "off_axis_deg": ("the angle off the optical axis", "degrees"),
    "entropy_bits": ("the entropy of the heatmap", "bits"),
}
_BINS = 8
_ROWS = [*JOINTS, "All"]


def by_joint(components: ErrorComponents) -> Answer:
    """Which joints are wrong, and is one side worse? Table: a row a joint, mean, bounds in mm."""
    means, draws = components.means(np.arange(len(JOINTS)), len(JOINTS))
    table = table_of(means, draws, JOINTS)
    worst, best = table["mean"].idxmax(), table["mean"].idxmin()
    sides = difference(means, draws, *left_right_indices(JOINTS))
    return Answer(
        "which_joints_are_wrong",
        "Which parts of the body are wrong, and by how much?",
        f"{worst} is worst, off by {amount(*table.loc[worst])} on average; {best} is best with "
        f"{amount(*table.loc[best])}. The left side is {compared(*sides, 'worse', 'better')} than "
        "the right.",
        table,
    )


def by_half(components: ErrorComponents) -> Answer:
    """Is the lower body worse than the upper? Table: a row a half, mean and bounds in mm."""
    means, draws = components.means(np.isin(JOINTS, LOWER_BODY).astype(int), 2)
    table = table_of(means, draws, ["Upper body", "Lower body"])
    gap = difference(means, draws, 1, 0)
    return Answer(
        "is_the_lower_body_worse",
        "Is the lower body worse than the upper?",
        f"The upper body is off by {amount(*table.iloc[0])} on average, the lower by "
        f"{amount(*table.iloc[1])}: the lower is {compared(*gap, 'worse', 'better')}.",
        table,
    )


def by_action(components: ErrorComponents) -> Answer:
    """Which actions are hard? Table: a row an action that occurs, mean and bounds of the MPJPE."""
    names = [a for a in (*ACTIONS, UNKNOWN_ACTION) if a in components.action]
    groups = pd.Categorical(components.action, names).codes
    means, draws = components.means(groups[:, None], len(names))
    table = table_of(means, draws, names)
    hard, easy = means.argmax(), means.argmin()
    gap = difference(means, draws, hard, easy)
    return Answer(
        "which_actions_are_hard",
        "Which actions are hard?",
        f"{names[hard]} is hardest with {amount(*table.iloc[hard])}, {names[easy]} easiest with "
        f"{amount(*table.iloc[easy])}: {amount(*gap)} apart.",
        table.assign(frames=np.bincount(groups, minlength=len(names))),
    )


def by_direction(components: ErrorComponents) -> Answer:
    """Depth error against image error. Table: a row a joint and "All"; root mean squares in mm of
    the part along the ray and, for each of its two directions, of the part across; share_along, of
    the squared error, in percent; bias_along, mean signed depth error in mm; all with bounds."""
    along = _of_joints_and_all(components, components.along_mm**2)
    across = _of_joints_and_all(components, components.across_mm**2)
    columns = {
        "along": [np.sqrt(v) for v in along],
        "across": [np.sqrt(v / 2) for v in across],
        "share_along": [100 * a / (a + b) for a, b in zip(along, across, strict=True)],
        "bias_along": _of_joints_and_all(components, components.along_mm),
    }
    table = pd.concat({name: table_of(*found, _ROWS) for name, found in columns.items()}, axis=1)
    share, bias = (table.loc["All", name] for name in ("share_along", "bias_along"))
    return Answer(
        "is_it_depth_or_image_error",
        "In which direction is it wrong: along the ray (depth) or across it (image)?",
        f"{amount(*share, unit='%')} of the squared error lies along the ray; it would be 33 % if "
        f"no direction were preferred. On average joints are placed "
        f"{compared(*bias, 'too far', 'too near')}.",
        table,
    )


def by_factor(components: ErrorComponents, factor: str) -> Answer:
    """How the error grows with one of FACTORS, in bins of equal counts. Table: rows (part of the
    body or "all", bin); `at`, the bin's mean of the factor, and mean and bounds of the error."""
    values, (what, unit) = getattr(components, factor), FACTORS[factor]
    known = np.isfinite(values)
    name = f"does_error_grow_with_{factor.rpartition('_')[0]}"
    question = f"How does the error grow with {what}?"
    if not known.any():
        return Answer(name, question, f"Not available: these predictions lack {what}.")
    bins, count = equal_bins(values, known, _BINS)
    rows, changes = {}, []
    for part in ("all", *BODY_PARTS):
        groups = bins if part == "all" else np.where(part == JOINT_PARTS, bins, -1)
        at, _ = components.means(groups, count, values, rounds=1)
        means, draws = components.means(groups, count)
        joints = np.bincount(groups[groups >= 0], minlength=count)
        rows[part] = table_of(means, draws, range(count)).assign(at=at, joints=joints)
        filled = np.flatnonzero(joints > len(components) // 50)
        if part == "all":
            total, rise = means, difference(means, draws, -1, 0)
        elif len(filled) > 1:
            changes.append(means[filled[-1]] - means[filled[0]])
    at = rows["all"]["at"]
    return Answer(
        name,
        question,
        f"From the lowest eighth ({at.iloc[0]:.2g} {unit}) to the highest ({at.iloc[-1]:.2g} "
        f"{unit}) the error goes from {total[0]:.0f} to {total[-1]:.0f} mm: by {amount(*rise)}. "
        f"Within one part of the body it changes by {np.median(changes):+.0f} mm (median over "
        "parts).",
        pd.concat(rows, names=["part", "bin"]),
    )


def by_visibility(components: ErrorComponents) -> Answer:
    """How the error grows with occlusion. Table: rows (state of visibility.STATES that occurs,
    joint); mean and bounds in mm, and how many joints.

    States differ in which joints they hold: the sentence compares each with joints that are seen
    (or, where nothing tells what hides them, in the image) joint by joint; a joint that is often
    in both counts most (overlap weights).
    """
    present = np.unique(components.state)
    names = [STATES[i] for i in present]
    rows = pd.MultiIndex.from_product([names, JOINTS], names=["state", "joint"])
    groups = np.searchsorted(present, components.state) * len(JOINTS) + np.arange(len(JOINTS))
    means, draws = components.means(groups, len(rows))
    counts = np.bincount(groups.ravel(), minlength=len(rows))
    table = table_of(means, draws, rows).assign(joints=counts)
    means, draws, counts = (
        a.reshape(*a.shape[:-1], -1, len(JOINTS)) for a in (means, draws, counts)
    )
    shares = 100 * counts.sum(-1) / counts.sum()
    comparisons = []
    for i, name in enumerate(names[1:], 1):
        weights = counts[i] * counts[0] / np.maximum(counts[i] + counts[0], 1)
        # A joint that is in one of the states in a single sequence has no draws: not counted.
        weights[np.isnan(draws[:, i] - draws[:, 0]).all(0)] = 0
        if weights.any():
            gap, gaps = (_weighted(m[..., i, :] - m[..., 0, :], weights) for m in (means, draws))
            more = compared(gap, *interval(gaps), "more", "less")
            comparisons.append(f"{name} ({shares[i]:.2g} %): {more}")
    unknown = "" if names[0] == STATES[0] else "What hides a joint is not available on this data. "
    return Answer(
        "does_error_grow_with_occlusion",
        "How does the error grow with self-occlusion?",
        f"{unknown}Compared with the same joint when it is {names[0]} ({shares[0]:.2g} % of all), "
        f"the error is, {'; '.join(comparisons) or 'nothing to compare with'}.",
        table,
    )


def _weighted(values, weights):
    """Weighted means of values (..., 16), those that are NaN left out."""
    with np.errstate(invalid="ignore"):  # a draw without any value is NaN
        return np.nansum(values * weights, -1) / (np.isfinite(values) * weights).sum(-1)


def lifting_and_detection(oracle: ErrorComponents, detected: ErrorComponents) -> Answer:
    """How much of the error is lifting, how much 2D: a lifter on true heatmaps (`oracle`) and on
    those that were found (`detected`), both ErrorComponents of the same frames. Table: a row a
    joint and "All"; `lifting`, the oracle's error, and `detection`, what comes on top, in mm with
    bounds."""
    lifting = _of_joints_and_all(oracle, oracle.error_mm)
    detection = _of_joints_and_all(oracle, detected.error_mm - oracle.error_mm)
    share, shares = (100 * a[..., -1] / (a + b)[..., -1]
                     for a, b in zip(lifting, detection, strict=True))  # fmt: skip
    parts = {"lifting": table_of(*lifting, _ROWS), "detection": table_of(*detection, _ROWS)}
    total = {name: amount(*table.loc["All"]) for name, table in parts.items()}
    return Answer(
        "is_it_lifting_or_2d",
        "How much of the 3D error is 2D error, how much is lifting?",
        f"On true heatmaps the same lifter is off by {total['lifting']}: lifting is "
        f"{amount(share, *interval(shares), unit='%')} of the error of the lifter on detected "
        f"heatmaps. Detected heatmaps add {total['detection']}.",
        pd.concat(parts, axis=1),
    )


def _of_joints_and_all(components, values):
    """Means and draws (components.means) of values (N, 16) by joint and of all: _ROWS."""
    found = components.means(np.arange(len(JOINTS)), len(JOINTS), values)
    # Every joint has a value in every frame, so the mean of all is that of the joints.
    return [np.concatenate([m, m.mean(-1, keepdims=True)], -1) for m in found]
