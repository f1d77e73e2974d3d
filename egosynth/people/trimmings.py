"""Pieces of clothing that are no copy of the skin: collars, hoods, cords, skirts."""

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, median_filter
from scipy.spatial import cKDTree

from egosynth.people.body import strongest_bones
from egosynth.people.figure import LEFT_ARM, SIDES, TRUNK
from egosynth.people.garments import ANGLES, LEVELS, hanging_radii, polar
from egosynth.people.tailoring import (
    Piece,
    Surface,
    border_edges,
    grid_faces,
    lay,
    smoothstep,
)

SHOE_AXIS_M = 0.035  # height of the line round which a shoe is drawn


def grid_piece(figure, cloth, points, weights, part, closed=False, slack=(0.0, 0.2), give=0.5):
    """A grid of points (R, C, 3) with bone weights (R, C, J) as a Piece; `part` is one
    object id or one a vertex."""
    rows, columns = points.shape[:2]
    faces = grid_faces(rows, columns, closed)
    vertices = points.reshape(-1, 3)
    origins, axes = figure.frames
    places = (vertices - origins[TRUNK]) @ axes[TRUNK].T
    count = len(vertices)
    border = np.unique(border_edges(faces, count))
    give = np.full(count, give)
    give[border] = 0
    bone_indices, bone_weights = strongest_bones(weights.reshape(count, -1))
    return Piece(
        vertices=vertices,
        faces=faces,
        bone_indices=bone_indices,
        bone_weights=bone_weights,
        parts=np.full(count, part, np.int32),
        places=places[faces],
        charts=np.full(len(faces), TRUNK),
        grains=np.tile([0.0, 0, 1], (count, 1)),
        slack=np.tile(slack, (count, 1)).astype(float),
        give=give,
        tints=np.ones((count, 3)),
        border=border,
        cloth=cloth,
    )


def neck_edge(figure, top, angles):
    """Points of the upper edge of `top` at `angles` round the neck (0 front, + left) (A, 3)."""
    neck = figure.head("Neck")
    edge = top.vertices[top.border]
    offset = edge - neck
    near = (np.hypot(offset[:, 0], offset[:, 1]) < 0.17) & (offset[:, 2] > -0.25)
    edge, offset = edge[near], offset[near]
    around = np.arctan2(offset[:, 0], -offset[:, 1])
    order = np.argsort(around)
    return np.stack(
        [np.interp(angles, around[order], edge[order, k], period=2 * np.pi) for k in range(3)], 1
    )


def collar(figure, cloth, top, tip_m, back_m, opening, part):
    """A flat collar with two points, from the neck's edge down onto the cloth of `top`; `opening`
    is the angle in radians between the middle and where it begins."""
    surface = Surface(top, len(figure.rig.bones))
    pieces = []
    for side in (1, -1):
        angles = side * np.linspace(opening, np.pi, 26)
        starts = neck_edge(figure, top, angles)
        outward = np.maximum(np.abs(angles), 0.95)
        steps = np.stack(
            [side * np.sin(outward), -np.cos(outward), np.full(len(angles), -0.75)], axis=1
        )
        steps /= np.linalg.norm(steps, axis=1, keepdims=True)
        width = back_m + (tip_m - back_m) * np.exp(-((np.abs(angles) / 0.75) ** 2))
        rows = 6
        raised = starts + np.array([0, 0, 0.012])
        points = lay(surface, raised, [steps] * rows, [width / rows] * rows, 0.007)
        points = median_filter(points, (1, 5, 1), mode="nearest")  # no column strays from the rest
        points[0] = raised
        points = points if side > 0 else points[:, ::-1]
        weights = surface.weights(points)
        pieces.append(
            grid_piece(figure, cloth, points, weights, part, slack=(0.05, 0.05), give=0.0)
        )
    return pieces


