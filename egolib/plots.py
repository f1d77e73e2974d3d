"""Every figure of the study. Each function returns a Figure that shows itself in Jupyter as the
last expression of a cell; `save_figure` writes it as pdf and png."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from egolib.curves import training_curves
from egolib.dataplots import (
    joint_location_map,
    joint_sizes,
    joints_around_camera,
    visibility_bars,
    visibility_by_action,
    what_hides_what,
)
from egolib.drawing import (
    ACCENT,
    DARK,
    LIGHT,
    PALE,
    StudyFigure,
    draw_pose_2d,
    draw_pose_3d,
    flatten_pose,
    joint_colour,
    save_figure,
    styled,
)
from egolib.metrics import bootstrap_interval, joint_errors_mm, mpjpe_mm
from egolib.results import STAGES
from egolib.sheets import (
    clip_strips,
    contact_sheet,
    frame_sheet,
    heatmap_sheet,
    prediction_sheet,
    typical_frames,
)
from egolib.skeleton import ACTIONS, BODY_GROUPS, BONES, JOINTS, UNKNOWN_ACTION, joint_indices

__all__ = [
    "action_error_bars", "action_error_boxes", "clip_strips", "contact_sheet", "draw_pose_2d",
    "draw_pose_3d", "error_skeleton", "frame_sheet", "heatmap_sheet", "joint_error_bars",
    "joint_error_boxes", "joint_location_map", "joint_sizes", "joints_around_camera",
    "prediction_sheet", "save_figure", "training_curves", "typical_frames", "upper_lower_boxes",
    "visibility_bars", "visibility_by_action", "what_hides_what",
]  # fmt: skip
STAGE_COLOURS = {
    "oracle": PALE, "before": LIGHT, "after": DARK, "ours": ACCENT,
    "window": "#e8a56b",
}  # fmt: skip
_OTHER_COLOURS = ("#e69f00", "#009e73", "#cc79a7", "#8c510a")
_TILT = np.deg2rad(25)
_BOX_CAPTION = "Boxes: quartiles, median; whiskers: 5th to 95th percentile; the rest is not drawn."
_BAR_CAPTION = "Bars: means; lines: 95 % intervals over sequences."


@styled
def joint_error_bars(predictions):
    """Mean error of each joint with its interval, stages side by side.

    predictions: {key of results.STAGES, or another model's name: predictions.Predictions}.
    """
    values = {key: joint_errors_mm(p.predicted_m, p.truth_m).T for key, p in predictions.items()}
    clusters = {key: [p.sequence] * len(JOINTS) for key, p in predictions.items()}
    figure, axes = _wide_figure("mean error (mm)", JOINTS, _BAR_CAPTION)
    _grouped_bars(axes, values, clusters)
    _colour_joint_labels(axes)
    return figure


@styled
def joint_error_boxes(predictions):
    """Distribution over frames of each joint's error, of one Predictions."""
    errors = joint_errors_mm(predictions.predicted_m, predictions.truth_m)
    figure, axes = _wide_figure("error (mm)", JOINTS, _BOX_CAPTION)
    _boxes(axes, list(errors.T), np.arange(len(JOINTS)), [joint_colour(name) for name in JOINTS])
    axes.set_ylim(bottom=0)
    _colour_joint_labels(axes)
    return figure


@styled
def action_error_bars(predictions):
    """MPJPE by action, and of all frames, with intervals; arguments as `joint_error_bars`."""
    present = set().union(*(set(p.action) for p in predictions.values()))
    actions = [name for name in (*ACTIONS, UNKNOWN_ACTION) if name in present]
    values, clusters = {}, {}
    for key, p in predictions.items():
        errors = mpjpe_mm(p.predicted_m, p.truth_m)
        parts = [p.action == name for name in actions] + [np.ones(len(p), bool)]
        values[key] = [errors[part] for part in parts]
        clusters[key] = [p.sequence[part] for part in parts]
    figure, axes = _wide_figure("MPJPE (mm)", [*actions, "All"], _BAR_CAPTION)
    _grouped_bars(axes, values, clusters)
    return figure


@styled
def action_error_boxes(predictions):
    """Distribution over frames of the MPJPE by action, of one Predictions."""
    errors = mpjpe_mm(predictions.predicted_m, predictions.truth_m)
    present = [a for a in (*ACTIONS, UNKNOWN_ACTION) if (predictions.action == a).any()]
    parts = [errors[predictions.action == name] for name in present] + [errors]
    counts = [f"{name} ({len(part)})" for name, part in zip([*present, "All"], parts, strict=True)]
    figure, axes = _wide_figure("MPJPE (mm)", counts, f"{_BOX_CAPTION} In brackets: frames.")
    _boxes(axes, parts, np.arange(len(parts)), [STAGE_COLOURS["before"]] * len(parts))
    axes.set_ylim(bottom=0)
    return figure


@styled
def upper_lower_boxes(predictions):
    """Distribution over frames of the mean error of upper, lower and full body, by stage."""
    figure = StudyFigure(figsize=(7, 3.6))
    axes = _value_axes(figure.subplots(), "mean error of a frame's joints (mm)")
    keys = _in_order(predictions)
    width = 0.8 / len(keys)
    for i, key in enumerate(keys):
        p = predictions[key]
        errors = joint_errors_mm(p.predicted_m, p.truth_m)
        parts = [errors[:, joint_indices(names)].mean(-1) for names in BODY_GROUPS.values()]
        places = np.arange(len(parts)) + (i - (len(keys) - 1) / 2) * width
        _boxes(axes, parts, places, [_stage_colour(keys, key)] * len(parts), width * 0.85)
    axes.set_xticks(range(len(BODY_GROUPS)), BODY_GROUPS)
    axes.set_ylim(bottom=0)
    _stage_legend(axes, keys)
    figure.supxlabel(_BOX_CAPTION, fontsize=8, color="0.35")
    return figure


@styled
def error_skeleton(predictions):
    """The mean true pose from the front, joints and bones coloured and sized by mean error.

    Seen from a little above, or hands and toes, which point at the reader, would hide the rest.
    """
    errors = joint_errors_mm(predictions.predicted_m, predictions.truth_m).mean(0)
    error_of = dict(zip(JOINTS, errors, strict=True))
    pose_m = np.mean(predictions.truth_m, 0, dtype=float)
    across, up = flatten_pose(pose_m, "front").T
    points = np.stack([across, up * np.cos(_TILT) - pose_m[:, 1] * np.sin(_TILT)], -1)
    point_of = dict(zip(JOINTS, points, strict=True))
    figure = StudyFigure(figsize=(7, 5))
    axes = figure.subplots()
    colours = ScalarMappable(Normalize(0, errors.max()), "viridis_r")
    for start, end in BONES:
        value = (error_of[start] + error_of[end]) / 2
        x, y = zip(point_of[start], point_of[end], strict=True)
        axes.plot(x, y, color=colours.to_rgba(value), linewidth=2 + 5 * value / errors.max(),
                  solid_capstyle="round", zorder=2)  # fmt: skip
    axes.scatter(*points.T, s=30 + 220 * errors / errors.max(), c=colours.to_rgba(errors),
                 edgecolors="black", linewidths=0.8, zorder=3)  # fmt: skip
    _label_joints(axes, point_of, error_of)
    axes.set_aspect("equal")
    axes.set_axis_off()
    figure.colorbar(colours, ax=axes, label="mean error (mm)", shrink=0.7, pad=0.02)
    figure.suptitle(
        "Mean pose from the front and a little above; the wearer's left is on the right", fontsize=9
    )
    return figure


def _label_joints(axes, point_of, error_of):
    """Names and numbers in a column on either side, tied to their joints by thin lines."""
    edge = max(abs(x) for x, _ in point_of.values()) + 0.25
    for side, direction in (("Left", 1), ("Right", -1)):
        names = [
            n for n in JOINTS if n.startswith(side) or (n in ("Head", "Neck") and side == "Left")
        ]
        names.sort(key=lambda name: -point_of[name][1])
        top = point_of[names[0]][1] + 0.05
        for name in names:
            x, y = point_of[name]
            top = min(top - 0.1, y)
            axes.annotate(
                f"{name}  {error_of[name]:.0f} mm", (x, y), (direction * edge, top),
                ha="left" if direction > 0 else "right", va="center", color="black",
                arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6}, zorder=1,
            )  # fmt: skip
    axes.set_xlim(-edge - 0.55, edge + 0.55)


