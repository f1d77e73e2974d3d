"""A whole sweep on the toy tree: what is done is not done again, and the tables hold it."""

import dataclasses
import pickle
import shutil

import pandas as pd
import pytest

from egolib import cli
from egolib.errors import EgolibError
from egolib.methods import steps, sweep
from egolib.methods.sweep import open_sweep, run_sweep, submit_sweep, write_outcome

GRID = """
base = "tiny.toml"
[methods.martinez]
lifter.method = "martinez"
[methods.dual]
[methods.dual_finetuned]
stage = "finetune"
[methods.ours]
stage = "ours"
[methods.ours_five_frames]
stage = "window"
[methods.oracle]
lifter.trained_on = "true"
[ablations.tuning]
key = "stage"
values = ["lifter", "finetune"]
"""
TINY = """
base = "smoke"
[heatmaps]
epochs = 1
[lifter]
epochs = 1
trained_on = "detected"
"""


def opened(folder, tree, text=GRID):
    (folder / "tiny.toml").write_text(TINY)
    grid = folder / f"{len(text)}.toml"
    grid.write_text(text)
    return open_sweep(grid, tree, folder / "out")


@pytest.fixture(scope="module")
def finished(shared_toy_tree, tmp_path_factory):
    """A sweep that was killed in its third step, went on, and was stopped by its hours once."""
    toys = opened(tmp_path_factory.mktemp("sweep"), shared_toy_tree)
    with pytest.MonkeyPatch.context() as patch:
        finish, begun = steps.Step.finish, []

        def killed(step):
            begun.append(step)
            if len(begun) == 3:
                raise KeyboardInterrupt
            finish(step)

        patch.setattr(steps.Step, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(toys)
    assert len(run_sweep(toys, hours=1e-9)) == len(toys.steps()) - 3
    assert toys.missing
    assert run_sweep(toys) == []
    return toys


def test_every_run_is_there_and_shares_what_it_can(finished):
    assert finished.missing == []
    names = [f"{step.name} of {step.of}" for step in finished.steps()]
    assert len(names) == len(set(names))
    kinds = [step.name.partition(",")[0] for step in finished.steps()]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "heatmaps": 1, "detections": 1, "lifter": 3, "fine-tuning": 1, "ours": 1, "window": 1,
        "predictions": 6,
    }  # fmt: skip
    assert len(list(finished.results.rglob("heatmaps.safetensors"))) == 1
    assert not list(finished.results.rglob("*.ckpt"))


def test_a_second_sweep_has_nothing_to_do(finished, monkeypatch):
    monkeypatch.setattr(steps.Step, "finish", None)
    assert run_sweep(finished) == []


def test_only_what_a_changed_key_touches_is_done_again(finished):
    changed = GRID.replace("[methods.martinez]", "[methods.martinez]\nlifter.learning_rate = 0.01")
    toys = opened(finished.results.parent, finished.tree, changed)
    left = {step.name for step in toys.steps() if not step.is_done}
    assert left == {"lifter", "predictions, before"}
    assert {step.of for step in toys.steps() if not step.is_done} == {"martinez, seed 0"}


def test_shards_share_no_network_and_miss_nothing(finished):
    toys = opened(finished.results.parent, finished.tree, "seeds = [0, 1, 2]" + GRID)
    parts = [toys.steps((i, 2)) for i in (1, 2)]
    folders = [{step.folder for step in part if step.name == "heatmaps"} for part in parts]
    assert [len(part) for part in folders] == [2, 1]
    assert not folders[0] & folders[1]
    assert sum(map(len, parts)) == len(toys.steps()) == 3 * len(finished.steps())


