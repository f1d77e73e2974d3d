"""Two processes that share a stage end where one does; a notebook finds what they trained."""

import os
import re
import subprocess
import sys
import threading
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from egolib import cli
from egolib.config import Stage, load_profile
from egolib.data.dataset import EpochShuffle, ordered_batches
from egolib.data.index import index_tree
from egolib.experiments import run as study
from egolib.experiments.run import open_study
from egolib.foundation.errors import EgolibError
from egolib.models.checkpoints import load_network
from egolib.training import fit as fitting
from egolib.training.fit import training_precision
from egolib.training.train import train_stage

PROFILE = 'base = "smoke"\n[lifter]\nepochs = 2\nbatch_size = 8\n'


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    path = tmp_path_factory.mktemp("profile") / "pair.toml"
    path.write_text(PROFILE)
    return str(path)


STUDY = ["train", "lifter", "--profile"]
COLUMNS = ["epoch", "train_loss", "val_loss", "val_mpjpe_mm"]


@pytest.fixture(scope="module")
def one(shared_toy_tree, profile, tmp_path_factory):
    """The training curve of one process."""
    results = tmp_path_factory.mktemp("one")
    tree = str(shared_toy_tree)
    assert cli.main([*STUDY, profile, "--data", tree, "--results", str(results)]) == 0
    return history(results)[COLUMNS]


# Sums in another order end elsewhere, in bf16 by some thousandths.
ROUNDING = 2e-3 if training_precision() == "32-true" else 1e-2


def torchrun(processes, *arguments):
    command = [Path(sys.executable).with_name("torchrun"), "--nproc-per-node", processes,
               "--standalone", "--local-addr", "127.0.0.1", "-m", "egolib.cli", *arguments]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment,
        timeout=900, check=False,
    )  # fmt: skip


def history(results, stage="lifter"):
    return pd.read_csv(results / "checkpoints" / "runs" / stage / "history.csv")


def test_two_processes_end_where_one_does(shared_toy_tree, profile, one, tmp_path, monkeypatch):
    options = ["--data", shared_toy_tree, "--results", tmp_path, "--devices", 2]
    done = torchrun(2, *STUDY, profile, *options)
    assert done.returncode == 0, done.stderr
    pair = history(tmp_path)
    assert np.allclose(one, pair[COLUMNS], rtol=ROUNDING)

    # The notebook opens the same study, trains nothing, and leaves the checkpoint as it is.
    path = tmp_path / "checkpoints" / "lifter.safetensors"
    written = path.stat().st_mtime_ns
    monkeypatch.setattr(fitting, "Trainer", None)
    again = open_study(profile, data=str(shared_toy_tree), results=str(tmp_path)).train("lifter")
    assert again == path
    assert path.stat().st_mtime_ns == written
    assert load_network(path)[2]["best"]["val_mpjpe_mm"] == pair["val_mpjpe_mm"].min()


@pytest.mark.parametrize("stage", ["heatmaps", "ray_model"])
def test_two_processes_end_near_one_also_where_each_normalises_its_half(
    shared_toy_tree, profile, tmp_path, stage
):
    """Batch norms of two CPU processes look at half a step each, so ends differ, as by a seed."""
    options = ["--profile", profile, "--data", str(shared_toy_tree), "--results"]
    assert cli.main(["train", stage, *options, str(tmp_path / "one")]) == 0
    done = torchrun(2, "train", stage, *options, tmp_path / "pair", "--devices", 2)
    assert done.returncode == 0, done.stderr
    one, pair = (history(tmp_path / name, stage) for name in ("one", "pair"))
    assert np.allclose(one.train_loss, pair.train_loss, rtol=0.1)
    assert not np.allclose(one.train_loss, pair.train_loss, rtol=1e-6)  # two did train


