import json
import shutil

import cv2
import numpy as np
import pytest
from conftest import STANDING_M, random_poses, write_frame

from egolib.data import index as frames
from egolib.data.images import read_image, read_square
from egolib.data.index import index_tree, select
from egolib.foundation.errors import EgolibError

CHARACTER = "female_001_a_a"


def cam_down(tree):
    return tree / "TrainSet" / CHARACTER / "env_001" / "cam_down"


def test_frames_are_typed_and_in_metres(toy_tree):
    frame = index_tree(toy_tree, "train")[3]
    assert (frame.character, frame.environment, frame.number) == (CHARACTER, "env_001", 3)
    assert (frame.clip, frame.action) == ("Boxing", "Gaming")
    assert np.allclose(frame.joints_cam_m, random_poses(12, 0)[3], atol=1e-6)
    assert frame.image_path.is_file()


def test_pairing_is_by_number_and_not_by_position(toy_tree):
    """Frame 2 loses its json and frame 9 its image: the counts agree, the order does not."""
    folder = cam_down(toy_tree)
    (folder / "json" / f"{CHARACTER}_000002.json").unlink()
    (folder / "rgba" / f"{CHARACTER}.rgba.000009.png").unlink()
    index = index_tree(toy_tree, "train")
    index = select(index, index.characters == CHARACTER)
    assert index.numbers.tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 10, 11]
    assert (index.unpaired_images, index.unpaired_labels) == (1, 1)
    truth = random_poses(12, 0)
    for position in range(len(index)):
        frame = index[position]
        assert frame.image_path.name.endswith(f"{frame.number:06d}.png")
        assert np.allclose(frame.joints_cam_m, truth[frame.number], atol=1e-6)


def test_mixed_padding_is_in_the_order_of_time(tmp_path):
    folder = tmp_path / "TrainSet" / CHARACTER / "env_001" / "cam_down"
    for number, padding in ((9999, 4), (10001, 6), (10000, 4)):
        write_frame(folder, CHARACTER, number, STANDING_M, padding=padding)
    assert index_tree(tmp_path, "train").numbers.tolist() == [9999, 10000, 10001]


def test_two_files_of_one_number_are_refused(toy_tree):
    folder = cam_down(toy_tree) / "json"
    shutil.copy(folder / f"{CHARACTER}_000003.json", folder / f"{CHARACTER}_0003.json")
    with pytest.raises(EgolibError, match="a second file of frame 3"):
        index_tree(toy_tree, "train")


def test_the_index_is_cached_until_a_label_changes(toy_tree, monkeypatch):
    first = index_tree(toy_tree, "train")
    with monkeypatch.context() as patch:
        patch.setattr(frames, "read_labels", lambda path: pytest.fail("read again"))
        again = index_tree(toy_tree, "train")
    assert np.array_equal(first.joints_cam_m, again.joints_cam_m)
    path = cam_down(toy_tree) / "json" / f"{CHARACTER}_000003.json"
    labels = json.loads(path.read_text())
    labels["action"] = "walking_slowly"
    path.write_text(json.dumps(labels))
    assert index_tree(toy_tree, "train")[3].clip == "walking_slowly"


def test_rotations_are_those_of_the_named_joints(toy_tree):
    first, again = index_tree(toy_tree, "train"), index_tree(toy_tree, "train")
    expected = [[0.1 * place, 0.2, -0.3] for place in range(16)]
    for index in (first, again, select(first, [3, 4])):
        assert np.allclose(index.rotations_rad, np.broadcast_to(expected, (len(index), 16, 3)))
    path = cam_down(toy_tree) / "json" / f"{CHARACTER}_000003.json"
    labels = json.loads(path.read_text())
    del labels["joints"][2]["rot"]
    path.write_text(json.dumps(labels))
    assert np.isnan(index_tree(toy_tree, "train").rotations_rad[3, 2]).all()
    labels["joints"][2]["rot"] = [0.1, 0.2]
    path.write_text(json.dumps(labels))
    with pytest.raises(EgolibError, match=rf"{path.name}"):
        index_tree(toy_tree, "train")


