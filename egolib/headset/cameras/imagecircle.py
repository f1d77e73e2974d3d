"""The circle that a fisheye lens draws on its sensor, found in images."""

import cv2
import numpy as np
from scipy.optimize import least_squares

_SIDE_PX = 640  # images are searched at most this large
_DARK = 0.12  # of what is bright: outside a lens's circle it is darker than that
_TRIPLES = 600
_TOLERANCE = 0.006  # of the radius, for a point to lie on the circle
_LEAST_ARC = 0.5  # of the circle within the image must be seen
_MOST_LIGHT = 0.03  # of the image outside may be lit


def find_circle(images, seed=0):
    """Images of one lens, uint8 RGB (H, W, 3) each -> (column, row, radius) of its image circle in
    their pixels; None where the lens fills the image or no circle bounds the light.

    The more images, the fewer dark corners of the scene are mistaken for the outside. The circle
    is the one through three points of the light's border that most others lie on, then fitted to
    those.
    """
    height, width = images[0].shape[:2]
    scale = min(1.0, _SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in images]
    light = np.max(small, (0, -1))
    lit = (light > max(8, _DARK * np.percentile(light, 95))).astype(np.uint8)
    lit = cv2.morphologyEx(lit, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    points = _border(lit)
    if len(points) < 20:
        return None
    circles = _through_triples(points, seed)
    away = np.abs(np.linalg.norm(points - circles[:, None, :2], axis=-1) - circles[:, 2:])
    on_it = away < np.maximum(1, _TOLERANCE * circles[:, 2:])
    best = on_it.sum(1).argmax()
    support = points[on_it[best]]

    def away_from(circle):
        return np.linalg.norm(support - circle[:2], axis=1) - circle[2]

    circle = least_squares(away_from, circles[best]).x
    if not _bounds_the_light(circle, support, lit):
        return None
    column, row, radius = circle
    # The border's pixels are the last lit ones: the light ends half a pixel further out.
    return (column + 0.5) / scale - 0.5, (row + 0.5) / scale - 0.5, (radius + 0.5) / scale


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
    """Whether most of the circle's way through the image is seen, and little light lies outside."""
    height, width = lit.shape
    column, row, radius = circle
    if not 0.2 * max(height, width) < radius < 1.2 * max(height, width):
        return False
    angles = np.deg2rad(np.arange(360))
    way = np.column_stack([column + radius * np.cos(angles), row + radius * np.sin(angles)])
    within = ((way >= 3) & (way < (width - 3, height - 3))).all(1)
    seen = np.arctan2(support[:, 1] - row, support[:, 0] - column)
    touched = np.isin(np.arange(360), np.rint(np.rad2deg(seen)).astype(int) % 360)
    touched = np.any([np.roll(touched, degrees) for degrees in range(-2, 3)], axis=0)
    rows, columns = np.indices(lit.shape)
    outside = np.hypot(columns - column, rows - row) > radius * 1.02 + 1
    if not within.any() or outside.mean() <= 0.01:
        return False
    enough = (touched & within).sum() > _LEAST_ARC * within.sum()
    return enough and lit[outside].mean() < _MOST_LIGHT
