"""The filter: smooth at rest, close when moving, causal."""

import numpy as np
import pytest

from egolib.headset.poses.steady import OneEuroFilter

TIMES_S = np.arange(120) / 30


def filtered(values):
    smooth = OneEuroFilter()
    return np.array([smooth(value, time_s) for value, time_s in zip(values, TIMES_S, strict=True)])


def test_noise_at_rest_is_taken_out():
    noisy = np.random.default_rng(0).normal(scale=0.01, size=(120, 16, 3))
    calm = filtered(noisy)
    jitter = np.abs(np.diff(calm[30:], axis=0)).mean() / np.abs(np.diff(noisy[30:], axis=0)).mean()
    assert jitter < 0.4
    assert calm.shape == noisy.shape


def test_movement_is_followed_with_little_delay():
    moving = np.tile((2.0 * TIMES_S)[:, None], (1, 3))  # 2 m a second
    late_s = (moving - filtered(moving))[60:] / 2.0
    assert 0 < late_s.max() < 1.5 / 30


def test_what_comes_later_changes_nothing():
    values = np.random.default_rng(1).normal(size=(120, 3))
    changed = values.copy()
    changed[60:] += 1
    assert filtered(changed)[:60] == pytest.approx(filtered(values)[:60])


def test_what_is_unknown_stays_unknown_and_alone():
    values = np.zeros((120, 2))
    values[:, 1] = np.nan
    assert np.isnan(filtered(values)[:, 1]).all()
    assert (filtered(values)[:, 0] == 0).all()
