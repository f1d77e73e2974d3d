"""A whole toy tree without a fault, and one small function for each defect that an audit must find.

Each function plants one defect in the folder FOLDER of a tree -> the frame numbers it is found at,
None for a finding of the folder as a whole.
"""

import json
import os
import shutil

import cv2
import numpy as np
from conftest import STANDING_M, write_frame
from scipy.spatial.transform import Rotation

from egolib.camera import project

CHARACTER = "female_001_a_a"
FOLDER = f"TrainSet/{CHARACTER}/env_001/cam_down"
OTHER = f"TrainSet/{CHARACTER}/env_002/cam_down"
FIRST = 100


def moving_pose(moment):
    """A body that sways and turns as one piece, (16, 3) metres; `moment` in frames."""
    phases = np.array([0.31, 0.23, 0.17]) * moment
    turn = Rotation.from_euler("zyx", 0.25 * np.sin(phases * 1.3 + (0, 1, 2)))
    hips = STANDING_M[[8, 12]].mean(0)
    return turn.apply(STANDING_M - hips) + hips + (0.08, 0.08, 0.05) * np.sin(phases)


def write_whole_frame(folder, character, number, moment, clip):
    """All six files of a frame."""
    write_frame(folder, character, number, moving_pose(moment), clip)
    for channel in ("depth", "objectId", "worldp"):
        (folder / channel).mkdir(exist_ok=True)
        plane = np.full((80, 128), number % 251, np.uint8)
        cv2.imwrite(str(folder / channel / f"{character}.{channel}.{number:06d}.png"), plane)
    (folder / "rot").mkdir(exist_ok=True)
    (folder / "rot" / f"{character}_{number:06d}.json").write_text("{}")


def write_whole_tree(root, frames=10):
    """A train character in two environments, `rot` of the second a link to that of the first, and
    one character in each of the other sets."""
    places = (FOLDER, OTHER, "ValSet/male_008_a_a/env_001/cam_down",
              "TestSet/male_001_a_a/env_001/cam_down")  # fmt: skip
    for place, folder in enumerate(places):
        (root / folder).mkdir(parents=True)
        for i in range(frames):
            clip = "Boxing" if i < frames // 2 else "walking"
            moment = i + frames * place
            write_whole_frame(root / folder, folder.split("/")[1], FIRST + i, moment, clip)
    shutil.rmtree(root / OTHER / "rot")
    (root / OTHER / "rot").symlink_to("../../env_001/cam_down/rot")
    return root


def path_of(tree, channel, number=FIRST + 3, folder=FOLDER):
    return next((tree / folder / channel).glob(f"*{number:06d}.*"))


def edit_labels(tree, change, numbers=(FIRST + 3,), folder=FOLDER):
    """Apply `change` to the content of label files; whatever it returns replaces it."""
    for number in numbers:
        path = path_of(tree, "json", number, folder)
        labels = json.loads(path.read_text())
        path.write_text(json.dumps(change(labels) or labels))
    return list(numbers)


def move_points(labels, place, offset_cm):
    """Move a joint in space, in the camera, and with them in the image."""
    points = np.array(labels["pts3d_fisheye"])
    points[:, place] += offset_cm
    labels["pts3d_fisheye"] = points.tolist()
    labels["pts2d_fisheye"] = project(points.T).T.tolist()
    world = labels["joints"][place]["trans"]
    labels["joints"][place]["trans"] = (
        np.array(world) + np.array(offset_cm) * (1, -1, -1)
    ).tolist()


def remove(channel):
    def plant(tree):
        path_of(tree, channel).unlink()
        return [FIRST + 3]

    return plant


def channel_absent(tree):
    shutil.rmtree(tree / FOLDER / "depth")
    return [None]


def rot_empty(tree):
    shutil.rmtree(tree / FOLDER / "rot")
    (tree / FOLDER / "rot").mkdir()
    return [None, None]  # the other environment's `rot` points to it


def rot_dangling(tree):
    shutil.rmtree(tree / FOLDER / "rot")
    (tree / FOLDER / "rot").symlink_to("../../env_009/cam_down/rot")
    return [None, None]


def hole(tree):
    for channel in os.listdir(tree / FOLDER):
        path_of(tree, channel, FIRST + 2).unlink()
    return [FIRST + 2]


def mixed_padding(tree):
    path = path_of(tree, "json")
    path.rename(path.with_name(path.name.replace("_000", "_0")))
    return [None]


def second_file(tree):
    path = path_of(tree, "json")
    shutil.copy(
        path, path.with_name(path.name.replace(f"_000{FIRST + 3}", f"_again_000{FIRST + 3}"))
    )
    return [FIRST + 3]


def wrong_set(tree):
    shutil.copytree(tree / "TestSet" / "male_001_a_a", tree / "TrainSet" / "male_001_a_a")
    return list(range(FIRST, FIRST + 10))


def unknown_character(tree):
    shutil.copytree(tree / "TestSet" / "male_001_a_a", tree / "TrainSet" / "male_099_a_a")
    return [None]


def no_frames(tree):
    (tree / "TrainSet" / "male_004_a_a" / "env_001").mkdir(parents=True)
    return [None]


def labels_cut_short(tree):
    path = path_of(tree, "json")
    path.write_bytes(path.read_bytes()[:200])
    return [FIRST + 3]


def labels_of_another_form(tree):
    return edit_labels(tree, lambda labels: [labels])


