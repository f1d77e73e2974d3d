"""A rig's motion as a BVH file, for Blender and other programs that read motion capture.

Bones have Mixamo's names; centimetres; x to the wearer's left, y up, z forward, seen from the headset;
rotations about z, then y, then x, each about the axes that the one before has turned. The rest pose is
a T-pose.
"""

import textwrap

import numpy as np
from scipy.spatial.transform import Rotation

from egolib.foundation.files import atomic_path
from egolib.headset.poses.rig import BONES, PARENTS
from egolib.skeleton import RIG_PREFIX

_TIP_M = 0.1  # length that a bone at the end of the hierarchy is drawn with
_TIPS = {"Head": (0, 1, 0), "LeftHand": (1, 0, 0), "RightHand": (-1, 0, 0)}
_TIP_OF_OTHERS = (0, 0, 1)


def write_bvh(path, motion, fps):
    """Write a rig.RigMotion to `path`, whole or not at all."""
    hierarchy, order = _describe(0, motion.offsets_m)
    head = (
        f"HIERARCHY\nROOT {hierarchy}\nMOTION\nFrames: {len(motion)}\nFrame Time: {1 / fps:.8f}\n"
    )
    turns = Rotation.from_matrix(motion.rotations[:, order].reshape(-1, 3, 3))
    angles = turns.as_euler("ZYX", degrees=True).reshape(len(motion), -1)
    # Editors interpolate between the numbers, so they must not jump from 180 to -180.
    rows = np.hstack([100 * motion.root_m, np.unwrap(angles, period=360, axis=0)])
    with atomic_path(path) as partial, open(partial, "w") as stream:
        stream.write(head)
        np.savetxt(stream, rows, fmt="%.5f")


def _describe(bone, offsets_m):
    """-> (text of a bone and all below it, their numbers in the order of the text)."""
    place = "3" if PARENTS[bone] >= 0 else "6 Xposition Yposition Zposition"
    parts = [_offset(offsets_m[bone]), f"CHANNELS {place} Zrotation Yrotation Xrotation"]
    order = [bone]
    for child in (i for i, parent in enumerate(PARENTS) if parent == bone):
        text, below = _describe(child, offsets_m)
        parts.append(f"JOINT {text}")
        order += below
    if len(order) == 1:
        tip_m = np.array(_TIPS.get(BONES[bone], _TIP_OF_OTHERS)) * _TIP_M
        parts.append(f"End Site\n{{\n\t{_offset(tip_m)}\n}}")
    inner = textwrap.indent("\n".join(parts), "\t")
    return f"{RIG_PREFIX}{BONES[bone]}\n{{\n{inner}\n}}", order


def _offset(vector_m):
    return "OFFSET " + " ".join(f"{100 * x:.6f}" for x in vector_m)
