"""Checkpoints of the public re-implementation compute the same numbers here."""

import datetime
import os

import pandas as pd
import pytest
import reimplementation as theirs
import torch

from egolib import cli
from egolib.data.dataset import normalise
from egolib.foundation.errors import EgolibError
from egolib.models.checkpoints import load_network
from egolib.models.convert import convert

REST = {"optimizer_state_dict": {"state": {}, "param_groups": []}, "scheduler": {"gamma": 0.1}}


def zeros(shapes, seed):
    """Tensors of any shape whose file holds one number each."""
    return {name: torch.zeros(()).expand(tuple(shape)) for name, shape in shapes.items()}


@pytest.fixture
def resnet(monkeypatch):
    monkeypatch.setattr(theirs, "fill", zeros)
    return theirs.resnet_state_dict()


@pytest.fixture
def lifter(monkeypatch):
    monkeypatch.setattr(theirs, "fill", zeros)
    return theirs.autoencoder_state_dict()


def close(values, expected):
    """Every number to 1e-4 of itself."""
    expected = torch.tensor(expected)
    return torch.allclose(values, expected, rtol=1e-4, atol=1e-6 * expected.abs().max().item())


@pytest.fixture
def written(monkeypatch):
    """{path: (network, spec, provenance)} of what would have been written."""
    kept = {}
    monkeypatch.setattr(
        "egolib.models.convert.save_network", lambda path, *outcome: kept.update({path: outcome})
    )
    return kept


@torch.inference_mode()
def test_both_networks_compute_the_same_numbers(tmp_path, written):
    tars = [tmp_path / "Train2D.tar", tmp_path / "Train3D.tar"]
    torch.save({"resnet_state_dict": theirs.resnet_state_dict(), **REST}, tars[0])
    torch.save({"autoencoder_state_dict": theirs.autoencoder_state_dict(), **REST}, tars[1])
    convert(tars, "joined")
    network, spec, provenance = written["joined"]
    network.eval()
    described = (spec.kind, spec.backbone, spec.image_px, spec.heatmap_px)
    assert described == ("end_to_end", "resnet50", 368, 48)
    assert not spec.pose_activations
    assert {name.split(".")[0] for name in provenance["left_out"]} == {"bn1", "bn2", "bn3"}
    output = network(normalise(theirs.image()))
    assert output.heatmaps.mean().item() == pytest.approx(theirs.HEATMAP_MEAN, rel=1e-4)
    assert output.heatmaps.std().item() == pytest.approx(theirs.HEATMAP_STD, rel=1e-4)
    assert close(theirs.samples(output.heatmaps[0]), theirs.HEATMAP_SAMPLES)
    assert close(output.joints_rel_m[0], theirs.POSE_FROM_IMAGE)
    output = network.lifter(theirs.gaussians())
    assert close(output.joints_rel_m[0], theirs.POSE_FROM_GAUSSIANS)
    assert output.reconstruction.std().item() == pytest.approx(theirs.RECONSTRUCTION_STD, rel=1e-4)
    assert close(theirs.samples(output.reconstruction[0]), theirs.RECONSTRUCTION_SAMPLES)


def test_a_file_gives_the_networks_it_holds(resnet, lifter, tmp_path, written):
    parts = {
        "Train2D": {"resnet_state_dict": resnet},
        "Train3D": {"autoencoder_state_dict": lifter},
        "Finetune": {"resnet_state_dict": resnet, "autoencoder_state_dict": lifter},
    }
    for name, part in parts.items():
        torch.save({**part, **REST}, tmp_path / name)
        convert([tmp_path / name], name)
    kinds = {name: spec.kind for name, (_, spec, _) in written.items()}
    assert kinds == {"Train2D": "heatmaps", "Train3D": "lifter", "Finetune": "end_to_end"}
    with pytest.raises(EgolibError, match=r"Train2D: a second heatmaps network"):
        convert([tmp_path / "Finetune", tmp_path / "Train2D"], "twice")
    assert "twice" not in written


