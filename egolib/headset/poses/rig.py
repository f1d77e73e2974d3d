"""A rig of constant bone lengths: Mixamo's hierarchy, with the hips, spine and shoulders that the 16
joints do not hold.

Axes of the rig: x to the wearer's left, y up, z forward; at rest it stands in a T-pose, the axes of
every bone along those of the rig. The proportions of the torso are means over the miniature's 21
training bodies; all else is measured in the poses.
"""

from dataclasses import dataclass

import numpy as np

from egolib.skeleton import JOINTS, mirrored_name

# Bone: (parent, its head from the parent's at rest; the torso's in units of stature).
_TORSO = {
    "Hips": (None, (0, 0, 0)),
    "Spine": ("Hips", (0, 0.0610, 0.0035)),
    "Spine1": ("Spine", (0, 0.0637, -0.0074)),
    "Spine2": ("Spine1", (0, 0.0705, -0.0177)),
    "Neck": ("Spine2", (0, 0.1076, 0.0230)),
    "LeftShoulder": ("Spine2", (0.0365, 0.0876, 0.0277)),
    "LeftArm": ("LeftShoulder", (0.0650, -0.0370, 0.0010)),
    "LeftUpLeg": ("Hips", (0.0670, -0.0273, -0.0052)),
}
_LIMBS = {  # bone: (parent, its direction at rest)
    "Head": ("Neck", (0, 0.97, 0.24)),
    "LeftForeArm": ("LeftArm", (1, 0, 0)),
    "LeftHand": ("LeftForeArm", (1, 0, 0)),
    "LeftLeg": ("LeftUpLeg", (0, -1, 0)),
    "LeftFoot": ("LeftLeg", (0, -1, 0)),
    "LeftToeBase": ("LeftFoot", (0, -0.32, 0.95)),
}
_CAMERA_TO_RIG = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def both_sides(table, mirror):
    """A table {bone: value} of the middle and the left side, with the right side after it."""
    right = {mirrored_name(n): mirror(v) for n, v in table.items() if n.startswith("Left")}
    return table | right


def _mirror_bone(bone):
    parent, (x, y, z) = bone
    return mirrored_name(parent), (-x, y, z)


_BONES = both_sides(_TORSO, _mirror_bone) | both_sides(_LIMBS, _mirror_bone)
BONES = tuple(_BONES)  # parents before children
PARENTS = tuple(-1 if parent is None else BONES.index(parent) for parent, _ in _BONES.values())
FITTED = tuple(name for name in BONES if name not in JOINTS)  # no joint of the 16: a guess
OBSERVED = np.array([BONES.index(name) for name in JOINTS])


@dataclass(frozen=True)
class RigMotion:
    """N frames of the rig: offsets_m (22, 3), each bone's head from its parent's at rest, the same
    in all frames; rotations (N, 22, 3, 3) relative to the parent; root_m (N, 3) of the hips. Axes
    of the rig."""

    offsets_m: np.ndarray
    rotations: np.ndarray
    root_m: np.ndarray

    def __len__(self):
        return len(self.root_m)

    @property
    def joints_m(self):
        """Heads of the bones (N, 22, 3)."""
        return pose_rig(self.offsets_m, self.rotations, self.root_m)[1]


def to_rig_axes(points):
    """Camera axes (..., 3) -> axes of the rig."""
    return points @ _CAMERA_TO_RIG.T


def to_camera_axes(points):
    """Inverse of `to_rig_axes`."""
    return points @ _CAMERA_TO_RIG


def measure_offsets(targets):
    """Joints (N, 16, 3), axes of the rig -> RigMotion.offsets_m: medians over all frames, left and right
    together."""
    place = dict(zip(JOINTS, targets.transpose(1, 0, 2), strict=True))

    def length(start, end):
        pairs = {(start, end), (mirrored_name(start), mirrored_name(end))}
        spans = [np.linalg.norm(place[a] - place[b], axis=-1) for a, b in pairs]
        return np.median(np.concatenate(spans))

    hips = (place["LeftUpLeg"] + place["RightUpLeg"]) / 2
    rest = {name: np.array(place) for name, (_, place) in _TORSO.items()}
    spine = sum(rest[name] for name in ("Spine", "Spine1", "Spine2", "Neck"))
    spine_m = np.median(np.linalg.norm(place["Neck"] - hips, axis=-1))
    scale = spine_m / np.linalg.norm(spine - (0, *rest["LeftUpLeg"][1:]))
    shoulders = 2 * (rest["LeftShoulder"] + rest["LeftArm"])[0]
    shoulder = length("LeftArm", "RightArm") / shoulders
    hip = length("LeftUpLeg", "RightUpLeg") / (2 * rest["LeftUpLeg"][0])
    across = {"LeftShoulder": shoulder, "LeftArm": shoulder, "LeftUpLeg": hip}
    offsets = {name: at * (across.get(name, scale), scale, scale) for name, at in rest.items()}
    for name, (parent, direction) in _LIMBS.items():
        offsets[name] = length(parent, name) * np.array(direction) / np.linalg.norm(direction)
    offsets = both_sides(offsets, lambda at: at * (-1, 1, 1))
    return np.array([offsets[name] for name in BONES])


def pose_rig(offsets, rotations, root):
    """Forward kinematics -> world rotations (N, 22, 3, 3), heads of the bones (N, 22, 3)."""
    world, joints = np.empty_like(rotations), np.empty((*rotations.shape[:2], 3))
    world[:, 0], joints[:, 0] = rotations[:, 0], root
    for bone, parent in enumerate(PARENTS[1:], 1):
        world[:, bone] = world[:, parent] @ rotations[:, bone]
        joints[:, bone] = joints[:, parent] + world[:, parent] @ offsets[bone]
    return world, joints
