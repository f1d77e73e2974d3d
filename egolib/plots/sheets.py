"""Figures with images in them: contact sheets, labelled frames, predictions beside the truth."""

import numpy as np
from matplotlib.lines import Line2D

from egolib.camera import in_front, inside_square, native_to_square
from egolib.data.dataset import FrameDataset
from egolib.evaluation.inference import device, run_network
from egolib.models.heatmaps import draw_heatmaps, find_peaks
from egolib.plots import style
from egolib.plots.style import styled
from egolib.skeleton import HEATMAP_JOINT_INDICES, action_of_clip, clip_without_suffix

_IMAGE_PX = 256  # images are shown at this size; coordinates stay those of the data
_SMALL_PX = 144


@styled
def prediction_sheet(index, predictions, rows=8, seed=0):
    """`rows` test frames with the true (grey) and the predicted pose: on the image and from
    front and side, in two blocks side by side.

    index: the FrameIndex that was predicted. One frame is drawn at random (by `seed`) from each of
    `rows` equal parts of the frames sorted by MPJPE, so the sheet spans the errors.
    """
    errors = predictions.errors_mm.mean(-1)
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.argsort(errors), min(rows, len(errors)))
    lines = -(-len(parts) // 2)
    figure, grid = style.image_grid(lines, 6, (9.6, 1.75 * lines + 0.5))
    for i, part in enumerate(parts):
        at = int(rng.choice(part))
        on_image, *views = grid[i % lines, 3 * (i // lines) : 3 * (i // lines) + 3]
        share = 100 * (errors < errors[at]).mean()
        _sheet_image(on_image, index, predictions, at)
        on_image.set_title(f"{errors[at]:.0f} mm ({share:.0f} % are better)", fontsize=8)
        poses = (predictions.true_rel_m[at], predictions.predicted_rel_m[at])
        for axes, view in zip(views, style.VIEWS, strict=True):
            style.draw_pose_3d(axes, poses[0], view, style.TRUE_COLOUR, width=2)
            style.draw_pose_3d(axes, poses[1], view, width=1.1, zorder=4)
            points = style.flatten_pose(np.concatenate(poses), view)
            x, y = (points.min(0) + points.max(0)) / 2
            axes.set(xlim=(x - 0.9, x + 0.9), ylim=(y - 0.9, y + 0.9), aspect="equal")
            if i % lines == 0:
                axes.set_title(view, fontsize=8, color="0.35")
    _pose_legend(figure, style.TRUE_COLOUR, "true (white on the image)")
    return figure


@styled
def worst_sheet(index, predictions, worst, columns=5):
    """The frames of worst.worst_frames: the image with the true pose (white) and the predicted
    one, their error, its cause, the character and the clip."""
    lines = -(-len(worst) // columns)
    figure, grid = style.image_grid(lines, columns, (1.95 * columns, 2.65 * lines + 0.3))
    for axes, row in zip(grid.flat, worst.itertuples(), strict=False):
        _sheet_image(axes, index, predictions, row.place)
        axes.set_title(
            f"{row.mpjpe_mm:.0f} mm, {row.worst_joint}\n{row.cause}\n"
            f"{row.character}\n{clip_without_suffix(row.clip)}", fontsize=6.5, pad=3,
        )  # fmt: skip
    _pose_legend(figure, "0.8", "true (white)")
    return figure


def _pose_legend(figure, true_colour, true_label):
    true = Line2D([], [], color=true_colour, linewidth=2.4, label=true_label)
    handles = [true, *style.part_handles("predicted ")]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=7.5)


def _show_image(axes, index, position, side_px):
    """The square crop of a frame in axes whose coordinates are pixels of side `side_px`."""
    extent = (-0.5, side_px - 0.5, side_px - 0.5, -0.5)
    axes.imshow(index.read_square(position, _IMAGE_PX), extent=extent)
    axes.set(xlim=extent[:2], ylim=extent[2:], autoscale_on=False)
    axes.set_axis_off()


def _sheet_image(axes, index, predictions, at):
    _show_image(axes, index, at, predictions.image_px)
    true_px, visible = predictions.true_uv_crop[at], predictions.inside[at]
    style.draw_pose_2d(axes, true_px, visible, "white", width=1.7)
    style.draw_pose_2d(axes, predictions.predicted_uv_crop[at], width=1.0, zorder=4)


@styled
def frame_sheet(index, positions, columns=6):
    """Labelled frames for the eye: square crops with their true joints, `columns` in a row.

    positions: places in the FrameIndex. Joints behind the lens plane are not drawn.
    """
    lines = -(-len(positions) // columns)
    figure, grid = style.image_grid(lines, columns, (1.75 * columns, 2.05 * lines))
    for axes, position in zip(grid.flat, positions, strict=False):
        frame = index[position]
        joints_px = native_to_square(frame.uv_native[HEATMAP_JOINT_INDICES], _IMAGE_PX)
        visible = in_front(frame.joints_cam_m[HEATMAP_JOINT_INDICES])
        _show_image(axes, index, position, _IMAGE_PX)
        style.draw_pose_2d(axes, joints_px, visible, width=1.3)
        axes.set_title(
            f"{frame.action}, {frame.character}\n{clip_without_suffix(frame.clip)}", fontsize=6
        )
    return figure


@styled
def heatmap_sheet(index, network, spec, columns=6):
    """Frames spread evenly over a FrameIndex: the image with its true joints, and the true and
    the predicted heatmaps (the highest of the 15 at each pixel) on it.

    network: a heatmap network or an EndToEndNetwork, `spec` its NetworkSpec. Titles give the mean
    2D error over the joints that are in the image, in pixels of the input.
    """
    positions = np.linspace(0, len(index) - 1, min(columns, len(index))).astype(int)
    batch = FrameDataset(index, spec.image_px).__getitems__(positions)
    joints_px, visible = batch["uv_crop"], batch["in_front"]
    predicted = run_network(network.to(device()).eval(), spec, batch).heatmaps
    true = draw_heatmaps(joints_px, visible, spec.image_px, spec.heatmap_px, spec.sigma_px)
    visible = visible & inside_square(joints_px, spec.image_px)
    errors_px = (find_peaks(predicted, spec.image_px)[0] - joints_px).norm(dim=-1)
    figure, grid = style.image_grid(3, columns, (1.75 * columns, 5.6))
    for i, position in enumerate(positions):
        for axes in grid[:, i]:
            _show_image(axes, index, position, spec.image_px)
        style.draw_pose_2d(grid[0, i], joints_px[i], visible[i], width=1.1)
        for axes, maps in ((grid[1, i], true[i]), (grid[2, i], predicted[i])):
            heat = maps.amax(0).clamp(0, 1).numpy()
            extent = axes.images[0].get_extent()
            axes.imshow(heat, "inferno", vmin=0, vmax=1, extent=extent, alpha=0.25 + 0.75 * heat)
        grid[2, i].set_title(f"{errors_px[i][visible[i]].mean():.1f} px off", fontsize=8)
    grid[0, 0].set_title("true joints", fontsize=8)
    grid[1, 0].set_title("true heatmaps", fontsize=8)
    grid[2, 0].set_title(f"predicted heatmaps\n{grid[2, 0].get_title()}", fontsize=8)
    return figure


@styled
def contact_sheet(index, lines=6, columns=10, seed=0):
    """`lines` x `columns` square crops of a FrameIndex as the network sees them: frames drawn at
    random, one from each of as many equal parts of the index."""
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.arange(len(index)), lines * columns)
    chosen = [int(rng.choice(part)) if len(part) else None for part in parts]
    mosaic = [_strip(index, chosen[i : i + columns]) for i in range(0, len(chosen), columns)]
    figure, grid = style.image_grid(1, 1, (0.8 * columns, 0.8 * lines))
    grid[0, 0].imshow(np.vstack(mosaic))
    return figure


@styled
def clip_strips(index, frames=4, columns=3):
    """One strip for every clip of a FrameIndex: `frames` images spread over one sequence, titled
    with the clip and its action, sorted by action."""
    clips = sorted(index.clips.tolist(), key=lambda clip: (action_of_clip(clip), clip))
    lines = -(-len(clips) // columns)
    figure, grid = style.image_grid(lines, columns, (8, (8 / columns / frames + 0.2) * lines))
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, hspace=0, wspace=0)
    for i, (axes, clip) in enumerate(zip(grid.T.flat, clips, strict=False)):
        here = np.flatnonzero(index.clip_names == clip)
        places = np.unique(index.folder_ids[here])
        here = here[index.folder_ids[here] == places[i % len(places)]]  # different people
        shown = here[np.linspace(0, len(here) - 1, frames).round().astype(int)]
        axes.imshow(_strip(index, shown.tolist()))
        axes.set_title(f"{clip_without_suffix(clip)}  ({action_of_clip(clip)})", fontsize=7, pad=2)
    return figure


def _strip(index, positions):
    """Square crops side by side; white for None."""
    blank = np.full((_SMALL_PX, _SMALL_PX, 3), 255, np.uint8)
    return np.hstack([blank if i is None else index.read_square(i, _SMALL_PX) for i in positions])


@styled
def image_row(images):
    """Images {title: uint8 RGB} side by side, equally high."""
    ratios = [rgb.shape[1] / rgb.shape[0] for rgb in images.values()]
    size = (2.6 * sum(ratios), 2.9)
    figure, grid = style.image_grid(1, len(images), size, width_ratios=ratios)
    for axes, (title, rgb) in zip(grid[0], images.items(), strict=True):
        axes.imshow(rgb)
        axes.set_title(title)
    return figure


def typical_frames(index):
    """The frame of each action whose pose is nearest to the action's mean -> places in the
    index."""
    poses_m = index.joints_cam_m.astype(float)
    found = []
    for action in sorted(set(index.actions)):
        here = np.flatnonzero(index.actions == action)
        away_m = np.linalg.norm(poses_m[here] - poses_m[here].mean(0), axis=-1).mean(-1)
        found.append(int(here[away_m.argmin()]))
    return found
