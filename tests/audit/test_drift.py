"""Labels that slid against their images are found; a network that errs is no alarm."""

import numpy as np
import pytest
from planted import shift_labels, write_whole_frame

from egolib.audit import audit_tree
from egolib.audit.drift import noticeable_shift, offset_costs, offset_path, stretches
from egolib.config import override
from egolib.data.index import index_tree
from egolib.training.train import train_stage

SIDE_PX, FRAMES, RUNS = 128, 1800, 3


def synthetic(seed, speed=1.0):
    """True tracks (T, 15, 2) of three sequences, and what a network like that of the profile
    `quick` says: errors with a median of 5 px that stay for half a second, and wild ones."""
    rng = np.random.default_rng(seed)
    t = np.arange(FRAMES)[:, None, None, None] / 30
    frequency = rng.uniform(0.2, 1.2, (15, 2, 3)) * speed
    waves = np.sin(2 * np.pi * (frequency * t + rng.uniform(size=(15, 2, 3))))
    truth = 64 + (waves * rng.uniform(1, 5, (15, 2, 3))).sum(-1)
    slow = rng.normal(size=(FRAMES, 15, 2))
    for i in range(1, FRAMES):
        slow[i] = 0.93 * slow[i - 1] + 0.37 * slow[i]
    errors = 4 * slow + 1.2 * rng.standard_t(2, size=truth.shape)
    assert 4 < np.median(np.linalg.norm(errors, axis=-1)) < 7
    return truth, truth + errors


def look(truth, seen, shift):
    """Audit tracks whose labels are shifted: frame i has the label of i - shift(i)."""
    frames = np.arange(FRAMES)
    labels = truth[np.clip(frames - shift, 0, FRAMES - 1)]
    runs = frames * RUNS // FRAMES
    costs = offset_costs(seen, np.ones(seen.shape[:2]), labels, runs, SIDE_PX)
    path = offset_path(costs)
    return costs, path, [s for s in stretches(costs, path, frames) if s.drifted]


@pytest.mark.parametrize("seed", range(5))
def test_no_alarm_without_drift(seed):
    truth, seen = synthetic(seed)
    costs, _, found = look(truth, seen, np.zeros(FRAMES, int))
    assert found == []
    assert noticeable_shift(costs) in (1, 2)


def test_no_alarm_from_a_network_that_guesses():
    truth, _ = synthetic(0)
    costs, _, found = look(truth, np.random.default_rng(1).uniform(0, 128, truth.shape), 0)
    assert found == []
    assert noticeable_shift(costs) is None


def test_nothing_is_said_where_nobody_moves():
    truth, seen = synthetic(0)
    still = np.broadcast_to(truth[:1], truth.shape)
    costs, _, found = look(still, still + seen - truth, np.full(FRAMES, 5))
    assert found == []
    assert noticeable_shift(costs) is None


@pytest.mark.parametrize("shift", [1, -1, 4])
def test_a_constant_shift_is_found(shift):
    truth, seen = synthetic(7)
    _, path, found = look(truth, seen, np.full(FRAMES, shift))
    assert [s.offset for s in found] == [shift]
    assert (path == shift).mean() > 0.9


@pytest.mark.parametrize("shift", [2, -2])
def test_a_shift_that_starts_in_mid_sequence_is_found_there(shift):
    truth, seen = synthetic(8)
    late = np.arange(FRAMES) >= 800
    _, path, found = look(truth, seen, shift * late)
    assert [s.offset for s in found] == [shift]
    assert abs(np.argmax(path == shift) - 800) < 150  # one step of it may be taken early
    assert found[0].last > 1700
    assert ((path != 0) == late).mean() > 0.8


def test_a_slow_drift_is_found():
    truth, seen = synthetic(9)
    true = np.arange(FRAMES) // 200
    _, path, found = look(truth, seen, true)
    assert sum(s.last - s.first for s in found) > 1400
    assert np.abs(path - true).mean() < 1


FOLDERS = {
    "TrainSet": ("TrainSet/female_001_a_a/env_001/cam_down", 128),
    "ValSet": ("ValSet/male_008_a_a/env_001/cam_down", 240),
}


def test_a_network_trained_here_finds_what_was_planted(tmp_path, toy_profile):
    tree = tmp_path / "tree"
    for start, (folder, frames) in enumerate(FOLDERS.values()):
        (tree / folder).mkdir(parents=True)
        for i in range(frames):
            write_whole_frame(tree / folder, folder.split("/")[1], i, i + 1000 * start, "Boxing")
    profile = override(toy_profile, {"heatmaps": {"epochs": 5, "augment": False}}, "test")
    indices = [index_tree(tree, split) for split in ("train", "val")]
    checkpoint = train_stage("heatmaps", profile, *indices, tmp_path / "checkpoints", seed=0)
    clean = audit_tree(tree, network=checkpoint, workers=1)
    assert clean.findings.empty
    folder = FOLDERS["ValSet"][0]
    shift_labels(tree, folder, lambda i: 3 * (i >= 120))
    audit = audit_tree(tree, network=checkpoint, workers=1)
    drifted = audit.findings[audit.findings.defect == "drifted"]
    assert set(drifted.folder) == {folder}
    assert abs(drifted.number.min() - 120) < 15
    assert (audit.excluded.reason == "drifted").sum() > 100
    assert index_tree(tree, "val").excluded == len(audit.excluded)
