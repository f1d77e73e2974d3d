"""Figures of the data: where joints are, how large they appear, what is seen and what hides it."""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Circle, Rectangle

from egolib.camera import CROP_LEFT, XR_EGOPOSE
from egolib.data.visibility import IN_IMAGE, SEEN, STATES, SURROUNDINGS
from egolib.plots import style
from egolib.plots.style import StudyFigure, styled
from egolib.skeleton import (
    ACTIONS,
    HEATMAP_JOINT_INDICES,
    HEATMAP_JOINTS,
    JOINTS,
    UNKNOWN_ACTION,
    without_side,
)

STATE_COLOURS = dict(
    zip(STATES, ("#009e73", "#e69f00", "#8c510a", "#c8c8c8", "#6f6f6f", "#7fcdbb"), strict=True)
)
_PAPER = LinearSegmentedColormap.from_list("paper", ("#ffffff", "#c6dbef", "#2171b5", "#08306b"))
_POINTS = 400  # poses drawn around the camera


@styled
def joint_location_map(index, bins=50):
    """Where each heatmap joint falls on the lens's circle over all frames of a FrameIndex.

    Titles give the share of frames in which the joint lies in the square crop (its edges are
    drawn) and before the lens plane.
    """
    lens, middle = XR_EGOPOSE, (XR_EGOPOSE.circle_cx, XR_EGOPOSE.circle_cy)
    reach = lens.circle_radius * 1.03
    extent = (middle[0] - reach, middle[0] + reach, middle[1] + reach, middle[1] - reach)
    edges = [np.linspace(centre - reach, centre + reach, bins + 1) for centre in middle]
    pixels = index.uv_native[:, HEATMAP_JOINT_INDICES]
    inside = index.inside[:, HEATMAP_JOINT_INDICES]
    figure = StudyFigure(figsize=(9.6, 6.4))
    grid = figure.subplots(3, 5, sharex=True, sharey=True)
    for j, (axes, name) in enumerate(zip(grid.flat, HEATMAP_JOINTS, strict=True)):
        counts, _, _ = np.histogram2d(*pixels[inside[:, j], j].T, edges)
        axes.imshow(np.sqrt(counts.T), cmap=_PAPER, extent=extent, interpolation="bilinear")
        axes.add_patch(Circle(middle, lens.circle_radius, fill=False, color="0.4", linewidth=0.8))
        crop = Rectangle((CROP_LEFT - 0.5, -0.5), lens.height, lens.height, fill=False)
        crop.set(edgecolor="0.6", linewidth=0.6, linestyle="--")
        axes.add_patch(crop)
        axes.set_title(f"{name}  {100 * inside[:, j].mean():.0f} %", color=style.joint_colour(name))
        axes.set(xlim=extent[:2], ylim=extent[2:], xticks=(240, 654, 1040), yticks=(0, 400, 800))
    figure.supxlabel("u (native px of 1280)", fontsize=9)
    figure.supylabel("v (native px of 800)", fontsize=9)
    note = "darker: more often (root of the count); %: in the square crop (dashed)"
    figure.suptitle(f"{len(index)} frames; {note}", fontsize=9)
    return figure


@styled
def joint_sizes(views):
    """How far each joint is and how large it appears: distances, native pixels a centimetre, and
    one against the other with the lens's law. views: visibility.joint_views."""
    views = views[views.joint != "Head"]
    by_joint = views.groupby("joint")
    figure = StudyFigure(figsize=(9.6, 4.2))
    panels = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    places = np.arange(len(HEATMAP_JOINTS))[::-1]
    colours = [style.joint_colour(name) for name in HEATMAP_JOINTS]
    measures = (("distance_m", 100, "distance from the camera (cm)"),
                ("px_per_cm", 1, "size in the image (native px a cm)"))  # fmt: skip
    for axes, (column, factor, label) in zip(panels[:2], measures, strict=True):
        parts = [factor * by_joint.get_group(name)[column].dropna() for name in HEATMAP_JOINTS]
        style.draw_boxes(axes, parts, places, colours, 0.7, orientation="horizontal")
        axes.set_yticks(places, HEATMAP_JOINTS if axes is panels[0] else [])
        axes.set(xlabel=label, xlim=(0, None))
        axes.grid(axis="x", color="0.9")
    middle = by_joint[["distance_m", "px_per_cm"]].median()
    for name, (x, y) in zip(middle.index, middle.to_numpy(), strict=True):
        panels[2].plot(100 * x, y, "o", color=style.joint_colour(name), markersize=7, zorder=3)
    distances_m = np.linspace(0.15, 1.7, 100)
    (line,) = panels[2].plot(100 * distances_m, XR_EGOPOSE.fx / distances_m / 100, color="0.4",
                             linewidth=1, label="f / distance (on the axis)")  # fmt: skip
    panels[2].set(xlabel="median distance (cm)", ylabel="median size (native px a cm)")
    panels[2].set(xlim=(0, 170), ylim=(0, None))
    panels[2].grid(color="0.9")
    panels[2].legend(handles=[line, *style.part_handles(marker="o", linestyle="")], fontsize=8)
    style.caption(figure, "Boxes: quartiles, median; whiskers: 5th to 95th percentile.")
    return figure


