"""Checks of a character's labels against each other: unit, lens, world joints, bones, hands."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from egolib.audit.defects import Finding
from egolib.camera import XR_EGOPOSE, project, world_to_camera
from egolib.data.labels import LabelError, load_json, parse_labels
from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import numbers
from egolib.skeleton import BONES, JOINTS, UNKNOWN_ACTION, action_of_clip, joint_indices

# Bones of constant length; shoulders and hips move against the neck.
RIGID_BONES = [bone for bone in BONES if bone[0] != "Neck" or bone[1] == "Head"]
BODY_CM = 300  # all rigid bones of an adult together; half and twice as much are accepted
PROJECTION_PX = 8  # native: 1 % of the height, some times the calibration's own residual
NEAR_PLANE = 0.02  # share of a joint's distance: 88.9 degrees off axis; beyond, 2D jumps sides
WORLD_CM = 1.0
BONE_CM, BONE_SHARE = 1.0, 0.05  # whichever is more
HAND_PX = XR_EGOPOSE.height / 2
_UNITS = {"metres": 0.01, "decimetres": 0.1, "inches": 1 / 2.54, "millimetres": 10}
_STARTS, _ENDS = (joint_indices([bone[i] for bone in RIGID_BONES]) for i in (0, 1))


@dataclass(frozen=True)
class LabelColumns:
    """The readable label files of a character, N rows by folder and number.

    frames: (folder, number) of each. uv_native (N, 16, 2) native; joints_cam_cm (N, 16, 3) camera
    frame; world_cm (N, 16, 3) and camera (N, 6), trans in cm and rot in degrees, are NaN where a
    file lacks them.
    """

    frames: list
    clips: list
    uv_native: np.ndarray
    joints_cam_cm: np.ndarray
    world_cm: np.ndarray
    camera: np.ndarray

    @property
    def before_plane(self):
        """Whether a joint is clearly before the lens plane, bool (N, 16)."""
        distance_cm = np.linalg.norm(self.joints_cam_cm, axis=-1)
        return self.joints_cam_cm[..., 2] > NEAR_PLANE * distance_cm

    @cached_property
    def residual_px(self):
        """Distance of each 2D joint from the projection of its 3D joint, native pixels (N, 16); NaN
        at and behind the lens plane, where `cv2.fisheye` mirrors a joint to the other side."""
        distance = np.linalg.norm(self.uv_native - project(self.joints_cam_cm), axis=-1)
        return np.where(self.before_plane, distance, np.nan)

    @property
    def world_residual_cm(self):
        """Distance of each world joint, in the camera frame, from the camera joint, (N, 16)."""
        matrix = world_to_camera(*np.split(np.nan_to_num(self.camera), 2, axis=1))
        known = np.isfinite(self.camera).all(1)[:, None, None]
        in_camera = self.world_cm @ matrix[:, :3, :3].swapaxes(1, 2) + matrix[:, None, :3, 3]
        return np.linalg.norm(np.where(known, in_camera, np.nan) - self.joints_cam_cm, axis=-1)


def read_character(tree, folders):
    """The label files of a character -> (LabelColumns, findings). folders: as list_character."""
    rows, findings = [], []
    paths = {
        (folder, number): tree / folder / "json" / same[0][0]
        for folder, channels in folders.items()
        for number, same in channels["json"].items()
    }
    for frame, path in paths.items():
        try:
            content = load_json(path)
            clip, uv_native, joints_cam_cm, _, columns = parse_labels(content, path)
        except LabelError as error:
            findings.append(Finding(*frame, "json", error.defect, error.what))
        except EgolibError as error:
            detail = str(error).removeprefix(f"{path}: ")
            findings.append(Finding(*frame, "json", "labels_malformed", detail))
        else:
            rows.append((frame, clip, uv_native, joints_cam_cm, *_world(content, columns)))
    frames, clips, *arrays = zip(*rows, strict=True) if rows else [()] * 6
    shapes = (-1, 16, 2), (-1, 16, 3), (-1, 16, 3), (-1, 6)
    stacked = [np.reshape(a, s).astype(float) for a, s in zip(arrays, shapes, strict=True)]
    return LabelColumns(list(frames), list(clips), *stacked), findings


def _world(content, columns):
    """World joints (16, 3) and camera (6,) of a file, NaN where it does not have them."""
    try:
        places = numbers([content["joints"][i]["trans"] for i in columns])
        camera = numbers([*content["camera"]["trans"], *content["camera"]["rot"]])
        return places.reshape(16, 3), camera.reshape(6)
    except (KeyError, TypeError, ValueError):
        return np.full((16, 3), np.nan), np.full(6, np.nan)


def label_findings(labels):
    """Check every frame of a character's LabelColumns."""
    bones_cm = np.linalg.norm(
        labels.joints_cam_cm[:, _STARTS] - labels.joints_cam_cm[:, _ENDS], axis=-1
    )
    size = bones_cm.sum(1) / BODY_CM
    human = (size > 0.5) & (size < 2)
    residual_px, world_cm = labels.residual_px, labels.world_residual_cm
    usual_cm = np.median(bones_cm[human], 0) if human.any() else np.full(len(RIGID_BONES), np.nan)
    change_cm = np.abs(bones_cm - usual_cm)
    changed = change_cm > np.maximum(BONE_CM, BONE_SHARE * usual_cm)

    def projection(i):
        joint = np.nanargmax(residual_px[i])
        return f"{JOINTS[joint]} by {residual_px[i, joint]:.0f} px"

    def world(i):
        if not np.isfinite(world_cm[i]).all():
            return "lacks camera or trans, or they are not finite"
        return f"{JOINTS[world_cm[i].argmax()]} by {world_cm[i].max():.1f} cm"

    def length(i):
        bone = np.argmax(change_cm[i])
        name = "-".join(RIGID_BONES[bone])
        return f"{name} {bones_cm[i, bone]:.1f} cm, usually {usual_cm[bone]:.1f}"

    unknown = [action_of_clip(clip) == UNKNOWN_ACTION for clip in labels.clips]
    for wrong, defect, detail in (
        (~human, "wrong_unit", lambda i: _unit(size[i])),
        ((residual_px > PROJECTION_PX).any(1), "projection_off", projection),
        (~(world_cm.max(1) <= WORLD_CM), "world_off", world),
        (changed.any(1) & human, "bones_change", length),
        _flung(labels, changed, "Left"),
        _flung(labels, changed, "Right"),
        (unknown, "unknown_clip", lambda i: labels.clips[i]),
    ):
        for i in np.flatnonzero(wrong):
            yield Finding(*labels.frames[i], "json", defect, detail(i))


def _flung(labels, changed, side):
    """The check for a hand that is far from its forearm without a reason in 3D, as a row of
    `label_findings`. changed: bool (N, 11), bones of unusual length."""
    bone = (f"{side}ForeArm", f"{side}Hand")
    ends = joint_indices(bone)
    length_px = np.linalg.norm(np.diff(labels.uv_native[:, ends], axis=1)[:, 0], axis=-1)
    unexplained = (labels.residual_px[:, ends] > PROJECTION_PX).any(1)
    unexplained |= changed[:, RIGID_BONES.index(bone)]
    flung = (length_px > HAND_PX) & unexplained & labels.before_plane[:, ends].all(1)
    return flung, "hand_flung", lambda i: f"{side}Hand is {length_px[i]:.0f} px from its forearm"


def _unit(factor):
    """What the unit of a body may be that is `factor` times as large as a usual one."""
    name = min(_UNITS, key=lambda unit: abs(np.log(max(factor, 1e-9) / _UNITS[unit])))
    near = 0.5 < factor / _UNITS[name] < 2
    return f"probably {name}" if near else f"a body of {factor:.2g} times the usual size"
