"""What the labels of a character tell about themselves: units, lens, world, bones, hands."""

import hashlib
from dataclasses import dataclass

import numpy as np

from egolib.audit.defects import Finding
from egolib.camera import XR_EGOPOSE, project, world_to_camera
from egolib.data.labels import LabelError, load_json, parse_labels
from egolib.skeleton import JOINTS, UNKNOWN_ACTION, action_of_clip, joint_indices

# Bones that no pose bends; shoulders and hips move against the neck.
RIGID_BONES = (("Neck", "Head"),) + tuple(
    (side + start, side + end)
    for side in ("Left", "Right")
    for start, end in (("Arm", "ForeArm"), ("ForeArm", "Hand"), ("UpLeg", "Leg"), ("Leg", "Foot"),
                       ("Foot", "ToeBase"))
)  # fmt: skip
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
    """The readable label files of one cam_down, N rows in the order of their numbers.

    uv_native (N, 16, 2) native; joints_cam_cm (N, 16, 3) camera frame; world_cm (N, 16, 3) and
    camera (N, 6), trans in cm and rot in degrees, are NaN where a file lacks them.
    """

    numbers: np.ndarray
    clips: list
    uv_native: np.ndarray
    joints_cam_cm: np.ndarray
    world_cm: np.ndarray
    camera: np.ndarray

    @property
    def digests(self):
        """{number: digest of its joints}."""
        rows = zip(self.numbers.tolist(), self.uv_native, self.joints_cam_cm, strict=True)
        return {
            n: hashlib.sha256(flat.tobytes() + deep.tobytes()).digest() for n, flat, deep in rows
        }

    @property
    def bones_cm(self):
        """Lengths of RIGID_BONES, (N, 11)."""
        return np.linalg.norm(
            self.joints_cam_cm[:, _STARTS] - self.joints_cam_cm[:, _ENDS], axis=-1
        )

    @property
    def in_centimetres(self):
        """Whether the body is of human size in centimetres, bool (N,)."""
        size = self.bones_cm.sum(1) / BODY_CM
        return (size > 0.5) & (size < 2)


def read_folder(tree, folder, files):
    """The label files {number: [(name, ...), ...]} of a cam_down -> (LabelColumns, findings)."""
    rows, findings = [], []
    for number, same in files.items():
        path = tree / folder / "json" / same[0][0]
        try:
            content = load_json(path)
            clip, flat, deep, _, columns = parse_labels(content, path)
        except OSError as error:
            detail = f"cannot be read ({error.strerror})"
            findings.append(Finding(folder, number, "json", "labels_malformed", detail))
        except LabelError as error:
            findings.append(Finding(folder, number, "json", error.defect, error.what))
        else:
            rows.append((number, clip, flat, deep, *_world(content, columns)))
    numbers, clips, *arrays = zip(*rows, strict=True) if rows else [()] * 6
    shapes = (-1, 16, 2), (-1, 16, 3), (-1, 16, 3), (-1, 6)
    stacked = [np.reshape(a, s).astype(float) for a, s in zip(arrays, shapes, strict=True)]
    return LabelColumns(np.array(numbers, np.int64), list(clips), *stacked), findings


def _world(content, columns):
    """World joints (16, 3) and camera (6,) of a file, NaN where it does not have them."""
    try:
        places = np.array([content["joints"][i]["trans"] for i in columns], float)
        camera = np.array([*content["camera"]["trans"], *content["camera"]["rot"]], float)
        return places.reshape(16, 3), camera.reshape(6)
    except (KeyError, TypeError, ValueError):
        return np.full((16, 3), np.nan), np.full(6, np.nan)


