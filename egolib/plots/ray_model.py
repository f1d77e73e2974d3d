"""The figures of the ray model: how it is built, the rays of one joint, and its error by minutes of
training."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from egolib.models.ray_model import WIDTH
from egolib.plots.style import ACCENT, DARK, LIGHT, canvas, image_grid, styled
from egolib.skeleton import JOINTS

_FEATURES, _GEOMETRY, _IN_AND_OUT = "#dbe4f3", "#fbe3d2", "#f2f2f2"  # colours of the boxes
# Corners of the arrows of `architecture`.
_ARROWS = (
    ((10, 18.5), (14, 18.5)), ((26, 21), (31, 21)), ((26, 18.5), (31, 18.5)), ((26, 16), (31, 16)),
    ((20, 12), (20, 4), (31, 4)), ((44, 18.5), (50, 18.5)), ((57, 26), (57, 31)),
    ((57, 11), (57, 5.5), (44, 5.5)), ((44, 2.5), (66.5, 2.5), (66.5, 14), (70, 14)),
    ((64, 20), (70, 20)), ((82, 22), (84.5, 22), (84.5, 28), (87, 28)), ((82, 16), (87, 16)),
)  # fmt: skip


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
        axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=7.5,
                  parse_math=True)  # fmt: skip

    box(0, 14, 10, 9, _IN_AND_OUT, "image", f"3 × {px} × {px}")
    box(14, 12, 12, 13, _FEATURES, "backbone", spec.backbone, "four stages")
    box(31, 12, 13, 13, _FEATURES, "pyramid", "late features", "enlarged, added", "to early ones",
        f"{WIDTH} × {side} × {side}")  # fmt: skip
    box(50, 11, 14, 15, _GEOMETRY, "softmax", "over the cells", 'and "elsewhere":', "mean ray,",
        "mean features", f"of {joints - 1} joints")  # fmt: skip
    box(50, 31, 14, 7, _IN_AND_OUT, "heatmaps", f"{joints - 1} × {side} × {side}")
    box(31, 1, 13, 6, _FEATURES, "summary", "pooled features,", "all rays")
    box(70, 11, 12, 15, _GEOMETRY, "placing", "distance × ray", "+ an offset")
    box(87, 24, 9, 9, _IN_AND_OUT, "pose", f"{joints} × 3 m,", "and the neck")
    box(87, 12, 9, 8, _IN_AND_OUT, "error", "expected of", "each joint")
    for corners in _ARROWS:
        axes.add_patch(FancyArrowPatch(path=Path(corners), arrowstyle="-|>", color="0.35",
                                       mutation_scale=9, linewidth=1))  # fmt: skip
    return figure


@styled
def joint_on_rays(rays, weights, found_m, true_m):
    """The distribution of one joint over rays, from the wearer's right: each ray is as opaque as its
    weight; a ring marks where the joint is found, a cross where it is.

    rays: (C, 3), weights: (C,), found_m and true_m: (3,) in the camera frame.
    """
    figure, axes = canvas((5, 3.9), "z, along the optical axis (m)", "y, forward (m)", grid="both")
    ends = 1.2 * np.linalg.norm(true_m) * np.asarray(rays)[:, 1:]
    for end, weight in zip(ends, np.asarray(weights / weights.max()), strict=True):
        if weight > 0.02:
            axes.plot((0, end[0]), (0, end[1]), color=DARK, alpha=weight, linewidth=1)
    axes.plot(*found_m[1:], "o", fillstyle="none", color=ACCENT, markersize=10, label="found")
    axes.plot(*true_m[1:], "x", color="black", markersize=8, label="true")
    axes.invert_yaxis()
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend()
    return figure


@styled
def error_by_minutes(runs):
    """MPJPE on the validation split against minutes of training.

    runs: {name: [(seconds before the first epoch, DataFrame of a history.csv), ...]}, a pair a
    seed.
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
