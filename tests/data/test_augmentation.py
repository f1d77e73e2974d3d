import dataclasses
import math

import numpy as np
import torch

from egolib.camera import XR_EGOPOSE, native_to_square, project
from egolib.data.augmentation import jitter_colours, turn_and_mirror, turn_images, turn_matrices
from egolib.data.dataset import FrameDataset, make_loader, normalise
from egolib.data.index import index_tree
from egolib.models.checkpoints import build_network, spec_of
from egolib.models.rotations import matrices_from_euler
from egolib.skeleton import HEATMAP_JOINT_INDICES, HEATMAP_JOINTS, JOINTS
from egolib.training.modules import HeatmapModule

SIDE = 64


def _batch(tree):
    return next(iter(make_loader(FrameDataset(index_tree(tree, "train"), SIDE), batch_size=5)))


def test_an_augmented_pose_still_projects_to_its_pixels():
    """The lens maps the turned or mirrored pose to the turned or mirrored pixels: exact science."""
    rng = np.random.default_rng(0)
    joints_m = rng.uniform(-0.5, 0.5, (6, 16, 3)) + (0, 0, 0.8)
    neck_m = joints_m[:, JOINTS.index("Neck")]
    pixels = native_to_square(project(joints_m[:, HEATMAP_JOINT_INDICES]), SIDE)
    batch = {
        "uv_crop": torch.tensor(pixels).float(),
        "in_front": torch.ones(6, 15, dtype=torch.bool),
        "joints_rel_m": torch.tensor(joints_m - neck_m[:, None]).float(),
        "neck_cam_m": torch.tensor(neck_m).float(),
    }
    changed = turn_and_mirror(batch, SIDE, torch.Generator().manual_seed(1))
    moved_m = (changed["joints_rel_m"] + changed["neck_cam_m"][:, None]).numpy()
    again = native_to_square(project(moved_m[:, HEATMAP_JOINT_INDICES]), SIDE)
    assert np.abs(again - changed["uv_crop"].numpy()).max() < 0.02
    assert np.abs(pixels - changed["uv_crop"].numpy()).max() > 2


def test_about_half_of_a_batch_is_mirrored_and_left_becomes_right():
    joints_m = torch.zeros(400, 16, 3)
    joints_m[:, JOINTS.index("LeftHand"), 1] = 0.5
    in_front = torch.ones(400, 15, dtype=torch.bool)
    in_front[:, HEATMAP_JOINTS.index("LeftHand")] = False
    batch = {
        "uv_crop": torch.zeros(400, 15, 2), "in_front": in_front, "joints_rel_m": joints_m,
        "neck_cam_m": torch.zeros(400, 3),
    }  # fmt: skip
    changed = turn_and_mirror(batch, SIDE, torch.Generator().manual_seed(0))
    moved = changed["joints_rel_m"].norm(dim=-1) > 0.1
    assert (moved.sum(1) == 1).all()
    right = moved[:, JOINTS.index("RightHand")]
    assert 160 < right.sum() < 240
    assert torch.equal(right, ~changed["in_front"][:, HEATMAP_JOINTS.index("RightHand")])


def test_an_image_turns_with_its_labels():
    axis_px = torch.tensor(native_to_square((XR_EGOPOSE.cx, XR_EGOPOSE.cy), SIDE)).float()
    images = torch.zeros(2, 3, SIDE, SIDE, dtype=torch.uint8)
    images[:, :, 40, 50] = 255
    turns = turn_matrices(torch.tensor([math.pi / 6, -0.2]), torch.tensor([False, True]))
    turned = turn_images(images, turns, axis_px).float()[:, 0]
    expected = (turns @ (torch.tensor([50.0, 40.0]) - axis_px)[:, None])[..., 0] + axis_px
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    mass = turned.sum((1, 2))
    found = torch.stack([(turned * columns).sum((1, 2)), (turned * rows).sum((1, 2))], -1)
    assert torch.allclose(found / mass[:, None], expected, atol=0.05)


def test_no_turn_changes_no_pixel():
    images = torch.randint(0, 256, (3, 3, SIDE, SIDE), dtype=torch.uint8)
    still = turn_matrices(torch.zeros(3), torch.zeros(3, dtype=torch.bool))
    assert torch.equal(turn_images(images, still, torch.tensor([31.0, 32.0])), images)


def test_augmentation_depends_on_its_generator_alone(shared_toy_tree):
    batch = _batch(shared_toy_tree)
    one, same, other = (
        turn_and_mirror(batch, SIDE, torch.Generator().manual_seed(s)) for s in (3, 3, 4)
    )
    assert torch.equal(one["image"], same["image"])
    assert torch.equal(one["joints_rel_m"], same["joints_rel_m"])
    assert not torch.equal(one["joints_rel_m"], other["joints_rel_m"])


def test_jitter_stays_in_range():
    normal = normalise(torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8))
    jittered = jitter_colours(normal, torch.Generator().manual_seed(0))
    assert not torch.allclose(jittered, normal, atol=0.01)
    assert jittered.abs().max() <= 1
    unchanged = jitter_colours(normal, torch.Generator().manual_seed(0), strength=0)
    assert torch.allclose(unchanged, normal, atol=1e-6)


def test_stages_see_what_their_config_says(shared_toy_tree, toy_profile):
    """Labels move with `augment` alone, and never outside of training."""
    spec = spec_of("heatmaps", toy_profile)
    config = dataclasses.replace(toy_profile.heatmaps, augment=False)
    stage = HeatmapModule(build_network(spec), spec, config, seed=0)
    batch = _batch(shared_toy_tree)
    seen = stage.train().inputs(batch)
    assert torch.equal(seen["uv_crop"], batch["uv_crop"])
    stage.config = toy_profile.heatmaps
    assert not torch.equal(stage.inputs(batch)["uv_crop"], batch["uv_crop"])
    assert torch.equal(stage.eval().inputs(batch)["image"], normalise(batch["image"]))


def test_rotations_of_a_mirrored_body_are_mirrored():
    """A mirror across x takes a rotation R of the left arm to diag R diag of the right one."""
    angles = torch.rand(40, 16, 3, generator=torch.Generator().manual_seed(2)) - 0.5
    batch = {
        "uv_crop": torch.zeros(40, 15, 2),
        "in_front": torch.ones(40, 15, dtype=torch.bool),
        "joints_rel_m": torch.zeros(40, 16, 3),
        "neck_cam_m": torch.zeros(40, 3),
        "rotations_rad": angles,
    }
    changed = turn_and_mirror(batch, SIDE, torch.Generator().manual_seed(1))["rotations_rad"]
    left, right = JOINTS.index("LeftArm"), JOINTS.index("RightArm")
    mirror = torch.diag(torch.tensor([-1.0, 1, 1]))
    expected = mirror @ matrices_from_euler(angles[:, left]) @ mirror
    same = torch.isclose(matrices_from_euler(changed[:, right]), expected, atol=1e-6).all((1, 2))
    untouched = (changed[:, left] == angles[:, left]).all(-1)
    assert torch.equal(same, ~untouched)
    assert 10 < same.sum() < 30
