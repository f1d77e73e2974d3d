import numpy as np
import pytest
from conftest import STANDING_M, random_poses
from scipy.spatial.transform import Rotation

from egolib import metrics


def relative(poses):
    return poses - poses[:, :1]


def test_the_protocol_moves_the_truth_and_not_the_prediction():
    truth = random_poses(5, 0)
    assert metrics.mpjpe_mm(relative(truth), truth) == pytest.approx(0)
    shifted = relative(truth) + (0.03, 0.04, 0)
    assert metrics.joint_errors_mm(shifted, truth) == pytest.approx(np.full((5, 16), 50.0))
    assert metrics.neck_aligned_mpjpe_mm(shifted, truth) == pytest.approx(0)


def test_one_wrong_joint_counts_a_sixteenth():
    predicted = relative(STANDING_M[None]).copy()
    predicted[0, 11] += (0, 0, 0.16)
    assert metrics.mpjpe_mm(predicted, STANDING_M[None]) == pytest.approx([10.0])


def test_pa_mpjpe_ignores_rotation_scale_and_shift_but_not_mirroring():
    truth = random_poses(4, 1)
    turned = 1.3 * Rotation.from_euler("xyz", [20, 130, -40], degrees=True).apply(
        truth.reshape(-1, 3)
    ).reshape(truth.shape) + (0.2, 0.1, -0.5)
    assert metrics.pa_mpjpe_mm(turned, truth) == pytest.approx(0, abs=1e-6)
    assert metrics.pa_mpjpe_mm(truth * (-1, 1, 1), truth).min() > 20
    noisy = truth + np.random.default_rng(0).normal(scale=0.05, size=truth.shape)
    assert (metrics.pa_mpjpe_mm(noisy, truth) <= metrics.neck_aligned_mpjpe_mm(noisy, truth)).all()


def test_unequal_shapes_are_refused():
    truth = random_poses(4, 1)
    for wrong in (truth[:1], truth[0], truth[:, :15]):
        with pytest.raises(ValueError, match="both must be"):
            metrics.mpjpe_mm(wrong, truth)


def test_pck():
    assert metrics.correct([10, 150, 151, 400]).tolist() == [100, 100, 0, 0]


def test_the_bootstrap_resamples_whole_sequences():
    """Ten copies of a frame tell no more than the frame: the interval must not shrink."""
    rng = np.random.default_rng(0)
    values = rng.normal(60, 10, 40)
    mean, low, high = metrics.bootstrap_interval(values, np.arange(40))
    copied = metrics.bootstrap_interval(np.repeat(values, 10), np.repeat(np.arange(40), 10))
    assert low < mean < high
    assert copied == pytest.approx((mean, low, high))
    expected = 1.96 * values.std() / np.sqrt(40)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.15)


def test_one_sequence_has_no_interval():
    mean, low, high = metrics.bootstrap_interval([1.0, 3.0], ["a", "a"])
    assert mean == 2
    assert np.isnan([low, high]).all()
