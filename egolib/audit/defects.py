"""What can be wrong with a copy of the data: one table, from which list, page and summary are made."""

from typing import NamedTuple

EXCLUDED, UNPAIRED, REPORTED = "excluded", "left out as unpaired", "reported only"


class Defect(NamedTuple):
    """consequence: EXCLUDED (its frames go to the exclusion list), UNPAIRED (an index leaves them
    out and counts them anyway) or REPORTED."""

    meaning: str
    consequence: str
    remedy: str


class Finding(NamedTuple):
    """One row of findings.csv. number None: the finding is of the whole folder."""

    folder: str
    number: int | None
    channel: str
    defect: str
    detail: str


_FETCH = "fetch or extract this character again"
_CHECK = "nothing to do: training leaves the frame out"

DEFECTS = {
    "no_image": Defect("The frame has other files but no image", UNPAIRED, _FETCH),
    "no_labels": Defect("The frame has other files but no json", UNPAIRED, _FETCH),
    "no_companion": Defect("A channel that the folder has lacks this frame", REPORTED, "matters only to who uses that channel"),
    "channel_absent": Defect("The folder of a channel is missing or holds no numbered file", REPORTED, _FETCH),
    "rot_dangling": Defect("rot is a link to nothing", REPORTED, "extract the environment that it points to"),
    "hole": Defect("Numbers are missing within one clip, in all channels", REPORTED, "do not take the frames beside it for neighbours in time"),
    "mixed_padding": Defect("Numbers are padded to different widths: the order of names is not that of time", REPORTED, "nothing to do: frames are paired by number"),
    "second_file": Defect("Two files of one number in one channel", EXCLUDED, "keep the right one, remove the other"),
    "wrong_set": Defect("The official split has this character in another set", EXCLUDED, "move the character's folder to its set"),
    "unknown_character": Defect("The official split does not know this character", REPORTED, "rename or remove the folder if it is a mistake"),
    "no_frames": Defect("A character's folder without env*/cam_down", REPORTED, _FETCH),
    "labels_malformed": Defect("The label file is not json of the known form", EXCLUDED, _FETCH),
    "joint_missing": Defect("One of the 16 joints is missing", EXCLUDED, _CHECK),
    "not_finite": Defect("A coordinate is NaN or infinite", EXCLUDED, _CHECK),
    "wrong_unit": Defect("The body is not of human size in centimetres", EXCLUDED, "convert the labels to centimetres"),
    "projection_off": Defect("2D joints are not where the lens projects the 3D joints", EXCLUDED, _CHECK),
    "world_off": Defect("World joints, brought to the camera by camera, are not the camera joints", REPORTED, "do not use joints[].trans or camera of the frame"),
    "bones_change": Defect("A limb's length differs from the character's median", EXCLUDED, _CHECK),
    "hand_flung": Defect("Forearm to hand is over half the image, and 3D does not say why", EXCLUDED, _CHECK),
    "unknown_clip": Defect("action is not in the official table of clips", REPORTED, "counted as the action Unknown"),
    "duplicate_frame": Defect("Image and labels are those of an earlier number", EXCLUDED, _CHECK),
    "duplicate_image": Defect("The image is that of another number, the labels are not", EXCLUDED, _FETCH),
    "duplicate_labels": Defect("The labels are those of an earlier number, the image is not", REPORTED, "look whether the wearer stands still"),
    "unreadable_image": Defect("The image is cut short, damaged or not a PNG", EXCLUDED, _FETCH),
    "odd_size": Defect("The image is not 8:5, or not of the size of the character's others", EXCLUDED, _FETCH),
    "drifted": Defect("A network sees the pose of another moment in the images: labels are shifted in time", EXCLUDED, "pair the files of this folder by number anew"),
}  # fmt: skip


def excludes(finding):
    """Whether a finding takes its frame out of training: the other channels are not trained on."""
    trained_on = finding.channel in ("", "rgba", "json")
    return DEFECTS[finding.defect].consequence == EXCLUDED and trained_on
