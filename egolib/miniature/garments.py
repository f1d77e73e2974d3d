"""Garments on a body at rest: signed fields that say where cloth is (metres to its hem, positive
below the cloth), how far it stands off, and the pieces that are no copy of the skin: collars, hoods,
skirts.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter

from egolib.miniature.tailoring import (
    Piece,
    Surface,
    border_edges,
    cut,
    grid_faces,
    lay,
    smooth_hem,
    smoothstep,
    vertex_normals,
)

SIDES = ("Left", "Right")
TRUNK, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG = range(5)
CHART_RADII_M = (0.15, 0.05, 0.05, 0.08, 0.08)
LEAST_EASE_M = 0.003
HIDDEN_M = 0.035  # skin and cloth further than this below another garment's hem are left out
ANGLES, LEVELS = 40, 48  # of the grid on which cloth hangs from chest and belly


@dataclass(frozen=True)
class Figure:
    """A character's body measured for clothes; `parts` are the object ids of its vertices."""

    rig: object
    character: object
    parts: np.ndarray

    def head(self, bone):
        return self.character.heads[self.rig.index(bone)]

    @property
    def vertices(self):
        return self.character.vertices

    @cached_property
    def arm(self):
        """Weight of arms and hands (V,)."""
        return self.rig.weight_of(*self._bones("Arm", "Hand"))

    @cached_property
    def leg(self):
        return self.rig.weight_of(*self._bones("UpLeg", "Leg", "Foot", "Toe"))

    def _bones(self, *words):
        return [bone for bone in self.rig.bones if any(word in bone for word in words)]

    @cached_property
    def left(self):
        return self.vertices[:, 0] > 0

    @cached_property
    def along_arm(self):
        """How far down its arm a vertex lies: 0 shoulder, 1 elbow, 2 wrist (V,)."""
        return self._along("Arm", "ForeArm", "Hand", ("ForeArm", "Hand"))

    @cached_property
    def along_leg(self):
        """How far down its leg: 0 hip, 1 knee, 2 ankle (V,)."""
        return self._along("UpLeg", "Leg", "Foot", ("LeftLeg", "RightLeg", "Foot", "Toe"))

    def _along(self, first, second, third, lower_words):
        lower_weight = self.rig.weight_of(*self._bones(*lower_words))
        along = np.empty(len(self.vertices))
        for side, here in zip(SIDES, (self.left, ~self.left), strict=True):
            top, middle, end = (self.head(side + bone) for bone in (first, second, third))
            points = self.vertices[here]
            upper = (points - top) @ (middle - top) / np.sum((middle - top) ** 2)
            lower = (points - middle) @ (end - middle) / np.sum((end - middle) ** 2)
            share = lower_weight[here]
            along[here] = (1 - share) * np.minimum(upper, 1.1) + share * (1 + lower)
        return along

    @cached_property
    def forearm_m(self):
        return np.linalg.norm(self.head("LeftHand") - self.head("LeftForeArm"))

    @cached_property
    def axes(self):
        """The nearest point on the axis of each vertex's limb (V, 3): arms and legs bent at the
        middle joint, the trunk upright."""
        axes = np.stack(
            [np.zeros(len(self.vertices)), np.full(len(self.vertices), self.head("Spine")[1]),
             self.vertices[:, 2]], axis=1,
        )  # fmt: skip
        limbs = (
            (self.arm, self.along_arm, ("Arm", "ForeArm", "Hand")),
            (self.leg, self.along_leg, ("UpLeg", "Leg", "Foot")),
        )
        for weight, along, bones in limbs:
            for side, here in zip(SIDES, (self.left, ~self.left), strict=True):
                joints = np.array([self.head(side + bone) for bone in bones])
                on = np.stack([np.interp(along, (0, 1, 2), joints[:, k]) for k in range(3)], 1)
                chosen = here & (weight > 0.5)
                axes[chosen] = on[chosen]
        return axes

    @cached_property
    def frames(self):
        """Of every chart: origin (5, 3) and axes in rows (5, 3, 3), the last up along the limb."""
        origins = [np.array([0, self.head("Spine")[1], 0])]
        ups = [np.array([0.0, 0, 1])]
        for limb, end in (("Arm", "Hand"), ("UpLeg", "Foot")):
            for side in SIDES:
                origins.append(self.head(side + limb))
                ups.append(self.head(side + limb) - self.head(side + end))
        axes = []
        for up in ups:
            up = up / np.linalg.norm(up)
            back = np.array([0, 1.0, 0]) - up[1] * up
            back /= np.linalg.norm(back)
            axes.append([np.cross(back, up), back, up])
        return np.array(origins), np.array(axes)

    def charts(self, faces):
        """The chart of every triangle of the body (F,)."""
        arm, leg = self.arm[faces].mean(1) > 0.5, self.leg[faces].mean(1) > 0.5
        left = self.left[faces[:, 0]]
        return np.select(
            [arm & left, arm, leg & left, leg], [LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG], TRUNK
        )

    @cached_property
    def grains(self):
        """Direction along the limb at every vertex (V, 3)."""
        axes = self.frames[1][:, 2]
        side = np.where(self.left, 0, 1)
        mixed = (
            self.arm[:, None] * axes[1 + side]
            + self.leg[:, None] * axes[3 + side]
            + np.clip(1 - self.arm - self.leg, 0, 1)[:, None] * axes[0]
        )
        return mixed / np.linalg.norm(mixed, axis=1, keepdims=True)

    @cached_property
    def sleeves_axis_radius_m(self):
        """Radius of the arm near the shoulder and at the wrist."""
        radius = np.linalg.norm(self.vertices - self.axes, axis=1)
        return [
            np.median(radius[(self.arm > 0.9) & (np.abs(self.along_arm - at) < 0.1)])
            for at in (0.4, 1.85)
        ]


