"""The figures of the ray model: how it is built, what it learns in which time, what it foresees."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from egolib.metrics import bootstrap_interval
from egolib.models.ray_model import WIDTH
from egolib.plots.style import ACCENT, DARK, LIGHT, canvas, image_grid, styled
from egolib.skeleton import BODY_GROUPS, JOINTS, joint_indices

_FEATURES, _GEOMETRY, _SAID = "#dbe4f3", "#fbe3d2", "#f2f2f2"  # the last: what goes in, comes out
_COLOURS = {"Upper body": LIGHT, "Lower body": DARK}


@styled
def architecture(spec):
    """The ray model with all its parts, from the image to the pose, with the shapes that the
    images and the backbone of `spec` (checkpoints.NetworkSpec) give it."""
    px, side, joints = spec.image_px, spec.heatmap_px, len(JOINTS)
    figure, grid = image_grid(1, 1, (9.6, 4.1))
    axes = grid[0, 0]
    axes.set(xlim=(0, 96), ylim=(0, 41))

    def box(x, y, width, height, colour, title, *lines):
        axes.add_patch(FancyBboxPatch((x, y), width, height, "round,pad=0,rounding_size=0.8",
                                      facecolor=colour, edgecolor="0.35", linewidth=0.8))  # fmt: skip
        text = "\n".join((rf"$\bf{{{title}}}$", *lines))
        axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=7.5)

    def arrow(*corners):
        axes.add_patch(FancyArrowPatch(path=Path(corners), arrowstyle="-|>", color="0.35",
                                       mutation_scale=9, linewidth=1))  # fmt: skip

    box(0, 14, 10, 9, _SAID, "image", f"3 × {px} × {px}")
    box(14, 12, 12, 13, _FEATURES, "backbone", spec.backbone, "four stages")
    box(31, 12, 13, 13, _FEATURES, "pyramid", "late features", "enlarged, added", "to early ones",
        f"{WIDTH} × {side} × {side}")  # fmt: skip
    box(50, 11, 14, 15, _GEOMETRY, "softmax", "over the cells", 'and "elsewhere":', "mean ray,",
        "mean features", f"of {joints - 1} joints")  # fmt: skip
    box(50, 31, 14, 7, _SAID, "heatmaps", f"{joints - 1} × {side} × {side}")
    box(31, 1, 13, 6, _FEATURES, "summary", "pooled features,", "all rays")
    box(70, 11, 12, 15, _GEOMETRY, "placing", "distance × ray", "+ what lies", "beside it")
    box(87, 24, 9, 9, _SAID, "pose", f"{joints} × 3 m,", "neck too")
    box(87, 12, 9, 8, _SAID, "error", "expected of", "each joint")
    arrow((10, 18.5), (14, 18.5))
    arrow((26, 21), (31, 21))
    arrow((26, 18.5), (31, 18.5))
    arrow((26, 16), (31, 16))
    arrow((20, 12), (20, 4), (31, 4))
    arrow((44, 18.5), (50, 18.5))
    arrow((57, 26), (57, 31))
    arrow((57, 11), (57, 5.5), (44, 5.5))
    arrow((44, 2.5), (66.5, 2.5), (66.5, 14), (70, 14))
    arrow((64, 20), (70, 20))
    arrow((82, 22), (84.5, 22), (84.5, 28), (87, 28))
    arrow((82, 16), (87, 16))
    return figure


@styled
def expected_errors(predictions, bins=8):
    """Does a joint know how far off it is? Measured against expected error, joints of all frames in
    `bins` groups of equal size by what they expect, apart for the upper and the lower body.

    predictions: predictions.Predictions of the ray model. On the diagonal the two agree.
    """
    figure, axes = canvas((4.4, 3.8), "measured error (mm)", "expected error (mm)", "both")
    largest = 0.0
    for name, colour in _COLOURS.items():
        joints = joint_indices(BODY_GROUPS[name])
        spread, errors = predictions.expected_error_mm[:, joints], predictions.errors_mm[:, joints]
        clusters = np.broadcast_to(predictions.sequence[:, None], errors.shape)
        rows = []
        for group in np.array_split(np.argsort(spread, axis=None), bins):
            interval = bootstrap_interval(errors.flat[group], clusters.flat[group])
            rows.append((spread.flat[group].mean(), *interval))
        expected, mean, low, high = np.array(rows).T
        axes.vlines(expected, low, high, color=colour, linewidth=1)
        axes.plot(expected, mean, "o", color=colour, markersize=4, label=name)
        largest = max(largest, expected.max(), np.nanmax(high, initial=0))
    axes.plot([0, largest], [0, largest], color="0.6", linewidth=0.8, zorder=1)
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.legend()
    return figure


@styled
def error_by_minutes(runs):
    """MPJPE on the validation split against minutes of training.

    runs: {name: [(seconds before the first epoch, DataFrame of a history.csv), ...]}, a pair a seed.
    """
    note = "One line per seed, as it was trained: without intervals."
    figure, axes = canvas((4.8, 3.4), "MPJPE, validation (mm)", "minutes of training", note=note)
    for (name, seeds), colour in zip(runs.items(), (DARK, ACCENT, LIGHT), strict=False):
        for i, (before_s, rows) in enumerate(seeds):
            minutes = (before_s + rows.seconds.cumsum()) / 60
            axes.plot(minutes, rows.val_mpjpe_mm, "o-", markersize=3.5, color=colour, alpha=0.9,
                      label="" if i else name)  # fmt: skip
    axes.set_xlim(0, None)
    axes.legend()
    return figure
