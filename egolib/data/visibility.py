"""Visibility of joints: whether a joint is in the image, at which resolution, and what hides it.

A joint is hidden by the object at its pixel, if that object is closer to the camera. The miniature
has the channels depth and objectId, which tell this. The official data does not document its object
ids; there it stays unknown whether a joint in the image is hidden.
"""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from egolib.camera import XR_EGOPOSE, in_front, inside_circle, pixels_per_metre
from egolib.data.index import FrameIndex, select
from egolib.data.miniature import DESCRIPTION_FILE, description
from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.skeleton import JOINTS, without_side

STATES = (
    "seen", "hidden by the wearer", "hidden by things", "outside the image",
    "behind the lens plane", "in the image, seen or not",
)  # fmt: skip
SEEN, HIDDEN_BY_WEARER, HIDDEN_BY_THINGS, OUTSIDE, BEHIND, IN_IMAGE = STATES
# The body parts around a joint. Their surface does not hide the joint when it lies less than
# OWN_PART_DEPTH_M in front of it.
OWN_PART_DEPTH_M = 0.16
OWN_PARTS = {
    "Neck": ("neck", "torso"), "Head": ("head", "neck"),
    "Arm": ("torso", "upper_arm"), "ForeArm": ("upper_arm", "forearm"),
    "Hand": ("forearm", "hand"), "UpLeg": ("hips", "thigh"), "Leg": ("thigh", "shin"),
    "Foot": ("shin", "foot"), "ToeBase": ("foot", "toes"),
}  # fmt: skip
SURROUNDINGS = "surroundings"
_FIRST_SURROUNDINGS_ID = 200


def evenly(index: FrameIndex, count: int) -> FrameIndex:
    """At most `count` frames, spread evenly over `index`."""
    return select(index, np.unique(np.linspace(0, len(index) - 1, count).round().astype(int)))


def joint_views(index: FrameIndex) -> pd.DataFrame:
    """Return a table with one row for every joint of every frame, and these columns.

    - frame: position in the index; action; joint.
    - in_image: whether the joint is in the square crop, in the circle of the lens and in front of
      the lens plane.
    - state: one of STATES.
    - distance_m: distance from the camera.
    - px_per_cm: native pixels per centimetre, NaN behind the lens plane.
    - hidden_by: what hides the joint, a body part without its side, or SURROUNDINGS; "" if not
      hidden.
    - covered_with: the garment on that body part, or the name of the object; "" if not hidden.

    Raises EgolibError for an image that cannot be read, and for a tree with object ids but no unit
    of depth.
    """
    states, hiding_ids, inside = _joint_states(index)
    names = object_names(index.root)
    points_m = index.joints_cam_m.astype(float)
    parts = np.array([_part_and_garment(names.get(i, ""), i) for i in range(256)], object)
    hidden_by, covered_with = parts[hiding_ids.ravel()].T
    return pd.DataFrame(
        {
            "frame": np.repeat(np.arange(len(index)), len(JOINTS)),
            "action": np.repeat(index.actions, len(JOINTS)),
            "joint": np.tile(JOINTS, len(index)),
            "in_image": inside.ravel(),
            "state": np.array(STATES)[states.ravel()],
            "distance_m": np.linalg.norm(points_m, axis=-1).ravel(),
            "px_per_cm": pixels_per_metre(points_m).ravel() / 100,
            "hidden_by": hidden_by,
            "covered_with": covered_with,
        }
    )


def joint_states(index: FrameIndex) -> np.ndarray:
    """State of each joint in each frame of an index, int8 (N, 16), as a position in STATES. Raises
    EgolibError as `joint_views` does."""
    return _joint_states(index)[0]


def known_states(index: FrameIndex) -> np.ndarray | None:
    """State of each joint in each frame of an index, (N, 16) names from STATES, or None for a tree
    that does not document its object ids. Raises EgolibError as `joint_views` does."""
    states = np.array(STATES)[joint_states(index)]
    return None if (states == IN_IMAGE).any() else states


def object_names(tree: Path) -> dict[int, str]:
    """{object id: name} of a tree; {} when the tree does not document them."""
    return {value: name for name, value in description(tree).get("object_ids", {}).items()}


def _part_and_garment(name, object_id):
    if object_id == 0 or not name:
        return "", ""
    if object_id >= _FIRST_SURROUNDINGS_ID:
        return SURROUNDINGS, name
    part, _, garment = name.partition(":")
    return _part_without_side(part), garment or name


def _part_without_side(part):
    return part.removeprefix("left_").removeprefix("right_")


def _joint_states(index):
    """Return three arrays (N, 16): the states as in `joint_states`, the id of the object that hides
    each joint (0 for none), and whether each joint is in the image."""
    code = {state: i for i, state in enumerate(STATES)}
    inside = index.inside & inside_circle(index.uv_native)
    states = np.where(inside, code[IN_IMAGE], code[OUTSIDE]).astype(np.int8)
    states[~in_front(index.joints_cam_m)] = code[BEHIND]
    hiding_ids = np.zeros(states.shape, np.uint8)
    names = object_names(index.root)
    if not names:
        return states, hiding_ids, inside
    is_own_part, unit_m = _own_part_ids(names), description(index.root).get("depth_unit_m")
    if unit_m is None:
        path = index.root / DESCRIPTION_FILE
        raise EgolibError(f"{path}: lacks depth_unit_m, the unit of depth; render the tree again")
    distances_m = np.linalg.norm(index.joints_cam_m, axis=-1)
    with progress_bar(range(len(index)), desc="visibility", unit="frame") as bar:
        for i in bar:
            frame, joints = index[i], np.flatnonzero(inside[i])
            id_image = _read_channel(frame, "objectId")
            depth_m = _read_channel(frame, "depth").astype(np.float32) * unit_m
            scale = id_image.shape[1] / XR_EGOPOSE.width
            pixels = np.rint((frame.uv_native[joints] + 0.5) * scale - 0.5).astype(int)
            across, down = pixels.clip(0, (id_image.shape[1] - 1, id_image.shape[0] - 1)).T
            ids, gap_m = id_image[down, across], distances_m[i, joints] - depth_m[down, across]
            is_seen = (gap_m < 0.02) | ((gap_m < OWN_PART_DEPTH_M) & is_own_part[joints, ids])
            is_thing = ids >= _FIRST_SURROUNDINGS_ID
            hidden = np.where(is_thing, code[HIDDEN_BY_THINGS], code[HIDDEN_BY_WEARER])
            states[i, joints] = np.where(is_seen, code[SEEN], hidden)
            hiding_ids[i, joints] = np.where(is_seen, 0, ids)
    return states, hiding_ids, inside


def _own_part_ids(names):
    """Whether an object id belongs to the body parts around a joint, bool (16, 256)."""
    is_own_part = np.zeros((len(JOINTS), 256), bool)
    for j, joint in enumerate(JOINTS):
        other_side = "right_" if joint.startswith("Left") else "left_"
        for i, name in names.items():
            part = name.partition(":")[0]
            is_near = _part_without_side(part) in OWN_PARTS[without_side(joint)]
            is_own_part[j, i] = is_near and not part.startswith(other_side)
    return is_own_part


def _read_channel(frame, kind):
    name = f"{frame.character}.{kind}.{frame.number:06d}.png"
    path = frame.image_path.parent.parent / kind / name
    channel = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if channel is None:
        raise EgolibError(
            f"{path}: missing or damaged; delete its sequence's folder `meta` and render again"
        )
    return channel
