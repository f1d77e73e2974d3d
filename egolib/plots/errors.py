"""Figures of errors by joint, action and part of the body."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from egolib.config import LIFTER_METHODS, METHOD_LABELS, Method
from egolib.evaluation.tables import error_by_action, error_by_joint
from egolib.plots import style
from egolib.plots.style import ACCENT, DARK, LIGHT, PALE, styled
from egolib.skeleton import ACTIONS, BODY_GROUPS, BONES, JOINTS, UNKNOWN_ACTION, joint_indices

_OTHER_COLOURS = ("#e69f00", "#009e73", "#cc79a7", "#8c510a")
_TILT = np.deg2rad(25)
_WIDE = (9.6, 3.8)
_BOX_CAPTION = "Boxes: quartiles, median; whiskers: 5th to 95th percentile; the rest is not drawn."
_BAR_CAPTION = "Bars: means; lines: 95 % intervals over sequences."


@styled
def joint_error_bars(predictions):
    """Mean error of each joint with its interval (results.error_by_joint), models side by side.

    predictions: {Method, or another model's name: predictions.Predictions}.
    """
    table = error_by_joint(predictions, "test", names={})
    return _grouped_bars(table.loc[list(JOINTS)], "mean error (mm)")


@styled
def joint_error_boxes(predictions):
    """Distribution over frames of each joint's error, of one Predictions."""
    parts = dict(zip(JOINTS, predictions.errors_mm.T, strict=True))
    return _wide_boxes(parts, map(style.joint_colour, JOINTS), "error (mm)", _BOX_CAPTION)


@styled
def action_error_bars(predictions):
    """MPJPE by action, and of all frames, with intervals, as in results.error_by_action; arguments
    as `joint_error_bars`."""
    return _grouped_bars(error_by_action(predictions, "test", names={}), "MPJPE (mm)")


@styled
def action_error_boxes(predictions):
    """Distribution over frames of the MPJPE by action, of one Predictions."""
    errors, action = predictions.errors_mm.mean(-1), predictions.action
    parts = {name: errors[action == name] for name in (*ACTIONS, UNKNOWN_ACTION) if name in action}
    parts["All"] = errors
    named = {f"{name} ({len(part)})": part for name, part in parts.items()}
    colours = [LIGHT] * len(parts)
    return _wide_boxes(named, colours, "MPJPE (mm)", f"{_BOX_CAPTION} In brackets: frames.")


@styled
def upper_lower_boxes(predictions):
    """Distribution over frames of the mean error of upper, lower and full body, models side by
    side; arguments as `joint_error_bars`."""
    figure, axes = style.canvas((7, 3.6), "mean error of a frame's joints (mm)", note=_BOX_CAPTION)
    for key, colour, shift, width in _side_by_side(figure, predictions):
        errors = predictions[key].errors_mm
        parts = [errors[:, joint_indices(names)].mean(-1) for names in BODY_GROUPS.values()]
        places = np.arange(len(parts)) + shift
        style.draw_boxes(axes, parts, places, [colour] * len(parts), width * 0.85)
    axes.set_xticks(range(len(BODY_GROUPS)), BODY_GROUPS)
    axes.set_ylim(bottom=0)
    return figure


@styled
def error_skeleton(predictions):
    """The mean true pose from the front, joints and bones coloured and sized by mean error.

    Seen from a little above, or hands and toes, which point at the reader, would hide the rest.
    """
    errors = predictions.errors_mm.mean(0)
    pose_m = np.mean(predictions.true_rel_m, 0, dtype=float)
    across, up = style.flatten_pose(pose_m, "front").T
    points = np.stack([across, up * np.cos(_TILT) - pose_m[:, 1] * np.sin(_TILT)], -1)
    figure, grid = style.image_grid(1, 1, (7, 5))
    axes = grid[0, 0]
    colours = ScalarMappable(Normalize(0, errors.max()), "viridis_r")
    for bone in map(joint_indices, BONES):
        value = errors[bone].mean()
        axes.plot(*points[bone].T, color=colours.to_rgba(value), linewidth=2 + 5 * value / errors.max(),
                  solid_capstyle="round", zorder=2)  # fmt: skip
    axes.scatter(*points.T, s=30 + 220 * errors / errors.max(), c=colours.to_rgba(errors),
                 edgecolors="black", linewidths=0.8, zorder=3)  # fmt: skip
    _label_joints(axes, points, errors)
    axes.set_aspect("equal")
    figure.colorbar(colours, ax=axes, label="mean error (mm)", shrink=0.7, pad=0.02)
    title = "Mean pose from the front and a little above; the wearer's left is on the right"
    figure.suptitle(title, fontsize=9)
    return figure


def _label_joints(axes, points, errors_mm):
    """Write names and errors in a column on either side, tied to their joints by thin lines."""
    edge = np.abs(points[:, 0]).max() + 0.25
    right = np.array([name.startswith("Right") for name in JOINTS])  # else left, head or neck
    low, high = points[:, 1].min(), points[:, 1].max()
    middle, reach = (low + high) / 2, max((high - low) / 2, 0.7)  # so that the names stay apart
    line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.6}
    for side, direction, align in ((~right, 1, "left"), (right, -1, "right")):
        column = sorted(np.flatnonzero(side), key=lambda joint: -points[joint, 1])
        heights = np.linspace(middle + reach, middle - reach, len(column))
        for joint, height in zip(column, heights, strict=True):
            label = f"{JOINTS[joint]}  {errors_mm[joint]:.0f} mm"
            axes.annotate(label, points[joint], (direction * edge, height), ha=align, va="center",
                          color="black", zorder=1, arrowprops=line)  # fmt: skip
    axes.set_xlim(-edge - 0.55, edge + 0.55)


