"""The headset's calibrated fisheye lens: project, unproject, crop, scale. The functions
take numpy arrays; those that augmentation needs take tensors.

Model: Kannala-Brandt as in `cv2.fisheye`; calibration published by the data set's author
(xR-EgoPose issue 7). Pixel centres lie on integers. Camera axes: x to the wearer's left, y
forward (down the image), z down along the optical axis; metres unless a name says otherwise.
"""

import functools
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation
from torch import Tensor

from egolib.skeleton import ArrayOrTensor


@dataclass(frozen=True)
class FisheyeCamera:
    """A fisheye lens in native pixels; `circle_*` describe the image circle."""

    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float]
    width: int
    height: int
    circle_cx: float
    circle_cy: float
    circle_radius: float

    @property
    def matrix(self) -> np.ndarray:
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])


XR_EGOPOSE = FisheyeCamera(
    fx=352.59619801644876,
    fy=352.70276325061578,
    cx=654.6810228318458,
    cy=400.952228031277,
    distortion=(
        -0.05631891929412012,
        -0.0038333424842925286,
        -0.00024681888617308917,
        -0.00012153386798050158,
    ),
    width=1280,
    height=800,
    circle_cx=653.7,
    circle_cy=399.9,
    circle_radius=458.0,
)
MAX_ANGLE_RAD = 1.75  # about 100 degrees; theta_d no longer grows with theta much beyond it
CROP_LEFT = 240  # the square crop of the native image: columns 240 to 1039, all 800 rows


def project(points: ArrayLike, camera: FisheyeCamera = XR_EGOPOSE) -> np.ndarray:
    """Camera-frame points (..., 3), any unit -> native pixels (..., 2), by `cv2.fisheye`.

    A point behind the lens plane (z <= 0) is projected to a mirrored pixel, as in the official
    labels. Check `in_front` before you use the pixel.
    """
    points = np.asarray(points, np.float64)
    flat = points.reshape(-1, 1, 3)
    if not len(flat):
        return np.empty(points.shape[:-1] + (2,))
    pixels, _ = cv2.fisheye.projectPoints(
        flat, np.zeros(3), np.zeros(3), camera.matrix, np.array(camera.distortion)
    )
    return pixels.reshape(points.shape[:-1] + (2,))


def project_tensor(points: Tensor, camera: FisheyeCamera = XR_EGOPOSE) -> Tensor:
    """Camera-frame points (..., 3), a tensor -> native pixels (..., 2).

    Agrees with `project` in front of the lens plane. A point behind it is not mirrored: it is
    projected outside the image circle in its true direction, at an angle of at most MAX_ANGLE_RAD
    from the axis.
    """
    across = points[..., :2]
    radius = across.square().sum(-1, keepdim=True).clamp(min=1e-12).sqrt()
    theta = torch.atan2(radius, points[..., 2:]).clamp(max=MAX_ANGLE_RAD)
    theta_d = theta * (1 + sum(k * theta ** (2 * i + 2) for i, k in enumerate(camera.distortion)))
    return across / radius * theta_d * points.new_tensor(
        (camera.fx, camera.fy)
    ) + points.new_tensor((camera.cx, camera.cy))


def in_front(points: ArrayLike) -> np.ndarray:
    """Whether camera-frame points (..., 3) lie in front of the lens plane (z > 0) -> bool (...)."""
    return np.asarray(points)[..., 2] > 0


def unproject(pixels: ArrayLike, camera: FisheyeCamera = XR_EGOPOSE) -> np.ndarray:
    """Native pixels (..., 2) -> unit rays (..., 3) in the camera frame.

    Inverts theta_d = theta (1 + k1 theta^2 + ... + k4 theta^8) by Newton's method. This works
    up to the lens plane (theta = 90 degrees), where the tangent that `cv2.fisheye.undistortPoints`
    returns is infinite.
    """
    pixels = np.asarray(pixels, np.float64)
    x = (pixels[..., 0] - camera.cx) / camera.fx
    y = (pixels[..., 1] - camera.cy) / camera.fy
    theta_d = np.hypot(x, y)
    theta = theta_d.copy()
    k = np.array([1.0, *camera.distortion])
    odd = np.arange(1, 10, 2)
    for _ in range(20):
        squared = theta**2
        value = theta * np.polyval(k[::-1], squared)
        theta -= (value - theta_d) / np.polyval((k * odd)[::-1], squared)
    radial = np.sin(theta) / np.maximum(theta_d, 1e-12)
    return np.stack([x * radial, y * radial, np.cos(theta)], -1)


