"""The figures of our own model: how it is built, what it learns in which time, what it foresees."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from egolib.drawing import ACCENT, DARK, LIGHT, StudyFigure, styled
from egolib.metrics import bootstrap_interval
from egolib.queries import WIDTH
from egolib.skeleton import BODY_GROUPS, JOINTS

_SHARED, _OWN, _SAID = "#dbe4f3", "#fbe3d2", "#f2f2f2"  # stage 1, our own, what comes out
_COLOURS = {"Upper body": LIGHT, "Lower body": DARK}


@styled
def architecture(spec):
    """Our own model from the picture to the pose, with the shapes of a network of `spec`
    (checkpoints.NetworkSpec), and what of it looks back."""
    px, side, joints = spec.image_px, spec.heatmap_px, len(JOINTS)
    figure = StudyFigure(figsize=(9.6, 4.1))
    axes = figure.subplots()
    axes.set(xlim=(0, 96), ylim=(0, 41))
    axes.axis("off")

    def box(x, y, width, height, colour, title, *lines):
        axes.add_patch(FancyBboxPatch((x, y), width, height, "round,pad=0,rounding_size=0.8",
                                      facecolor=colour, edgecolor="0.35", linewidth=0.8))  # fmt: skip
        text = "\n".join((rf"$\bf{{{title.replace(' ', chr(92) + ' ')}}}$", *lines))
        axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=7.5)

    def arrow(*corners):
        axes.plot(*zip(*corners[:-1], strict=True), color="0.35", linewidth=1)
        axes.add_patch(FancyArrowPatch(corners[-2], corners[-1], arrowstyle="-|>", color="0.35",
                                       mutation_scale=9, linewidth=1, shrinkA=0, shrinkB=0))  # fmt: skip

    box(0, 15, 10, 9, _SAID, "picture", f"3 × {px} × {px}")
    box(14, 13, 13, 13, _SHARED, "stage 1", f"{spec.backbone} trunk", "two deconvolutions")
    box(32, 32, 15, 7, _SAID, "heatmaps", f"{joints - 1} × {side} × {side}")
    box(
        32,
        16,
        15,
        11,
        _OWN,
        "mean rays",
        "softmax over cells,",
        "a ray and features",
        "for each joint",
    )
    box(32, 4, 15, 7, _OWN, "summary", "pooled trunk, all rays")
    box(52, 13, 13, 11, _OWN, "first pose", "ray × distance,", f"{joints} queries of {WIDTH}")
    box(70, 10, 14, 20, _OWN, "refinement", "project by the lens,", "read the features there,",
        "joints read each other,", "move", "", f"{spec.refinements} times")  # fmt: skip
    box(87.5, 22, 8.5, 8, _SAID, "pose", f"{joints} × 3 m,", "neck too")
    box(87.5, 10, 8.5, 8, _SAID, "error", "expected of", "each joint")
    box(66, 0.5, 22, 6, _OWN, "five frames", "attend to the tokens of the last five")
    arrow((10, 19.5), (14, 19.5))
    arrow((27, 24), (29.5, 24), (29.5, 35.5), (32, 35.5))
    arrow((27, 21.5), (32, 21.5))
    arrow((27, 15.5), (29.5, 15.5), (29.5, 7.5), (32, 7.5))
    arrow((47, 20), (52, 20))
    arrow((39.5, 16), (39.5, 11))
    arrow((47, 7.5), (49.5, 7.5), (49.5, 16), (52, 16))
    arrow((65, 18.5), (70, 18.5))
    arrow((47, 35.5), (77, 35.5), (77, 30))
    axes.text(62, 36.3, "heatmaps, deconvolved and early features", ha="center", fontsize=7)
    arrow((84, 26), (87.5, 26))
    arrow((84, 14), (87.5, 14))
    arrow((77, 10), (77, 6.5))
    arrow((88, 3.5), (91.75, 3.5), (91.75, 10))
    return figure


@styled
def expected_errors(predictions, bins=8):
    """Does a joint know how far off it is? Measured against expected error, joints of all frames in
    `bins` groups of equal size by what they expect, apart for the upper and the lower body.

    predictions: predictions.Predictions of our own model. On the diagonal the two agree.
    """
    figure = StudyFigure(figsize=(4.4, 3.8))
    axes = figure.subplots()
    largest = 0.0
    for name, colour in _COLOURS.items():
        keep = np.isin(JOINTS, BODY_GROUPS[name])
        spread, errors = predictions.spread_mm[:, keep], predictions.errors_mm[:, keep]
        clusters = np.broadcast_to(predictions.sequence[:, None], errors.shape)
        for group in np.array_split(np.argsort(spread, axis=None), bins):
            mean, low, high = bootstrap_interval(errors.flat[group], clusters.flat[group])
            expected = spread.flat[group].mean()
            axes.vlines(expected, low, high, color=colour, linewidth=1)
            axes.plot(expected, mean, "o", color=colour, markersize=4)
            largest = max(largest, expected, high)
        axes.plot([], [], "o", color=colour, markersize=4, label=name)
    axes.plot([0, largest], [0, largest], color="0.6", linewidth=0.8, zorder=0)
    axes.set(xlim=(0, None), ylim=(0, None), xlabel="expected error (mm)",
             ylabel="measured error (mm)")  # fmt: skip
    axes.legend()
    return figure


@styled
def error_by_minutes(runs):
    """MPJPE on the validation split against minutes of training after the shared heatmap network.

    runs: {name: [(seconds before the first epoch, DataFrame of a history.csv), ...]}, a pair a seed.
    """
    figure = StudyFigure(figsize=(4.8, 3.4))
    axes = figure.subplots()
    colours = (DARK, ACCENT, LIGHT)
    for (name, seeds), colour in zip(runs.items(), colours, strict=False):
        for i, (before_s, rows) in enumerate(seeds):
            minutes = (before_s + rows.seconds.cumsum()) / 60
            axes.plot(minutes, rows.val_mpjpe_mm, "o-", markersize=3.5, color=colour, alpha=0.9,
                      label="" if i else name)  # fmt: skip
    axes.set(xlim=(0, None), xlabel="minutes of training after stage 1",
             ylabel="MPJPE, validation (mm)")  # fmt: skip
    axes.grid(axis="y", color="0.9")
    axes.legend()
    figure.supxlabel(
        "A line a seed, as it was trained: without intervals.", fontsize=8, color="0.35"
    )
    return figure
