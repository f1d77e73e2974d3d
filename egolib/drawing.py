"""How poses look in every figure: colours of body parts, a pose on a picture, a pose in space.

Left and right differ in hue and lightness (Okabe and Ito's colours, safe for colour-blind eyes).
"""

import functools
import io
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from egolib.files import atomic_path
from egolib.skeleton import BONES, HEATMAP_JOINTS, JOINTS

PART_COLOURS = {
    "head and neck": "#cc79a7",
    "left arm": "#0072b2",
    "right arm": "#56b4e9",
    "left leg": "#d55e00",
    "right leg": "#e69f00",
}
TRUE_COLOUR = "#808080"
VIEWS = ("front", "side")
_STYLE = {
    "font.size": 9,
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
    """Write `<folder>/<name>.pdf` and `.png` (150 dpi) -> the two paths."""
    paths = [Path(folder) / f"{name}.{suffix}" for suffix in ("pdf", "png")]
    for path in paths:
        with atomic_path(path) as partial:
            figure.savefig(partial, format=path.suffix[1:], dpi=150)
    return paths


def part_of(joint):
    """Name of a joint's body part, a key of PART_COLOURS."""
    if joint in ("Neck", "Head"):
        return "head and neck"
    side = "left" if joint.startswith("Left") else "right"
    return f"{side} arm" if joint.endswith(("Arm", "Hand")) else f"{side} leg"


def joint_colour(joint):
    """Colour of a joint, and of the bone that ends in it, as #rrggbb."""
    return PART_COLOURS[part_of(joint)]


def draw_pose_2d(axes, joints_px, visible=None, colour=None, width=1.6, zorder=3):
    """Draw the 15 heatmap joints (15, 2) and their bones on a picture in `axes`.

    visible: bool (15,), the joints to draw; all finite ones when None. colour: one colour for
    everything; body-part colours when None.
    """
    joints_px = np.asarray(joints_px, float)
    shown = np.isfinite(joints_px).all(-1) if visible is None else np.asarray(visible, bool)
    _draw(axes, dict(zip(HEATMAP_JOINTS, joints_px, strict=True)),
          dict(zip(HEATMAP_JOINTS, shown, strict=True)), colour, width, zorder)  # fmt: skip


def flatten_pose(pose_m, view):
    """Pose (..., 16, 3), camera axes -> (..., 16, 2) of a drawing, upright.

    view "front": the wearer faces the reader, the left side is on the right. view "side": seen
    from the wearer's right, forward is to the right.
    """
    across = {"front": 0, "side": 1}[view]
    return np.stack([pose_m[..., across], -pose_m[..., 2]], -1)


def draw_pose_3d(axes, pose_m, view="front", colour=None, width=1.6, zorder=3):
    """Draw a pose (16, 3), metres in camera axes, as seen from one of VIEWS; colour as above."""
    points = flatten_pose(np.asarray(pose_m, float), view)
    finite = np.isfinite(points).all(-1)
    _draw(axes, dict(zip(JOINTS, points, strict=True)), dict(zip(JOINTS, finite, strict=True)),
          colour, width, zorder)  # fmt: skip


def _draw(axes, points, shown, colour, width, zorder):
    for start, end in BONES:
        if shown.get(start) and shown.get(end):
            (x0, y0), (x1, y1) = points[start], points[end]
            axes.plot([x0, x1], [y0, y1], color=colour or joint_colour(end), linewidth=width,
                      solid_capstyle="round", zorder=zorder)  # fmt: skip
    for name in (name for name in points if shown[name]):
        axes.plot(*points[name], "o", color=colour or joint_colour(name),
                  markersize=2.2 * width, markeredgewidth=0, zorder=zorder + 0.1)  # fmt: skip
