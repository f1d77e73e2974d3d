"""Where a pose lies before the camera, and which of its joints the lens can see."""

import numpy as np

from egolib.camera import in_front, inside_circle, inside_square, native_to_square, project
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

# Where the neck is before the camera when a network does not predict it: the mean of the miniature's
# training frames, from which those of its test frames are 19 mm away on average.
USUAL_NECK_M = np.array([0.0, -0.168, 0.061], np.float32)

_NOT_THE_HEAD = np.isin(JOINTS, HEATMAP_JOINTS)


def place(pose_m, neck_m):
    """Poses (..., 16, 3) and necks (..., 3) -> joints in the camera frame (..., 16, 3). A neck of NaN
    is taken to be at USUAL_NECK_M."""
    neck_m = np.where(np.isnan(neck_m), USUAL_NECK_M, neck_m)
    return pose_m - pose_m[..., :1, :] + neck_m[..., None, :]


def in_view(pose_m, neck_m):
    """Whether the lens can see each joint of poses (..., 16, 3) with necks (..., 3) -> (..., 16): 1 or
    0, NaN without a pose. It never sees the head, on which it sits."""
    joints_m = place(pose_m, neck_m)
    pixels = project(joints_m)
    drawn = inside_circle(pixels) & inside_square(native_to_square(pixels, 1), 1)
    seen = drawn & in_front(joints_m) & _NOT_THE_HEAD
    return np.where(np.isnan(joints_m[..., 2]), np.nan, seen)