def joint_missing(tree):
    def drop(labels):
        del labels["joints"][7]
        for key in ("pts2d_fisheye", "pts3d_fisheye"):
            for row in labels[key]:
                del row[7]

    return edit_labels(tree, drop)


def not_finite(tree):
    def spoil(labels):
        labels["pts3d_fisheye"][1][4] = float("nan")

    return edit_labels(tree, spoil)


def rotation_of_two_numbers(tree):
    def spoil(labels):
        labels["joints"][4]["rot"] = [0.1, 0.2]

    return edit_labels(tree, spoil)


def in_unit(factor):
    def scale(labels):
        labels["pts3d_fisheye"] = (np.array(labels["pts3d_fisheye"]) * factor).tolist()
        for joint in labels["joints"]:
            joint["trans"] = (np.array(joint["trans"]) * factor).tolist()

    return lambda tree: edit_labels(tree, scale, [FIRST + 3, FIRST + 4])


def projection_off(tree):
    def shift(labels):
        labels["pts2d_fisheye"][0] = [u + 12 for u in labels["pts2d_fisheye"][0]]

    return edit_labels(tree, shift)


def world_off(tree):
    def turn(labels):
        labels["camera"]["rot"] = [0, 0, 5]

    return edit_labels(tree, turn)


def bones_change(tree):
    return edit_labels(tree, lambda labels: move_points(labels, 9, (0, 0, 6)))


def hand_flung(tree):
    def fling(labels):
        labels["pts2d_fisheye"][0][4] -= 700

    return edit_labels(tree, fling)


def unknown_clip(tree):
    def rename(labels):
        labels["action"] = "Moonwalk"

    return edit_labels(tree, rename, range(FIRST, FIRST + 5))


def copy_frame(*channels):
    def plant(tree):
        for channel in channels:
            shutil.copy(path_of(tree, channel, FIRST + 1), path_of(tree, channel, FIRST + 3))
        return [FIRST + 3]

    return plant


def copy_image(tree):
    copy_frame("rgba")(tree)
    return [FIRST + 1, FIRST + 3]


def cut_short(channel):
    def plant(tree):
        path = path_of(tree, channel)
        path.write_bytes(path.read_bytes()[:-40])
        return [FIRST + 3]

    return plant


def flip_a_bit(tree):
    path = path_of(tree, "rgba")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return [FIRST + 3]


def no_png(tree):
    path_of(tree, "rgba").write_text("<html>not found</html>")
    return [FIRST + 3]


def of_size(width, height):
    def plant(tree):
        path = str(path_of(tree, "rgba"))
        cv2.imwrite(path, cv2.resize(cv2.imread(path), (width, height)))
        return [FIRST + 3]

    return plant


# name: (defect, what plants it, other defects that come with it)
PLANTS = {
    "image missing": ("no_image", remove("rgba"), ()),
    "labels missing": ("no_labels", remove("json"), ()),
    "depth missing": ("no_companion", remove("depth"), ()),
    "object ids missing": ("no_companion", remove("objectId"), ()),
    "rot missing": ("no_companion", remove("rot"), ()),
    "world positions missing": ("no_companion", remove("worldp"), ()),
    "channel absent": ("channel_absent", channel_absent, ()),
    "rot empty": ("channel_absent", rot_empty, ()),
    "rot dangling": ("rot_dangling", rot_dangling, ()),
    "hole": ("hole", hole, ()),
    "mixed padding": ("mixed_padding", mixed_padding, ()),
    "second file": ("second_file", second_file, ()),
    "wrong set": ("wrong_set", wrong_set, ()),
    "unknown character": ("unknown_character", unknown_character, ()),
    "no frames": ("no_frames", no_frames, ()),
    "json cut short": ("labels_malformed", labels_cut_short, ()),
    "json of another form": ("labels_malformed", labels_of_another_form, ()),
    "rotation of two numbers": ("labels_malformed", rotation_of_two_numbers, ()),
    "joint missing": ("joint_missing", joint_missing, ()),
    "NaN": ("not_finite", not_finite, ()),
    "metres": ("wrong_unit", in_unit(0.01), ()),
    "millimetres": ("wrong_unit", in_unit(10), ()),
    "2D off": ("projection_off", projection_off, ()),
    "camera turned": ("world_off", world_off, ()),
    "long thigh": ("bones_change", bones_change, ()),
    "hand flung": ("hand_flung", hand_flung, ("projection_off",)),
    "unknown clip": ("unknown_clip", unknown_clip, ()),
    "frame twice": ("duplicate_frame", copy_frame("rgba", "json"), ()),
    "image twice": ("duplicate_image", copy_image, ()),
    "labels twice": ("duplicate_labels", copy_frame("json"), ()),
    "image cut short": ("unreadable_image", cut_short("rgba"), ()),
    "depth cut short": ("unreadable_image", cut_short("depth"), ()),
    "bit flipped": ("unreadable_image", flip_a_bit, ()),
    "no png": ("unreadable_image", no_png, ()),
    "not 8:5": ("odd_size", of_size(128, 96), ()),
    "other size": ("odd_size", of_size(64, 40), ()),
}


def shift_labels(tree, folder, shift):
    """Give frame n the joints of frame n + shift(i), i its place: what pairing by position does."""
    paths = sorted((tree / folder / "json").iterdir())
    contents = [path.read_text() for path in paths]
    for i, path in enumerate(paths):
        path.write_text(contents[min(max(i + shift(i), 0), len(paths) - 1)])