def test_a_damaged_cache_is_built_anew(toy_tree):
    first = index_tree(toy_tree, "val")
    (toy_tree / ".egolib" / "index_val.npz").write_bytes(b"PK\x03\x04 not a zip")
    assert index_tree(toy_tree, "val").fingerprint == first.fingerprint


def test_select_keeps_rows_together(shared_toy_tree):
    index = index_tree(shared_toy_tree, "test")
    some = select(index, np.array([5, 20]))
    assert some.numbers.tolist() == index.numbers[[5, 20]].tolist()
    assert some[1].character == index[20].character


def test_a_joint_behind_the_lens_plane_is_not_inside(tmp_path):
    pose = STANDING_M.copy()
    pose[4] = (0.3, 0.2, -0.1)  # a raised left hand
    folder = tmp_path / "TrainSet" / CHARACTER / "env_001" / "cam_down"
    write_frame(folder, CHARACTER, 0, pose)
    inside = index_tree(tmp_path, "train").inside[0]
    assert not inside[4]
    assert inside[15]


def test_read_square_at_any_scale(tmp_path):
    native = np.zeros((800, 1280, 3), np.uint8)
    native[:, 240:1040, 2] = 200
    for scale in (1.0, 0.2):
        path = tmp_path / f"{scale}.png"
        cv2.imwrite(str(path), cv2.resize(native, None, fx=scale, fy=scale))
        square = read_square(path, 128)
        assert square.shape == (128, 128, 3)
        assert (square[..., 0] > 150).mean() > 0.98


def spoil_png(tree):
    path = cam_down(tree) / "rgba" / f"{CHARACTER}.rgba.000003.png"
    path.write_bytes(path.read_bytes()[:-40])
    return path


def test_a_png_cut_short_is_named(toy_tree):
    path = spoil_png(toy_tree)
    with pytest.raises(EgolibError, match="cut short") as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_images_that_are_none(tmp_path):
    with pytest.raises(EgolibError, match="no such file"):
        read_image(tmp_path / "missing.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(EgolibError, match="not an image"):
        read_image(tmp_path / "text.png")
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(EgolibError, match="not a frame of the data set"):
        read_square(tmp_path / "small.png", 64)


def set_nan(labels):
    labels["pts3d_fisheye"][1][4] = float("nan")


def drop_joint(labels):
    del labels["joints"][7]
    for key in ("pts2d_fisheye", "pts3d_fisheye"):
        for row in labels[key]:
            del row[7]


def drop_key(labels):
    del labels["pts2d_fisheye"]


def shorten(labels):
    labels["pts2d_fisheye"] = [row[:-1] for row in labels["pts2d_fisheye"]]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (set_nan, "pts3d_fisheye of LeftHand is not a finite number"),
        (drop_joint, "lacks the joint mixamorig:RightHand"),
        (drop_key, "lacks 'pts2d_fisheye'"),
        (shorten, r"have shapes \(2, 15\) and \(3, 16\)"),
    ],
)
def test_bad_labels_are_named(toy_tree, spoil, message):
    path = cam_down(toy_tree) / "json" / f"{CHARACTER}_000003.json"
    labels = json.loads(path.read_text())
    spoil(labels)
    path.write_text(json.dumps(labels))
    with pytest.raises(EgolibError, match=message) as caught:
        index_tree(toy_tree, "train")
    assert str(path) in str(caught.value)
    assert "move it away" in str(caught.value)


def test_json_cut_short_is_named(toy_tree):
    path = cam_down(toy_tree) / "json" / f"{CHARACTER}_000003.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(EgolibError, match=r"000003\.json"):
        index_tree(toy_tree, "train")


def test_folders_that_are_no_tree(tmp_path, toy_tree):
    with pytest.raises(EgolibError, match="no such folder"):
        index_tree(tmp_path / "nowhere", "train")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EgolibError, match="not a tree of frames; expected the folders"):
        index_tree(tmp_path / "empty", "train")
    shutil.rmtree(toy_tree / "ValSet")
    with pytest.raises(EgolibError, match="has no ValSet"):
        index_tree(toy_tree, "val")
    (toy_tree / "ValSet").mkdir()
    with pytest.raises(EgolibError, match="holds no frame"):
        index_tree(toy_tree, "val")