def _wide_figure(label, names, caption):
    """Figure and axes for a row of bars or boxes, one place a name."""
    figure = StudyFigure(figsize=(9.6, 3.8))
    axes = _value_axes(figure.subplots(), label)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(names) - 0.4)
    figure.supxlabel(caption, fontsize=8, color="0.35")
    return figure, axes


def _value_axes(axes, label):
    axes.set_ylabel(label)
    axes.grid(axis="y", color="0.9")
    return axes


def _grouped_bars(axes, values, clusters):
    """Bars with intervals: {stage key: one array a place} of values and of their sequences."""
    keys = _in_order(values)
    width = 0.8 / len(keys)
    for i, key in enumerate(keys):
        stats = [
            bootstrap_interval(v, c) if len(v) else (np.nan,) * 3
            for v, c in zip(values[key], clusters[key], strict=True)
        ]
        mean, low, high = np.array(stats).T
        places = np.arange(len(mean)) + (i - (len(keys) - 1) / 2) * width
        axes.bar(places, mean, width * 0.92, color=_stage_colour(keys, key))
        axes.vlines(places, low, high, color="black", linewidth=0.9)
    axes.set_ylim(bottom=0)
    _stage_legend(axes, keys)


def _boxes(axes, parts, places, colours, width=0.6):
    drawn = axes.boxplot(
        parts, positions=places, widths=width, whis=(5, 95), showfliers=False, patch_artist=True,
        manage_ticks=False, medianprops={"color": "black", "linewidth": 1.4},
    )  # fmt: skip
    for box, colour in zip(drawn["boxes"], colours, strict=True):
        box.set(facecolor=colour, alpha=0.85)


def _colour_joint_labels(axes):
    for label, name in zip(axes.get_xticklabels(), JOINTS, strict=True):
        label.set_color(joint_colour(name))


def _in_order(models):
    """The stages of results.STAGES first, then other models."""
    return [key for key in STAGES if key in models] + [key for key in models if key not in STAGES]


def _stage_colour(keys, key):
    others = [other for other in keys if other not in STAGES]
    return STAGE_COLOURS.get(key) or _OTHER_COLOURS[others.index(key) % len(_OTHER_COLOURS)]


def _stage_legend(axes, keys):
    handles = [Patch(color=_stage_colour(keys, k), label=STAGES.get(k, k)) for k in keys]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles))
