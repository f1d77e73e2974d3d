"""A rig's motion as a BVH file, for Blender and whatever else reads motion capture.

Bones have Mixamo's names; centimetres; x to the wearer's left, y up, z forward, seen from the headset;
rotations about z, then y, then x of axes that turn along. The rest pose is a T-pose.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from egolib.foundation.files import atomic_path
from egolib.headset.poses.rig import BONES, PARENTS
from egolib.skeleton import RIG_PREFIX

_TIP_M = 0.1  # of a bone that ends the hierarchy: only drawn
_TIPS = {"Head": (0, 1, 0), "LeftHand": (1, 0, 0), "RightHand": (-1, 0, 0)}
_TIP_OF_OTHERS = (0, 0, 1)


def write_bvh(path, motion, fps):
    """Write a rig.RigMotion to `path`, whole or not at all."""
    order, lines = [], ["HIERARCHY"]
    _describe(0, motion.offsets_m, lines, order, "")
    lines += ["MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / fps:.8f}"]
    turns = Rotation.from_matrix(motion.rotations[:, order].reshape(-1, 3, 3))
    angles = turns.as_euler("ZYX", degrees=True).reshape(len(motion), -1)
    # An editor draws its curves through the numbers: let them not leap from 180 to -180.
    rows = np.hstack([100 * motion.root_m, np.unwrap(angles, period=360, axis=0)])
    with atomic_path(path) as partial, open(partial, "w") as stream:
        stream.write("\n".join(lines) + "\n")
        np.savetxt(stream, rows, fmt="%.5f")


def _describe(bone, offsets_m, lines, order, indent):
    """Add a bone and all below it to `lines`, and to `order` as they come."""

    def offset(vector_m):
        return "OFFSET " + " ".join(f"{100 * x:.6f}" for x in vector_m)

    order.append(bone)
    root = PARENTS[bone] < 0
    place = "6 Xposition Yposition Zposition" if root else "3"
    inner = indent + "\t"
    lines += [
        f"{indent}{'ROOT' if root else 'JOINT'} {RIG_PREFIX}{BONES[bone]}",
        indent + "{",
        inner + offset(offsets_m[bone]),
        f"{inner}CHANNELS {place} Zrotation Yrotation Xrotation",
    ]
    children = [child for child, parent in enumerate(PARENTS) if parent == bone]
    for child in children:
        _describe(child, offsets_m, lines, order, inner)
    if not children:
        tip = np.array(_TIPS.get(BONES[bone], _TIP_OF_OTHERS)) * _TIP_M
        lines += [f"{inner}End Site", inner + "{", f"{inner}\t{offset(tip)}", inner + "}"]
    lines.append(indent + "}")