@styled
def joints_around_camera(index):
    """All joints of frames spread over a FrameIndex as the camera has them: from the front and
    from the side; the head is a point that never moves."""
    chosen = np.linspace(0, len(index) - 1, min(_POINTS, len(index))).astype(int)
    poses_m = index.joints_cam_m[chosen].astype(float)
    figure = StudyFigure(figsize=(8.2, 4.6))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, view in zip(panels, style.VIEWS, strict=True):
        flat = 100 * style.flatten_pose(poses_m, view)
        for j, name in enumerate(JOINTS):
            marks = {"s": 40, "zorder": 3} if name == "Head" else {"s": 5, "zorder": 2}
            marks |= {"color": style.joint_colour(name), "alpha": 0.35, "linewidths": 0}
            axes.scatter(*flat[:, j].T, **marks)
        plane = axes.axhline(0, color="0.5", linewidth=0.8, linestyle="--", label="lens plane")
        (camera,) = axes.plot(0, 0, marker=(3, 0, 180), color="black", markersize=9, zorder=4,
                              linestyle="", label="camera")  # fmt: skip
        axes.set(aspect="equal", xlim=(-105, 105))
        axes.grid(color="0.93")
    panels[0].set(xlabel="towards the wearer's left (cm)", ylabel="above the camera (cm)")
    panels[1].set(xlabel="forward (cm)")
    handles = [camera, plane, *style.part_handles(marker="o", linestyle="")]
    figure.legend(handles=handles, loc="outside lower center", ncols=7, fontsize=8)
    figure.suptitle(f"{len(poses_m)} poses in the camera's frame", fontsize=9)
    return figure


@styled
def visibility_bars(views):
    """Share of frames in which each joint is seen, hidden, outside the image or behind the lens
    plane. views: visibility.joint_views."""
    shares = 100 * pd.crosstab(views.joint, views.state, normalize="index")
    shares = shares.reindex(index=JOINTS, columns=STATES, fill_value=0)
    figure, axes = style.canvas((8, 4.4), xlabel="share of frames (%)", grid="x")
    style.draw_stacked(axes, shares.loc[:, shares.any()], STATE_COLOURS, 0.8)
    axes.set_xlim(0, 100)
    for label in axes.get_yticklabels():
        label.set_color(style.joint_colour(label.get_text()))
    figure.legend(loc="outside upper center", ncols=5, fontsize=8)
    return figure


@styled
def what_hides_what(views):
    """Two matrices: which part of the wearer (or the surroundings) hides a joint, and what covers
    that part; in % of all frames, left and right together. None where nothing is known."""
    hidden = views[views.hidden_by != ""]
    if hidden.empty:
        return None
    kinds = {name: without_side(name) for name in HEATMAP_JOINTS}
    order = list(dict.fromkeys(kinds.values()))
    frames = views.joint.map(kinds).value_counts()
    figure = StudyFigure(figsize=(9.6, 3.9))
    panels = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    titles = ("what is in the way", "what covers that")
    for axes, column, title in zip(panels, ("hidden_by", "covered_with"), titles, strict=True):
        counts = pd.crosstab(hidden.joint.map(kinds), hidden[column]).reindex(order, fill_value=0)
        shares = 100 * counts.div(frames.reindex(order), axis=0)
        names = sorted(shares, key=lambda n: (n == SURROUNDINGS, -shares[n].sum()))[:10]
        _matrix(axes, shares[names], title)
    return figure


@styled
def visibility_by_action(views):
    """How often each joint is seen (or, where that is not known, in the image) by action, in %."""
    good = views.state.isin((SEEN, IN_IMAGE))
    shares = 100 * good.groupby([views.joint, views.action]).mean().unstack()
    actions = [name for name in (*ACTIONS, UNKNOWN_ACTION) if name in shares]
    figure = StudyFigure(figsize=(8, 5.2))
    title = "joint in the image" if (views.state == IN_IMAGE).any() else "joint seen"
    _matrix(figure.subplots(), shares.reindex(HEATMAP_JOINTS)[actions], title)
    return figure


def _matrix(axes, shares, title):
    """Percentages (a DataFrame) as shaded cells with their numbers."""
    values = shares.to_numpy()
    axes.imshow(values, _PAPER, vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if round(value) > 0:
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7.5,
                      color="white" if value > 55 else "black")  # fmt: skip
    labels = [str(name).replace("_", " ") for name in shares.columns]
    axes.set_xticks(range(len(labels)), labels, **style.SLANTED)
    axes.set_yticks(range(len(shares)), shares.index)
    axes.set_title(f"{title} (% of frames)")
    axes.tick_params(length=0)
