"""Heatmaps of a network, kept on disk, and lifters that read them."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from egolib.config import override
from egolib.data.dataset import FrameDataset, make_loader
from egolib.data.index import index_tree
from egolib.evaluation import detections
from egolib.evaluation.detections import detect
from egolib.evaluation.inference import load_for_evaluation, predict_split, run_network
from egolib.experiments.run import Study
from egolib.foundation.errors import EgolibError
from egolib.metrics import mpjpe_mm
from egolib.models.checkpoints import NetworkSpec, build_network, load_network
from egolib.training.train import train_stage

SPEC = NetworkSpec("heatmaps", "resnet18", 64, 1.0)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = build_network(SPEC).eval()
    torch.nn.init.normal_(network.head.weight)
    return network


@pytest.fixture(scope="module")
def index(shared_toy_tree):
    return index_tree(shared_toy_tree, "train")


def test_they_are_what_the_network_finds(network, index, tmp_path):
    found = detect(network, SPEC, index, tmp_path, batch_size=5).found
    assert (found.dtype, found.shape) == (np.float16, (len(index), 15, 8, 8))
    batch = next(iter(make_loader(FrameDataset(index, 64), len(index))))
    expected = run_network(network, SPEC, batch).heatmaps.numpy()
    assert np.allclose(found, expected, rtol=2e-3, atol=2e-3)
    dataset = FrameDataset(index, 64, with_images=False, detected=found)
    assert (dataset[7]["heatmaps"].numpy() == found[7]).all()


@contextmanager
def watched(network, killed_at=None):
    """Lists the number of frames in every batch that `network` is given, and dies at one."""
    batches = []

    def note(_, inputs):
        batches.append(len(inputs[0]))
        if len(batches) == killed_at:
            raise KeyboardInterrupt

    handle = network.register_forward_pre_hook(note)
    try:
        yield batches
    finally:
        handle.remove()


def test_what_is_done_is_not_done_again_and_a_killed_run_goes_on(
    network, index, tmp_path, monkeypatch
):
    monkeypatch.setattr(detections, "PART_FRAMES", 10)
    with watched(network, killed_at=3) as batches, pytest.raises(KeyboardInterrupt):
        detect(network, SPEC, index, tmp_path / "killed")
    assert batches == [10, 10, 10]
    assert json.loads((tmp_path / "killed" / "train.json").read_text())["done"] == 20
    with watched(network) as batches:
        resumed = detect(network, SPEC, index, tmp_path / "killed")
    assert batches == [10, 2]
    whole = detect(network, SPEC, index, tmp_path / "whole")
    assert np.allclose(whole.found, resumed.found, atol=2e-3)
    with watched(network) as batches:
        assert detect(network, SPEC, index, tmp_path / "whole").key == whole.key
    assert batches == []


def test_of_processes_that_ask_at_once_one_does_it(network, index, tmp_path, monkeypatch):
    monkeypatch.setattr(detections, "PART_FRAMES", 10)
    with watched(network) as batches, ThreadPoolExecutor(3) as pool:
        all_found = list(pool.map(lambda _: detect(network, SPEC, index, tmp_path), range(3)))
    assert batches == [10, 10, 10, 2]
    assert all((found.found == all_found[0].found).all() for found in all_found)


def test_another_network_starts_anew(network, index, tmp_path):
    before = detect(network, SPEC, index, tmp_path)
    old = np.array(before.found)
    other = build_network(SPEC).eval()
    torch.nn.init.normal_(other.head.weight)
    after = detect(other, SPEC, index, tmp_path)
    assert after.key != before.key
    assert not np.allclose(old, after.found, atol=0.1)


def test_a_damaged_file_is_named(network, index, tmp_path):
    detect(network, SPEC, index, tmp_path)
    (tmp_path / "train.npy").write_bytes(b"not an array")
    with pytest.raises(EgolibError, match=r"train\.npy: damaged.*delete it"):
        detect(network, SPEC, index, tmp_path)


@pytest.fixture(scope="module")
def study(shared_toy_tree, toy_profile, tmp_path_factory):
    """A study whose heatmap network is trained and whose lifters read what it finds."""
    profile = override(
        toy_profile, {"lifter": {"trained_on": "detected"}, "heatmaps": {"epochs": 1}}, "test"
    )
    results = tmp_path_factory.mktemp("detected")
    study = Study(profile, "", 0, shared_toy_tree, results, renders=False)
    study.train("heatmaps")
    return study


@pytest.mark.parametrize("method", ["rotation", "martinez"])
def test_lifters_train_on_detected_heatmaps_of_another_run(study, tmp_path, method):
    """The error at the chosen epoch is that of the images run through both networks."""
    changed = override(study.profile, {"lifter": {"method": method, "epochs": 2}}, "test")
    run = dataclasses.replace(study, profile=changed, results=tmp_path, shared=study.results)
    path = run.train("lifter")
    assert not (tmp_path / "checkpoints" / "heatmaps.safetensors").exists()
    pair = [run.checkpoint("heatmaps"), path]
    network, spec, _ = load_for_evaluation(pair)
    predictions = predict_split(network, spec, run.index("val"))
    error = mpjpe_mm(predictions.predicted_rel_m, predictions.true_rel_m).mean()
    lifter, lifter_spec, provenance = load_network(path)
    assert lifter_spec.method == method
    assert error == pytest.approx(provenance["best"]["val_mpjpe_mm"], rel=1e-2)
    detected = run.detections("val").found
    kept = predict_split(lifter, lifter_spec, run.index("val"), detected=detected)
    assert np.allclose(kept.predicted_rel_m, predictions.predicted_rel_m, atol=5e-3)
    rotated = len(predictions) if method == "rotation" else 0
    assert kept.rotation_errors_deg.shape == (rotated, 16)
    assert (kept.rotation_errors_deg <= 180).all()


def test_training_end_to_end_starts_from_the_shared_heatmap_network(study, tmp_path):
    changed = override(study.profile, {"lifter": {"method": "rotation", "epochs": 1},
                                       "end_to_end": {"epochs": 1}}, "test")  # fmt: skip
    run = dataclasses.replace(study, profile=changed, results=tmp_path, shared=study.results)
    run.train("lifter")
    network, spec, _ = load_network(run.train("end_to_end"))
    assert (spec.kind, spec.method) == ("end_to_end", "rotation")
    assert predict_split(network, spec, run.index("val")).rotation_errors_deg.shape == (16, 16)


def test_what_cannot_be_trained_is_said(study, index, tmp_path):
    profile = study.profile
    with pytest.raises(EgolibError, match="needs the heatmaps"):
        train_stage("lifter", profile, index, index, tmp_path, 0)
    turned = override(profile, {"lifter": {"augment": True}}, "test")
    with pytest.raises(EgolibError, match="cannot be turned: set augment = false"):
        train_stage("lifter", turned, index, index, tmp_path, 0, detected=[None, None])
    rotation = override(profile, {"lifter": {"method": "rotation", "trained_on": "true"}}, "test")
    blind = dataclasses.replace(index, rotations_rad=np.full_like(index.rotations_rad, np.nan))
    with pytest.raises(EgolibError, match="have no `rot`, which the method rotation learns"):
        train_stage("lifter", rotation, blind, index, tmp_path, 0)