def skirt(figure, cloth, leg_end, flare, waist_m, ease_m, part):
    """A tube from `waist_m` above the hip joint over both legs down to `leg_end` (0 hip, 1 knee,
    2 ankle), wider by `flare` metres a metre."""
    top = figure.head("Hips")[2] + waist_m
    levels = [figure.head("Left" + bone)[2] for bone in ("UpLeg", "Leg", "Foot")]
    low = max(np.interp(leg_end, (0, 1, 2), levels), 0.08)
    body = (figure.arm < 0.2) & (figure.vertices[:, 2] < top) & (figure.vertices[:, 2] > low - 0.02)
    centre = np.array([0, figure.head("Hips")[1]])
    angle, radius, level = polar(figure.vertices, centre, body)
    radii = hanging_radii(angle[body], radius[body], level[body], inwards=0.995)
    rows = max(int((top - low) / 0.03), 4)
    radii = radii[np.linspace(0, LEVELS - 1, rows).astype(int)]
    height = np.linspace(top, low, rows)
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    pleats = 0.02 * flare * np.cos(9 * angles) * np.linspace(0, 2, rows)[:, None]
    radii = radii + ease_m + flare * (top - height)[:, None] + pleats
    points = np.stack(
        [
            centre[0] + radii * np.sin(angles),
            centre[1] - radii * np.cos(angles),
            np.broadcast_to(height[:, None], radii.shape),
        ],
        axis=2,
    )
    # What follows the thigh below it stays above it however far the hip bends; smoothing lets the
    # cloth between the legs span from one to the other.
    nearest = cKDTree(figure.vertices[body]).query(points)[1]
    weights = figure.rig.soft_weights[body][nearest]
    weights = gaussian_filter(weights, (1.0, 1.2, 0), mode=("nearest", "wrap", "nearest"))
    return grid_piece(
        figure, cloth, points, weights, part, closed=True, slack=(0.0, 0.35), give=0.6
    )


def tubes(cloth, paths, widths, flatness, outward, weights, part, sides=6):
    """Tapered flat tubes (hair, cords, a rolled hood) as one Piece.

    paths: (L, P, 3); widths: (L, P) half widths in metres; flatness: thickness over width;
    outward: (L, P, 3) the thin direction; weights: (L, P, J).
    """
    count, length = paths.shape[:2]
    tangent = np.gradient(paths, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-9)
    across = np.cross(tangent, outward)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    thin = np.cross(across, tangent)
    phi = 2 * np.pi * np.arange(sides) / sides
    ring = (
        np.sin(phi)[:, None] * across[:, :, None]
        + flatness * np.cos(phi)[:, None] * (thin[:, :, None])
    )
    vertices = paths[:, :, None] + widths[..., None, None] * ring
    one = grid_faces(length, sides, closed=True)
    faces = (one + (np.arange(count) * length * sides)[:, None, None]).reshape(-1, 3)
    along = np.linalg.norm(np.diff(paths, axis=1, prepend=paths[:, :1]), axis=-1).cumsum(1)
    along = along + 0.37 * np.arange(count)[:, None]
    places = np.stack(
        np.broadcast_arrays(np.sin(phi), -np.cos(phi), -along[..., None]), axis=-1
    ).reshape(-1, 3)
    total = len(places)
    bones = strongest_bones(weights.reshape(count * length, -1))
    bone_indices, bone_weights = (np.repeat(values, sides, axis=0) for values in bones)
    return Piece(
        vertices=vertices.reshape(-1, 3),
        faces=faces,
        bone_indices=bone_indices,
        bone_weights=bone_weights,
        parts=np.full(total, part, np.int32),
        places=places[faces],
        charts=np.full(len(faces), LEFT_ARM),
        grains=np.repeat(tangent, sides, axis=1).reshape(-1, 3),
        slack=np.tile([0.0, 0.1], (total, 1)),
        give=np.zeros(total),
        tints=np.ones((total, 3)),
        border=np.empty(0, int),
        cloth=cloth,
    )


