"""Images of other cameras brought to the data set's framing, and pixels brought back."""

import functools
import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from egolib.camera import CROP_LEFT, XR_EGOPOSE, inside_circle, square_to_native, unproject
from egolib.data.images import LEAST_PX, resize_square
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.lenses import RadialLens

TURNS = (0, 90, 180, 270)
_FINEST_PX = 1600  # side of the square that a lens is sampled at before it is made smaller


@dataclass(frozen=True)
class Framing:
    """How a given image becomes the square that is the network's input.

    mirror: left and right are exchanged, first. turn: then degrees clockwise, one of TURNS.
    circle: centre (column, row) and radius of the lens's image circle in the given image; black
    outside. lens: of the given image, whose rays the square then shows exactly as the data set's
    lens would. Without a lens the circle is laid over the data set's; without both the upright
    image is 8:5 as the headset gives it (its square crop is used) or already that square.
    """

    mirror: bool = False
    turn: int = 0
    circle: tuple[float, float, float] | None = None
    lens: RadialLens | None = None

    def square(self, rgb: np.ndarray, size_px: int) -> np.ndarray:
        """Bring an image to the square: uint8 RGB (H, W, 3) as given -> (size_px, size_px, 3).

        Raises EgolibError for an image that is neither 8:5 nor square where neither circle nor
        lens says how to crop it, for one of another shape than the lens's, and for a tiny one.
        """
        if min(rgb.shape[:2]) < LEAST_PX:
            raise EgolibError(f"{rgb.shape[1]}x{rgb.shape[0]} is too small to show a body")
        if self.circle:
            column, row, radius = map(round, self.circle)
            mask = cv2.circle(np.zeros(rgb.shape[:2], np.uint8), (column, row), radius, 255, -1)
            rgb = cv2.bitwise_and(rgb, rgb, mask=mask)
        if self.lens:
            where = self._remapping(size_px, rgb.shape)
            return resize_square(cv2.remap(rgb, *where, cv2.INTER_LINEAR), size_px)
        left, top, side = self._box(rgb.shape)
        upright = np.rot90(rgb[:, ::-1] if self.mirror else rgb, -self.turn // 90)
        return resize_square(_cut(upright, left, top, side), size_px)

    def to_given(self, pixels: np.ndarray, size_px: int, shape: tuple[int, ...]) -> np.ndarray:
        """Inverse of `square` for pixels (..., 2) of the square -> pixels of the given image of `shape`
        (H, W, ...); NaN where its lens sees nothing."""
        if self.lens:
            rays = unproject(square_to_native(pixels, size_px))
            rays[..., :2] = rays[..., :2] @ self._axes
            return (self.lens.project(rays) + 0.5) * self._lens_scale(shape) - 0.5
        left, top, side = self._box(shape)
        upright = (np.asarray(pixels) + 0.5) * (side / size_px) - 0.5 + (left, top)
        return (upright - _middle(self._upright_shape(shape))) @ self._axes + _middle(shape)

    @property
    def described(self):
        """The framing as values for json, a lens as the digest of its tables."""
        circle = self.circle and [*self.circle]
        lens = {"lens": hashlib.sha256(self.lens.tobytes()).hexdigest()} if self.lens else {}
        return {"mirror": self.mirror, "turn": self.turn, "circle": circle, **lens}

    @functools.lru_cache(maxsize=2)  # noqa: B019, framings are few
    def _remapping(self, size_px, shape):
        """The maps of cv2.remap for a square several times size_px, so that no detail is skipped."""
        samples = -(-min(*shape[:2], _FINEST_PX) // size_px)
        side = samples * size_px
        pixels = np.moveaxis(np.indices((side, side))[::-1], 0, -1)
        native = square_to_native(pixels, side)
        where = np.where(inside_circle(native)[..., None], self.to_given(pixels, side, shape), -9)
        return cv2.convertMaps(np.nan_to_num(where, nan=-9).astype(np.float32), None, cv2.CV_16SC2)

    def _lens_scale(self, shape):
        """How much larger the given image is than those that the lens was calibrated on."""
        (height, width), lens = shape[:2], self.lens
        scale = height / lens.height
        if abs(width - scale * lens.width) > 1:
            calibrated = f"{lens.width}x{lens.height}"
            raise EgolibError(f"{width}x{height} is not of the calibration's shape, {calibrated}")
        return scale

    @property
    def _axes(self):
        """The orthogonal matrix that takes offsets from the given image's middle to the upright's."""
        quarter = np.array([[0.0, -1], [1, 0]])
        mirror = np.diag([-1.0 if self.mirror else 1.0, 1.0])
        return np.linalg.matrix_power(quarter, self.turn // 90) @ mirror

    def is_plain(self, shape):
        """Whether an image of `shape`, once upright, is 8:5 or square."""
        height, width = self._upright_shape(shape)
        return width == height or width * 5 == height * 8

    def _upright_shape(self, shape):
        return shape[1::-1] if self.turn % 180 else shape[:2]

    def _box(self, shape):
        """The square's left column, top row and side in the upright image; it may stick out."""
        height, width = self._upright_shape(shape)
        if self.circle:
            column, row, radius = self.circle
            inside = 0 <= column < shape[1] and 0 <= row < shape[0]
            if not (inside and min(shape[:2]) / 8 < radius < 2 * max(shape[:2])):
                circle = f"a circle of radius {radius:g} about {column:g}, {row:g}"
                raise EgolibError(f"{circle} is not that of a {shape[1]}x{shape[0]} image")
            centre = self._axes @ (self.circle[:2] - _middle(shape)) + _middle((height, width))
            scale = radius / XR_EGOPOSE.circle_radius
            corner = np.array([CROP_LEFT - XR_EGOPOSE.circle_cx, -XR_EGOPOSE.circle_cy]) - 0.5
            left, top = np.rint(centre + corner * scale + 0.5).astype(int).tolist()
            return left, top, max(1, round(XR_EGOPOSE.height * scale))
        if not self.is_plain(shape):
            raise EgolibError(f"{width}x{height} is neither 8:5 nor square; try `egolib match`")
        left = 0 if width == height else round(CROP_LEFT * height / XR_EGOPOSE.height)
        return left, 0, height


def _middle(shape):
    return np.array([shape[1] - 1, shape[0] - 1]) / 2


def _cut(rgb, left, top, side):
    """The square of `rgb`, black where it sticks out."""
    inside = rgb[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    before = np.maximum(0, (-top, -left))
    after = side - before - inside.shape[:2]
    return np.pad(inside, (*zip(before, after, strict=True), (0, 0)))
