"""Many poses as arrays: read from poses.csv, written as npz and in the data set's own json."""

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from egolib.camera import camera_trans_and_rot, project
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path, write_atomically
from egolib.foundation.progress import progress_bar
from egolib.headset.cameras.sources import stems_of
from egolib.headset.poses.estimates import place
from egolib.headset.poses.posetable import FIELDS, read_table
from egolib.headset.poses.rig import BONES, FITTED, OBSERVED, to_camera_axes
from egolib.skeleton import JOINTS, RIG_PREFIX

STILLS_FPS = 30.0  # of stills taken as a motion: believed to be the data set's frame rate
AXES = "camera: x to the wearer's left, y forward, z down along the optical axis"
_FRAME_NAME = re.compile(r"(.+)#\d{6,}")
_CAMERA_OF_WORLD = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def source_of(image):
    """Name of an image -> the video that it is a frame of, "camera", or "images" for a still."""
    frame = _FRAME_NAME.fullmatch(image)  # a still's own name may hold a #
    return frame[1] if frame else "images"


@dataclass(frozen=True)
class PoseSeries:
    """Poses of N images in order, joints as in skeleton.JOINTS; NaN where the network or the lens of
    the image gives no value.

    image (N,) str; joints_px (N, 16, 2) pixels of the image as given, centres on integers (heatmap
    peaks, those of unsure joints moved towards the pose: deploy/estimator.py); confidence (N, 16):
    heatmap peaks; pose_m (N, 16, 3) metres from the neck, camera axes of the upright image; neck_m
    (N, 3) metres from the camera; expected_error_m (N, 16); in_view (N, 16), 1 or 0; time_s (N,)
    since the first frame, NaN of stills.
    """

    image: np.ndarray
    joints_px: np.ndarray
    confidence: np.ndarray
    pose_m: np.ndarray
    neck_m: np.ndarray
    expected_error_m: np.ndarray
    in_view: np.ndarray
    time_s: np.ndarray

    def __len__(self):
        return len(self.image)

    def __getitem__(self, chosen):
        """The series of a slice, a mask or an array of positions; of one position, that image's
        values without the first axis."""
        return PoseSeries(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @property
    def joints_m(self):
        """The joints in the camera frame (N, 16, 3)."""
        return place(self.pose_m, self.neck_m)

    @property
    def source(self):
        """The video that each image is a frame of, "camera", or "images", (N,) str."""
        return np.array([source_of(name) for name in self.image.tolist()])

    @property
    def fps(self):
        """Frames a second of a series of one source, by their times; STILLS_FPS of stills. So few that
        frames at this rate are at most ten times as many as the series has."""
        steps_s = np.diff(self.time_s)
        steps_s = steps_s[steps_s > 0]
        if not len(steps_s):
            return STILLS_FPS
        most = 10 * len(self) / (self.time_s[-1] - self.time_s[0])
        return min(1 / float(np.median(steps_s)), most)


def read_series(path):
    """poses.csv -> PoseSeries of float32. Raises EgolibError for another file."""
    table = read_table(path)
    if len(table) % len(JOINTS) or (table["joint"] != np.resize(JOINTS, len(table))).any():
        raise EgolibError(f"{path}: not poses that `egolib predict` wrote (joints not in order)")
    values = {"image": table["image"].to_numpy(str)[:: len(JOINTS)]}
    for name, field in FIELDS.iterrows():
        columns = table[field["names"]].to_numpy(np.float32) / np.float32(field["scale"])
        columns = columns.reshape(-1, len(JOINTS), len(field["names"]))
        columns = columns[..., 0] if columns.shape[-1] == 1 else columns
        values[name] = columns[:, 0] if name in ("neck_m", "time_s") else columns
    return PoseSeries(**values)


def save_npz(path, series, rig_joints_m):
    """Write a PoseSeries with the names, units and axes of its arrays; nothing is pickled.

    rig_joints_m (N, 22, 3): joints of rigs fitted to it, camera axes. rig_bones names them;
    rig_fitted marks those that the network does not predict.
    """
    units = {f"unit_of_{name}": np.array(unit) for name, unit in FIELDS["unit"].items()}
    with atomic_path(path) as partial, open(partial, "wb") as stream:
        np.savez_compressed(
            stream, joints=np.array(JOINTS), axes=np.array(AXES), **vars(series), **units,
            rig_bones=np.array(BONES), rig_fitted=np.isin(BONES, FITTED),
            rig_joints_m=rig_joints_m.astype(np.float32),
            unit_of_rig_joints_m=np.array("metres from the camera"),
        )  # fmt: skip


def write_labels(folder, series, motion):
    """Write a PoseSeries and the rig.RigMotion fitted to it in the data set's format, one `<image>.json`
    for each image.

    The world is the camera's, with y up: the headset is at its origin. pts2d_fisheye is where the
    data set's lens draws pts3d_fisheye, native 1280x800 pixels. Bones that the network does not
    predict carry `"fitted": true`, and "neck" says whether its place is "predicted" or "usual".
    """
    trans, rot = camera_trans_and_rot(_CAMERA_OF_WORLD)
    camera = {"cam_fov": 178.8, "trans": trans.tolist(), "rot": rot.round(6).tolist()}
    turns = Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3)).as_euler("xyz")
    turns = turns.reshape(len(series), -1, 3).round(6)
    joints_cm = 100 * to_camera_axes(motion.joints_m)
    joints_cm[:, OBSERVED] = 100 * series.joints_m
    joints_cm = joints_cm.round(3)
    known = np.isfinite(series.neck_m).all(-1)
    stems = stems_of(series.image.tolist()).values()
    for i, stem in enumerate(progress_bar(stems, desc="json", unit="image")):
        world = joints_cm[i] @ _CAMERA_OF_WORLD[:3, :3]
        write_atomically(Path(folder) / f"{stem}.json", json.dumps({
            "action": "predicted",
            "neck": "predicted" if known[i] else "usual",
            "camera": camera,
            "joints": [
                {"name": RIG_PREFIX + bone, "trans": place, "rot": turn, "fitted": bone in FITTED}
                for bone, place, turn in zip(BONES, world.tolist(), turns[i].tolist(), strict=True)
            ],
            "pts2d_fisheye": project(joints_cm[i]).round(4).T.tolist(),
            "pts3d_fisheye": joints_cm[i].T.tolist(),
        }))  # fmt: skip
