"""A rig of constant bone lengths: Mixamo's hierarchy, with the hips, spine and shoulders that the 16
joints do not hold.

Axes of the rig: x to the wearer's left, y up, z forward; at rest it stands in a T-pose, the axes of
every bone along those of the rig. rig.csv holds the hierarchy, the proportions of the torso and how
stiff each bone is; all else is measured in the poses.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation, Slerp

from egolib.skeleton import JOINTS, mirrored_name, without_side

TABLE = pd.read_csv(Path(__file__).with_name("rig.csv"), comment="#", index_col="bone")
# The torso, whose offsets are given, comes before the limbs, of which only directions are.
RIG = TABLE.sort_values("rest", ascending=False, kind="stable")
BONES = tuple(RIG.index)
PARENTS = tuple(RIG.index.get_indexer(RIG.parent).tolist())  # -1 for the root
FITTED = tuple(name for name in BONES if name not in JOINTS)  # not predicted by a network
OBSERVED = RIG.index.get_indexer(JOINTS)
_CAMERA_TO_RIG = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


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

    def at_rate(self, times_s, fps):
        """The motion at `fps` frames a second, from its own times_s (N,), which increase: a file of
        frames at one rate, such as BVH, would otherwise play too fast or too slow where frames are
        missing. Unchanged when its times are already at that rate, or unknown (NaN)."""
        steps = (times_s - times_s[0]) * fps
        if (
            len(self) < 2
            or not np.isfinite(steps).all()
            or abs(steps - np.arange(len(self))).max() < 0.5
        ):
            return self
        wanted_s = times_s[0] + np.arange(int(steps[-1]) + 1) / fps
        bones = range(self.rotations.shape[1])
        turns = (Slerp(times_s, Rotation.from_matrix(self.rotations[:, bone])) for bone in bones)
        rotations = np.stack([turn(wanted_s).as_matrix() for turn in turns], 1)
        root_m = np.stack([np.interp(wanted_s, times_s, axis) for axis in self.root_m.T], 1)
        return RigMotion(self.offsets_m, rotations, root_m)


def to_rig_axes(points):
    """Camera axes (..., 3) -> axes of the rig."""
    return points @ _CAMERA_TO_RIG.T


def to_camera_axes(points):
    """Inverse of `to_rig_axes`."""
    return points @ _CAMERA_TO_RIG


def measure_offsets(targets):
    """Joints (N, 16, 3), axes of the rig -> RigMotion.offsets_m: medians over all frames, left and right
    together."""
    joints_m = dict(zip(JOINTS, targets.transpose(1, 0, 2), strict=True))
    rest = dict(zip(BONES, RIG[["x", "y", "z"]].to_numpy(), strict=True))

    def length(start, end):
        pairs = {(start, end), (mirrored_name(start), mirrored_name(end))}
        return np.median([np.linalg.norm(joints_m[a] - joints_m[b], axis=-1) for a, b in pairs])

    hips = (joints_m["LeftUpLeg"] + joints_m["RightUpLeg"]) / 2
    spine = sum(rest[name] for name in ("Spine", "Spine1", "Spine2", "Neck"))
    spine_m = np.median(np.linalg.norm(joints_m["Neck"] - hips, axis=-1))
    scale = spine_m / np.linalg.norm(spine - (0, *rest["LeftUpLeg"][1:]))
    shoulder = length("LeftArm", "RightArm") / (2 * (rest["LeftShoulder"] + rest["LeftArm"])[0])
    hip = length("LeftUpLeg", "RightUpLeg") / (2 * rest["LeftUpLeg"][0])
    across = {"Shoulder": shoulder, "Arm": shoulder, "UpLeg": hip}
    offsets = []
    for name, parent, kind in RIG[["parent", "rest"]].itertuples():
        if kind == "offset":
            offsets.append(rest[name] * (across.get(without_side(name), scale), scale, scale))
        else:
            offsets.append(length(parent, name) * rest[name] / np.linalg.norm(rest[name]))
    return np.array(offsets)


def pose_rig(offsets, rotations, root):
    """Forward kinematics -> world rotations (N, 22, 3, 3), heads of the bones (N, 22, 3)."""
    world, joints = np.empty_like(rotations), np.empty((*rotations.shape[:2], 3))
    world[:, 0], joints[:, 0] = rotations[:, 0], root
    for bone, parent in enumerate(PARENTS[1:], 1):
        world[:, bone] = world[:, parent] @ rotations[:, bone]
        joints[:, bone] = joints[:, parent] + world[:, parent] @ offsets[bone]
    return world, joints
