"""What an image shows of each joint: is it in the image, how large, and what hides it?

The last question needs to know what each pixel shows: on the miniature the channels depth and
objectId say so, on the official data, whose object ids are not documented, it stays open.
"""

import cv2
import numpy as np
import pandas as pd

from egolib.camera import XR_EGOPOSE, in_front, inside_circle, pixels_per_metre
from egolib.data.index import select
from egolib.data.miniature import description
from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.skeleton import JOINTS, without_side

STATES = (
    "seen", "hidden by the wearer", "hidden by things", "outside the image",
    "behind the lens plane", "in the image, seen or not",
)  # fmt: skip
SEEN, HIDDEN_BY_WEARER, HIDDEN_BY_THINGS, OUTSIDE, BEHIND, IN_IMAGE = STATES
# The flesh around a joint does not hide it: surfaces of these parts, this near.
FLESH_M = 0.16
OWN_PARTS = {
    "Neck": ("neck", "torso"), "Head": ("head", "neck"),
    "Arm": ("torso", "upper_arm"), "ForeArm": ("upper_arm", "forearm"),
    "Hand": ("forearm", "hand"), "UpLeg": ("hips", "thigh"), "Leg": ("thigh", "shin"),
    "Foot": ("shin", "foot"), "ToeBase": ("foot", "toes"),
}  # fmt: skip
SURROUNDINGS = "surroundings"
_FIRST_SURROUNDINGS_ID = 200


def evenly(index, count):
    """The FrameIndex of at most `count` frames, spread evenly over `index`."""
    return select(index, np.unique(np.linspace(0, len(index) - 1, count).round().astype(int)))


def joint_views(index):
    """A row for every joint of every frame of a FrameIndex, as a DataFrame.

    frame (place in the index), action, joint, in_image (in the square crop, the lens's circle and
    before its plane), state (one of STATES), distance_m from the camera, px_per_cm (native pixels,
    NaN behind the lens plane), and where the joint is hidden `hidden_by`, a body part without its
    side or SURROUNDINGS, and `covered_with`, a garment or the thing's name; both are "" elsewhere.
    Raises EgolibError for an image that cannot be read.
    """
    states, covers, inside = _joint_states(index)
    names = object_names(index.root)
    points_m = index.joints_cam_m.astype(float)
    hidden = np.isin(states, (STATES.index(HIDDEN_BY_WEARER), STATES.index(HIDDEN_BY_THINGS)))
    parts = np.array([_part_and_cloth(names.get(i, ""), i) for i in range(256)], object)
    hidden_by, covered_with = parts[np.where(hidden, covers, 0).ravel()].T
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


def joint_states(index):
    """What the images of a FrameIndex show of each joint -> int8 (N, 16), positions in STATES.
    Raises as `joint_views`."""
    return _joint_states(index)[0]


def known_states(index):
    """What the images of a FrameIndex show of each joint -> (N, 16) of STATES, or None where the
    tree does not say what its object ids mean. Raises as `joint_views`."""
    states = np.array(STATES)[joint_states(index)]
    return None if (states == IN_IMAGE).any() else states


def _joint_states(index):
    """-> (states as `joint_states`, id of the object a joint falls on (N, 16), whether it is in the
    image (N, 16))."""
    inside = index.inside & inside_circle(index.uv_native)
    states = np.full(inside.shape, STATES.index(IN_IMAGE), np.int8)
    states[~inside] = STATES.index(OUTSIDE)
    states[~in_front(index.joints_cam_m)] = STATES.index(BEHIND)
    covers = np.zeros(states.shape, np.uint8)
    if names := object_names(index.root):
        _look_at_pixels(index, names, inside, states, covers)
    return states, covers, inside


def object_names(tree):
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


def _look_at_pixels(index, names, inside, states, covers):
    """Fill in `states` and `covers` (N, 16) where `inside`: by the pixels the joints fall on."""
    own, unit_m = _own_flesh(names), description(index.root)["depth_unit_m"]
    seen, by_things, by_wearer = (
        STATES.index(name) for name in (SEEN, HIDDEN_BY_THINGS, HIDDEN_BY_WEARER)
    )
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
            is_seen = (gap_m < 0.02) | ((gap_m < FLESH_M) & own[joints, met])
            hider = np.where(met >= _FIRST_SURROUNDINGS_ID, by_things, by_wearer)
            states[i, joints] = np.where(is_seen, seen, hider)
            covers[i, joints] = met


def _own_flesh(names):
    """Whether an object id is flesh around a joint -> bool (16, 256)."""
    own = np.zeros((len(JOINTS), 256), bool)
    for j, joint in enumerate(JOINTS):
        other = "right_" if joint.startswith("Left") else "left_"
        for i, name in names.items():
            part = name.partition(":")[0]
            near = _part_without_side(part) in OWN_PARTS[without_side(joint)]
            own[j, i] = near and not part.startswith(other)
    return own


def _read_channel(frame, kind):
    name = f"{frame.character}.{kind}.{frame.number:06d}.png"
    path = frame.image_path.parent.parent / kind / name
    channel = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if channel is None:
        raise EgolibError(
            f"{path}: missing or damaged; delete its sequence's folder `meta` and render again"
        )
    return channel
