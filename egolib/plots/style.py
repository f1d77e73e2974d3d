"""How poses look in every figure: colours of body parts, a pose on an image, a pose in space.

Left and right differ in hue and lightness (Okabe and Ito's colours, safe for colour-blind eyes).
"""

import functools
import io
import textwrap
import warnings
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path
from egolib.plots.checks import FigureFlaw, flaws
from egolib.skeleton import (
    BODY_PARTS,
    BONES,
    HEATMAP_JOINT_INDICES,
    HEATMAP_JOINTS,
    JOINTS,
    body_part_of,
)

PART_COLOURS = dict(
    zip(BODY_PARTS, ("#cc79a7", "#0072b2", "#56b4e9", "#d55e00", "#e69f00"), strict=True)
)
TRUE_COLOUR = "#808080"
DARK, LIGHT, ACCENT, PALE = "#2b3a80", "#88a8d8", "#d55e00", "#b8b8b8"  # of numbers
SLANTED = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}  # tick labels
VIEWS = ("front", "side")
_OVERLAY_PX = 512  # least height of an overlay
_PANEL_M = 2.2  # height and width of what a skeleton panel shows
_STYLE = {
    "font.size": 9,
    "text.parse_math": False,  # names of files and people may hold a $
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "savefig.facecolor": "white",
}


class StudyFigure(Figure):
    """A Figure that Jupyter shows without pyplot, whatever the backend."""

    def _repr_png_(self):
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=100)
        return stream.getvalue()


def styled(function):
    """Decorator: run a function that makes a figure under the study's style."""

    @functools.wraps(function)
    def draw(*args, **kwargs):
        with matplotlib.rc_context(_STYLE):
            return function(*args, **kwargs)

    return draw


@styled
def save_figure(figure, folder, name):
    """Write `<folder>/<name>.pdf` and `.png` (150 dpi) -> the two paths. Warns of checks.flaws."""
    paths = [Path(folder) / f"{name}.{suffix}" for suffix in ("pdf", "png")]
    _save(figure, *paths)
    return paths


@styled
def save_image(figure, path):
    """Write a figure as the one image `path` (150 dpi), in the format of its suffix. Warns of
    checks.flaws.

    Raises EgolibError for a suffix that is none.
    """
    path = Path(path)
    if path.suffix[1:].lower() not in figure.canvas.get_supported_filetypes():
        raise EgolibError(f"{path}: name an image, such as {path.stem}.png")
    _save(figure, path)


@styled
def as_svg(figure, name):
    """The <svg> element of a figure, for a page. Warns of checks.flaws."""
    _warn_of_flaws(figure, name)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", dpi=150)
    return stream.getvalue()[stream.getvalue().index("<svg") :]


def _warn_of_flaws(figure, name):
    for flaw in flaws(figure):
        warnings.warn(f"figure flaw in {name}: {flaw}", FigureFlaw, stacklevel=4)


def _save(figure, *paths):
    _warn_of_flaws(figure, paths[0].stem)
    for path in paths:
        with atomic_path(path) as partial:
            figure.savefig(partial, format=path.suffix[1:].lower(), dpi=150)


def joint_colour(joint):
    """Colour of a joint, and of the bone that ends in it, as #rrggbb."""
    return PART_COLOURS[body_part_of(joint)]


def canvas(size, ylabel="", xlabel="", grid="y", note=""):
    """Figure of `size` (width, height) in inches with one pair of axes, grid lines for the values
    of `grid` ("x", "y" or "both") and the `caption` `note` -> (StudyFigure, Axes)."""
    figure = StudyFigure(figsize=size)
    axes = figure.subplots()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(axis=grid, color="0.9")
    caption(figure, note)
    return figure, axes


def image_grid(lines, columns, size, **options):
    """Figure of `size` in inches with `lines` x `columns` axes without frames, for images ->
    (StudyFigure, array of Axes (lines, columns)). options: of Figure.subplots."""
    figure = StudyFigure(figsize=size)
    grid = figure.subplots(lines, columns, squeeze=False, **options)
    for axes in grid.flat:
        axes.set_axis_off()
    return figure, grid


def caption(figure, text):
    """Small grey lines below everything in a figure, as long as it is wide."""
    letters = int(14 * figure.get_figwidth())
    figure.supxlabel(textwrap.fill(text, letters), fontsize=8, color="0.35")


def name_places(axes, names):
    """Slanted `names` along the x axis at 0, 1, 2 ..., joints in their colours."""
    axes.set_xticks(range(len(names)), names, **SLANTED)
    for label, name in zip(axes.get_xticklabels(), names, strict=True):
        label.set_color(joint_colour(name) if name in JOINTS else "black")
    axes.set_xlim(-0.6, len(names) - 0.4)


def draw_bars(axes, places, rows, width, **style):
    """Bars as high as `mean` of the DataFrame `rows`, with a line from its `low` to its `high`."""
    axes.bar(places, rows["mean"], width, **style)
    axes.vlines(places, rows.low, rows.high, color="black", linewidth=0.9)


def draw_stacked(axes, table, colours, height):
    """A horizontal bar for each row of a DataFrame, from the first at the top, made of its columns
    one after another in `colours` {column: colour} -> {column: its BarContainer}."""
    places, ends = -np.arange(len(table)), table.cumsum(axis=1)
    axes.set_yticks(places, table.index)
    return {
        name: axes.barh(places, table[name], height, left=ends[name] - table[name],
                        color=colours[name], label=name)
        for name in table
    }  # fmt: skip


