import dataclasses
import math
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import STANDING_M, write_frame

from egolib.data.index import index_tree
from egolib.evaluation.inference import Predictions, load_for_evaluation, predict_split
from egolib.foundation.errors import EgolibError
from egolib.metrics import mpjpe_mm
from egolib.models.checkpoints import load_network
from egolib.training import fit as fitting
from egolib.training import modules as stages
from egolib.training import train as training
from egolib.training.train import train_stage


@pytest.fixture(scope="module")
def indices(shared_toy_tree):
    return index_tree(shared_toy_tree, "train"), index_tree(shared_toy_tree, "val")


@pytest.fixture(scope="module")
def trained(indices, toy_profile, tmp_path_factory):
    """All three stages on the toy tree -> folder of their checkpoints."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for stage in ("heatmaps", "lifter", "end_to_end"):
        train_stage(stage, toy_profile, *indices, folder, seed=3)
    return folder


def with_epochs(profile, stage, epochs, **changes):
    config = dataclasses.replace(getattr(profile, stage), epochs=epochs, **changes)
    return dataclasses.replace(profile, **{stage: config})


def test_training_the_lifter_halves_its_error(indices, toy_profile, tmp_path):
    train, _ = indices
    profile = with_epochs(toy_profile, "lifter", 60, learning_rate=2e-3)
    path = train_stage("lifter", profile, train, train, tmp_path, seed=0)
    first = pd.read_csv(tmp_path / "runs" / "lifter" / "history.csv")["val_mpjpe_mm"][0]
    assert load_network(path)[2]["best"]["val_mpjpe_mm"] < first / 2


def test_training_heatmaps_lowers_the_pixel_error(trained):
    errors = pd.read_csv(trained / "runs" / "heatmaps" / "history.csv")["val_error_px"]
    assert errors[1:].min() < errors[0]


def test_the_best_epoch_is_kept(trained):
    for stage in ("heatmaps", "lifter", "end_to_end"):
        rows = pd.read_csv(trained / "runs" / stage / "history.csv")
        metric = "val_error_px" if stage == "heatmaps" else "val_mpjpe_mm"
        best = load_network(trained / f"{stage}.safetensors")[2]["best"]
        assert best["epoch"] == 1 + rows[metric].argmin()


def test_the_kept_weights_have_the_error_that_was_noted(trained, indices):
    network, spec, provenance = load_for_evaluation([trained / "end_to_end.safetensors"])
    predictions = predict_split(network, spec, indices[1])
    error = mpjpe_mm(predictions.predicted_rel_m, predictions.true_rel_m).mean()
    assert error == pytest.approx(provenance["best"]["val_mpjpe_mm"], rel=1e-3)


def test_a_heatmap_network_and_a_lifter_are_evaluated_joined(trained, indices):
    pair = [trained / "heatmaps.safetensors", trained / "lifter.safetensors"]
    network, spec, _ = load_for_evaluation(pair)
    predictions = predict_split(network, spec, indices[1])
    assert predictions.predicted_rel_m.shape == (16, 16, 3)
    heatmaps_alone = predict_split(*load_for_evaluation(pair[:1])[:2], indices[1])
    assert (predictions.predicted_uv_crop == heatmaps_alone.predicted_uv_crop).all()
    with pytest.raises(EgolibError, match="expected heatmaps"):
        load_for_evaluation(pair[::-1])


def test_predictions_survive_the_disk(trained, indices, tmp_path):
    network, spec, _ = load_for_evaluation([trained / "lifter.safetensors"])
    predictions = predict_split(network, spec, indices[1])
    predictions.save(tmp_path / "p.npz")
    loaded = Predictions.load(tmp_path / "p.npz")
    assert (loaded.predicted_rel_m == predictions.predicted_rel_m).all()
    assert loaded.sequence.tolist() == predictions.sequence.tolist()
    (tmp_path / "p.npz").write_bytes(b"PK")
    with pytest.raises(EgolibError, match=r"p\.npz: not predictions"):
        Predictions.load(tmp_path / "p.npz")


def same_weights(one, two):
    first, second = (load_network(path)[0].state_dict() for path in (one, two))
    return all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_seed_gives_the_same_weights(indices, toy_profile, tmp_path):
    paths = [
        train_stage("lifter", toy_profile, *indices, tmp_path / name, seed=seed)
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    ]
    assert same_weights(paths[0], paths[1])
    assert not same_weights(paths[0], paths[2])


@pytest.fixture(scope="module")
def uninterrupted(indices, toy_profile, tmp_path_factory):
    """Path of the heatmap network after two epochs at one go."""
    profile = with_epochs(toy_profile, "heatmaps", 2)
    return train_stage("heatmaps", profile, *indices, tmp_path_factory.mktemp("whole"), seed=1)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_interrupted_run_ends_as_it_would_have(
    uninterrupted, indices, toy_profile, tmp_path, monkeypatch, workers
):
    """Also with loading processes, which Lightning starts before it names the epoch."""
    profile = dataclasses.replace(with_epochs(toy_profile, "heatmaps", 2), workers=workers)
    epochs = []

    def die_in_the_second_epoch(self, trainer, module):
        if trainer.current_epoch == 1:
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(
            fitting.History, "on_train_batch_start",
            lambda self, trainer, module, *_: die_in_the_second_epoch(self, trainer, module),
        )  # fmt: skip
        with pytest.raises(RuntimeError, match="killed"):
            train_stage("heatmaps", profile, *indices, tmp_path / "cut", seed=1)
    assert not (tmp_path / "cut" / "heatmaps.safetensors").exists()

    with monkeypatch.context() as patch:
        patch.setattr(
            fitting.History, "on_train_batch_start",
            lambda self, trainer, module, *_: epochs.append(trainer.current_epoch),
        )  # fmt: skip
        resumed = train_stage("heatmaps", profile, *indices, tmp_path / "cut", seed=1)
    assert set(epochs) == {1}
    assert same_weights(uninterrupted, resumed)
    rows = (tmp_path / "cut" / "runs" / "heatmaps" / "history.csv").read_text().splitlines()
    assert len(rows) == 3


def test_ctrl_c_interrupts_and_can_be_pressed_again(indices, toy_profile, tmp_path, monkeypatch):
    def pressed(self, trainer, module, *_):
        signal.raise_signal(signal.SIGINT)

    # What a program has in a terminal; one in the background is born deaf to Ctrl-C.
    handler = signal.default_int_handler
    before = signal.signal(signal.SIGINT, handler)
    with monkeypatch.context() as patch:
        patch.setattr(fitting.History, "on_train_batch_start", pressed)
        with pytest.raises(KeyboardInterrupt):
            train_stage("lifter", toy_profile, *indices, tmp_path, seed=1)
    assert signal.signal(signal.SIGINT, before) == handler
    assert train_stage("lifter", toy_profile, *indices, tmp_path, seed=1).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX")
def test_kill_minus_nine_loses_no_finished_epoch(shared_toy_tree, tmp_path):
    toml = tmp_path / "long.toml"
    toml.write_text('base = "smoke"\n[lifter]\nepochs = 400\nbatch_size = 8\n')
    command = [sys.executable, "-m", "egolib.cli", "train", "lifter", "--profile", str(toml)]
    command += ["--data", str(shared_toy_tree), "--results", str(tmp_path / "out"), "--resume"]
    history = tmp_path / "out" / "checkpoints" / "runs" / "lifter" / "history.csv"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        if history.is_file() and history.read_text().count("\n") > 3:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = history.read_text().count("\n") - 1
    last = torch.load(history.with_name("last.ckpt"), map_location="cpu", weights_only=True)
    # The row of an epoch is written just before its checkpoint: at most one is trained again.
    assert last["epoch"] + 1 >= finished - 1 >= 2


def test_a_changed_configuration_starts_anew(indices, toy_profile, tmp_path):
    train_stage("lifter", with_epochs(toy_profile, "lifter", 3), *indices, tmp_path, seed=1)
    train_stage("lifter", with_epochs(toy_profile, "lifter", 2), *indices, tmp_path, seed=1)
    rows = (tmp_path / "runs" / "lifter" / "history.csv").read_text().splitlines()
    assert len(rows) == 3


def test_a_loss_that_runs_away_stops_and_says_where(indices, toy_profile, tmp_path):
    profile = with_epochs(toy_profile, "lifter", 3, learning_rate=1e30)
    wanted = (
        r"the loss is (nan|inf) in epoch 1, batch 2 of 4, on .*_a_a/env_001 \d+.*lower learning_"
    )
    with pytest.raises(EgolibError, match=wanted):
        train_stage("lifter", profile, *indices, tmp_path, seed=1)
    assert not (tmp_path / "lifter.safetensors").exists()


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_label_that_spoils_the_loss_is_named_and_the_last_epoch_kept(
    indices, toy_profile, tmp_path, monkeypatch, split
):
    """From the second epoch on: the first is whole and stays."""
    step = stages.StageModule.inputs

    def spoilt(self, batch, draw=0):
        seen = step(self, batch, draw)
        if self.current_epoch == 1 and self.training == (split == "train"):
            seen["joints_rel_m"] = seen["joints_rel_m"].clone()
            seen["joints_rel_m"][seen["position"] == 9, 5] = 3e38
        return seen

    monkeypatch.setattr(stages.StageModule, "inputs", spoilt)
    with pytest.raises(EgolibError, match=r"in epoch 2, (validation )?batch \d") as caught:
        train_stage("lifter", toy_profile, *indices, tmp_path, seed=1)
    frame = indices[split == "val"][9]
    assert f"on {frame.character}/{frame.environment} {frame.number} (" in str(caught.value)
    assert "check their labels" in str(caught.value)
    run = tmp_path / "runs" / "lifter"
    assert str(run) in str(caught.value)
    last = torch.load(run / "last.ckpt", map_location="cpu", weights_only=True)
    assert last["epoch"] == 0
    assert all(value.isfinite().all() for value in last["state_dict"].values())
    assert (run / "best.ckpt").is_file()
    assert len(pd.read_csv(run / "history.csv")) == 1


def test_a_loss_that_only_training_loses_names_the_frames_of_its_batch(
    indices, toy_profile, tmp_path, monkeypatch
):
    whole = stages.LifterModule.loss_and_error

    def lost(self, batch):
        loss, errors = whole(self, batch)
        return (loss * float("nan") if self.training else loss), errors

    monkeypatch.setattr(stages.LifterModule, "loss_and_error", lost)
    wanted = (
        r"the loss is nan in epoch 1, batch 1 of 4, on (\S+_a_a/env_001 \d+, )+.*nothing is trained"
    )
    with pytest.raises(EgolibError, match=wanted):
        train_stage("lifter", toy_profile, *indices, tmp_path, seed=1)


def test_training_end_to_end_needs_the_stages_before_it(indices, toy_profile, tmp_path):
    with pytest.raises(EgolibError, match=r"heatmaps\.safetensors: no such checkpoint"):
        train_stage("end_to_end", toy_profile, *indices, tmp_path, seed=1)


def test_training_end_to_end_says_which_network_is_not_what_the_profile_asks_for(
    trained, indices, toy_profile
):
    latent = with_epochs(toy_profile, "lifter", 1, latent_size=10)
    with pytest.raises(EgolibError, match=r"latent_size = 20, the profile asks for 10"):
        train_stage("end_to_end", latent, *indices, trained, seed=3)
    single = with_epochs(toy_profile, "lifter", 1, method="single")
    with pytest.raises(EgolibError, match=r"method = dual, the profile asks for single"):
        train_stage("end_to_end", single, *indices, trained, seed=3)
    larger = with_epochs(toy_profile, "heatmaps", 1, image_px=128)
    with pytest.raises(EgolibError, match=r"image_px = 64, the profile asks for 128"):
        train_stage("end_to_end", larger, *indices, trained, seed=3)


@pytest.mark.parametrize("compiled", [True, False])
def test_on_a_gpu_networks_are_compiled_where_the_profile_says_so(
    indices, toy_profile, tmp_path, monkeypatch, compiled
):
    """What a GPU would be given: nothing is trained."""
    given, asked = [], []
    monkeypatch.setattr(training, "fit", lambda module, *_: given.append(module) or {"epoch": 1})
    monkeypatch.setattr(training, "training_precision", lambda: "bf16-mixed")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "compile", lambda network: asked.append(network))
    profile = dataclasses.replace(toy_profile, compiled=compiled)
    train_stage("heatmaps", profile, *indices, tmp_path, seed=1)
    (module,) = given
    assert asked == [module.network] * compiled
    convolutions = [w for w in module.network.parameters() if w.ndim == 4 and w.shape[1] > 1]
    assert convolutions
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in convolutions)


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_a_fit_computes_as_precisely_as_the_hardware_does(monkeypatch, tmp_path, precision):
    monkeypatch.setattr(fitting, "training_precision", lambda: precision)
    assert fitting._trainer(1, 1, default_root_dir=tmp_path).precision == precision


def test_the_paper_profile_trains_on_a_handful_of_frames(tmp_path):
    """ResNet-101 at 368 px and the 80 M lifter, through all three stages, on two frames."""
    from egolib.config import PROFILES, override

    for set_name, character in (("TrainSet", "female_001_a_a"), ("ValSet", "male_008_a_a")):
        folder = tmp_path / "tree" / set_name / character / "env_001" / "cam_down"
        for number in range(2):
            write_frame(folder, character, number, STANDING_M)
    one = {"epochs": 1, "batch_size": 2}
    profile = override(
        PROFILES["paper"],
        {
            "heatmaps": {**one, "pretrained": False},
            "lifter": one,
            "end_to_end": one,
            "ray_model": one,
            "workers": 0,
        },
        "test",
    )
    pair = [index_tree(tmp_path / "tree", split) for split in ("train", "val")]
    for stage in ("heatmaps", "lifter", "end_to_end"):
        path = train_stage(stage, profile, *pair, tmp_path / "out", seed=0)
    ray_model, ray_spec, _ = load_network(
        train_stage("ray_model", profile, *pair, tmp_path / "out", seed=0)
    )
    assert (ray_spec.backbone, ray_spec.heatmap_px) == ("resnet101", 92)
    assert np.isfinite(predict_split(ray_model, ray_spec, pair[1]).errors_mm).all()
    network, spec, _ = load_network(path)
    assert (spec.backbone, spec.image_px, spec.heatmap_px) == ("resnet101", 368, 48)
    predictions = predict_split(network, spec, pair[1])
    assert math.isfinite(mpjpe_mm(predictions.predicted_rel_m, predictions.true_rel_m).mean())


DAMAGE = {
    "last.ckpt is cut short": lambda run: (run / "last.ckpt").write_bytes(
        (run / "last.ckpt").read_bytes()[:5000]
    ),
    "last.ckpt is empty": lambda run: (run / "last.ckpt").write_bytes(b""),
    "best.ckpt is missing": lambda run: (run / "best.ckpt").unlink(),
    "best.ckpt is a pickle of another kind": lambda run: (run / "best.ckpt").write_bytes(b"cos\nsystem\n."),
    "the history is missing": lambda run: (run / "history.csv").unlink(),
    "the history is empty": lambda run: (run / "history.csv").write_bytes(b""),
    "run.json is not text": lambda run: (run / "run.json").write_bytes(b"\xff"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_run_begins_anew_and_says_so(indices, toy_profile, tmp_path, capsys, damage):
    profile = with_epochs(toy_profile, "lifter", 2)
    path = train_stage("lifter", profile, *indices, tmp_path, seed=0)
    whole = load_network(path)[0].state_dict()
    path.unlink()
    damage(tmp_path / "runs" / "lifter")
    capsys.readouterr()
    train_stage("lifter", profile, *indices, tmp_path, seed=0, resume=True)
    line = capsys.readouterr().err
    assert "damaged and begins anew" in line
    again = load_network(path)[0].state_dict()
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_a_checkpoint_never_goes_through_the_folder_for_temporary_files(
    indices, toy_profile, tmp_path, monkeypatch
):
    """That folder may be on another disk, and full."""
    nowhere = tmp_path / "nowhere"
    monkeypatch.setenv("TMPDIR", str(nowhere))
    monkeypatch.setattr(tempfile, "tempdir", str(nowhere))
    train_stage("lifter", with_epochs(toy_profile, "lifter", 1), *indices, tmp_path / "out", seed=0)
    assert (tmp_path / "out" / "runs" / "lifter" / "last.ckpt").is_file()
    assert not [p for p in (tmp_path / "out").rglob("*.partial-*")]