@pytest.mark.parametrize("launcher", ["WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_processes_that_nobody_asked_for_are_refused(
    monkeypatch, shared_toy_tree, profile, capsys, launcher
):
    """Each would train the whole, and all write the same files."""
    monkeypatch.setenv(launcher, "2")
    arguments = [*STUDY, profile, "--data", str(shared_toy_tree)]
    results = str(shared_toy_tree.parent / "refused")
    assert cli.main([*arguments, "--results", results]) == 2
    assert "--devices 1 --nodes 1: 2 processes were started" in capsys.readouterr().err
    monkeypatch.delenv(launcher)
    assert cli.main([*arguments, "--results", results, "--devices", "0"]) == 2
    assert "--devices 0 --nodes 1" in capsys.readouterr().err


def test_a_notebook_waits_for_a_stage_that_is_being_trained(
    shared_toy_tree, profile, tmp_path, monkeypatch, capsys
):
    """Both would write the same files."""
    run = open_study(profile, data=str(shared_toy_tree), results=str(tmp_path))
    done = []
    monkeypatch.setattr(study, "train_stage", lambda *_: done.append("trained"))
    with FileLock(run.results / "lifter.lock"):
        waiting = threading.Thread(target=run.train, args=["lifter"])
        waiting.start()
        waiting.join(timeout=2)
        assert waiting.is_alive()
        assert done == []
        run.train("heatmaps")  # another stage is free
        assert done == ["trained"]
    waiting.join(timeout=60)
    assert done == ["trained", "trained"]
    assert "lifter is being trained into" in capsys.readouterr().out


def test_processes_that_would_not_wait_are_told_to_come_back(
    shared_toy_tree, profile, tmp_path, monkeypatch
):
    """Of those that torchrun starts, only the first looks at the lock."""
    run = open_study(profile, data=str(shared_toy_tree), results=str(tmp_path))
    monkeypatch.setenv("WORLD_SIZE", "2")
    wanted = r"lifter is being trained .* start this again"
    with FileLock(run.results / "lifter.lock"), pytest.raises(EgolibError, match=wanted):
        run.train("lifter")


def test_the_example_job_trains_every_stage():
    script = Path(__file__).parents[2] / "slurm" / "train.sbatch"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    (stages,) = re.findall(r"for stage in ([\w ]+);", script.read_text())
    assert stages.split() == list(Stage)


def test_accumulation_takes_the_same_steps(shared_toy_tree, profile, one, tmp_path):
    indices = [index_tree(shared_toy_tree, split) for split in ("train", "val")]
    changed = Path(profile).with_name("pieces.toml")
    changed.write_text(f"{PROFILE}accumulate = 4\n")
    train_stage("lifter", load_profile(str(changed)), *indices, tmp_path / "checkpoints", seed=0)
    assert np.allclose(one, history(tmp_path)[COLUMNS], rtol=ROUNDING)


def test_a_batch_that_does_not_divide_is_refused(shared_toy_tree, profile, tmp_path):
    indices = [index_tree(shared_toy_tree, split) for split in ("train", "val")]
    changed = Path(profile).with_name("three.toml")
    changed.write_text(f"{PROFILE}accumulate = 3\n")
    with pytest.raises(EgolibError, match=r"batch_size = 8 does not divide .* a multiple of 3"):
        train_stage("lifter", load_profile(str(changed)), *indices, tmp_path, seed=0)


@pytest.mark.parametrize(("length", "batch"), [(50, 8), (5, 8), (64, 16)])
@pytest.mark.parametrize("world", [2, 4])
def test_shares_are_the_batches_of_one_process_dealt_out(length, batch, world):
    whole = list(EpochShuffle(length, 7, batch))
    shares = [list(EpochShuffle(length, 7, batch, rank, world)) for rank in range(world)]
    part = batch // world
    for k in range(len(whole) // batch):
        dealt = [position for share in shares for position in share[k * part : (k + 1) * part]]
        assert sorted(dealt) == sorted(whole[k * batch : (k + 1) * batch])
    assert len({len(share) for share in shares}) == 1
    assert len({*chain(*shares)}) == sum(map(len, shares)) > len(whole) - world


@pytest.mark.parametrize(("length", "batch"), [(2, 1), (16, 8), (17, 8), (33, 5), (1000, 64)])
def test_every_process_validates_as_many_batches_and_every_frame_once(length, batch):
    parts = [ordered_batches(length, batch, rank, 2) for rank in range(2)]
    assert len(parts[0]) == len(parts[1])
    assert all(part for share in parts for part in share)
    assert sorted(chain(*parts[0], *parts[1])) == list(range(length))
    assert max(len(part) for share in parts for part in share) <= max(-(-batch // 2), 2)
    assert [*chain(*ordered_batches(length, batch))] == list(range(length))