def _wide_boxes(parts, colours, label, note):
    """A box for each array of values in `parts`, under its name."""
    figure, axes = style.canvas(_WIDE, label, note=note)
    style.draw_boxes(axes, list(parts.values()), range(len(parts)), colours)
    axes.set_ylim(bottom=0)
    style.name_places(axes, list(parts))
    return figure


def _grouped_bars(table, label):
    """Bars with intervals of a table of `results`, one place a row that has numbers."""
    measured = table[table.columns[0][0]].dropna(how="all")  # published figures come after
    figure, axes = style.canvas(_WIDE, label, note=_BAR_CAPTION)
    for key, colour, shift, width in _side_by_side(figure, measured.columns.unique(0)):
        places = np.arange(len(measured)) + shift
        style.draw_bars(axes, places, measured[key], width * 0.92, color=colour)
    axes.set_ylim(bottom=0)
    style.name_places(axes, measured.index)
    return figure


def _side_by_side(figure, models):
    """Name `models` in a legend above a figure -> [(key, colour, shift from the middle of a place,
    width) of each], the methods of a run first, then others."""
    lifter = next((key for key in models if key in LIFTER_METHODS), Method.DUAL)
    colours = {
        Method.ORACLE: PALE,
        lifter: LIGHT,
        Method.END_TO_END: DARK,
        Method.RAY_MODEL: ACCENT,
    }
    others = [key for key in models if key not in colours]
    keys = [key for key in colours if key in models] + others
    colours |= {key: _OTHER_COLOURS[i % len(_OTHER_COLOURS)] for i, key in enumerate(others)}
    handles = [Patch(color=colours[key], label=METHOD_LABELS.get(key, key)) for key in keys]
    # Constrained layout gives up where a legend of the axes is wider than they are.
    # Width of its columns in inches, at 9 points:
    column = 0.8 + 0.07 * max(len(handle.get_label()) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / column))
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)
    width = 0.8 / len(keys)
    shifts = (np.arange(len(keys)) - (len(keys) - 1) / 2) * width
    return [(key, colours[key], shift, width) for key, shift in zip(keys, shifts, strict=True)]
