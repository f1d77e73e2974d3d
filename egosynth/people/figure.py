"""A character's body measured for clothes: limbs and their charts, in which cloth is laid out."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from egosynth.people.tailoring import vertex_normals

SIDES = ("Left", "Right")
TRUNK, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG = range(5)
CHART_RADII_M = (0.15, 0.05, 0.05, 0.08, 0.08)


@dataclass(frozen=True, eq=False)
class Figure:
    """A character's body measured for clothes; `parts` are the object ids of its vertices."""

    rig: object
    character: object
    parts: np.ndarray

    def part_at(self, bone):
        """Object id, without garment, of what `bone` moves most."""
        return self.parts[self.rig.weight_of(bone).argmax()]

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

    @cached_property
    def charts(self):
        """The chart of every triangle of the body (F,)."""
        faces = self.rig.faces
        arm, leg = self.arm[faces].mean(1) > 0.5, self.leg[faces].mean(1) > 0.5
        left = self.left[faces[:, 0]]
        return np.select(
            [arm & left, arm, leg & left, leg], [LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG], TRUNK
        )

    def in_charts(self, corners, charts):
        """Corners (M, 3, 3) of triangles in the frames of their charts (M,)."""
        origins, axes = self.frames
        return np.einsum("fij,fcj->fci", axes[charts], corners - origins[charts][:, None])

    @cached_property
    def places(self):
        """`in_charts` of all triangles of the body (F, 3, 3)."""
        return self.in_charts(self.vertices[self.rig.faces], self.charts)

    @cached_property
    def normals(self):
        """Unit normals of the skin (V, 3)."""
        return vertex_normals(self.vertices, self.rig.faces)

    @cached_property
    def mouth(self):
        """Between the lips (3,): before the tip of the tongue, on the surface of the face."""
        vertices = self.vertices[self.rig.tongue]
        tip = vertices[vertices[:, 1].argmin()]
        face = self.vertices[self.rig.weight_of("Head") > 0.5]
        near = (np.abs(face[:, 0]) < 0.01) & (np.abs(face[:, 2] - tip[2]) < 0.012)
        return np.array([0, face[near, 1].min(), tip[2]])

    @cached_property
    def mottle(self):
        """Unevenness of the skin's tone (V,), about 0."""
        mottle = np.random.default_rng(3).normal(size=len(self.vertices))
        for _ in range(3):
            mottle = self.rig.neighbour_average @ mottle
        return mottle

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
