"""Lenses of other cameras: any radially symmetric lens, as a table of angle and radius.

Models: Kannala and Brandt 2006, as in `cv2.fisheye`; Scaramuzza et al. 2006, as in OCamCalib.
Axes and pixels are those of `camera`.
"""

from dataclasses import dataclass

import numpy as np

_STEPS = 4096
_WIDEST_RAD = np.deg2rad(110)
_LEAST_RAD = np.deg2rad(45)


@dataclass(frozen=True, eq=False)
class RadialLens:
    """A radially symmetric lens: a ray at angle theta_rad (N,) from the axis lies at radius (N,) from
    the centre before the affine map (2, 2) and the centre (2,) turn it into pixels of an image of
    width x height. Both tables increase and start at zero."""

    theta_rad: np.ndarray
    radius: np.ndarray
    affine: np.ndarray
    centre: np.ndarray
    width: int
    height: int

    def project(self, points):
        """Camera-frame points (..., 3), any unit -> pixels (..., 2); NaN beyond what the lens is
        known to see."""
        points = np.asarray(points, np.float64)
        across = np.hypot(points[..., 0], points[..., 1])
        theta = np.arctan2(across, points[..., 2])
        radius = np.interp(theta, self.theta_rad, self.radius, right=np.nan)
        ways = points[..., :2] / np.maximum(across, 1e-12)[..., None]
        return (radius[..., None] * ways) @ self.affine.T + self.centre

    def tobytes(self):
        """All numbers of the lens, for a digest."""
        parts = (self.theta_rad, self.radius, self.affine, self.centre, [self.width, self.height])
        return b"".join(np.asarray(part, np.float64).tobytes() for part in parts)


def kannala_brandt(matrix, distortion, width, height):
    """RadialLens of radius = theta (1 + k1 theta^2 + ... + k4 theta^8), matrix (3, 3) as OpenCV's.

    Raises ValueError that says what is absurd about these numbers, as all below.
    """
    matrix, k = np.asarray(matrix, np.float64), np.array([1.0, *distortion])
    if matrix.shape != (3, 3) or len(k) != 5:
        raise ValueError("a fisheye lens has a 3x3 matrix and 4 distortion coefficients")
    theta = np.linspace(0, _WIDEST_RAD, _STEPS)
    radius = sum(each * theta ** (2 * power + 1) for power, each in enumerate(k))
    return _checked(theta, radius, matrix[:2, :2], matrix[:2, 2], width, height)


def scaramuzza(polynomial, stretch, centre, width, height):
    """RadialLens whose ray at radius r rises by polynomial[0] + polynomial[1] r + ... along the
    axis, in pixels (OCamCalib's direct mapping; negative towards the scene).

    stretch: OCamCalib's c, d, e. centre: column, row.
    """
    c, d, e = stretch
    radius = np.linspace(0, np.hypot(width, height), _STEPS)
    rise = np.polynomial.Polynomial(polynomial)(radius) * np.sign(polynomial[0])
    theta = np.arctan2(radius, rise)
    return _checked(theta, radius, np.array([[1, e], [d, c]]), np.asarray(centre), width, height)


def _checked(theta, radius, affine, centre, width, height):
    """The RadialLens up to where its curve turns back. Raises ValueError for absurd numbers."""
    size, image = np.array([width, height]), f"image of {width:g}x{height:g} pixels"
    if not all(np.isfinite(numbers).all() for numbers in (radius, theta, affine, centre, size)):
        raise ValueError("not all numbers are finite")
    if not 32 <= size.min() <= size.max() <= 32766:
        raise ValueError(f"an {image}")
    if (np.abs(centre - size / 2) > size / 4).any():
        place = "({:g}, {:g})".format(*centre)
        raise ValueError(f"the centre {place} is not about the middle of the {image}")
    rises = (np.diff(radius) > 0) & (np.diff(theta) > 0)
    end = len(theta) if rises.all() else rises.argmin() + 1
    theta, radius = theta[:end], radius[:end]
    if theta[-1] < _LEAST_RAD:
        raise ValueError(f"its curve turns back {np.rad2deg(theta[-1]):.0f} degrees from the axis")
    if affine[0, 0] <= 0 or affine[1, 1] <= 0:
        raise ValueError(
            "a focal length or a stretch is not above 0, which would turn the image over"
        )
    stretches = np.linalg.svd(affine, compute_uv=False)
    if stretches[0] > 1.5 * stretches[-1]:
        raise ValueError("its pixels are stretched more than 1.5 times")
    halfway = stretches[0] * np.interp(_LEAST_RAD, theta, radius)
    if not 0.05 <= halfway / min(width, height) <= 1.5:
        raise ValueError(f"45 degrees from the axis lie {halfway:.3g} pixels from the centre")
    return RadialLens(theta, radius, affine, centre, int(width), int(height))
