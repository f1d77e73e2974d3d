import numpy as np
import pytest
import torch
from conftest import STANDING_M

from egolib import losses
from egolib.models.rotations import matrices_from_euler
from egolib.skeleton import JOINTS

TRUTH = torch.tensor(STANDING_M, dtype=torch.float32)[None]


def test_a_perfect_pose_costs_only_the_constant_of_the_cosine():
    assert losses.pose_loss(TRUTH, TRUTH) == 0
    assert losses.limb_length(TRUTH, TRUTH) == 0
    assert losses.limb_cosine(TRUTH, TRUTH) == pytest.approx(14)
    total = losses.lifter_loss(TRUTH, TRUTH)
    assert total == pytest.approx(0.1 * -0.01 * 14)


def test_a_shift_moves_joints_but_no_limb():
    shifted = TRUTH + torch.tensor([0.03, 0.04, 0.0])
    assert losses.pose_loss(shifted, TRUTH) == pytest.approx(0.05, abs=1e-6)
    assert losses.limb_length(shifted, TRUTH) == pytest.approx(0, abs=1e-5)
    assert losses.limb_cosine(shifted, TRUTH) == pytest.approx(14, abs=1e-4)


def test_doubling_a_pose_doubles_lengths_and_keeps_directions():
    total_length = losses.limbs(TRUTH).norm(dim=-1).sum()
    assert losses.limb_length(2 * TRUTH, TRUTH) == pytest.approx(total_length.item(), rel=1e-5)
    assert losses.limb_cosine(2 * TRUTH, TRUTH) == pytest.approx(14, abs=1e-4)


def test_mirrored_limbs_have_cosine_minus_one():
    assert losses.limb_cosine(-TRUTH, TRUTH) == pytest.approx(-14, abs=1e-4)


def test_limb_terms_on_joints_see_a_shift_and_those_on_bones_do_not():
    shifted = TRUTH + torch.tensor([0.03, 0.04, 0.0])
    assert losses.limb_length(shifted, TRUTH, "joints") > 0.01
    assert losses.limb_cosine(shifted, TRUTH, "joints") < 14 - 1e-3
    turned = TRUTH.clone()
    turned[:, JOINTS.index("LeftHand")] = -TRUTH[:, JOINTS.index("LeftHand")]
    cosine = losses.limb_cosine(turned, TRUTH, "joints")
    neck = TRUTH[:, JOINTS.index("Neck")]
    assert neck.norm() > 0  # joints are compared from the origin, where training has the neck
    assert cosine == pytest.approx(12, abs=1e-4)


def test_the_rotation_loss_is_four_times_one_minus_the_cosine():
    """|R - R'|^2 = 4 (1 - cos angle) for two rotations that differ by an angle."""
    angles = torch.zeros(1, 16, 3)
    angles[..., 1] = 0.5
    pair = matrices_from_euler(angles), torch.eye(3).expand(1, 16, 3, 3)
    assert losses.rotation_loss(*pair) == pytest.approx(4 * (1 - np.cos(0.5)), rel=1e-5)


def test_the_gradient_of_the_pose_loss_points_away_from_the_truth():
    predicted = TRUTH.clone()
    hand = JOINTS.index("LeftHand")
    predicted[0, hand, 0] += 0.2
    predicted.requires_grad_()
    losses.pose_loss(predicted, TRUTH).backward()
    assert torch.allclose(predicted.grad[0, hand], torch.tensor([1 / 16, 0, 0]), atol=1e-6)


def test_the_reconstruction_is_summed_over_pixels_and_averaged_over_images():
    maps = torch.zeros(2, 15, 8, 8)
    wrong = maps.clone()
    wrong[0, 0, 0, 0] = 2.0
    assert losses.reconstruction_loss(wrong, maps) == pytest.approx(2.0)
    assert losses.heatmap_loss(wrong, maps) == pytest.approx(4 / (2 * 15 * 64))
    dual = losses.lifter_loss(TRUTH, TRUTH, wrong, maps)
    assert dual - losses.lifter_loss(TRUTH, TRUTH) == pytest.approx(0.001 * 2.0)
