"""Pictures of other cameras brought to the data set's framing, and pixels brought back."""

from dataclasses import dataclass

import cv2
import numpy as np

from egolib.camera import CROP_LEFT, XR_EGOPOSE
from egolib.errors import EgolibError
from egolib.pictures import resize_square

TURNS = (0, 90, 180, 270)


@dataclass(frozen=True)
class Framing:
    """How a given picture becomes the square that the network sees, in this order.

    mirror: left and right are exchanged. turn: degrees clockwise, one of TURNS. circle: centre and
    radius of the lens's image circle in pixels of the given picture, to be laid over the data
    set's, black outside; None for pictures that are 8:5 as the headset gives them (their square
    crop is used) or already that square.
    """

    mirror: bool = False
    turn: int = 0
    circle: tuple[float, float, float] | None = None

    def square(self, rgb, size_px):
        """uint8 RGB (H, W, 3) as given -> (size_px, size_px, 3).

        Raises EgolibError for a picture that is neither 8:5 nor square where no circle says how to
        crop it.
        """
        left, top, side = self._box(rgb.shape)
        if self.circle:
            rgb = _masked(rgb, self.circle)
        upright = np.rot90(rgb[:, ::-1] if self.mirror else rgb, -self.turn // 90)
        return resize_square(_cut(upright, left, top, side), size_px)

    def to_given(self, pixels, size_px, shape):
        """Pixels (..., 2) of the square of side size_px -> pixels of the given picture of `shape`
        (H, W, ...)."""
        left, top, side = self._box(shape)
        upright = (np.asarray(pixels) + 0.5) * (side / size_px) - 0.5 + (left, top)
        return (upright - _middle(self._upright_shape(shape))) @ self._axes + _middle(shape)

    @property
    def _axes(self):
        """The orthogonal matrix that takes offsets from the given picture's middle to the upright's."""
        radians = np.deg2rad(self.turn)
        turn = np.array(
            [[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]]
        ).round()
        return turn @ np.diag([-1.0 if self.mirror else 1.0, 1.0])

    def _upright_shape(self, shape):
        return shape[1::-1] if self.turn % 180 else shape[:2]

    def _box(self, shape):
        """The square's left column, top row and side in the upright picture; it may stick out."""
        height, width = self._upright_shape(shape)
        if self.circle:
            centre = self._axes @ (self.circle[:2] - _middle(shape)) + _middle((height, width))
            scale = self.circle[2] / XR_EGOPOSE.circle_radius
            corner = np.array([CROP_LEFT - XR_EGOPOSE.circle_cx, -XR_EGOPOSE.circle_cy]) - 0.5
            left, top = np.rint(centre + corner * scale + 0.5).astype(int).tolist()
            return left, top, max(1, round(XR_EGOPOSE.height * scale))
        if width == height:
            return 0, 0, height
        if width * 5 == height * 8:
            return round(CROP_LEFT * height / XR_EGOPOSE.height), 0, height
        raise EgolibError(f"{width}x{height} is neither 8:5 nor square")


def _middle(shape):
    return np.array([shape[1] - 1, shape[0] - 1]) / 2


def _masked(rgb, circle):
    mask = np.zeros(rgb.shape[:2], np.uint8)
    centre, radius = np.rint(circle[:2]).astype(int).tolist(), round(circle[2])
    cv2.circle(mask, centre, radius, 255, -1)
    return cv2.bitwise_and(rgb, rgb, mask=mask)


def _cut(rgb, left, top, side):
    """The square of `rgb`, black where it sticks out."""
    inside = rgb[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    before = (max(0, -top), max(0, -left))
    after = (side - before[0] - inside.shape[0], side - before[1] - inside.shape[1])
    return np.pad(inside, (*zip(before, after, strict=True), (0, 0)))
