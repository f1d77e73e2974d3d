"""The figures of the error analysis: one a question, drawn from the table of its Answer."""

from itertools import cycle

import numpy as np
from matplotlib.colors import to_rgb

from egolib.evaluation.analysis.causes import FACTORS, FOUND
from egolib.evaluation.analysis.worst import CAUSES
from egolib.plots import style
from egolib.plots.data import STATE_COLOURS
from egolib.plots.style import ACCENT, DARK, LIGHT, PALE, StudyFigure, styled
from egolib.skeleton import BODY_PARTS, JOINTS, joint_indices

CAUSE_COLOURS = dict(
    zip(CAUSES, (PALE, "#cc79a7", "#8c510a", "#e69f00", "#0072b2", "#56b4e9"), strict=True)
)
_MARKERS = dict(zip(BODY_PARTS, "osv^D", strict=True))
_FEWEST = 20
_LINES = "Lines: 95 % intervals over sequences."
_ABOVE = {"loc": "lower left", "bbox_to_anchor": (0, 1)}


def _against_prediction(answer, column, end, labels, agreeing):
    """What was measured against what was predicted of it (a column of the table, bins of equal
    counts), beside the line where both agree. labels: of the y and the x axis; end: of both, None
    to fit the table."""
    note = "Ten bins of equal counts. Lines: 95 % intervals."
    figure, axes = style.canvas((4.2, 3.9), *labels, "both", note)
    if answer.table is None:
        return _not_available(figure, answer)
    rows = answer.table
    end = end or 1.05 * rows[[column, "mean", "high"]].max(axis=None)
    axes.plot([0, end], [0, end], "--", color="0.5", linewidth=1, label=agreeing)
    axes.errorbar(rows[column], rows["mean"], _beyond(rows), fmt="o-", color=DARK, markersize=5,
                  elinewidth=0.9, label="measured")  # fmt: skip
    axes.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def _beyond(rows):
    """Bounds as `errorbar` takes them."""
    return [rows["mean"] - rows.low, rows.high - rows["mean"]]


@styled
def direction_bars(answer):
    """Depth and image error by joint, as root mean squares of one direction, and the bias in depth;
    of causes.by_direction."""
    table = answer.table
    figure, axes = style.canvas((9.6, 3.8), "error in one direction (mm, RMS)", note=_LINES)
    places = np.arange(len(table))
    bars = (("along", DARK, "along the ray: depth"), ("across", LIGHT, "across: image"))
    for shift, (part, colour, label) in zip((-0.2, 0.2), bars, strict=True):
        style.draw_bars(axes, places + shift, table[part], 0.36, color=colour, label=label)
    bias = table["bias_along"]
    axes.errorbar(places - 0.2, bias["mean"], _beyond(bias), fmt="D", markersize=4, color=ACCENT,
                  elinewidth=0.9, label="mean depth error, above 0: too far")  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.8)
    style.name_places(axes, table.index)
    axes.legend(**_ABOVE, ncols=3)
    return figure


@styled
def factor_curve(answer, factor):
    """Error against one of causes.FACTORS: all joints with their interval, and parts of the
    body."""
    what, unit = FACTORS[factor]
    label = f"{what.removeprefix('the ')} ({unit})"
    note = "Eight bins of equal counts. Band: 95 % interval over sequences, all joints."
    figure, axes = style.canvas((5.2, 3.6), "mean error (mm)", label, note=note)
    if answer.table is None:
        return _not_available(figure, answer)
    rows = answer.table.loc["all"]
    axes.fill_between(rows["at"], rows.low, rows.high, color="0.85")
    axes.plot(rows["at"], rows["mean"], "k-", linewidth=2, label="all joints")
    for part, marker in _MARKERS.items():
        rows, colour = answer.table.loc[part], style.PART_COLOURS[part]
        rows = rows[rows.joints >= 0.02 * rows.joints.sum()]
        axes.plot(rows["at"], rows["mean"], color=colour, marker=marker, markersize=4,
                  linewidth=1, label=part)  # fmt: skip
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside right center", fontsize=8)
    return figure


@styled
def visibility_errors(answer):
    """Error of each joint by what the image shows of it; of causes.by_visibility."""
    note = f"{_LINES} Drawn where at least {_FEWEST} joints are in a state."
    figure, axes = style.canvas((9.6, 3.8), "mean error (mm)", note=note)
    table = answer.table[answer.table.joints >= _FEWEST]
    states = list(answer.table.index.unique("state"))
    for i, (state, marker) in enumerate(zip(states, cycle(_MARKERS.values()), strict=False)):
        rows, colour = table[table.index.get_level_values("state") == state], STATE_COLOURS[state]
        places = joint_indices(rows.index.get_level_values("joint"))
        places = places + 0.16 * (i - (len(states) - 1) / 2)
        axes.vlines(places, rows.low, rows.high, color=colour, linewidth=1.2)
        axes.plot(places, rows["mean"], marker, label=state, color=colour, markersize=5)
    style.name_places(axes, JOINTS)
    axes.set_ylim(bottom=0)
    axes.legend(**_ABOVE, ncols=3)
    return figure


