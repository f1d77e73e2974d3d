"""What training does to a batch, on its device: turns and mirrors about the optical axis, colours.

Turning the camera about its axis, or looking at the scene in a mirror through that axis, takes an
image and its pose to another pair that the same lens could have made; a shift or a zoom would
not. So pixels, heatmaps and the 3D pose stay exactly consistent (fx and fy differ by 0.03 %).
"""

import math

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from egolib.camera import XR_EGOPOSE, native_to_grid, native_to_square, project_tensor, square_rays
from egolib.data.dataset import Batch
from egolib.skeleton import HEATMAP_JOINT_INDICES, HEATMAP_JOINTS, JOINTS, mirrored_name

MAX_TURN_DEGREES = 8.0
MAX_TILT_DEGREES = 6.0
MAX_HUE_DEGREES = 45.0
_MIRRORED_JOINTS = [JOINTS.index(mirrored_name(joint)) for joint in JOINTS]
_MIRRORED_HEATMAPS = [HEATMAP_JOINTS.index(mirrored_name(joint)) for joint in HEATMAP_JOINTS]
_MIRRORED_ANGLES = torch.tensor([1.0, -1.0, -1.0])


def turn_and_mirror(batch: Batch, image_px: int, generator: torch.Generator) -> Batch:
    """A FrameDataset batch -> one in which each sample is turned and, half of them, mirrored.

    `generator` is a CPU generator. "image", where present, stays uint8; what a turn brings in
    from outside the square is black, like what lies outside the lens's circle.
    """
    count, device = len(batch["joints_rel_m"]), batch["joints_rel_m"].device
    degrees = (2 * torch.rand(count, generator=generator) - 1) * MAX_TURN_DEGREES
    mirrored = (torch.rand(count, generator=generator) < 0.5).to(device)
    turns = turn_matrices(torch.deg2rad(degrees), mirrored.cpu()).to(device)
    axis_px = torch.tensor(native_to_square((XR_EGOPOSE.cx, XR_EGOPOSE.cy), image_px))
    axis_px = axis_px.to(batch["uv_crop"])

    uv_crop = (batch["uv_crop"] - axis_px) @ turns.mT + axis_px
    joints_rel_m, neck_cam_m = batch["joints_rel_m"].clone(), batch["neck_cam_m"].clone()
    joints_rel_m[..., :2] = joints_rel_m[..., :2] @ turns.mT
    neck_cam_m[:, :2] = (turns @ neck_cam_m[:, :2, None])[..., 0]

    def swapped(values: Tensor, order: list[int]) -> Tensor:
        chosen = mirrored.view(-1, *[1] * (values.ndim - 1))
        return torch.where(chosen, values[:, order], values)

    changed = {
        "uv_crop": swapped(uv_crop, _MIRRORED_HEATMAPS),
        "in_front": swapped(batch["in_front"], _MIRRORED_HEATMAPS),
        "joints_rel_m": swapped(joints_rel_m, _MIRRORED_JOINTS),
        "neck_cam_m": neck_cam_m,
    }
    if "rotations_rad" in batch:
        # They are relative to the parent joint, so a turn of the camera leaves them; a mirror across
        # x reverses the angles about y and z.
        angles = torch.where(mirrored[:, None, None], _MIRRORED_ANGLES.to(device), 1)
        changed["rotations_rad"] = swapped(batch["rotations_rad"] * angles, _MIRRORED_JOINTS)
    if "image" in batch:
        changed["image"] = turn_images(batch["image"], turns, axis_px)
    return {**batch, **changed}


def turn_matrices(radians: Tensor, mirrored: Tensor) -> Tensor:
    """Angles (B,), clockwise in the image, and bool (B,) -> (B, 2, 2): mirror x, then turn."""
    cosine, sine = radians.cos(), radians.sin()
    turns = torch.stack([cosine, -sine, sine, cosine], -1).view(-1, 2, 2)
    flips = torch.where(mirrored, -1.0, 1.0)
    return torch.stack([turns[..., 0] * flips[:, None], turns[..., 1]], -1)