def label_findings(folder, labels, usual_bones_cm):
    """Check every frame of a cam_down. usual_bones_cm (11,): the character's (`usual_bones`)."""
    human = labels.in_centimetres
    residual_px, world_cm = projection_residual(labels), world_residual(labels)
    change_cm = np.abs(labels.bones_cm - usual_bones_cm)
    changed = change_cm > np.maximum(BONE_CM, BONE_SHARE * usual_bones_cm)
    bone = np.argmax(change_cm, 1)

    def projection(i):
        joint = np.nanargmax(residual_px[i])
        return f"{JOINTS[joint]} by {residual_px[i, joint]:.0f} px"

    def world(i):
        if not np.isfinite(world_cm[i]).all():
            return "lacks camera or trans, or they are not finite"
        return f"{JOINTS[world_cm[i].argmax()]} by {world_cm[i].max():.1f} cm"

    def length(i):
        now_cm, usual_cm = labels.bones_cm[i, bone[i]], usual_bones_cm[bone[i]]
        return f"{'-'.join(RIGID_BONES[bone[i]])} {now_cm:.1f} cm, usually {usual_cm:.1f}"

    unknown = np.array([action_of_clip(clip) == UNKNOWN_ACTION for clip in labels.clips], bool)
    for frames, defect, detail in (
        (~human, "wrong_unit", lambda i: _unit(labels.bones_cm[i].sum())),
        ((residual_px > PROJECTION_PX).any(1), "projection_off", projection),
        (~(world_cm.max(1) <= WORLD_CM), "world_off", world),
        (changed.any(1) & human, "bones_change", length),
        _flung(labels, residual_px, changed, "Left"),
        _flung(labels, residual_px, changed, "Right"),
        (unknown, "unknown_clip", lambda i: labels.clips[i]),
    ):
        for i in np.flatnonzero(frames):
            yield Finding(folder, int(labels.numbers[i]), "json", defect, detail(i))


def usual_bones(folders):
    """Median lengths (11,) cm of a character's rigid bones over its LabelColumns."""
    lengths = np.concatenate([labels.bones_cm[labels.in_centimetres] for labels in folders])
    return np.median(lengths, 0) if len(lengths) else np.full(len(RIGID_BONES), np.nan)


def projection_residual(labels):
    """How far each 2D joint is from where the lens projects its 3D joint, native pixels (N, 16);
    NaN at and behind the lens plane, where `cv2.fisheye` mirrors a joint to the other side."""
    distance = np.linalg.norm(labels.uv_native - project(labels.joints_cam_cm), axis=-1)
    return np.where(_before_plane(labels), distance, np.nan)


def world_residual(labels):
    """How far each world joint, brought to the camera, is from the camera joint, cm (N, 16)."""
    matrix = world_to_camera(*np.split(np.nan_to_num(labels.camera), 2, axis=1))
    known = np.isfinite(labels.camera).all(1)[:, None, None]
    in_camera = labels.world_cm @ matrix[:, :3, :3].swapaxes(1, 2) + matrix[:, None, :3, 3]
    return np.linalg.norm(np.where(known, in_camera, np.nan) - labels.joints_cam_cm, axis=-1)


def hands_behind_plane(labels):
    """Frames with a hand behind the lens plane, bool (N,): its 2D label is mirrored, which is how
    the lens model writes it, and no target."""
    return (labels.joints_cam_cm[:, joint_indices(["LeftHand", "RightHand"]), 2] <= 0).any(1)


def _before_plane(labels):
    distance_cm = np.linalg.norm(labels.joints_cam_cm, axis=-1)
    return labels.joints_cam_cm[..., 2] > NEAR_PLANE * distance_cm


def _flung(labels, residual_px, changed, side):
    """(frames whose hand is far from its forearm for no reason in 3D, bool (N,); the defect; its
    detail by frame)."""
    ends = joint_indices([f"{side}ForeArm", f"{side}Hand"])
    forearm = RIGID_BONES.index((f"{side}ForeArm", f"{side}Hand"))
    length_px = np.linalg.norm(np.diff(labels.uv_native[:, ends], axis=1)[:, 0], axis=-1)
    unexplained = (residual_px[:, ends] > PROJECTION_PX).any(1) | changed[:, forearm]
    flung = (length_px > HAND_PX) & unexplained & _before_plane(labels)[:, ends].all(1)
    return flung, "hand_flung", lambda i: f"{side}Hand is {length_px[i]:.0f} px from its forearm"


def _unit(size):
    factor = size / BODY_CM
    name = min(_UNITS, key=lambda unit: abs(np.log(max(factor, 1e-9) / _UNITS[unit])))
    near = 0.5 < factor / _UNITS[name] < 2
    return f"probably {name}" if near else f"a body of {factor:.2g} times the usual size"
