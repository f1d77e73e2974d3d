"""The figures of the notebooks' lessons: the lens, targets, tensors and losses, drawn from the objects
themselves."""

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator

from egolib.camera import XR_EGOPOSE, native_to_square, project
from egolib.plots import style
from egolib.plots.style import ACCENT, DARK, LIGHT, PALE, StudyFigure, canvas, styled
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

_SIDE_PX = 800  # of the square crop as it is shown
_ZOOM_PX = 60  # half the side of the enlarged part


@styled
def projected_joint(index, position, joint, by_hand_px):
    """A frame of an index with the labelled pixel of a joint and the one computed by hand, native
    pixels (2,), and beside it the part of the image around them, enlarged."""
    image = index.read_square(position, _SIDE_PX)
    labelled_px = index.uv_native[position, JOINTS.index(joint)]
    label, by_hand = (native_to_square(px, _SIDE_PX) for px in (labelled_px, by_hand_px))
    figure, grid = style.image_grid(1, 2, (7.2, 3.9))
    for axes, size in zip(grid[0], (40, 160), strict=True):
        axes.imshow(image)
        axes.plot(*label, "o", markersize=size**0.5 * 1.6, fillstyle="none", color="white",
                  markeredgewidth=1.6, label="label")  # fmt: skip
        axes.plot(*by_hand, "+", markersize=size**0.5 * 1.2, color=ACCENT, markeredgewidth=1.8,
                  label="by hand")  # fmt: skip
    low, high = label - _ZOOM_PX, label + _ZOOM_PX
    grid[0, 1].set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), title=f"{joint}, enlarged")
    grid[0, 0].add_patch(Rectangle(low, *(high - low), fill=False, edgecolor="white"))
    grid[0, 0].set_title("the square crop")
    legend = grid[0, 1].legend(frameon=True, facecolor="0.35", labelcolor="white", markerscale=0.6)
    legend.set_in_layout(False)
    return figure


@styled
def lens_curve(camera=XR_EGOPOSE):
    """Radius in the image against the angle from the optical axis: the camera's lens, and a pinhole
    camera and an equidistant lens of the same focal length."""
    angles = np.radians(np.linspace(0, 90, 91))
    rays = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], -1)
    rays[-1, 2] = 1e-9  # the last one just before the lens plane
    radius_px = project(rays, camera)[:, 0] - camera.cx
    figure, axes = canvas((4.8, 3.3), "radius in the image (px)", "angle from the axis (degrees)",
                          grid="both")  # fmt: skip
    degrees = np.degrees(angles)
    near = degrees <= 60
    axes.plot(degrees[near], camera.fx * np.tan(angles[near]), "--", color=PALE,
              label="pinhole, f tan θ")  # fmt: skip
    axes.plot(degrees, camera.fx * angles, ":", color=DARK, label="equidistant, f θ")
    axes.plot(degrees, radius_px, color=ACCENT, linewidth=2, label="the headset's lens")
    axes.axhline(camera.circle_radius, color="0.6", linewidth=0.8)
    axes.annotate("edge of the image circle", (1, camera.circle_radius), (0, 3), fontsize=7.5,
                  textcoords="offset points", color="0.35")  # fmt: skip
    axes.set(xlim=(0, 90), ylim=(0, 650), xticks=range(0, 91, 15))
    axes.legend(loc="lower right")
    return figure


@styled
def heatmap_widths(image, maps, joint):
    """The target of one joint at several widths, on the image uint8 (3, S, S).

    maps: {sigma in cells: heatmaps (15, H, H)}; joint: a place in HEATMAP_JOINTS.
    """
    figure, grid = style.image_grid(1, len(maps), (2.4 * len(maps), 2.8))
    for axes, (sigma, heatmaps) in zip(grid[0], maps.items(), strict=True):
        _show_heatmap(axes, image, heatmaps[joint])
        axes.set_title(f"{HEATMAP_JOINTS[joint]}, σ = {sigma:g} cells")
    return figure


@styled
def heatmap_kinds(batch, maps, examples, least_peak=1.0):
    """Heatmaps on their images, one of each kind; a ring marks the label of a joint that has one.

    batch: of FrameDataset; maps (N, 15, H, H) of its frames; examples: {kind: (frame, joint)}, places
    in both. Each map is divided by its peak, or by `least_peak` if the peak is lower.
    """
    figure, grid = style.image_grid(1, max(len(examples), 1), (2.4 * len(examples) or 2, 2.9))
    for axes, (kind, (frame, joint)) in zip(grid[0], examples.items(), strict=False):
        peak = maps[frame, joint].max()
        scaled = maps[frame, joint] / max(peak, least_peak)
        _show_heatmap(axes, batch["image"][frame], scaled)
        if batch["in_front"][frame, joint]:  # behind the lens plane there is no pixel to mark
            label = batch["uv_crop"][frame, joint]
            axes.plot(*label, "o", markersize=11, fillstyle="none", color="white")
        axes.set_title(f"{kind}: {HEATMAP_JOINTS[joint]}\npeak {peak:.2f}")
    return figure


