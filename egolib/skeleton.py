"""Joints, bones, body groups, actions and the official split, by name and in one place.

Source: the xR-EgoPose repository (joint list, action table, split) and Tome et al., ICCV 2019.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from egolib.foundation.errors import EgolibError

if TYPE_CHECKING:
    import torch

ArrayOrTensor = TypeVar("ArrayOrTensor", np.ndarray, "torch.Tensor")
RIG_PREFIX = "mixamorig:"

JOINTS = (
    "Neck", "Head",
    "LeftArm", "LeftForeArm", "LeftHand",
    "RightArm", "RightForeArm", "RightHand",
    "LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase",
    "RightUpLeg", "RightLeg", "RightFoot", "RightToeBase",
)  # fmt: skip
NECK, HEAD = JOINTS.index("Neck"), JOINTS.index("Head")
UPPER_BODY = JOINTS[:8]
LOWER_BODY = JOINTS[8:]
BODY_GROUPS = {"Upper body": UPPER_BODY, "Lower body": LOWER_BODY, "Full body": JOINTS}
BODY_PARTS = ("head and neck", "left arm", "right arm", "left leg", "right leg")

# The camera sits in front of the face and looks down: the head joint is never in the image.
HEATMAP_JOINTS = tuple(name for name in JOINTS if name != "Head")


def mirrored_name(joint: str) -> str:
    """Name of the joint on the other side: "LeftArm" -> "RightArm"; Neck and Head are unchanged."""
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if joint.startswith(side):
            return other + joint.removeprefix(side)
    return joint


def body_part_of(joint: str) -> str:
    """Name of a joint's body part, one of BODY_PARTS."""
    if joint in ("Neck", "Head"):
        return "head and neck"
    side = "left" if joint.startswith("Left") else "right"
    return f"{side} arm" if joint.endswith(("Arm", "Hand")) else f"{side} leg"


def without_side(joint: str) -> str:
    """The name of a joint without its side: "LeftArm" -> "Arm"."""
    return joint.removeprefix("Left").removeprefix("Right")