def hood(figure, cloth, top, radius_m, part):
    """A hood lying down: a roll round the neck, thin in front, thick behind."""
    angles = np.linspace(0.15, 2 * np.pi - 0.15, 40)
    edge = neck_edge(figure, top, angles)
    behind = 0.5 - 0.5 * np.cos(angles)
    outward = np.stack([np.sin(angles), -np.cos(angles), 0.3 + 0 * angles], axis=1)
    radii = radius_m * (0.75 + 1.6 * behind**2)
    surface = Surface(top, len(figure.rig.bones))
    path = surface.push_out(edge + 0.4 * radii[:, None] * outward, 0.5 * radii)
    path = gaussian_filter(path, (1.5, 0), mode="nearest") + [0, 0, 0.006]
    weights = surface.weights(path)
    return tubes(cloth, path[None], radii[None], 0.8, outward[None], weights[None], part, sides=8)


def cords(figure, cloth, top, length_m, part):
    """Two cords that hang from the neck's edge onto the chest."""
    surface = Surface(top, len(figure.rig.bones))
    starts = neck_edge(figure, top, np.array([0.35, -0.35])) + [0, -0.01, 0.0]
    down = np.tile([0.0, -0.15, -1.0], (2, 1)) + np.array([[0.08, 0, 0], [-0.05, 0, 0]])
    paths = lay(surface, starts, [down] * 10, [np.full(2, length_m / 10)] * 10, 0.006)
    paths = paths.transpose(1, 0, 2)
    outward = np.broadcast_to([0.0, -1.0, 0.3], paths.shape)
    widths = np.full(paths.shape[:2], 0.0035)
    return tubes(cloth, paths, widths, 1.0, outward, surface.weights(paths), part)


def shoes(figure, cloth, field, thickness_m, rows=18, columns=24):
    """A closed shell with a flat sole round each foot where `field` > 0, without toes."""
    pieces = []
    for side, here in zip(SIDES, (figure.left, ~figure.left), strict=True):
        heel, toe = figure.head(side + "Foot"), figure.head(side + "ToeBase")
        slope = (toe[0] - heel[0]) / (toe[1] - heel[1])
        x, y, z = figure.vertices[here & (field > 0)].T
        out, up = x - heel[0] - slope * (y - heel[1]), z - SHOE_AXIS_M
        radii = np.zeros((rows, columns))
        row = ((y - y.min()) / np.ptp(y) * (rows - 1)).round().astype(int)
        column = (np.arctan2(out, up) / (2 * np.pi) * columns).round().astype(int) % columns
        np.maximum.at(radii, (row, column), np.hypot(out, up))
        radii = maximum_filter(radii, (3, 5), mode=("nearest", "wrap"))
        radii = gaussian_filter(radii, (1, 1), mode=("nearest", "wrap")) + thickness_m
        taper = np.sqrt(1 - np.linspace(-1, 1, rows) ** 8)[:, None]
        angle = 2 * np.pi * np.arange(columns) / columns
        along = np.linspace(y.max() + thickness_m, y.min() - thickness_m, rows)[:, None]
        height = SHOE_AXIS_M + taper * radii[::-1] * np.cos(angle)
        points = np.stack(
            [
                heel[0] + slope * (along - heel[1]) + taper * radii[::-1] * np.sin(angle),
                np.broadcast_to(along, height.shape),
                np.maximum(height, -thickness_m),
            ],
            axis=2,
        )
        toes = smoothstep(toe[1] - points[..., 1], -0.02, 0.02)
        weights = np.zeros((rows, columns, len(figure.rig.bones)))
        weights[..., figure.rig.index(side + "ToeBase")] = toes
        weights[..., figure.rig.index(side + "Foot")] = 1 - toes
        parts = np.where(
            toes.ravel() > 0.5, figure.part_at(side + "ToeBase"), figure.part_at(side + "Foot")
        )
        pieces.append(grid_piece(figure, cloth, points, weights, parts, closed=True, give=0.0))
    return pieces