def test_jobs_do_the_parts_of_a_sweep(finished, tmp_path, monkeypatch):
    """Two jobs, the second of which has no network and so nothing to do."""

    def run_here(function, parts, folder, cluster, cpus, options):
        assert (folder, cluster, options) == (tmp_path / "out" / "jobs", "slurm", {"time": 60})
        function = pickle.loads(pickle.dumps(function))
        for i in range(parts):
            function((i + 1, parts))

    monkeypatch.setattr(sweep, "run_parts", run_here)
    copy = tmp_path / "out"
    shutil.copytree(finished.results, copy)
    shutil.rmtree(copy / "runs" / "martinez")
    toys = dataclasses.replace(finished, results=copy)
    submit_sweep(toys, 2, "slurm", {"time": 60})
    assert toys.missing == []


def test_the_outcome_is_written(finished):
    write_outcome(finished)
    folder = finished.results
    table = pd.read_csv(folder / "tables" / "methods.csv", index_col=0)
    assert list(table.index) == [
        "martinez", "dual", "dual_finetuned", "ours", "ours_five_frames", "oracle",
    ]  # fmt: skip
    mpjpe = next(column for column in table if "| MPJPE (mm) | mean" in column)
    error = finished.predictions("dual").errors_mm.mean()
    assert table.loc["dual", mpjpe] == pytest.approx(error, abs=0.01)
    minutes = table.filter(like="training (min)").iloc[:, 0]
    assert minutes["dual_finetuned"] > minutes["dual"] > minutes["oracle"] > 0
    assert "Fine-tuning end to end helps" in (folder / "tables" / "claims.md").read_text()
    for name in ("methods", "ablation_tuning"):
        assert (folder / "figures" / f"{name}.png").stat().st_size > 1000
    assert finished.states() is None  # the toy tree does not say what its pixels show
    assert list(finished.ablation("tuning")) == ["lifter", "finetune"]


def test_a_run_that_is_gone_is_missing_and_the_rest_is_shown(finished, tmp_path):
    copy = tmp_path / "out"
    shutil.copytree(finished.results, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.rmtree(copy / "runs" / "oracle")
    toys = dataclasses.replace(finished, results=copy)
    assert toys.missing == ["oracle"]
    assert "oracle" not in toys.methods()
    shutil.rmtree(copy / "runs")
    with pytest.raises(EgolibError, match="no method is trained yet; run `egolib sweep`"):
        toys.methods()


def test_the_verb_refuses_before_it_starts(tmp_path, shared_toy_tree, capsys, monkeypatch):
    path = tmp_path / "bad.toml"
    path.write_text("[methods.a]\nlifter.latent = 3\n")
    monkeypatch.setattr(sweep, "run_sweep", None)
    assert cli.main(["sweep", str(path), "--data", str(shared_toy_tree)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"egolib: {path} [methods.a] [lifter]: unknown key 'latent'")
    assert error.count("\n") == 1


def test_the_profile_study_is_the_sweep(monkeypatch):
    ran, compared = [], []
    monkeypatch.setattr(sweep, "run_sweep", ran.append)
    monkeypatch.setattr(cli.whole, "_compare", lambda *asked: compared.append(asked))
    assert cli.main(["run", "--profile", "study", "--results", "there"]) == 0
    assert (ran[0].grid.name, ran[0].results.name) == ("study", "there")
    assert compared == [(ran[0], "study")]
    assert cli.main(["run", "--profile", "study", "--data", "tree", "--pack", "there"]) == 2
    assert len(ran) == 1


def test_the_plan_of_the_study_fits_its_six_hours(shared_toy_tree, tmp_path, monkeypatch):
    """At the quick profile's frames and the rates measured on 2 cores."""
    study = open_sweep(data=shared_toy_tree, results=tmp_path)
    frames = {"train": 4914, "val": 432, "test": 1728}
    monkeypatch.setattr(sweep.Study, "index", lambda self, split: _Frames(frames[split]))
    seconds = [step.seconds for step in study.steps()]
    assert 3 * 3600 < sum(seconds) < 4 * 3600
    assert max(seconds) < 3600


class _Frames:
    fingerprint = ""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count