def left_right_indices(names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Indices in `names` of the left joints, and of the right joints that mirror them."""
    left = [i for i, name in enumerate(names) if name.startswith("Left")]
    return left, [names.index(mirrored_name(names[i])) for i in left]


BONES = (
    ("Neck", "Head"),
    ("Neck", "LeftArm"), ("LeftArm", "LeftForeArm"), ("LeftForeArm", "LeftHand"),
    ("Neck", "RightArm"), ("RightArm", "RightForeArm"), ("RightForeArm", "RightHand"),
    ("Neck", "LeftUpLeg"), ("LeftUpLeg", "LeftLeg"), ("LeftLeg", "LeftFoot"),
    ("LeftFoot", "LeftToeBase"),
    ("Neck", "RightUpLeg"), ("RightUpLeg", "RightLeg"), ("RightLeg", "RightFoot"),
    ("RightFoot", "RightToeBase"),
)  # fmt: skip
# The limb terms of the loss sum over 14 bones: all except Neck-Head, because the head is fixed to
# the camera.
LIMBS = BONES[1:]

ACTION_CLIPS = {
    "Gesticulating": (
        "Opening_A_Lid", "Standing_Arguing", "Two_Hand_Spell_Casting", "Angry_Gesture",
        "Waving_Gesture", "Taunt_Gesture", "Taking_Punch", "Happy_Hand_Gesture", "Pointing",
        "Crazy_Gesture", "Arm_Gesture", "Fist_Pump", "Hand_Raising", "Counting__1_",
    ),
    "Reacting": (
        "Rifle_Punch", "Rejected", "Angry_Point", "Dismissing_Gesture", "Strong_Gesture",
        "Pointing_Gesture", "Loser", "Beckoning", "Pain_Gesture", "Terrified", "Surprised",
        "Clapping", "Rallying",
    ),
    "Greeting": (
        "Shaking_Hands_2", "Hands_Forward_Gesture", "Shake_Fist", "Standing_Greeting",
        "Quick_Formal_Bow",
    ),
    "Talking": (
        "Standing_Arguing__1_", "Happy", "Plotting", "No", "Agreeing", "Talking", "Reaching_Out",
        "Insult",
    ),
    "UpperStretching": (
        "Counting", "Standing_2H_Cast_Spell_01", "Standing_Thumbs_Up",
        "Standing_1H_Magic_Attack_01", "Thinking", "Tpose_Take_001", "upper_stretching",
    ),
    "Gaming": (
        "Dribble", "Boxing", "Shooting_Gun", "Baseball_Umpire", "Golf_Putt_Failure",
        "Revealing_Dice", "Golf_Putt_Failure__1_", "Golf_Putt_Victory", "Golf_Putt_Victory__1_",
        "Charge",
    ),
    "LowerStretching": ("Sitting_Thumbs_Up", "Sitting_Disapproval", "lower_stretching"),
    "Patting": ("Patting", "Petting", "Petting_Animal"),
    "Walking": ("anim_Clip1", "Weight_Shift_Gesture", "walking"),
}  # fmt: skip
ACTIONS = tuple(sorted(ACTION_CLIPS))
UNKNOWN_ACTION = "Unknown"
_ACTION_OF_CLIP = {clip: action for action, clips in ACTION_CLIPS.items() for clip in clips}
_MIXAMO_SUFFIX = re.compile(r"_?mixamo_com.*$")


def _characters(gender: str, *codes: str) -> tuple[str, ...]:
    return tuple(f"{gender}_{code}" for code in codes)


SPLITS = {
    "TrainSet": _characters(
        "female", "001_a_a", "002_a_a", "002_f_s", "003_a_a", "005_a_a", "006_a_a", "007_a_a",
        "009_a_a", "011_a_a", "014_a_a", "015_a_a",
    ) + _characters(
        "male", "003_f_s", "004_a_a", "005_a_a", "006_f_s", "007_a_a", "008_f_s", "009_a_a",
        "010_f_s", "011_f_s", "014_a_a",
    ),
    "ValSet": ("male_008_a_a",),
    "TestSet": _characters(
        "female", "004_a_a", "008_a_a", "010_a_a", "012_a_a", "012_f_s",
    ) + _characters("male", "001_a_a", "002_a_a", "004_f_s", "006_a_a", "007_f_s", "010_a_a", "014_f_s"),
}  # fmt: skip
SPLIT_FOLDERS = {"train": "TrainSet", "val": "ValSet", "test": "TestSet"}


def joint_indices(names: Iterable[str]) -> np.ndarray:
    """Positions of `names` in JOINTS, as an int array."""
    return np.array([JOINTS.index(name) for name in names])


HEATMAP_JOINT_INDICES = joint_indices(HEATMAP_JOINTS)


def relative_to_neck(joints_m: ArrayOrTensor) -> ArrayOrTensor:
    """Joint positions (..., 16, 3), an array or a tensor, relative to the neck of their pose."""
    return joints_m - joints_m[..., NECK, None, :]


def clip_without_suffix(clip: str) -> str:
    """The clip name from the key `action` of a label file, without the suffix `_mixamo_com...`."""
    return _MIXAMO_SUFFIX.sub("", clip)


def action_of_clip(clip: str) -> str:
    """Action category of a clip name from the key `action` of a label file; UNKNOWN_ACTION if the
    clip is not in the official table."""
    return _ACTION_OF_CLIP.get(clip_without_suffix(clip), UNKNOWN_ACTION)


def parse_character(name: str) -> tuple[str, str, str, str]:
    """`gender_id_bodytype_height` -> (gender, id, "average" | "full", "average" | "short").

    Raises EgolibError for a name that does not have this form.
    """
    match = re.fullmatch(r"(female|male)_(\d{3})_([af])_([as])", name)
    if not match:
        raise EgolibError(
            f"character {name!r} is not named gender_id_bodytype_height, such as female_001_a_a"
        )
    gender, number, body, height = match.groups()
    return (
        gender,
        number,
        {"a": "average", "f": "full"}[body],
        {"a": "average", "s": "short"}[height],
    )