def piece_of_body(figure, cloth, field, worn, slack, give, hidden=None, tints=None):
    """The body's surface where `field` > 0, moved to `worn` (V, 3), without what lies deep below
    the outer garments' field `hidden` -> Piece."""
    blend, faces, parents, first = cut(figure.rig.faces, field)
    if hidden is not None:
        seen = ((blend @ hidden)[faces] < HIDDEN_M).any(1)
        used, faces = np.unique(faces[seen], return_inverse=True)
        faces, parents = faces.reshape(-1, 3), parents[seen]
        blend, first = blend[used], first[used]
    charts = figure.charts(figure.rig.faces)[parents]
    origins, axes = figure.frames
    corners = (blend @ figure.vertices)[faces]
    places = np.einsum("fij,fcj->fci", axes[charts], corners - origins[charts][:, None])
    weights = figure.rig.weights if tints is not None else figure.rig.soft_weights
    return Piece(
        vertices=smooth_hem(blend @ worn, faces),
        faces=faces,
        weights=blend @ weights,
        parts=figure.parts[first],
        places=places,
        charts=charts,
        grains=figure.grains[first],
        slack=blend @ slack,
        give=blend @ give,
        tints=np.ones((len(first), 3)) if tints is None else blend @ tints,
        cloth=cloth,
    )


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
    end = np.interp(leg_end, (0, 1, 2), (hip, knee, ankle))
    worn = np.minimum(vertices[:, 2] - end, figure.head("Hips")[2] + waist_m - vertices[:, 2])
    return np.where((lower > 0.5) & (figure.arm < 0.3), worn, -0.1)


def foot_field(figure, height_m):
    """Feet up to `height_m` above the ankle joint."""
    ankle = figure.head("LeftFoot")[2]
    return np.where(figure.leg > 0.5, ankle + height_m - figure.vertices[:, 2], -0.1)


def sleeve_band(figure, start, end, left):
    """A band round one arm between two positions along it (a watch, a bracelet)."""
    middle, half = (start + end) / 2, (end - start) / 2
    field = (half - np.abs(figure.along_arm - middle)) * figure.forearm_m
    return np.where((figure.arm > 0.5) & (figure.left == left), field, -0.1)


def stand_off(figure, field, ease_m, tube=0.0, hang=0.0, gather=0.0, passes=4):
    """Where cloth lies that is worn `ease_m` above the skin -> (V, 3).

    tube: 0 follows the limb, 1 a straight wide sleeve or leg; hang: 0 follows the trunk, 1 falls
    straight from chest and belly; gather: how far cuffs and a ribbed hem pull in again (0 to 1).
    """
    rig, faces = figure.rig, figure.rig.faces
    worn = figure.vertices.copy()
    cover = smoothstep(field, -0.01, 0.04)[:, None]
    for _ in range(passes):
        worn += 0.6 * cover * (rig.neighbour_average @ worn - worn)
    off_neck = np.linalg.norm((figure.vertices - figure.head("Neck")) * [1, 1, 0.5], axis=1)
    drawn_in = (1 - gather * (1 - smoothstep(field, 0.0, 0.06))) * smoothstep(off_neck, 0.0, 0.17)
    worn += np.maximum(ease_m * drawn_in, LEAST_EASE_M)[:, None] * vertex_normals(worn, faces)
    if tube:
        worn = _limb_tubes(figure, worn, ease_m, tube, drawn_in)
    if hang:
        worn = _hang(figure, worn, field, hang * drawn_in)
    for _ in range(2):
        worn += 0.5 * cover * (rig.neighbour_average @ worn - worn)
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
    angle, radius, level = _polar(worn, centre, trunk)
    grid = hanging_radii(angle[trunk], radius[trunk], level[trunk])
    row = np.clip(level, 0, 1) * (LEVELS - 1)
    fallen = _look_up(grid, row, angle)
    below_chest = 1 - smoothstep(worn[:, 2], figure.head("Spine2")[2], figure.head("Neck")[2])
    share = share * trunk * below_chest * (1 - smoothstep(figure.arm, 0.05, 0.35))
    grown = radius + share * np.maximum(fallen - radius, 0)
    out = worn.copy()
    out[:, :2] = centre + (worn[:, :2] - centre) * (grown / radius)[:, None]
    return out


def _polar(points, centre, chosen):
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


