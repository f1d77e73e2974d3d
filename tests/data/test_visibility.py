"""What an image shows of each joint: against images made by hand and the lens's own law."""

import json

import cv2
import numpy as np
import pytest
from conftest import STANDING_M, write_frame

from egolib.camera import XR_EGOPOSE, pixels_per_metre, project, unproject
from egolib.data.index import index_tree
from egolib.data.visibility import evenly, joint_views, object_names
from egolib.foundation.errors import EgolibError
from egolib.skeleton import JOINTS
from egosynth import OBJECT_IDS, encode_depth
from egosynth.write import DEPTH_UNIT_M

FOLDER = "TestSet/female_004_a_a/env_001/cam_down"
IDS = {
    "LeftHand": ("left_hand:skin", 0.02),  # (what the pixel shows, how far before the joint)
    "RightHand": ("torso:shirt", 0.3),
    "LeftToeBase": ("furniture", 0.5),
    "RightToeBase": ("right_toes:shoes", 0.05),
    "RightFoot": ("left_foot:shoes", 0.1),  # the other foot is in the way
    "LeftFoot": ("left_thigh:trousers", 0.7),
    "LeftForeArm": ("floor", -0.2),  # the ray passes beside the joint
}


def pose_m():
    pose = STANDING_M.copy()
    pose[JOINTS.index("RightForeArm")] = (-0.3, 0.1, -0.05)  # behind the lens plane
    pose[JOINTS.index("Head")] = (0.0, -0.12, 0.01)  # beyond the upper border
    return pose


@pytest.fixture
def tree(tmp_path):
    """One frame whose depth and object ids were painted joint by joint."""
    pose, folder = pose_m(), tmp_path / FOLDER
    write_frame(folder, "female_004_a_a", 7, pose)
    ids = np.full((80, 128), OBJECT_IDS["floor"], np.uint8)
    distances_m = np.full((80, 128), 3.0)
    for name, (thing, before_m) in IDS.items():
        point = pose[JOINTS.index(name)]
        u, v = np.rint((project(point) + 0.5) / 10 - 0.5).astype(int)
        ids[v, u], distances_m[v, u] = OBJECT_IDS[thing], np.linalg.norm(point) - before_m
    for kind, image in {"objectId": ids, "depth": encode_depth(distances_m)}.items():
        (folder / kind).mkdir()
        cv2.imwrite(str(folder / kind / f"female_004_a_a.{kind}.000007.png"), image)
    about = {"object_ids": OBJECT_IDS, "depth_unit_m": DEPTH_UNIT_M}
    (tmp_path / "miniature.json").write_text(json.dumps(about))
    return tmp_path


def test_states_and_what_hides_a_joint(tree):
    views = joint_views(index_tree(tree, "test")).set_index("joint")
    assert len(views) == len(JOINTS)
    expected = {
        "LeftHand": ("seen", "", ""),
        "RightHand": ("hidden by the wearer", "torso", "shirt"),
        "LeftToeBase": ("hidden by things", "surroundings", "furniture"),
        "RightToeBase": ("seen", "", ""),
        "RightFoot": ("hidden by the wearer", "foot", "shoes"),
        "LeftFoot": ("hidden by the wearer", "thigh", "trousers"),
        "LeftForeArm": ("seen", "", ""),
        "RightForeArm": ("behind the lens plane", "", ""),
        "Head": ("outside the image", "", ""),
    }
    for joint, row in expected.items():
        assert tuple(views.loc[joint, ["state", "hidden_by", "covered_with"]]) == row, joint
    assert not views.in_image[["Head", "RightForeArm"]].any()
    assert np.isnan(views.px_per_cm["RightForeArm"])
    distance_m = np.linalg.norm(pose_m()[JOINTS.index("LeftFoot")])
    assert views.distance_m["LeftFoot"] == pytest.approx(distance_m, abs=1e-4)


def test_without_documented_ids_it_stays_open_whether_a_joint_is_seen(tree):
    (tree / "miniature.json").unlink()
    assert object_names(tree) == {}
    views = joint_views(index_tree(tree, "test"))
    assert set(views.state) == {
        "in the image, seen or not", "outside the image", "behind the lens plane",
    }  # fmt: skip
    assert (views.hidden_by == "").all()


def test_a_missing_channel_is_one_line(tree):
    path = tree / FOLDER / "depth" / "female_004_a_a.depth.000007.png"
    path.unlink()
    with pytest.raises(EgolibError, match=r"depth\.000007\.png: missing"):
        joint_views(index_tree(tree, "test"))


@pytest.mark.parametrize(
    ("text", "message"),
    [(json.dumps({"object_ids": OBJECT_IDS}), "lacks depth_unit_m"), ("{", "not readable")],
)
def test_a_description_that_lacks_the_unit_of_depth_is_one_line(tree, text, message):
    (tree / "miniature.json").write_text(text)
    with pytest.raises(EgolibError, match=rf"miniature\.json: {message}") as caught:
        joint_views(index_tree(tree, "test"))
    assert "\n" not in str(caught.value)


def test_evenly_spread(shared_toy_tree):
    index = index_tree(shared_toy_tree, "train")
    assert evenly(index, 4).numbers.tolist() == [0, 10, 5, 15]
    assert len(evenly(index, 1000)) == len(index)


def test_sizes_follow_the_lens():
    on_axis = pixels_per_metre([[0, 0, 0.5], [0, 0, 1.0]])
    np.testing.assert_allclose(on_axis, [2 * XR_EGOPOSE.fx, XR_EGOPOSE.fx], rtol=1e-3)
    ray = unproject([900.0, 600.0])
    near, far = pixels_per_metre([0.5 * ray, 1.5 * ray])
    assert near == pytest.approx(3 * far, rel=1e-3)
    # A small sphere's outline covers the area that the scale foretells.
    rng = np.random.default_rng(0)
    around = rng.normal(size=(4000, 3))
    around -= np.outer(around @ ray, ray)
    around *= 0.01 / np.linalg.norm(around, axis=-1, keepdims=True)
    hull = cv2.convexHull(project(ray + around).astype(np.float32))
    radius_px = np.sqrt(cv2.contourArea(hull) / np.pi)
    assert radius_px / 0.01 == pytest.approx(pixels_per_metre(ray), rel=0.01)
    assert np.isnan(pixels_per_metre([0, 0.1, -0.1]))