@styled
def reliability_diagram(answer):
    """Confidence against the share of joints that are found; of confidence.calibration."""
    label = f"found within {100 * FOUND:.0f} % of the image (%)"
    labels = (label, "confidence: peak of the heatmap (%)")
    return _against_prediction(answer, "confidence", 100, labels, "calibrated")


@styled
def expected_error_curve(answer):
    """Expected against measured error; of confidence.expected_errors."""
    labels = ("measured error (mm)", "expected error (mm)")
    return _against_prediction(answer, "expected", None, labels, "as expected")


@styled
def lifting_bars(answer):
    """The oracle's error and what detection adds, by joint; of causes.lifting_and_detection."""
    lifting, detection = answer.table["lifting"], answer.table["detection"]
    figure, axes = style.canvas((9.6, 3.8), "mean error (mm)", note=_LINES)
    places = np.arange(len(lifting))
    axes.bar(places, lifting["mean"], 0.7, color=PALE, label="lifting: on true heatmaps")
    top = lifting["mean"]
    axes.bar(places, detection["mean"], 0.7, bottom=top, color=LIGHT, edgecolor=DARK, hatch="//",
             linewidth=0.5, label="added by detected heatmaps")  # fmt: skip
    axes.vlines(places - 0.12, lifting.low, lifting.high, color="black", linewidth=0.9)
    axes.vlines(places + 0.12, top + detection.low, top + detection.high, color=DARK, linewidth=0.9)
    style.name_places(axes, lifting.index)
    axes.legend(**_ABOVE, ncols=2)
    return figure


@styled
def bone_bars(answer):
    """How much too long bones are, and how much their length varies within a person; of
    bodies.bones."""
    rows = answer.table
    note = ("A bone is named by its end. Lines: 95 % intervals over sequences; dashes: how much the "
            "predicted length varies within a person (SD).")  # fmt: skip
    figure, axes = style.canvas((9.6, 3.6), "predicted less true length (mm)", note=note)
    places = np.arange(len(rows))
    colours = list(map(style.joint_colour, rows.index))
    style.draw_bars(axes, places, rows, 0.65, color=colours)
    axes.plot(places, rows.wanders, "_", color="black", markersize=14)
    axes.axhline(0, color="black", linewidth=0.8)
    style.name_places(axes, rows.index)
    return figure


@styled
def jitter_bars(answer):
    """Jitter by model beside the true motion; of bodies.jitter."""
    label = "mm a frame, mean over joints"
    figure, axes = style.canvas((6.4, 2.4), xlabel=label, grid="x", note=_LINES)
    if answer.table is None:
        return _not_available(figure, answer)
    rows = answer.table
    places = np.arange(len(rows))[::-1]
    axes.barh(places, rows["mean"], 0.65, color=[PALE, *[LIGHT] * (len(rows) - 1)])
    axes.hlines(places, rows.low, rows.high, color="black", linewidth=0.9)
    axes.set_yticks(places, rows.index)
    return figure


def _group_label(trait, group, people):
    """Such as "height: short (4)": two traits may have groups of one name."""
    return f"{trait}: {group.removeprefix(f'{trait} ').replace('_', '-')} ({people})"


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
    colours = np.where(groups.worse_low * groups.worse_high > 0, ACCENT, DARK)  # 0 is outside
    right.axvline(0, color="0.5", linewidth=0.8)
    right.hlines(places, groups.worse_low, groups.worse_high, color=LIGHT, linewidth=2.2)
    right.scatter(groups.worse, places, s=28, c=colours, zorder=3)
    right.set_yticks(places, [_group_label(*group, n) for group, n in groups.characters.items()])
    right.set_xlabel("worse than all others by (mm)")
    for axes in (left, right):
        axes.grid(axis="x", color="0.9")
    style.caption(figure, "Left: 95 % intervals over a person's sequences. Right: over people (their "
                          "number in brackets), widened for the number of groups.")  # fmt: skip
    return figure


@styled
def cause_bars(answer):
    """What the error of all and of the worst frames is made of; of worst.made_of."""
    note = "Parts of less than 9 mm have no number. Intervals are in the table."
    figure, axes = style.canvas((8.6, 2.6), xlabel="share of the MPJPE (mm)", grid="x", note=note)
    means = answer.table["mean"].unstack("cause", sort=False)[list(CAUSES)]
    for drawn in style.draw_stacked(axes, means, CAUSE_COLOURS, 0.55).values():
        labels = [f"{bar.get_width():.0f}" if bar.get_width() > 9 else "" for bar in drawn]
        dark = np.mean(to_rgb(drawn[0].get_facecolor())) < 0.4
        colour = "white" if dark else "black"
        axes.bar_label(drawn, labels, label_type="center", fontsize=8, color=colour)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return figure


def _not_available(figure, answer):
    """The answer's sentence alone, where there is nothing to draw."""
    figure.clear()
    figure.text(0.5, 0.5, answer.sentence, ha="center", va="center", wrap=True, color="0.35")
    return figure
