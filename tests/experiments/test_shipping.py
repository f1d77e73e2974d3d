"""The weights that come with egolib are made small, and their card says what is true of them."""

import hashlib
from dataclasses import asdict

import numpy as np
import pytest
import torch
from conftest import write_toy_tree

from egolib.config import PROFILES
from egolib.data.shards import open_frames
from egolib.evaluation.inference import predict_split
from egolib.experiments import shipping
from egolib.experiments.shipping import ship
from egolib.foundation.errors import EgolibError
from egolib.models.checkpoints import NetworkSpec, build_network, load_network, save_network
from egolib.training.train import training_code_digest

SPEC = NetworkSpec("ray_model", "resnet18", 64, 1.0)


@pytest.fixture(scope="module")
def full(shared_toy_tree, tmp_path_factory):
    """A checkpoint as training leaves it."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("full") / "ray_model.safetensors"
    save_network(path, build_network(SPEC), SPEC, {
        "profile": "quick", "seed": 3, "stage": "ray_model", "precision": "32-true",
        "config": asdict(PROFILES["quick"].ray_model), "start": {}, "best": {"epoch": 2.0, "val_mpjpe_mm": 61.25},
        "data": [open_frames(shared_toy_tree, split).fingerprint for split in ("train", "val")],
        "code": training_code_digest("ray_model"),
    })  # fmt: skip
    return path


def test_the_card_says_what_is_true(full, shared_toy_tree, tmp_path, monkeypatch):
    monkeypatch.setattr(shipping, "MOST_LOST_MM", 50)  # an untrained network may lose more
    path = tmp_path / "weights" / "ray_model.safetensors"
    card = ship(full, shared_toy_tree, path).read_text()
    network, spec, provenance = load_network(path)
    assert spec == SPEC
    assert provenance["compact_of"] == hashlib.sha256(full.read_bytes()).hexdigest()
    content = path.read_bytes()
    assert len(content) < 0.27 * full.stat().st_size
    for fact in (
        f"| sha256 | `{hashlib.sha256(content).hexdigest()}` |",
        f"{len(content) / 1e6:.1f} MB",
        "| frames, test | 32 |",
        "| people, train | 2 |",
        "best epoch, by validation | epoch 2, val_mpjpe_mm 61.25",
        "training code is that which trained it",
        "./run_all.sh --profile quick --seed 3\n",
        "egolib ship results/quick/checkpoints/ray_model.safetensors --data data/quick\n",
    ):
        assert fact in card
    rows = {line.split("|")[1].strip(): line for line in card.splitlines() if " weights, " in line}
    assert list(rows)[:2] == ["full weights, PyTorch", "compact weights, PyTorch"]
    assert sum("int8" in name for name in rows) == 2
    assert {name.split()[2] for name in list(rows)[2:]} == {"ONNX", "OpenVINO"}
    squares = np.load(path.with_name("ray_model.calibration.npz"))["squares"]
    assert (squares.shape, squares.dtype) == ((32, 64, 64, 3), np.uint8)
    said = predict_split(network, spec, open_frames(shared_toy_tree, "test"))
    assert f"{said.errors_mm.mean():.1f} [" in rows["compact weights, PyTorch"]
    assert f"is {said.neck_errors_mm.mean():.1f} mm off" in card
    assert card.count("published") == 2  # in words; no column of others' numbers


def test_what_is_not_shipped(full, shared_toy_tree, tmp_path, monkeypatch):
    other = write_toy_tree(tmp_path / "tree", frames=2)
    with pytest.raises(EgolibError, match="was not trained on"):
        ship(full, other, tmp_path / "out.safetensors")
    path, (network, spec, provenance) = tmp_path / "other.safetensors", load_network(full)
    save_network(path, network, spec, provenance | {"config": {"epochs": 1}})
    with pytest.raises(EgolibError, match="other settings than those of quick"):
        ship(path, shared_toy_tree, tmp_path / "out.safetensors")
    save_network(path, network, spec, provenance | {"profile": "mine"})
    with pytest.raises(EgolibError, match=r"unknown profile .*mine\.toml"):
        ship(path, shared_toy_tree, tmp_path / "out.safetensors")
    monkeypatch.setattr(shipping, "MOST_BYTES", 1_000_000)
    with pytest.raises(EgolibError, match="MB when compact, more than the 1 that"):
        ship(full, shared_toy_tree, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
