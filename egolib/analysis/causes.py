"""What an error comes from: its direction, the circumstances of a joint, and what each joint's
millimetres are made of. Every function takes an ErrorAnatomy and answers one question."""

import numpy as np
import pandas as pd

from egolib.analysis.anatomy import PARTS
from egolib.analysis.answers import Answer, amount, compared, table_of, text_of
from egolib.metrics import bootstrap_group_means, equal_bins, interval
from egolib.skeleton import (
    ACTIONS,
    JOINTS,
    LOWER_BODY,
    UNKNOWN_ACTION,
    UPPER_BODY,
    side_pairs,
)
from egolib.visibility import STATES

FOUND = 0.05  # a joint is found in 2D if it is off by at most this share of the picture's side
# What may explain the error with a joint: name of the anatomy's column, what it is, its unit.
FACTORS = {
    "distance_m": ("the distance from the camera", "m"),
    "off_axis_deg": ("the angle off the optical axis", "degrees"),
    "entropy_bits": ("the entropy of the heatmap", "bits"),
}
_BINS = 8
_ROWS = [*JOINTS, "All"]


def by_joint(anatomy):
    """Which joints are wrong, and is one side worse? Table: a row a joint, mean and bounds in mm."""
    joints = np.broadcast_to(np.arange(len(JOINTS)), anatomy.error_mm.shape)
    means, draws = bootstrap_group_means(anatomy.error_mm, joints, anatomy.clusters, len(JOINTS))
    worst, best = means.argmax(), means.argmin()
    left, right = side_pairs(JOINTS)
    sides = compared(
        means[left].mean() - means[right].mean(),
        *interval(draws[:, left].mean(1) - draws[:, right].mean(1)),
        "worse", "better",
    )  # fmt: skip
    return Answer(
        "which_joints_are_wrong",
        "Which parts of the body are wrong, and by how much?",
        f"{JOINTS[worst]} is worst, off by {text_of(means, draws, worst)} on average; {JOINTS[best]} "
        f"is best with {text_of(means, draws, best)}. The left side is {sides} than the right.",
        table_of(means, draws, JOINTS),
    )


def by_half(anatomy):
    """Is the lower body worse than the upper? Table: a row a half, mean and bounds in mm."""
    halves = {"Upper body": UPPER_BODY, "Lower body": LOWER_BODY}
    groups = np.select([np.isin(JOINTS, joints) for joints in halves.values()], (0, 1), -1)
    groups = np.broadcast_to(groups, anatomy.error_mm.shape)
    means, draws = bootstrap_group_means(anatomy.error_mm, groups, anatomy.clusters, 2)
    gap = compared(means[1] - means[0], *interval(draws[:, 1] - draws[:, 0]), "worse", "better")
    return Answer(
        "is_the_lower_body_worse",
        "Is the lower body worse than the upper?",
        f"The upper body is off by {text_of(means, draws, 0)} on average, the lower by "
        f"{text_of(means, draws, 1)}: the lower is {gap}.",
        table_of(means, draws, list(halves)),
    )


def by_action(anatomy):
    """Which actions are hard? Table: a row an action that occurs, mean and bounds of the MPJPE."""
    names = [a for a in (*ACTIONS, UNKNOWN_ACTION) if (anatomy.action == a).any()]
    groups = np.select([anatomy.action == a for a in names], range(len(names)), -1)
    mpjpe = anatomy.error_mm.mean(-1)
    means, draws = bootstrap_group_means(mpjpe, groups, anatomy.cluster, len(names))
    hard, easy = means.argmax(), means.argmin()
    gap = amount(means[hard] - means[easy], *interval(draws[:, hard] - draws[:, easy]))
    return Answer(
        "which_actions_are_hard",
        "Which actions are hard?",
        f"{names[hard]} is hardest with {text_of(means, draws, hard)}, {names[easy]} easiest with "
        f"{text_of(means, draws, easy)}: {gap} apart.",
        table_of(means, draws, names).assign(frames=np.bincount(groups, minlength=len(names))),
    )


