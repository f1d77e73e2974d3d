"""Figures with pictures in them: labelled frames, predictions beside the truth, where joints fall."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from egolib.camera import CROP_LEFT, XR_EGOPOSE, in_front, inside_square, native_to_square
from egolib.dataset import FrameDataset
from egolib.drawing import (
    PART_COLOURS,
    TRUE_COLOUR,
    VIEWS,
    StudyFigure,
    draw_pose_2d,
    draw_pose_3d,
    flatten_pose,
    joint_colour,
    styled,
)
from egolib.evaluation import device, run_network
from egolib.heatmaps import draw_heatmaps, find_peaks
from egolib.metrics import mpjpe_mm
from egolib.pictures import read_square
from egolib.skeleton import HEATMAP_JOINT_INDICES, HEATMAP_JOINTS

_PICTURE_PX = 256  # pictures are shown at this size; coordinates stay those of the data


@styled
def prediction_sheet(index, predictions, rows=8, seed=0):
    """`rows` test frames with the true (grey) and the predicted pose: on the picture and from
    front and side, in two blocks side by side.

    index: frames.FrameIndex, or the tree's root. One frame is drawn at random (by `seed`) from
    each of `rows` equal parts of the frames sorted by MPJPE, so the sheet spans the errors.
    """
    root = index if isinstance(index, (str, Path)) else index.root
    errors = mpjpe_mm(predictions.predicted_m, predictions.truth_m)
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.argsort(errors), min(rows, len(errors)))
    lines = -(-len(parts) // 2)
    figure = StudyFigure(figsize=(9.6, 1.75 * lines + 0.5))
    grid = figure.subplots(lines, 6, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for i, part in enumerate(parts):
        at = rng.choice(part)
        picture, *views = grid[i % lines, 3 * (i // lines) : 3 * (i // lines) + 3]
        share = 100 * (errors < errors[at]).mean()
        _sheet_picture(picture, root, predictions, at)
        picture.set_title(f"{errors[at]:.0f} mm ({share:.0f} % are better)", fontsize=8)
        poses = (predictions.truth_m[at], predictions.predicted_m[at])
        for axes, view in zip(views, VIEWS, strict=True):
            draw_pose_3d(axes, poses[0], view, TRUE_COLOUR, width=2)
            draw_pose_3d(axes, poses[1], view, width=1.1, zorder=4)
            middle = flatten_pose(np.concatenate(poses), view)
            middle = (middle.min(0) + middle.max(0)) / 2
            axes.set(xlim=middle[0] + np.array([-0.9, 0.9]), ylim=middle[1] + np.array([-0.9, 0.9]))
            axes.set_aspect("equal")
            if i % lines == 0:
                axes.set_title(view, fontsize=8, color="0.35")
    handles = [
        Line2D([], [], color=TRUE_COLOUR, linewidth=2.4, label="true (white on the picture)")
    ]
    handles += [Line2D([], [], color=c, label=f"predicted {n}") for n, c in PART_COLOURS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=7.5)
    return figure


def _show_picture(axes, path, side_px):
    """The square crop of a picture in axes whose coordinates are pixels of side `side_px`."""
    extent = (-0.5, side_px - 0.5, side_px - 0.5, -0.5)
    axes.imshow(read_square(path, _PICTURE_PX), extent=extent)
    axes.set(xlim=extent[:2], ylim=extent[2:], autoscale_on=False)
    axes.set_axis_off()


def _sheet_picture(axes, root, predictions, at):
    _show_picture(axes, Path(root) / str(predictions.image[at]), predictions.image_px)
    draw_pose_2d(axes, predictions.truth_px[at], predictions.inside[at], "white", width=1.7)
    draw_pose_2d(axes, predictions.predicted_px[at], width=1.0, zorder=4)


@styled
def frame_sheet(frames, columns=6):
    """Labelled frames for the eye: square crops with their true joints, `columns` in a row.

    frames: sequence of frames.Frame. Joints behind the lens plane are not drawn.
    """
    lines = -(-len(frames) // columns)
    figure = StudyFigure(figsize=(1.75 * columns, 2.05 * lines))
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, frame in zip(grid.flat, frames, strict=False):
        joints_px = native_to_square(frame.joints_2d_px[HEATMAP_JOINT_INDICES], _PICTURE_PX)
        visible = in_front(frame.joints_3d_m[HEATMAP_JOINT_INDICES])
        _show_picture(axes, frame.image_path, _PICTURE_PX)
        draw_pose_2d(axes, joints_px, visible, width=1.3)
        axes.set_title(f"{frame.character}\n{frame.clip}", fontsize=7)
    return figure


@styled
def heatmap_sheet(index, network, spec, columns=6):
    """Frames spread evenly over a FrameIndex: the picture with its true joints, and the true and
    the predicted heatmaps (the highest of the 15 at each pixel) on it.

    network: a heatmap network or an EgoPose, `spec` its NetworkSpec. Titles give the mean 2D
    error over the joints that are in the picture, in pixels of the input.
    """
    positions = np.linspace(0, len(index) - 1, min(columns, len(index))).astype(int)
    dataset = FrameDataset(index, spec.image_px)
    batch = torch.utils.data.default_collate([dataset[int(i)] for i in positions])
    joints_px, visible = batch["joints_2d_px"], batch["in_front"]
    predicted, _ = run_network(network.to(device()).eval(), spec, batch)
    true = draw_heatmaps(joints_px, visible, spec.image_px, spec.heatmap_px, spec.sigma_px)
    visible = visible & inside_square(joints_px, spec.image_px)
    errors_px = (find_peaks(predicted, spec.image_px)[0] - joints_px).norm(dim=-1)
    figure = StudyFigure(figsize=(1.75 * columns, 5.6))
    grid = figure.subplots(3, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for i, position in enumerate(positions):
        for axes, maps in zip(grid[:, i], (None, true[i], predicted[i]), strict=True):
            _show_picture(axes, index[int(position)].image_path, spec.image_px)
            if maps is None:
                draw_pose_2d(axes, joints_px[i], visible[i], width=1.1)
            else:
                heat = maps.amax(0).clamp(0, 1).numpy()
                extent = axes.images[0].get_extent()
                axes.imshow(
                    heat, "inferno", vmin=0, vmax=1, extent=extent, alpha=0.25 + 0.75 * heat
                )
        grid[2, i].set_title(f"{errors_px[i][visible[i]].mean():.1f} px off", fontsize=8)
    for row, title in zip(
        grid, ("true joints", "true heatmaps", "predicted heatmaps"), strict=True
    ):
        first = row[0].get_title()
        row[0].set_title(f"{title}\n{first}".strip(), fontsize=8)
    return figure


@styled
def joint_location_map(index, bins=50):
    """Where each heatmap joint falls in the square crop over all frames of a FrameIndex.

    The circle is the lens's image circle; titles give the share of frames in which the joint
    lies in the crop and before the lens plane.
    """
    side = XR_EGOPOSE.height
    joints_px = native_to_square(index.joints_2d_px[:, HEATMAP_JOINT_INDICES], side)
    inside = index.inside[:, HEATMAP_JOINT_INDICES]
    figure = StudyFigure(figsize=(9.6, 6.2))
    grid = figure.subplots(3, 5, sharex=True, sharey=True)
    edges = np.linspace(-0.5, side - 0.5, bins + 1)
    for j, (axes, name) in enumerate(zip(grid.flat, HEATMAP_JOINTS, strict=True)):
        counts, _, _ = np.histogram2d(*joints_px[inside[:, j], j].T[::-1], (edges, edges))
        axes.imshow(np.sqrt(counts), cmap="Greys", extent=(-0.5, side - 0.5, side - 0.5, -0.5))
        centre = (XR_EGOPOSE.circle_cx - CROP_LEFT, XR_EGOPOSE.circle_cy)
        axes.add_patch(Circle(centre, XR_EGOPOSE.circle_radius, fill=False, color="0.7"))
        axes.set_title(f"{name}  {100 * inside[:, j].mean():.0f} %", color=joint_colour(name))
        axes.set(xticks=(0, 400, 799), yticks=(0, 400, 799))
    figure.supxlabel("u in the square crop (px of 800)", fontsize=9)
    figure.supylabel("v in the square crop (px of 800)", fontsize=9)
    figure.suptitle(
        f"{len(index)} frames; darker: more often (root of the count); %: in the picture",
        fontsize=9,
    )
    return figure
