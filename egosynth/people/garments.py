"""Garments cut from the body's surface at rest: signed fields that say where cloth is (metres to its
hem, positive below the cloth) and how far it stands off.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from egosynth.people.body import strongest_bones
from egosynth.people.tailoring import (
    Piece,
    border_edges,
    cut,
    renumbered,
    smooth_hem,
    smoothstep,
    vertex_normals,
)

LEAST_EASE_M = 0.003
HIDDEN_M = 0.05  # skin and cloth further than this below another garment's hem are left out
ANGLES, LEVELS = 40, 48  # of the grid on which cloth hangs from chest and belly


def piece_of_body(figure, cloth, field, worn, slack, give, hidden=None, tints=None, soft=True):
    """The body's surface where `field` > 0, moved to `worn` (V, 3), without what lies deep below
    the outer garments' field `hidden` -> Piece. `soft` cloth passes gradually from bone to bone; skin
    and what grows on it do not."""
    blend, faces, parents, first = cut(figure.rig.faces, field)
    if hidden is not None:
        seen = ((blend @ hidden)[faces].min(1) < HIDDEN_M).nonzero()[0]
        used, faces = renumbered(faces[seen], len(first))
        parents, blend, first = parents[seen], blend[used], first[used]
    edges = border_edges(faces, len(first))
    give = blend @ give
    give[edges] = 0
    bone_indices, bone_weights = _bones(figure.rig, blend, first, soft)
    return Piece(
        vertices=smooth_hem(blend @ worn, edges),
        faces=faces,
        bone_indices=bone_indices,
        bone_weights=bone_weights,
        parts=figure.parts[first],
        places=_places(figure, blend, faces, parents),
        charts=figure.charts[parents],
        grains=figure.grains[first],
        slack=blend @ slack,
        give=give,
        tints=np.ones((len(first), 3)) if tints is None else blend @ tints,
        border=np.unique(edges),
        cloth=cloth,
    )


def _places(figure, blend, faces, parents):
    """Corner positions in the charts (M, 3, 3) of the triangles of a cut: looked up, except on the
    cut itself."""
    places = figure.places[parents]
    on_cut = np.flatnonzero(blend.data[1::2][faces].any(1))
    corners = (blend @ figure.vertices)[faces[on_cut]]
    places[on_cut] = figure.in_charts(corners, figure.charts[parents[on_cut]])
    return places


def _bones(rig, blend, first, soft):
    """`strongest_bones` of the vertices (N,) of a cut: looked up, except on the cut itself."""
    weights, strongest = (
        (rig.soft_weights, rig.soft_strongest) if soft else (rig.weights, rig.strongest)
    )
    bones, shares = (values[first] for values in strongest)
    on_cut = np.flatnonzero(blend.data[1::2])
    bones[on_cut], shares[on_cut] = strongest_bones(blend[on_cut] @ weights)
    return bones, shares


def neckline(figure, rise_m, depth_m, width_m):
    """Positive below the edge of cloth round the neck: raised by `rise_m` all round, cut out in
    front by `depth_m` over `width_m` to both sides, pointed (V) where that is narrow and deep."""
    x, y, z = (figure.vertices - figure.head("Neck")).T
    pointed = depth_m > 0.5 * width_m
    across = np.clip(np.abs(x) / width_m, 0, 1)
    scoop = 1 - across if pointed else 1 - across**2
    front = smoothstep(-y, -0.01, 0.03)
    edge = -0.01 + rise_m + 0.75 * np.clip(y, -0.09, 0) - depth_m * scoop * front
    shoulder = np.hypot(x, y) - 0.085 - max(width_m - 0.09, 0) - 0.3 * scoop * front
    line = np.maximum(edge - z, np.minimum(shoulder, 0.1))
    return np.minimum(line, 0.06 - 0.2 * figure.rig.weight_of("Head"))


def top_field(figure, line, sleeve_end, hem_m):
    """A garment of the upper body: below its neckline, down to `hem_m` below the hip joint, and
    along the arms to `sleeve_end` (0 shoulder, 1 elbow, 2 wrist)."""
    hem = figure.vertices[:, 2] - (figure.head("Hips")[2] - hem_m)
    sleeve = np.clip((sleeve_end - figure.along_arm) * figure.forearm_m, -0.1, 0.1)
    arm = figure.arm
    return arm * sleeve + (1 - arm) * np.minimum(line, hem)


def open_front(figure, field, gap_m):
    """The field of a garment worn open: a gap in front, wider towards the hem."""
    x, y, z = (figure.vertices - figure.head("Neck")).T
    away = np.abs(x) - gap_m * smoothstep(-z, -0.05, 0.5) - 0.012
    return np.where((y < 0.02) & (figure.arm < 0.5), np.minimum(field, away), field)


def trousers_field(figure, leg_end, waist_m):
    """From `waist_m` above the hip joint down to `leg_end` (0 hip, 1 knee, 2 ankle)."""
    vertices = figure.vertices
    lower = np.maximum(figure.leg, figure.rig.weight_of("Hips", "Spine"))
    knee, ankle = figure.head("LeftLeg")[2], figure.head("LeftFoot")[2]
    hip = figure.head("LeftUpLeg")[2]
    end = np.interp(leg_end, (0, 1, 2, 2.2), (hip, knee, ankle, ankle - 0.04))
    worn = np.minimum(vertices[:, 2] - end, figure.head("Hips")[2] + waist_m - vertices[:, 2])
    return np.where((lower > 0.5) & (figure.arm < 0.3), worn, -0.1)


def foot_field(figure, height_m):
    """Feet up to `height_m` above the ankle joint."""
    ankle = figure.head("LeftFoot")[2]
    return np.where(figure.leg > 0.5, ankle + height_m - figure.vertices[:, 2], -0.1)


def belt_field(figure, waist_m):
    """A belt `waist_m` above the hip joint."""
    away = np.abs(figure.vertices[:, 2] - figure.head("Hips")[2] - waist_m)
    return np.where(figure.arm < 0.3, 0.018 - away, -0.1)


def glove_field(figure, start):
    """Hands from `start` along the arm (2 is the wrist) to the fingertips."""
    on_arm = figure.arm > 0.5
    return np.where(on_arm, (figure.along_arm - start) * figure.forearm_m, -0.1)


def sleeve_band(figure, start, end, left):
    """A band round one arm between two positions along it (a watch, a bracelet)."""
    middle, half = (start + end) / 2, (end - start) / 2
    field = (half - np.abs(figure.along_arm - middle)) * figure.forearm_m
    return np.where((figure.arm > 0.5) & (figure.left == left), field, -0.1)


def slack_at_rest(figure, ease_m, hang):
    """Folds of cloth at rest (V, 2), across and along the limb: sleeves and legs bunch at their
    ends and above the middle joint, cloth on the trunk falls in folds below the chest."""
    limb = np.maximum(figure.arm, figure.leg)
    along = np.where(figure.arm > figure.leg, figure.along_arm, figure.along_leg)
    bunched = 0.16 * np.exp(-(((along - 0.9) / 0.3) ** 2))
    bunched += 0.20 * np.exp(-(((along - 1.85) / 0.2) ** 2))
    below_chest = figure.head("Spine2")[2] - figure.vertices[:, 2]
    waist = 0.12 * np.exp(-((smoothstep(below_chest, 0, 0.25) - 0.7) ** 2) / 0.06)
    across = limb * bunched + (1 - limb) * waist
    fallen = 0.05 + 0.30 * hang * smoothstep(below_chest, -0.05, 0.3)
    down = (1 - limb) * fallen + 0.12 * limb
    return (0.35 + ease_m / 0.03) * np.stack([across, down], axis=1)


def stand_off(figure, field, ease_m, tube=0.0, hang=0.0, gather=0.0, passes=4):
    """Where cloth lies that is worn `ease_m` above the skin -> (V, 3).

    tube: 0 follows the limb, 1 a straight wide sleeve or leg; hang: 0 follows the trunk, 1 falls
    straight from chest and belly; gather: how far cuffs and a ribbed hem pull in again (0 to 1).
    """
    faces, worn = figure.rig.faces, figure.vertices.copy()
    cover = smoothstep(field, -0.01, 0.04)
    covered = np.flatnonzero(cover)
    pull, average = cover[covered, None], figure.rig.neighbour_average[covered]
    for _ in range(passes):
        worn[covered] += 0.6 * pull * (average @ worn - worn[covered])
    off_neck = np.linalg.norm((figure.vertices - figure.head("Neck")) * [1, 1, 0.5], axis=1)
    drawn_in = (1 - gather * (1 - smoothstep(field, 0.0, 0.06))) * smoothstep(off_neck, 0.0, 0.17)
    moved = faces[(cover[faces] > 0).any(1)]
    normals = vertex_normals(worn, moved)
    worn += np.maximum(ease_m * drawn_in, LEAST_EASE_M)[:, None] * normals
    if tube:
        worn = _limb_tubes(figure, worn, ease_m, tube, drawn_in)
    if hang:
        worn = _hang(figure, worn, field, hang * drawn_in)
    for _ in range(2):
        worn[covered] += 0.5 * pull * (average @ worn - worn[covered])
    return worn


def _limb_tubes(figure, worn, ease_m, tube, drawn_in):
    away = worn - figure.axes
    radius = np.maximum(np.linalg.norm(away, axis=1), 1e-4)
    upper, wrist = figure.sleeves_axis_radius_m
    arm_tube = np.interp(figure.along_arm, (0.3, 2), (upper, 0.45 * upper + 0.55 * wrist)) + ease_m
    leg_tube = np.interp(figure.along_leg, (0, 2), (0.085, 0.06)) + 1.5 * ease_m
    wanted = np.where(figure.arm > 0.5, arm_tube, leg_tube)
    on_arm = smoothstep(figure.along_arm, 0.2, 0.5) * (figure.arm > 0.6)
    on_leg = smoothstep(figure.along_leg, 0.3, 0.8) * (figure.leg > 0.6)
    share = tube * np.maximum(on_arm, on_leg) * drawn_in
    grown = radius + share * np.maximum(wanted - radius, 0)
    return figure.axes + away * (grown / radius)[:, None]


def _hang(figure, worn, field, share):
    """Cloth on the trunk falls from whatever stands out above it."""
    trunk = (figure.arm < 0.35) & (figure.rig.weight_of("Head", "Neck") < 0.3) & (field > -0.05)
    centre = np.array([0, figure.head("Spine")[1]])
    angle, radius, level = polar(worn, centre, trunk)
    grid = hanging_radii(angle[trunk], radius[trunk], level[trunk])
    row = np.clip(level, 0, 1) * (LEVELS - 1)
    fallen = _look_up(grid, row, angle)
    below_chest = 1 - smoothstep(worn[:, 2], figure.head("Spine2")[2], figure.head("Neck")[2])
    share = share * trunk * below_chest * (1 - smoothstep(figure.arm, 0.05, 0.35))
    grown = radius + share * np.maximum(fallen - radius, 0)
    out = worn.copy()
    out[:, :2] = centre + (worn[:, :2] - centre) * (grown / radius)[:, None]
    return out


def polar(points, centre, chosen):
    offset = points[:, :2] - centre
    angle = np.arctan2(offset[:, 0], -offset[:, 1])
    radius = np.maximum(np.hypot(*offset.T), 1e-4)
    low, high = points[chosen, 2].min(), points[chosen, 2].max()
    return angle, radius, (high - points[:, 2]) / (high - low)


def hanging_radii(angle, radius, level, inwards=0.985):
    """Radii (LEVELS, ANGLES) of cloth that falls over points given by angle, radius and level
    (0 top, 1 bottom) and narrows by `inwards` a level where nothing holds it out."""
    row = np.clip((level * (LEVELS - 1)).round().astype(int), 0, LEVELS - 1)
    column = ((angle / (2 * np.pi)) * ANGLES).round().astype(int) % ANGLES
    grid = np.zeros((LEVELS, ANGLES))
    np.maximum.at(grid, (row, column), radius)
    for k in range(1, LEVELS):
        grid[k] = np.maximum(grid[k], inwards * grid[k - 1])
    return gaussian_filter(grid, (2, 1), mode=("nearest", "wrap"))


def _look_up(grid, row, angle):
    column = (angle / (2 * np.pi) * ANGLES) % ANGLES
    i, j = np.minimum(row.astype(int), LEVELS - 2), column.astype(int) % ANGLES
    p, q, k = row - i, column - column.astype(int), (j + 1) % ANGLES
    return (1 - p) * ((1 - q) * grid[i, j] + q * grid[i, k]) + p * (
        (1 - q) * grid[i + 1, j] + q * grid[i + 1, k]
    )
