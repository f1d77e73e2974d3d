"""The figures of the error analysis: one a question, drawn from the table of its Answer."""

import numpy as np
from matplotlib.patches import Patch

from egolib.analysis.anatomy import PARTS
from egolib.analysis.causes import FACTORS, FOUND
from egolib.analysis.worst import CAUSES
from egolib.dataplots import STATE_COLOURS
from egolib.drawing import (
    ACCENT,
    DARK,
    LIGHT,
    PALE,
    PART_COLOURS,
    StudyFigure,
    joint_colour,
    styled,
)
from egolib.skeleton import JOINTS

CAUSE_COLOURS = dict(
    zip(CAUSES, (PALE, "#cc79a7", "#8c510a", "#e69f00", "#0072b2", "#56b4e9"), strict=True)
)
_MARKERS = dict(zip(PARTS, "osv^D", strict=True))
_FEWEST = 20
_LINES = "Lines: 95 % intervals over sequences."
_ABOVE = {"loc": "lower left", "bbox_to_anchor": (0, 1)}
_TEN_BINS = "Ten bins of equal counts. Lines: 95 % intervals."


def _canvas(size, ylabel="", xlabel="", grid="y"):
    figure = StudyFigure(figsize=size)
    axes = figure.subplots()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(axis=grid, color="0.9")
    return figure, axes


def _caption(figure, text=_LINES):
    figure.supxlabel(text, fontsize=8, color="0.35")


def _name_joints(axes, names=JOINTS):
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    for label, name in zip(axes.get_xticklabels(), names, strict=True):
        label.set_color(joint_colour(name) if name in JOINTS else "black")


def _bars(axes, places, rows, width, **style):
    axes.bar(places, rows["mean"], width, **style)
    axes.vlines(places, rows.low, rows.high, color="black", linewidth=0.9)


def _against_diagonal(axes, said, rows, end, label):
    """What is measured (rows) against what was said of it, beside the line where both agree."""
    axes.plot([0, end], [0, end], "--", color="0.5", linewidth=1, label=label)
    axes.errorbar(said, rows["mean"], _beyond(rows), fmt="o-", color=DARK, markersize=5,
                  elinewidth=0.9, label="measured")  # fmt: skip
    axes.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    axes.legend(loc="upper left")


def _beyond(rows):
    """Bounds as `errorbar` takes them."""
    return [rows["mean"] - rows.low, rows.high - rows["mean"]]


@styled
def direction_bars(answer):
    """Depth and image error by joint, as root mean squares of one direction, and the bias in depth;
    of causes.by_direction."""
    table = answer.table
    figure, axes = _canvas((9.6, 3.8), "error in one direction (mm, RMS)")
    places = np.arange(len(table))
    _bars(axes, places - 0.2, table["along"], 0.36, color=DARK, label="along the ray: depth")
    _bars(axes, places + 0.2, table["across"], 0.36, color=LIGHT, label="across: image")
    bias = table["bias_along"]
    axes.errorbar(places - 0.2, bias["mean"], _beyond(bias), fmt="D", markersize=4, color=ACCENT,
                  elinewidth=0.9, label="mean depth error, above 0: too far")  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.8)
    _name_joints(axes, list(table.index))
    axes.legend(**_ABOVE, ncols=3)
    _caption(figure)
    return figure


@styled
def factor_curve(answer, factor):
    """Error against one of causes.FACTORS: all joints with their interval, and parts of the body."""
    what, unit = FACTORS[factor]
    figure, axes = _canvas((5.2, 3.6), "mean error (mm)", f"{what.removeprefix('the ')} ({unit})")
    if answer.table is None:
        return _absent(figure, axes, answer)
    for part, rows in answer.table.groupby("part", sort=False):
        if part == "all":
            axes.fill_between(rows["at"], rows.low, rows.high, color="0.85")
            axes.plot(rows["at"], rows["mean"], "k-", linewidth=2, label="all joints")
            continue
        rows = rows[rows.joints >= 0.02 * rows.joints.sum()]
        axes.plot(rows["at"], rows["mean"], color=PART_COLOURS[part], marker=_MARKERS[part],
                  markersize=4, linewidth=1, label=part)  # fmt: skip
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside right center", fontsize=8)
    _caption(figure, "Eight bins of equal counts. Band: 95 % interval over sequences, all joints.")
    return figure


@styled
def visibility_errors(answer):
    """Error of each joint by what the picture shows of it; of causes.by_visibility."""
    figure, axes = _canvas((9.6, 3.8), "mean error (mm)")
    states = list(answer.table.groupby("state", sort=False))
    for i, (state, rows) in enumerate(states):
        rows = rows.droplevel("state")
        drawn = rows.joints >= _FEWEST
        places = np.flatnonzero(drawn) + 0.16 * (i - (len(states) - 1) / 2)
        rows = rows[drawn]
        axes.vlines(places, rows.low, rows.high, color=STATE_COLOURS[state], linewidth=1.2)
        axes.plot(places, rows["mean"], list(_MARKERS.values())[i % 5], label=state,
                  color=STATE_COLOURS[state], markersize=5)  # fmt: skip
    _name_joints(axes)
    axes.set_ylim(bottom=0)
    axes.legend(**_ABOVE, ncols=3)
    _caption(figure, f"{_LINES} Drawn where at least {_FEWEST} joints are in a state.")
    return figure


@styled
def reliability_diagram(answer):
    """Confidence against the share of joints that are found; of confidence.calibration."""
    rows = answer.table
    label = f"found within {100 * FOUND:.0f} % of the picture (%)"
    figure, axes = _canvas((4.2, 3.9), label, "confidence: peak of the heatmap (%)", "both")
    _against_diagonal(axes, rows.confidence, rows, 100, "calibrated")
    _caption(figure, _TEN_BINS)
    return figure


