"""The circle that a fisheye lens draws on its sensor, found in images."""

import cv2
import numpy as np
from scipy.optimize import least_squares

_SIDE_PX = 640  # larger images are made smaller before the search
_DARK = 0.12  # share of the bright level: outside a lens's circle it is darker than that
_TRIPLES = 600
_TOLERANCE = 0.006  # of the radius, for a point to lie on the circle
_LEAST_ARC = 0.5  # share of the circle within the image that must have points
_MOST_LIGHT = 0.03  # share of the pixels outside that may be lit


def find_circle(images, seed=0):
    """Find the image circle of a lens in images of it, uint8 RGB (H, W, 3) each -> (column, row, radius)
    in their pixels; None where the lens fills the image or no circle bounds the light.

    With more images, fewer dark corners of the scene are mistaken for the outside. RANSAC: of circles
    through three points of the light's border, the one that most other points lie on is fitted to
    these.
    """
    height, width = images[0].shape[:2]
    scale = min(1.0, _SIDE_PX / max(height, width))
    size = [max(1, round(side * scale)) for side in (width, height)]
    small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images]
    light = np.max(small, (0, -1))
    lit = (light > max(8, _DARK * np.percentile(light, 95))).astype(np.uint8)
    lit = cv2.morphologyEx(lit, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    points = _border(lit)
    if len(points) < 20:
        return None
    circles = _through_triples(points, seed)
    away = np.linalg.norm(points - circles[:, None, :2], axis=-1) - circles[:, 2:]
    on_it = np.abs(away) < np.maximum(1, _TOLERANCE * circles[:, 2:])
    best = on_it.sum(1).argmax()
    support = points[on_it[best]]
    circle = least_squares(
        lambda circle: np.linalg.norm(support - circle[:2], axis=1) - circle[2], circles[best]
    ).x
    if not _bounds_the_light(circle, support, lit):
        return None
    # The border's pixels are the last lit ones: the light ends half a pixel further out.
    return tuple((circle + 0.5) / scale - (0.5, 0.5, 0))


def _border(lit):
    """Border points (N, 2) of the largest lit area that do not lie on the image's edge."""
    contours, _ = cv2.findContours(lit, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = max(contours, key=len)[:, 0].astype(float) if contours else np.empty((0, 2))
    size = np.array(lit.shape[::-1])
    return points[((points >= 3) & (points < size - 3)).all(1)]


def _through_triples(points, seed):
    """Circles (_TRIPLES, 3) through random triples of points."""
    triples = np.random.default_rng(seed).choice(points, (_TRIPLES, 3))
    # |p - c|^2 = r^2 at three points, less the first: linear in the centre.
    matrix = 2 * (triples[:, 1:] - triples[:, :1])
    squares = (triples**2).sum(-1)
    flat = np.abs(np.linalg.det(matrix)) < 1e-3
    matrix[flat] = np.eye(2)
    centres = np.linalg.solve(matrix, (squares[:, 1:] - squares[:, :1])[..., None])[..., 0]
    radii = np.linalg.norm(triples[:, 0] - centres, axis=1)
    radii[flat] = 0
    return np.column_stack([centres, radii])


def _bounds_the_light(circle, support, lit):
    """Whether points lie along most of the circle's arc within the image, and little light lies
    outside."""
    size, centre, radius = np.array(lit.shape[::-1]), circle[:2], circle[2]
    angles = np.deg2rad(np.arange(360))
    arc = centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    within = ((arc >= 3) & (arc < size - 3)).all(1)
    degrees = np.rint(np.rad2deg(np.arctan2(*(support - centre).T[::-1]))).astype(int)
    near = degrees[:, None] + np.arange(-2, 3)
    touched = np.isin(np.arange(360), near % 360)
    rows, columns = np.indices(lit.shape)
    outside = np.hypot(columns - centre[0], rows - centre[1]) > radius * 1.02 + 1
    return (
        0.2 * size.max() < radius < 1.2 * size.max()
        and within.any()
        and outside.mean() > 0.01
        and (touched & within).sum() > _LEAST_ARC * within.sum()
        and lit[outside].mean() < _MOST_LIGHT
    )
