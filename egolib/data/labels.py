"""Read a label file: the 16 joints in the image and in the camera frame.

A label file lists all joints of the rig, in centimetres and in native pixels; the 16 joints of the
study are found by their names.
"""

from pathlib import Path
from typing import Any

import numpy as np

from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import numbers, parse_json, read_bytes
from egolib.skeleton import JOINTS, RIG_PREFIX

MALFORMED, JOINT_MISSING, NOT_FINITE = "labels_malformed", "joint_missing", "not_finite"
_NO_ROTATION = (np.nan,) * 3
_REMEDY = "repair it, or move it away: its frame is then left out and counted as unpaired"


class LabelError(EgolibError):
    """Raised for a label file that cannot be used.

    `what` describes the problem, for the message; `defect` classifies it as MALFORMED,
    JOINT_MISSING or NOT_FINITE.
    """

    def __init__(self, path: Path | str, what: str, defect: str = MALFORMED):
        super().__init__(f"{path}: {what}; {_REMEDY}")
        self.what, self.defect = what, defect


def read_labels(path: Path | str) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Read a label file -> (clip, uv_native (16, 2) in native pixels, joints_cam_m (16, 3) in
    metres in the camera frame, rotations_rad (16, 3) unchanged from the file, NaN for a joint
    without `rot`).

    Raises LabelError, which names the file, when it is not JSON, lacks a key or a joint, or holds a
    value that is not finite.
    """
    clip, uv_native, joints_cam_cm, rotations_rad, _ = parse_labels(load_json(path), path)
    return clip, uv_native, joints_cam_cm / 100, rotations_rad


def load_json(path: Path | str) -> Any:
    """Read the content of a label file. Raises LabelError when the file is not JSON, EgolibError when
    it cannot be read."""
    try:
        return parse_json(read_bytes(path))
    except ValueError as error:
        raise LabelError(path, f"the label file is not JSON ({error})") from error


def parse_labels(
    labels: Any, path: Path | str
) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Content of a label file -> (clip, uv_native (16, 2), joints_cam_cm (16, 3), rotations_rad
    (16, 3), the position of each of skeleton.JOINTS among the joints of the file).

    `path` is only used in messages. Raises LabelError as `read_labels` does.
    """
    try:
        names = [joint["name"].removeprefix(RIG_PREFIX) for joint in labels["joints"]]
        turns = [joint.get("rot", _NO_ROTATION) for joint in labels["joints"]]
        with np.errstate(over="ignore"):  # what float32 cannot hold is found below: not finite
            points_2d, points_3d, turns = (
                numbers(values).astype(np.float32)
                for values in (labels["pts2d_fisheye"], labels["pts3d_fisheye"], turns)
            )
        clip = labels["action"]
        if not isinstance(clip, str):
            raise ValueError("`action` is not text")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is not as expected ({error})"
        raise LabelError(path, f"the label file {what}") from error
    missing = [name for name in JOINTS if name not in names]
    if missing:
        raise LabelError(path, f"lacks the joint {RIG_PREFIX}{missing[0]}", JOINT_MISSING)
    if turns.shape != (len(names), 3):
        raise LabelError(path, "the `rot` of a joint does not consist of three numbers")
    expected = (2, len(names)), (3, len(names))
    if (points_2d.shape, points_3d.shape) != expected:
        shapes = f"{points_2d.shape} and {points_3d.shape}, not {expected[0]} and {expected[1]}"
        raise LabelError(path, f"pts2d_fisheye and pts3d_fisheye have shapes {shapes}")
    columns = [names.index(name) for name in JOINTS]
    for points, key in ((points_2d, "pts2d_fisheye"), (points_3d, "pts3d_fisheye")):
        finite = np.isfinite(points[:, columns]).all(0)
        if not finite.all():
            name = JOINTS[int(np.argmin(finite))]
            raise LabelError(path, f"{key} of {name} is not a finite number", NOT_FINITE)
    uv_native, joints_cam_cm = points_2d[:, columns].T, points_3d[:, columns].T
    return clip, uv_native, joints_cam_cm, turns[columns], columns
