"""Visibility of each joint in an image: whether it is in the image, how large, and what hides it.

What hides a joint follows from the object at its pixel. On the miniature the channels depth and
objectId show it; on the official data, whose object ids are not documented, it stays unknown.
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
# The flesh around a joint does not hide it: surfaces of these body parts within FLESH_M.
FLESH_M = 0.16
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
    """A row for every joint of every frame.

    frame (place in the index), action, joint, in_image (in the square crop, the lens's circle and
    before its plane), state (one of STATES), distance_m from the camera, px_per_cm (native pixels,
    NaN behind the lens plane), and where the joint is hidden `hidden_by`, a body part without its
    side or SURROUNDINGS, and `covered_with`, a garment or the thing's name; both are "" elsewhere.
    Raises EgolibError for an image that cannot be read, and for a tree with object ids but no unit
    of depth.
    """
    states, covers, inside = _joint_states(index)
    names = object_names(index.root)
    points_m = index.joints_cam_m.astype(float)
    parts = np.array([_part_and_cloth(names.get(i, ""), i) for i in range(256)], object)
    hidden_by, covered_with = parts[covers.ravel()].T
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
    """State of each joint in the images of an index, int8 (N, 16), positions in STATES. Raises as
    `joint_views`."""
    return _joint_states(index)[0]


def known_states(index: FrameIndex) -> np.ndarray | None:
    """State of each joint in the images of an index, (N, 16) of STATES, or None for a tree without
    documented object ids. Raises as `joint_views`."""
    states = np.array(STATES)[joint_states(index)]
    return None if (states == IN_IMAGE).any() else states


def object_names(tree: Path) -> dict[int, str]:
    """{object id: name} of a tree that documents them, else {}."""
    return {value: name for name, value in description(tree).get("object_ids", {}).items()}


def _part_and_cloth(name, object_id):
    if object_id == 0 or not name:
        return "", ""
    if object_id >= _FIRST_SURROUNDINGS_ID:
        return SURROUNDINGS, name
    part, _, cloth = name.partition(":")
    return _part_without_side(part), cloth or name


def _part_without_side(part):
    return part.removeprefix("left_").removeprefix("right_")


def _joint_states(index):
    """(states as `joint_states`, id of the object that hides a joint or 0, (N, 16), whether the
    joint is in the image, (N, 16))."""
    code = {state: i for i, state in enumerate(STATES)}
    inside = index.inside & inside_circle(index.uv_native)
    states = np.where(inside, code[IN_IMAGE], code[OUTSIDE]).astype(np.int8)
    states[~in_front(index.joints_cam_m)] = code[BEHIND]
    covers = np.zeros(states.shape, np.uint8)
    names = object_names(index.root)
    if not names:
        return states, covers, inside
    flesh, unit_m = _flesh(names), description(index.root).get("depth_unit_m")
    if unit_m is None:
        path = index.root / DESCRIPTION_FILE
        raise EgolibError(f"{path}: lacks depth_unit_m, the unit of depth; render the tree again")
    distances_m = np.linalg.norm(index.joints_cam_m, axis=-1)
    with progress_bar(range(len(index)), desc="visibility", unit="frame") as bar:
        for i in bar:
            frame, joints = index[i], np.flatnonzero(inside[i])
            ids = _read_channel(frame, "objectId")
            depth_m = _read_channel(frame, "depth").astype(np.float32) * unit_m
            scale = ids.shape[1] / XR_EGOPOSE.width
            pixels = np.rint((frame.uv_native[joints] + 0.5) * scale - 0.5).astype(int)
            across, down = pixels.clip(0, (ids.shape[1] - 1, ids.shape[0] - 1)).T
            met, gap_m = ids[down, across], distances_m[i, joints] - depth_m[down, across]
            is_seen = (gap_m < 0.02) | ((gap_m < FLESH_M) & flesh[joints, met])
            is_thing = met >= _FIRST_SURROUNDINGS_ID
            hidden = np.where(is_thing, code[HIDDEN_BY_THINGS], code[HIDDEN_BY_WEARER])
            states[i, joints] = np.where(is_seen, code[SEEN], hidden)
            covers[i, joints] = np.where(is_seen, 0, met)
    return states, covers, inside


def _flesh(names):
    """Whether an object id is flesh around a joint, bool (16, 256)."""
    flesh = np.zeros((len(JOINTS), 256), bool)
    for j, joint in enumerate(JOINTS):
        other_side = "right_" if joint.startswith("Left") else "left_"
        for i, name in names.items():
            part = name.partition(":")[0]
            is_near = _part_without_side(part) in OWN_PARTS[without_side(joint)]
            flesh[j, i] = is_near and not part.startswith(other_side)
    return flesh


def _read_channel(frame, kind):
    name = f"{frame.character}.{kind}.{frame.number:06d}.png"
    path = frame.image_path.parent.parent / kind / name
    channel = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if channel is None:
        raise EgolibError(
            f"{path}: missing or damaged; delete its sequence's folder `meta` and render again"
        )
    return channel