def grid_piece(figure, cloth, points, weights, part, closed=False, slack=(0.0, 0.2), give=0.5):
    """A grid of points (R, C, 3) with bone weights (R, C, J) as a Piece; rows run downwards."""
    rows, columns = points.shape[:2]
    faces = grid_faces(rows, columns, closed)
    vertices = points.reshape(-1, 3)
    origins, axes = figure.frames
    places = (vertices - origins[TRUNK]) @ axes[TRUNK].T
    count = len(vertices)
    return Piece(
        vertices=vertices,
        faces=faces,
        weights=weights.reshape(count, -1),
        parts=np.full(count, part, np.int32),
        places=places[faces],
        charts=np.full(len(faces), TRUNK),
        grains=np.tile([0.0, 0, 1], (count, 1)),
        slack=np.tile(slack, (count, 1)).astype(float),
        give=np.full(count, give),
        tints=np.ones((count, 3)),
        cloth=cloth,
    )


def neck_edge(figure, top, angles):
    """Points of the upper edge of `top` at `angles` round the neck (0 front, + left) (A, 3)."""
    neck = figure.head("Neck")
    edge = top.vertices[np.unique(border_edges(top.faces, len(top.vertices)))]
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
    surface = Surface(top)
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
        points[0] = raised
        points = points if side > 0 else points[:, ::-1]
        weights = surface.weights(points)
        pieces.append(
            grid_piece(figure, cloth, points, weights, part, slack=(0.05, 0.05), give=0.0)
        )
    return pieces


def skirt(figure, cloth, length_m, flare, waist_m, ease_m, part):
    """A tube from the waist over both legs, `length_m` long, wider by `flare` metres a metre."""
    top = figure.head("Hips")[2] + waist_m
    low = max(top - length_m, 0.08)
    body = (figure.arm < 0.2) & (figure.vertices[:, 2] < top) & (figure.vertices[:, 2] > low - 0.02)
    centre = np.array([0, figure.head("Hips")[1]])
    angle, radius, level = _polar(figure.vertices, centre, body)
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
    index = figure.rig.index
    side = smoothstep(points[..., 0], -0.14, 0.14)
    leg = 0.85 * smoothstep(top - height, 0.08, 0.35)[:, None] * np.ones_like(side)
    knee = figure.head("LeftLeg")[2]
    shin = 0.6 * smoothstep(knee - height, 0.0, 0.3)[:, None] * leg
    weights = np.zeros((*side.shape, len(figure.rig.bones)))
    weights[..., index("Hips")] = 1 - leg
    weights[..., index("LeftUpLeg")] = (leg - shin) * side
    weights[..., index("RightUpLeg")] = (leg - shin) * (1 - side)
    weights[..., index("LeftLeg")] = shin * side
    weights[..., index("RightLeg")] = shin * (1 - side)
    return grid_piece(
        figure, cloth, points, weights, part, closed=True, slack=(0.0, 0.35), give=0.6
    )


def tubes(figure, cloth, paths, widths, flatness, outward, weights, part, sides=6):
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
    return Piece(
        vertices=vertices.reshape(-1, 3),
        faces=faces,
        weights=np.repeat(weights, sides, axis=1).reshape(total, -1),
        parts=np.full(total, part, np.int32),
        places=places[faces],
        charts=np.full(len(faces), LEFT_ARM),
        grains=np.repeat(tangent, sides, axis=1).reshape(-1, 3),
        slack=np.tile([0.0, 0.1], (total, 1)),
        give=np.zeros(total),
        tints=np.ones((total, 3)),
        cloth=cloth,
    )


def hood(figure, cloth, top, radius_m, part):
    """A hood lying down: a roll round the neck, thin in front, thick behind."""
    angles = np.linspace(0.15, 2 * np.pi - 0.15, 40)
    edge = neck_edge(figure, top, angles)
    behind = 0.5 - 0.5 * np.cos(angles)
    outward = np.stack([np.sin(angles), -np.cos(angles), 0.3 + 0 * angles], axis=1)
    radii = radius_m * (0.75 + 1.6 * behind**2)
    path = Surface(top).push_out(edge + 0.4 * radii[:, None] * outward, 0.5 * radii)
    path = gaussian_filter(path, (1.5, 0), mode="nearest") + [0, 0, 0.006]
    weights = Surface(top).weights(path)
    return tubes(
        figure, cloth, path[None], radii[None], 0.8, outward[None], weights[None], part, sides=8
    )


def cords(figure, cloth, top, length_m, part):
    """Two cords that hang from the neck's edge onto the chest."""
    surface = Surface(top)
    starts = neck_edge(figure, top, np.array([0.35, -0.35])) + [0, -0.01, 0.0]
    down = np.tile([0.0, -0.15, -1.0], (2, 1)) + np.array([[0.08, 0, 0], [-0.05, 0, 0]])
    paths = lay(surface, starts, [down] * 10, [np.full(2, length_m / 10)] * 10, 0.006)
    paths = paths.transpose(1, 0, 2)
    outward = np.broadcast_to([0.0, -1.0, 0.3], paths.shape)
    widths = np.full(paths.shape[:2], 0.0035)
    return tubes(figure, cloth, paths, widths, 1.0, outward, surface.weights(paths), part)
