"""What a network says about one picture, and where that places the joints before the camera."""

from dataclasses import dataclass

import numpy as np

from egolib.camera import in_front, inside_circle, inside_square, native_to_square, project
from egolib.cameras.sources import Picture
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

# Where the neck is before the camera when a network does not say: the mean of the miniature's
# training frames, from which those of its test frames are 19 mm away on average.
USUAL_NECK_M = np.array([0.0, -0.168, 0.061], np.float32)

_NOT_THE_HEAD = np.isin(JOINTS, HEATMAP_JOINTS)


@dataclass(frozen=True)
class Estimate:
    """A pose in a picture. joints_px (15, 2): pixels of the picture as given (heatmap peaks, those of
    unsure joints moved towards the pose: deploy/inference.py); confidence (15,): heatmap peaks;
    pose_m (16, 3): metres from the neck, camera axes of the upright picture; neck_m (3,): metres from
    the camera; expected_error_m (16,). NaN where the network, or the lens of the picture, does not say."""

    picture: Picture
    joints_px: np.ndarray
    confidence: np.ndarray
    pose_m: np.ndarray
    neck_m: np.ndarray
    expected_error_m: np.ndarray

    @property
    def in_view(self):
        """Whether the lens can see each joint (16,): 1 or 0, NaN without a pose. It never sees the
        head, on which it sits."""
        joints_m = place(self.pose_m, self.neck_m)
        pixels = project(joints_m)
        drawn = inside_circle(pixels) & inside_square(native_to_square(pixels, 1), 1)
        return np.where(
            np.isnan(joints_m[:, 2]), np.nan, drawn & in_front(joints_m) & _NOT_THE_HEAD
        )


def place(pose_m, neck_m):
    """Poses (..., 16, 3) and necks (..., 3) -> joints in the camera frame (..., 16, 3). A neck of NaN
    is taken to be at USUAL_NECK_M."""
    neck_m = np.where(np.isnan(neck_m), USUAL_NECK_M, neck_m)
    return pose_m - pose_m[..., :1, :] + neck_m[..., None, :]