def test_what_was_converted_is_evaluated_and_predicts(
    resnet, lifter, tmp_path, shared_toy_tree, capsys
):
    parts = {"resnet_state_dict": resnet, "autoencoder_state_dict": lifter}
    torch.save({**parts, **REST}, tmp_path / "Finetune.tar")
    network, out = tmp_path / "theirs.safetensors", tmp_path / "out"
    image = next(shared_toy_tree.glob("ValSet/*/*/*/rgba/*.png"))
    for words in (
        ["convert", tmp_path / "Finetune.tar", network],
        ["evaluate", network, "--data", shared_toy_tree, "--split", "val", "--out", out],
        ["predict", network, image, out],
    ):
        assert cli.main([str(word) for word in words]) == 0
    assert "MPJPE (mm)" in capsys.readouterr().out
    assert len(pd.read_csv(out / "poses.csv")) == 16
    assert (out / "tables" / "by_joint.csv").is_file()


def refused(stored, folder, match):
    path, out = folder / "model_best.tar", folder / "out.safetensors"
    torch.save(stored, path)
    with pytest.raises(EgolibError, match=match) as caught:
        convert([path], out)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_tensors_that_do_not_fit_are_named(resnet, tmp_path):
    def changed(**tensors):
        return {"resnet_state_dict": {**resnet, **tensors}}

    refused(changed(**{"layer5.0.weight": torch.zeros(1)}), tmp_path, r"unknown tensor 'layer5\.0")
    refused(changed(**{"conv1.scale": torch.zeros(1)}), tmp_path, r"unknown tensor 'conv1\.scale'")
    refused(changed(**{"conv1.weight": "a"}), tmp_path, r"unknown tensor 'conv1\.weight'")
    seventeen = {"final_layer.weight": torch.zeros(17, 256, 1, 1)}
    wrong = r"final_layer\.weight is of shape \(17, 256, 1, 1\), expected \(15, 256, 1, 1\)"
    refused(changed(**seventeen), tmp_path, wrong)
    lacking = {name: t for name, t in resnet.items() if name != "deconv_layers.3.weight"}
    lacks = r"resnet_state_dict lacks the tensor 'deconv_layers\.3\.weight'"
    refused({"resnet_state_dict": lacking}, tmp_path, lacks)


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_anything_but_tensors_is_refused_by_name(resnet, tmp_path):
    class_of_time = {"resnet_state_dict": resnet, "date": datetime.date(2022, 1, 1)}
    refused(class_of_time, tmp_path, r"asks for datetime\.date")
    harm = tmp_path / "harm"
    refused({"scheduler": Harmful(harm)}, tmp_path, r"asks for posix\.system")
    assert not harm.exists()


def test_foreign_and_truncated_files(resnet, tmp_path):
    refused({"state_dict": resnet}, tmp_path, "holds no resnet_state_dict or autoencoder")
    refused([1, 2], tmp_path, "holds no resnet_state_dict")
    refused({"resnet_state_dict": 3}, tmp_path, "holds no resnet_state_dict")
    path = tmp_path / "model_best.tar"
    torch.save({"resnet_state_dict": resnet}, path)
    whole = path.read_bytes()
    for content in (whole[:-1000], whole[:1000], b"", b"\x80\x02}q\x00.", b"weights" * 200):
        path.write_bytes(content)
        with pytest.raises(EgolibError, match=r"model_best\.tar: not a whole file of torch\.save"):
            convert([path], tmp_path / "out.safetensors")


def test_the_command(capsys, resnet, tmp_path):
    tar, out = str(tmp_path / "model_best.tar"), str(tmp_path / "heatmaps.safetensors")
    assert cli.main(["convert", tar, out]) == 2
    assert "model_best.tar: no such file" in capsys.readouterr().err
    torch.save({"resnet_state_dict": resnet}, tar)
    assert cli.main(["convert", tar, out]) == 0
    assert "a heatmaps network" in capsys.readouterr().out
    network, spec, _ = load_network(out, ["heatmaps"])
    assert (spec.image_px, spec.backbone) == (368, "resnet50")
    assert not network.head.weight.any()
    assert cli.main(["convert", tar, tar]) == 2
    assert "ends in .safetensors" in capsys.readouterr().err