def draw_boxes(axes, parts, places, colours, width=0.6, **options):
    """A box for each array of `parts`: quartiles and median, whiskers from the 5th to the 95th
    percentile, nothing beyond. options: of Axes.boxplot."""
    drawn = axes.boxplot(
        parts, positions=places, widths=width, whis=(5, 95), showfliers=False, patch_artist=True,
        manage_ticks=False, medianprops={"color": "black", "linewidth": 1.4}, **options,
    )  # fmt: skip
    for box, colour in zip(drawn["boxes"], colours, strict=True):
        box.set(facecolor=colour, alpha=0.85)


def part_handles(prefix="", **style):
    """Legend entries of the body parts, `prefix` before their names; style: of a Line2D."""
    return [
        Line2D([], [], color=c, label=prefix + part, **style) for part, c in PART_COLOURS.items()
    ]


def draw_pose_2d(axes, joints_px, visible=None, colour=None, width=1.6, zorder=3):
    """Draw the 15 heatmap joints (15, 2) and their bones on an image in `axes`.

    visible: bool (15,), the joints to draw; all finite ones when None. colour: one colour for
    everything; body-part colours when None.
    """
    joints_px = np.asarray(joints_px, float)
    if visible is not None:
        joints_px = np.where(np.asarray(visible, bool)[:, None], joints_px, np.nan)
    _draw(axes, HEATMAP_JOINTS, joints_px, colour, width, zorder)


def flatten_pose(pose_m, view):
    """Pose (..., 16, 3), camera axes -> (..., 16, 2) of a drawing, upright.

    view "front": the wearer faces the reader, the left side is on the right. view "side": seen
    from the wearer's right, forward is to the right.
    """
    across = {"front": 0, "side": 1}[view]
    return np.stack([pose_m[..., across], -pose_m[..., 2]], -1)


def draw_pose_3d(axes, pose_m, view="front", colour=None, width=1.6, zorder=3):
    """Draw a pose (16, 3), metres in camera axes, as seen from one of VIEWS; colour as above."""
    _draw(axes, JOINTS, flatten_pose(np.asarray(pose_m, float), view), colour, width, zorder)


def _draw(axes, names, points, colour, width, zorder):
    """Bones and joints between those of `points` (J, 2) that are finite."""
    shown = {n: p for n, p in zip(names, points, strict=True) if np.isfinite(p).all()}
    for start, end in BONES:
        if start in shown and end in shown:
            axes.plot(*np.stack([shown[start], shown[end]]).T, color=colour or joint_colour(end),
                      linewidth=width, solid_capstyle="round", zorder=zorder)  # fmt: skip
    for name, point in shown.items():
        axes.plot(*point, "o", color=colour or joint_colour(name), markersize=2.2 * width,
                  markeredgewidth=0, zorder=zorder + 0.1)  # fmt: skip


def draw_overlay(image, joints_px, confidence, pose_m):
    """The image, at least 512 px high, with joints and bones drawn over it as opaque as they
    are confident, and beside it the pose from front and side. uint8 RGB in and out.

    joints_px (15, 2) in pixels of `image`; confidence (15,); pose_m (16, 3), NaN leaves the
    panel empty.
    """
    scale = max(1.0, _OVERLAY_PX / len(image))
    size = (round(image.shape[1] * scale), round(len(image) * scale))
    canvas = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    opacity = np.zeros(len(JOINTS))
    opacity[HEATMAP_JOINT_INDICES] = np.clip(confidence, 0, 1)
    points = np.full((len(JOINTS), 2), np.nan)
    points[HEATMAP_JOINT_INDICES] = (joints_px + 0.5) * scale - 0.5
    overlay = _blend_pose(canvas, points, opacity, max(2, size[1] // 200))
    side = size[1] // 2
    views = []
    for view in VIEWS:
        across, up = flatten_pose(pose_m, view).T
        places = np.stack([across + _PANEL_M / 2, _PANEL_M * 0.25 - up], -1) * (side / _PANEL_M)
        panel = np.full((side, side, 3), 255, np.uint8)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(panel, view, (8, 20), font, 0.5, (90, 90, 90), 1, cv2.LINE_AA)
        views.append(_blend_pose(panel, places, np.ones(len(JOINTS)), max(2, side // 120)))
    column = np.vstack(views)
    missing = len(overlay) - len(column)
    return np.hstack([overlay, np.pad(column, ((0, missing), (0, 0), (0, 0)), mode="edge")])


def _blend_pose(canvas, points, opacity, width):
    """Blend bones and joints (16, 2), those that are finite, over a uint8 RGB canvas."""
    paint, alpha = canvas.copy(), np.zeros(canvas.shape[:2], np.uint8)
    place = {
        name: tuple(np.rint(np.clip(point, -9999, 9999)).astype(int).tolist())
        for name, point in zip(JOINTS, points, strict=True)
        if np.isfinite(point).all()
    }
    strength = {name: float(255 * value) for name, value in zip(JOINTS, opacity, strict=True)}
    for start, end in (bone for bone in BONES if bone[0] in place and bone[1] in place):
        ends = (place[start], place[end])
        cv2.line(paint, *ends, _rgb(end), width, cv2.LINE_AA)
        cv2.line(alpha, *ends, min(strength[start], strength[end]), width)
    for name, centre in place.items():
        cv2.circle(paint, centre, 2 * width, _rgb(name), -1, cv2.LINE_AA)
        cv2.circle(alpha, centre, 2 * width, strength[name], -1)
    share = alpha / np.float32(255)
    return cv2.blendLinear(paint, canvas, share, 1 - share)


def _rgb(joint):
    return tuple(bytes.fromhex(joint_colour(joint)[1:]))