def by_direction(anatomy):
    """Depth error against image error. Table: a row a joint and "All"; root mean squares in mm of
    the part along the ray and, for each of its two directions, of the part across; share_along, of
    the squared error, in percent; bias_along, mean signed depth error in mm; all with bounds."""
    along, across = (
        _of_joints_and_all(v**2, anatomy.clusters) for v in (anatomy.along_mm, anatomy.across_mm)
    )
    columns = {
        "along": [np.sqrt(v) for v in along],
        "across": [np.sqrt(v / 2) for v in across],
        "share_along": [100 * a / (a + b) for a, b in zip(along, across, strict=True)],
        "bias_along": _of_joints_and_all(anatomy.along_mm, anatomy.clusters),
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


def by_factor(anatomy, factor):
    """How the error grows with one of FACTORS, in bins of equal counts. Table: rows (part of the
    body or "all", bin); `at`, the bin's mean of the factor, and mean and bounds of the error."""
    values, (what, unit) = getattr(anatomy, factor), FACTORS[factor]
    known = np.isfinite(values)
    name = f"does_error_grow_with_{factor.rpartition('_')[0]}"
    question = f"How does the error grow with {what}?"
    if not known.any():
        return Answer(name, question, f"Not available: these predictions lack {what}.")
    bins, count = equal_bins(values, known, _BINS)
    rows, within = {}, []
    for part, chosen in [("all", known), *((p, anatomy.parts == i) for i, p in enumerate(PARTS))]:
        groups = np.where(chosen, bins, -1)
        at = bootstrap_group_means(values, groups, anatomy.clusters, count, rounds=1)[0]
        means, draws = bootstrap_group_means(anatomy.error_mm, groups, anatomy.clusters, count)
        rows[part] = table_of(means, draws, range(count)).assign(
            at=at, joints=np.bincount(groups[groups >= 0], minlength=count)
        )
        if part == "all":
            total, total_draws = means, draws
        elif (held := np.flatnonzero(rows[part].joints >= len(anatomy) // 50 + 1)).size > 1:
            within.append(means[held[-1]] - means[held[0]])
    rise = amount(total[-1] - total[0], *interval(total_draws[:, -1] - total_draws[:, 0]))
    at = rows["all"]["at"]
    return Answer(
        name,
        question,
        f"From the lowest eighth ({at.iloc[0]:.2g} {unit}) to the highest ({at.iloc[-1]:.2g} "
        f"{unit}) the error goes from {total[0]:.0f} to {total[-1]:.0f} mm: by {rise}. Within one "
        f"part of the body it changes by {np.median(within):+.0f} mm (median over parts).",
        pd.concat(rows, names=["part", "bin"]),
    )


def by_visibility(anatomy):
    """How the error grows with occlusion. Table: rows (state of visibility.STATES that occurs, joint);
    mean and bounds in mm, and how many joints.

    States differ in which joints they hold: the sentence compares each with joints that are seen
    (or, where nothing tells what hides them, in the picture) joint by joint; a joint that is often
    in both counts most (overlap weights).
    """
    present = np.flatnonzero(np.bincount(anatomy.state.ravel(), minlength=len(STATES)))
    shape = len(present), len(JOINTS)
    groups = np.searchsorted(present, anatomy.state) * len(JOINTS) + np.arange(len(JOINTS))
    found = bootstrap_group_means(anatomy.error_mm, groups, anatomy.clusters, np.prod(shape))
    counts = np.bincount(groups.ravel(), minlength=np.prod(shape))
    names = [STATES[i] for i in present]
    index = pd.MultiIndex.from_product([names, JOINTS], names=["state", "joint"])
    table = table_of(*found, index).assign(joints=counts)
    means, draws, counts = (
        found[0].reshape(shape),
        found[1].reshape(-1, *shape),
        counts.reshape(shape),
    )
    base, told = 0, []
    for i, name in enumerate(names[1:], 1):
        weights = counts[i] * counts[base] / np.maximum(counts[i] + counts[base], 1)
        # A joint that is in one of the states in a single sequence has no draws, so it does not count.
        weights[np.isnan(draws[:, i] - draws[:, base]).all(0)] = 0
        if weights.any():
            gap, gaps = (_weighted(m[..., i, :] - m[..., base, :], weights) for m in (means, draws))
            share = 100 * counts[i].sum() / counts.sum()
            told.append(f"{name} ({share:.2g} %): {compared(gap, *interval(gaps), 'more', 'less')}")
    unknown = "" if names[0] == STATES[0] else "What hides a joint is not available on this data. "
    first = 100 * counts[base].sum() / counts.sum()
    return Answer(
        "does_error_grow_with_occlusion",
        "How does the error grow with self-occlusion?",
        f"{unknown}Compared with the same joint when it is {names[base]} ({first:.2g} % of all), the "
        f"error is, {'; '.join(told) or 'nothing to compare with'}.",
        table,
    )


def _weighted(values, weights):
    """Weighted means of values (..., 16), those that are NaN left out."""
    with np.errstate(invalid="ignore"):  # a draw without any value is NaN, and `interval` knows it
        return np.nansum(values * weights, -1) / (np.isfinite(values) * weights).sum(-1)


def lifting_and_detection(oracle, detected):
    """How much of the error is lifting, how much 2D: a lifter on true heatmaps (`oracle`) and on
    those that were found (`detected`), both ErrorAnatomy of the same frames. Table: a row a joint and
    "All"; `lifting`, the oracle's error, and `detection`, what comes on top, in mm with bounds."""
    lifting = _of_joints_and_all(oracle.error_mm, oracle.clusters)
    detection = _of_joints_and_all(detected.error_mm - oracle.error_mm, oracle.clusters)
    share, shares = (100 * a[..., -1] / (a + b)[..., -1]
                     for a, b in zip(lifting, detection, strict=True))  # fmt: skip
    return Answer(
        "is_it_lifting_or_2d",
        "How much of the 3D error is 2D error, how much is lifting?",
        f"On true heatmaps the same lifter is off by {text_of(*lifting, -1)}: lifting is "
        f"{amount(share, *interval(shares), unit='%')} of the error before fine-tuning. Detected "
        f"heatmaps add {text_of(*detection, -1)}.",
        pd.concat(
            {"lifting": table_of(*lifting, _ROWS), "detection": table_of(*detection, _ROWS)}, axis=1
        ),
    )


def _of_joints_and_all(values, clusters):
    """Means and draws, as bootstrap_group_means, of values (N, 16) by joint and of all: _ROWS."""
    joints = np.broadcast_to(np.arange(len(JOINTS)), values.shape)
    found = [
        bootstrap_group_means(values, groups, clusters, count)
        for groups, count in ((joints, len(JOINTS)), (np.zeros(values.shape, int), 1))
    ]
    return [np.concatenate(pair, -1) for pair in zip(*found, strict=True)]