@styled
def expected_error_curve(answer):
    """Expected against measured error; of confidence.expected_errors."""
    figure, axes = _canvas((4.2, 3.9), "measured error (mm)", "expected error (mm)", "both")
    if answer.table is None:
        return _absent(figure, axes, answer)
    rows = answer.table
    end = 1.05 * max(rows.expected.max(), rows["mean"].max())
    _against_diagonal(axes, rows.expected, rows, end, "as expected")
    _caption(figure, _TEN_BINS)
    return figure


@styled
def lifting_bars(answer):
    """The oracle's error and what detection adds, by joint; of causes.lifting_and_detection."""
    lifting, detection = answer.table["lifting"], answer.table["detection"]
    figure, axes = _canvas((9.6, 3.8), "mean error (mm)")
    places = np.arange(len(lifting))
    axes.bar(places, lifting["mean"], 0.7, color=PALE, label="lifting: on true heatmaps")
    axes.bar(places, detection["mean"], 0.7, bottom=lifting["mean"], color=LIGHT,
             edgecolor=DARK, hatch="//", linewidth=0.5, label="added by detected heatmaps")  # fmt: skip
    axes.vlines(places - 0.12, lifting.low, lifting.high, color="black", linewidth=0.9)
    top = lifting["mean"]
    axes.vlines(places + 0.12, top + detection.low, top + detection.high, color=DARK, linewidth=0.9)
    _name_joints(axes, list(lifting.index))
    axes.legend(**_ABOVE, ncols=2)
    _caption(figure)
    return figure


@styled
def bone_bars(answer):
    """How much too long bones are, and how their length wanders; of bodies.bones."""
    rows = answer.table
    figure, axes = _canvas((9.6, 3.6), "predicted less true length (mm)")
    places = np.arange(len(rows))
    _bars(axes, places, rows, 0.65, color=[joint_colour(name) for name in rows.index])
    axes.plot(places, rows.wanders, "_", color="black", markersize=14)
    axes.axhline(0, color="black", linewidth=0.8)
    _name_joints(axes, list(rows.index))
    _caption(figure, "A bone is named by its end. Lines: 95 % intervals over sequences; dashes: how "
             "much the predicted length wanders within a person (SD).")  # fmt: skip
    return figure


@styled
def jitter_bars(answer):
    """Jitter by model beside the true motion; of bodies.jitter."""
    figure, axes = _canvas((6.4, 2.4), xlabel="mm a frame, mean over joints", grid="x")
    if answer.table is None:
        return _absent(figure, axes, answer)
    rows = answer.table
    places = np.arange(len(rows))[::-1]
    axes.barh(places, rows["mean"], 0.65, color=[PALE, *[LIGHT] * (len(rows) - 1)])
    axes.hlines(places, rows.low, rows.high, color="black", linewidth=0.9)
    axes.set_yticks(places, rows.index)
    axes.set_title(_LINES, fontsize=8, color="0.35")
    return figure


@styled
def people_dots(answer):
    """Error by character, and of groups against all others; of wearers.by_person."""
    people = answer.table.loc["character"].sort_values("mean")
    groups = answer.table.drop("character", level="trait")
    figure = StudyFigure(figsize=(9.6, 1 + 0.26 * max(len(people), len(groups))))
    left, right = figure.subplots(1, 2)
    places = np.arange(len(people))
    left.hlines(places, people.low, people.high, color=LIGHT, linewidth=2.2)
    left.plot(people["mean"], places, "o", color=DARK, markersize=5)
    left.set_yticks(places, people.index)
    left.set_xlabel("MPJPE (mm)")
    places = np.arange(len(groups))[::-1]
    sure = groups.worse_low * groups.worse_high > 0
    right.axvline(0, color="0.5", linewidth=0.8)
    right.hlines(places, groups.worse_low, groups.worse_high, color=LIGHT, linewidth=2.2)
    right.scatter(groups.worse, places, s=28, c=np.where(sure, ACCENT, DARK), zorder=3)
    right.set_yticks(places, [f"{group} ({n})" for (_, group), n in groups.characters.items()])
    right.set_xlabel("worse than all others by (mm)")
    for axes in (left, right):
        axes.grid(axis="x", color="0.9")
    _caption(figure, "Left: 95 % intervals over a person's sequences. Right: over people (their number "
             "in brackets), widened for the number of groups.")  # fmt: skip
    return figure


@styled
def cause_bars(answer):
    """What the error of all and of the worst frames is made of; of worst.made_of."""
    figure, axes = _canvas((8.6, 2.6), xlabel="share of the MPJPE (mm)", grid="x")
    groups = list(answer.table.groupby("frames", sort=False))
    for place, (_, rows) in enumerate(groups):
        rows, left = rows.droplevel("frames"), 0.0
        for cause, row in rows.iterrows():
            axes.barh(-place, row["mean"], 0.55, left=left, color=CAUSE_COLOURS[cause])
            if row["mean"] > 9:
                axes.text(left + row["mean"] / 2, -place, f"{row['mean']:.0f}", ha="center",
                          va="center", fontsize=8)  # fmt: skip
            left += row["mean"]
    axes.set_yticks([-i for i in range(len(groups))], [name for name, _ in groups])
    handles = [Patch(color=colour, label=cause) for cause, colour in CAUSE_COLOURS.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=8)
    _caption(figure, "Intervals are in the table: stacked they would hide each other.")
    return figure


def _absent(figure, axes, answer):
    axes.set_axis_off()
    axes.text(0.5, 0.5, answer.sentence, ha="center", va="center", wrap=True, color="0.35")
    return figure