def _show_heatmap(axes, image, heatmap):
    """A heatmap (H, H) over an image (3, S, S), opaque where it is high."""
    side = image.shape[-1]
    extent = (-0.5, side - 0.5, side - 0.5, -0.5)
    heat = np.clip(np.asarray(heatmap), 0, 1)
    axes.imshow(np.asarray(image).transpose(1, 2, 0), extent=extent)
    axes.imshow(heat, "inferno", vmin=0, vmax=1, extent=extent, alpha=0.2 + 0.8 * heat)
    axes.set(xlim=extent[:2], ylim=extent[2:], autoscale_on=False)  # a label may lie outside


@styled
def step_curves(curves, label, every=1):
    """Curves {name: values after each `every` optimiser steps} on a logarithmic axis with the label
    `label`."""
    figure, axes = canvas((4.6, 3), label, "optimiser step", grid="both")
    for (name, values), colour in zip(curves.items(), (DARK, ACCENT, LIGHT), strict=False):
        steps = every * np.arange(1, len(values) + 1)
        axes.plot(steps, values, color=colour, label=name)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}" if np.ptp(np.log10(list(curves.values()))) < 0.5 else "")
    axes.legend()
    return figure


@styled
def tensor_sizes(sizes, narrowest):
    """How many numbers leave each layer, a bar a layer from the input (top) to the outputs.

    sizes: {"<part> <place>": shape of its output for one frame}; bars of one part have one colour, and
    the layer with `narrowest` numbers is marked.
    """
    figure, axes = canvas((6.4, 0.25 * len(sizes) + 0.9), xlabel="numbers for one frame", grid="x")
    names = [name.rsplit(" ", 1)[0] for name in sizes]
    parts = list(dict.fromkeys(names))
    colours = dict(zip(parts, (PALE, DARK, ACCENT, LIGHT), strict=False))
    counts = [int(np.prod(shape)) for shape in sizes.values()]
    for place, (name, shape, count) in enumerate(zip(names, sizes.values(), counts, strict=True)):
        axes.barh(-place, count, color=colours[name], height=0.75)
        text = " × ".join(map(str, shape)) + ("  (latent)" if count == narrowest else "")
        axes.annotate(text, (count, -place), (3, 0), textcoords="offset points", va="center",
                      fontsize=7.5)  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(1, 12 * max(counts))
    axes.set_yticks(-np.arange(len(sizes)), names, fontsize=7.5)
    return figure


@styled
def heatmap_rows(images, rows):
    """Heatmaps of the same frames in rows, the highest of the 15 at each pixel, over the images.

    images: uint8 (N, 3, S, S); rows: {title: heatmaps (N, 15, H, H)}.
    """
    figure, grid = style.image_grid(len(rows), len(images), (1.75 * len(images), 1.9 * len(rows)))
    for line, (title, maps) in zip(grid, rows.items(), strict=True):
        for axes, image, heatmaps in zip(line, images, maps, strict=True):
            _show_heatmap(axes, image, heatmaps.amax(0))
        line[0].set_title(title, loc="left")
    return figure


@styled
def latent_walks(walks):
    """Poses along walks through a latent space, from the front, a row a walk.

    walks: {title: poses (K, 16, 3) in metres}; the middle pose is drawn behind each one in grey.
    """
    count = len(next(iter(walks.values())))
    figure = StudyFigure(figsize=(1.5 * count, 2.3 * len(walks)))
    grid = figure.subplots(len(walks), count, squeeze=False, sharex=True, sharey=True)
    for line, (title, poses) in zip(grid, walks.items(), strict=True):
        for place, (axes, pose) in enumerate(zip(line, poses, strict=True)):
            style.draw_pose_3d(axes, poses[count // 2], colour="0.8")
            style.draw_pose_3d(axes, pose)
            axes.set_aspect("equal")
            axes.set_axis_off()
            axes.set_title(f"{place - count // 2:+d} σ", fontsize=8)
        line[0].set_title(f"{title}\n{line[0].get_title()}", fontsize=8)
    return figure