def pixels_per_metre(points: ArrayLike, camera: FisheyeCamera = XR_EGOPOSE) -> np.ndarray:
    """Scale of the image of a small surface at points (..., 3), in metres, that faces the camera ->
    native pixels per metre (...), NaN behind the lens plane.

    It is the square root of the ratio of the areas in the image and in space, measured by
    projecting short steps perpendicular to the ray.
    """
    points = np.asarray(points, np.float64)
    rays = points / np.linalg.norm(points, axis=-1, keepdims=True)
    helper = np.where(np.abs(rays[..., :1]) < 0.8, [1.0, 0, 0], [0, 1.0, 0])
    across = np.cross(rays, helper)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    step_m = 1e-4
    sides = [
        (project(points + step_m * way, camera) - project(points - step_m * way, camera))
        for way in (across, np.cross(rays, across))
    ]
    area = np.abs(np.linalg.det(np.stack(sides, -1))) / (2 * step_m) ** 2
    return np.where(in_front(points), np.sqrt(area), np.nan)


def inside_circle(pixels: ArrayLike, camera: FisheyeCamera = XR_EGOPOSE) -> np.ndarray:
    """Whether native pixels (..., 2) lie within the lens's image circle -> bool (...)."""
    offset = np.asarray(pixels) - (camera.circle_cx, camera.circle_cy)
    return np.hypot(offset[..., 0], offset[..., 1]) <= camera.circle_radius


def native_to_square(
    pixels: ArrayLike, size_px: int, camera: FisheyeCamera = XR_EGOPOSE
) -> np.ndarray:
    """Native pixels (..., 2) -> pixels of the square crop resized to `size_px`."""
    scale = size_px / camera.height
    return (np.asarray(pixels, np.float64) - (CROP_LEFT, 0) + 0.5) * scale - 0.5


def square_to_native(
    pixels: ArrayLike, size_px: int, camera: FisheyeCamera = XR_EGOPOSE
) -> np.ndarray:
    """Inverse of `native_to_square`."""
    scale = camera.height / size_px
    return (np.asarray(pixels, np.float64) + 0.5) * scale - 0.5 + (CROP_LEFT, 0)


@functools.cache
def square_rays(size_px: int) -> np.ndarray:
    """Unit rays through the pixels of the square crop resized to `size_px`, float32 (S, S, 3); zero
    outside the image circle."""
    rows, columns = np.mgrid[:size_px, :size_px]
    pixels = square_to_native(np.stack([columns, rows], -1), size_px)
    return np.where(inside_circle(pixels)[..., None], unproject(pixels), 0).astype(np.float32)


def native_to_grid(pixels: Tensor, camera: FisheyeCamera = XR_EGOPOSE) -> Tensor:
    """Native pixels (..., 2), a tensor -> coordinates for `grid_sample` with align_corners=False,
    which go from -1 to 1 from edge to edge of the square crop."""
    offset = pixels.new_tensor((CROP_LEFT, 0))
    return (pixels + 0.5 - offset) * (2 / camera.height) - 1


def inside_square(pixels: ArrayOrTensor, size_px: int) -> ArrayOrTensor:
    """Whether pixels (..., 2), an array or a tensor, lie in a square image of side size_px."""
    inside = (pixels > -0.5) & (pixels < size_px - 0.5)
    # By numpy's type stubs `all` may also return a scalar, which it does for a single pixel.
    return inside.all(-1)  # pyrefly: ignore[bad-return]


def crop_square(image: np.ndarray) -> np.ndarray:
    """Image (H, W, ...) with the native aspect ratio, at any scale -> square crop (H, H, ...).

    Raises ValueError when the image is not 8:5 like the native 1280x800.
    """
    height, width = image.shape[:2]
    if width * 5 != height * 8:
        raise ValueError(f"image of {width}x{height} is not 8:5 like the native 1280x800")
    left = round(CROP_LEFT * height / XR_EGOPOSE.height)
    return image[:, left : left + height]


def world_to_camera(camera_trans: ArrayLike, camera_rot_degrees: ArrayLike) -> np.ndarray:
    """`trans` and `rot` of a label file's `camera`, (..., 3) each -> the matrix M (..., 4, 4) that
    takes world points to the camera frame.

    M = diag(1, -1, -1, 1) inv(T), where T is built from `rot` (degrees, static xyz) and `trans`
    (centimetres); points before and after M are in centimetres too. Source: xR-EgoPose issue 7.
    """
    turn = Rotation.from_euler("xyz", camera_rot_degrees, degrees=True).as_matrix()
    pose = np.broadcast_to(np.eye(4), (*turn.shape[:-2], 4, 4)).copy()
    pose[..., :3, :3] = turn
    pose[..., :3, 3] = camera_trans
    return np.diag([1.0, -1.0, -1.0, 1.0]) @ np.linalg.inv(pose)


def camera_trans_and_rot(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse of `world_to_camera`: the 4x4 matrix -> (trans (3,), rot in degrees (3,))."""
    pose = np.linalg.inv(np.diag([1.0, -1.0, -1.0, 1.0]) @ matrix)
    return pose[:3, 3], Rotation.from_matrix(pose[:3, :3]).as_euler("xyz", degrees=True)
