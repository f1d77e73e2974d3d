import numpy as np
import pytest
import torch
from conftest import STANDING_M, write_frame

from egolib.camera import native_to_square, project
from egolib.data.dataset import EpochShuffle, FrameDataset, make_loader, normalise
from egolib.data.index import index_tree
from egolib.foundation.errors import EgolibError
from egolib.skeleton import HEATMAP_JOINT_INDICES, JOINTS


def test_a_batch_has_what_the_stages_need(shared_toy_tree):
    index = index_tree(shared_toy_tree, "train")
    batch = next(iter(make_loader(FrameDataset(index, 64), batch_size=5)))
    assert batch["image"].shape == (5, 3, 64, 64)
    assert batch["image"].dtype == torch.uint8
    assert batch["joints_rel_m"].shape == (5, 16, 3)
    assert batch["joints_rel_m"][:, JOINTS.index("Neck")].abs().max() == 0
    assert batch["position"].tolist() == [0, 1, 2, 3, 4]
    frame = index[2]
    expected = native_to_square(project(frame.joints_cam_m[HEATMAP_JOINT_INDICES]), 64)
    assert np.allclose(batch["uv_crop"][2], expected, atol=1e-3)


def test_the_drawn_dot_lies_where_the_label_says(tmp_path):
    """Image and label agree after crop and resize: the foot's dot is bright at its pixel."""
    folder = tmp_path / "TrainSet" / "female_001_a_a" / "env_001" / "cam_down"
    write_frame(folder, "female_001_a_a", 0, STANDING_M)
    sample = FrameDataset(index_tree(tmp_path, "train"), 64)[0]
    foot = sample["uv_crop"][list(HEATMAP_JOINT_INDICES).index(JOINTS.index("LeftToeBase"))]
    u, v = foot.round().int().tolist()
    assert (sample["image"][:, v, u].int() - 40).abs().max() > 60
    assert (sample["image"][:, 5, 32].int() - 40).abs().max() < 5


def test_a_raised_hand_has_no_2d_target(tmp_path):
    pose = STANDING_M.copy()
    pose[JOINTS.index("RightHand")] = (-0.3, 0.2, -0.2)
    folder = tmp_path / "TrainSet" / "female_001_a_a" / "env_001" / "cam_down"
    write_frame(folder, "female_001_a_a", 0, pose)
    sample = FrameDataset(index_tree(tmp_path, "train"), 64, with_images=False)[0]
    hand = list(HEATMAP_JOINT_INDICES).index(JOINTS.index("RightHand"))
    assert sample["in_front"].sum() == 14
    assert not sample["in_front"][hand]
    assert "image" not in sample


def test_the_shuffle_depends_on_seed_and_epoch_only():
    def order(seed, epoch):
        sampler = EpochShuffle(50, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 3) == order(1, 3)
    assert order(1, 3) != order(1, 4)
    assert order(1, 3) != order(2, 3)
    assert sorted(order(1, 3)) == list(range(50))


def test_normalise_fills_the_range():
    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    images[0, 0, 0, :2] = torch.tensor([0, 255])
    normal = normalise(images)
    assert (normal.min(), normal.max()) == (-1, 1)


def test_a_bad_image_is_one_line_also_from_a_loading_process(toy_tree):
    image = sorted((toy_tree / "ValSet").rglob("*.png"))[1]
    image.write_bytes(b"no image")
    loader = make_loader(FrameDataset(index_tree(toy_tree, "val"), 64), batch_size=4, workers=1)
    with pytest.raises(EgolibError) as caught:
        list(loader)
    assert str(caught.value).startswith(f"{image}: not an image")
    assert "\n" not in str(caught.value)