def turn_images(images: Tensor, turns: Tensor, axis_px: Tensor) -> Tensor:
    """uint8 (B, 3, S, S) mapped by `turns` (B, 2, 2) about pixel `axis_px` (2,) -> the same shape.

    Bilinear; black where the square shows nothing.
    """
    size = images.shape[-1]
    # The source of each output pixel, in grid_sample's units: -1 to 1 from edge to edge.
    back = turns.mT  # the inverse of an orthogonal matrix
    centre = (axis_px + 0.5) * (2 / size) - 1
    shift = centre - (back @ centre[:, None])[..., 0]
    grid = torch.nn.functional.affine_grid(
        torch.cat([back, shift[..., None]], -1), list(images.shape), align_corners=False
    )
    turned = torch.nn.functional.grid_sample(images.float(), grid, align_corners=False)
    return turned.round_().to(torch.uint8)


def jitter_colours(images: Tensor, generator: torch.Generator, strength: float = 0.25) -> Tensor:
    """Random exposure, contrast, white balance and saturation of normalised images (B, 3, S, S).

    Every factor is drawn from 1 +- `strength`, the shift of black from +- `strength`, the share of
    grey mixed in from 0 to 2 `strength`; clipped to [-1, 1] as a sensor would. `generator` is a
    CPU generator.
    """

    def draw(channels: int, low: float = -1.0) -> Tensor:
        values = torch.rand(len(images), channels, 1, 1, generator=generator)
        return ((low + (1 - low) * values) * strength).to(images.device)

    grey = torch.lerp(images, images.mean(1, keepdim=True), 2 * draw(1, low=0.0))
    gain = (1 + draw(1)) * (1 + draw(3) / 2)
    return ((grey + 1) * gain - 1 + draw(1)).clamp_(-1, 1)


def tilt_camera(batch: Batch, image_px: int, generator: torch.Generator) -> Batch:
    """A FrameDataset batch -> one in which every camera is turned about its centre, by up to
    MAX_TILT_DEGREES off its axis: the image is resampled along the rays of the turned lens. Pixels
    and poses stay exact, and what lies behind the lens plane is no longer `in_front`. `generator` is a CPU
    generator; what a tilt brings in from outside the circle is black."""
    joints_m = batch["joints_rel_m"]
    tilts = tilt_matrices(len(joints_m), generator).to(joints_m)
    neck_cam_m = (tilts @ batch["neck_cam_m"][..., None])[..., 0]
    joints_m = joints_m @ tilts.mT
    seen_m = (joints_m + neck_cam_m[:, None])[:, HEATMAP_JOINT_INDICES]
    rays = torch.from_numpy(square_rays(image_px)).to(joints_m)
    grid = native_to_grid(project_tensor(rays @ tilts[:, None]))
    images = torch.nn.functional.grid_sample(batch["image"].float(), grid, align_corners=False)
    images *= rays.any(-1)
    return {
        **batch,
        "image": images.round_().to(torch.uint8),
        "joints_rel_m": joints_m,
        "neck_cam_m": neck_cam_m,
        "uv_crop": (native_to_grid(project_tensor(seen_m)) + 1) * (image_px / 2) - 0.5,
        "in_front": seen_m[..., 2] > 0,
    }


def tilt_matrices(count: int, generator: torch.Generator) -> Tensor:
    """Rotations (count, 3, 3) about axes across the optical one."""
    angles = torch.rand(count, generator=generator) * math.radians(MAX_TILT_DEGREES)
    ways = torch.rand(count, generator=generator) * 2 * math.pi
    axes = torch.stack([ways.cos(), ways.sin(), torch.zeros(count)], -1)
    return torch.from_numpy(Rotation.from_rotvec(angles[:, None] * axes).as_matrix())


def shift_hue(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn the colours of normalised images (B, 3, S, S) about grey, each image by up to
    MAX_HUE_DEGREES; clipped to [-1, 1]. `generator` is a CPU generator."""
    angles = (2 * torch.rand(len(images), generator=generator) - 1) * math.radians(MAX_HUE_DEGREES)
    about_grey = angles[:, None] * torch.full((3,), 3**-0.5)
    turns = torch.from_numpy(Rotation.from_rotvec(about_grey).as_matrix()).to(images)
    turned = torch.einsum("bij,bjhw->bihw", turns, images).clamp_(-1, 1)
    return turned.contiguous(memory_format=torch.channels_last)
