"""A whole sweep on the toy tree: what is done is not done again, and the tables hold it."""

import dataclasses
import functools
import json
import pickle
import re
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from fake_papermill import completed

from egolib import cli
from egolib.config import PROFILES, EndToEndConfig
from egolib.evaluation.tables import read_table
from egolib.experiments import notebooks as execution
from egolib.experiments import outcome, steps, sweep
from egolib.experiments.outcome import write_outcome
from egolib.experiments.publishing import SWEEP, publish
from egolib.experiments.results_folder import MARKER
from egolib.experiments.run import open_study
from egolib.experiments.sweep import open_sweep, prepare, run_sweep, submit_sweep
from egolib.foundation.errors import EgolibError
from egolib.report import write_sweep_report
from egolib.skeleton import SPLIT_FOLDERS
from egosynth import planned_sequences

SPLITS_OF_FOLDERS = {folder: split for split, folder in SPLIT_FOLDERS.items()}
SETTINGS = Path(__file__).parents[2] / "docs" / "settings.md"
GRID = """
base = "tiny.toml"
[methods.martinez]
lifter.method = "martinez"
[methods.dual]
[methods.end_to_end]
stage = "end_to_end"
[methods.ray_model]
stage = "ray_model"
[methods.oracle]
lifter.trained_on = "true"
[ablations.last_stage]
key = "stage"
values = ["lifter", "end_to_end"]
"""
TINY = """
base = "smoke"
[heatmaps]
epochs = 1
[lifter]
epochs = 1
trained_on = "detected"
"""
# What a sweep writes when its steps are done.
WRITTEN_LAST = ("tables", "figures", "notebooks", "manifest.json", "index.html")


def opened(folder, tree, text=GRID):
    (folder / "tiny.toml").write_text(TINY)
    grid = folder / f"{len(text)}.toml"
    grid.write_text(text)
    return open_sweep(grid, tree, folder / "out")


@pytest.fixture(autouse=True)
def one_small_backbone_at_full_size(monkeypatch):
    """The two large ones take half a minute."""
    small = functools.partial(outcome.full_size_costs, ("resnet18",), 1)
    monkeypatch.setattr(outcome, "full_size_costs", small)


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
        "heatmaps": 1, "detections": 1, "lifter": 3, "end_to_end": 1, "ray_model": 1, "predictions": 5,
    }  # fmt: skip
    assert len(list(finished.results.rglob("heatmaps.safetensors"))) == 1
    assert not list(finished.results.rglob("*.ckpt"))


def test_a_lost_prediction_is_made_again(partial):
    """The second seed of the end-to-end row has its note, but no file."""
    left = [step for step in partial.steps() if step.of == "dual, seed 1" and not step.is_done]
    assert [step.name for step in left] == ["predictions, end_to_end"]


def test_a_finished_step_leaves_the_training_of_another_alone(tmp_path):
    """Two machines at two stages of one folder: neither what one goes on from nor its notes are lost."""
    runs = tmp_path / "checkpoints" / "runs"
    for stage in ("lifter", "end_to_end", "ray_model"):
        (runs / stage).mkdir(parents=True)
        (runs / stage / "last.ckpt").touch()
    for name in ("lifter", "end_to_end"):
        steps.Step(name, "dual", tmp_path, f"key of {name}", 1.0, lambda: None).finish()
    assert [path.parent.name for path in runs.rglob("*.ckpt")] == ["ray_model"]
    assert set(steps.notes_in(tmp_path)) == {"lifter", "end_to_end"}


def test_a_sweep_does_not_replace_one_on_other_data_or_of_another_grid(finished, tmp_path):
    shutil.copytree(finished.tree, tmp_path / "other")
    wanted = r"holds results of another run .*choose another folder"
    with pytest.raises(EgolibError, match=wanted):
        run_sweep(opened(finished.results.parent, tmp_path / "other"))
    other = dataclasses.replace(finished, grid=dataclasses.replace(finished.grid, name="other"))
    for take in (run_sweep, prepare):
        with pytest.raises(EgolibError, match=wanted):
            take(other)
    with pytest.raises(EgolibError, match=wanted):  # nor does a run
        open_study("smoke", data=str(finished.tree), results=str(finished.results))


def test_a_second_sweep_has_nothing_to_do(finished, monkeypatch):
    monkeypatch.setattr(steps.Step, "finish", None)
    assert run_sweep(finished) == []


def test_only_what_a_changed_key_touches_is_done_again(finished):
    changed = GRID.replace("[methods.martinez]", "[methods.martinez]\nlifter.learning_rate = 0.01")
    toys = opened(finished.results.parent, finished.tree, changed)
    left = {step.name for step in toys.steps() if not step.is_done}
    assert left == {"lifter", "predictions, martinez"}
    assert {step.of for step in toys.steps() if not step.is_done} == {"martinez, seed 0"}
    assert toys.missing == ["martinez"]  # what it predicted as it was counts no longer


def test_a_prediction_does_not_depend_on_what_comes_after_it(finished, monkeypatch):
    """Longer training end to end: the lifter's and the ray model's predictions stay; what keeps
    predictions is changed: all are made again, and no network is trained."""
    variation = finished.grid.variations["dual"]
    profile = dataclasses.replace(variation.profile, end_to_end=EndToEndConfig(epochs=9))
    for stage in ("lifter", "ray_model"):
        changed = dataclasses.replace(variation, profile=profile, stage=stage)
        grid = dataclasses.replace(finished.grid, variations={"dual": changed})
        assert all(step.is_done for step in dataclasses.replace(finished, grid=grid).steps())
    monkeypatch.setattr(steps, "code_digest", lambda *functions: "other")
    kinds = {step.name.partition(",")[0] for step in finished.steps() if not step.is_done}
    assert kinds == {"detections", "predictions"}


def test_the_ray_model_alone_has_a_learning_curve(finished, tmp_path):
    toys = opened(
        tmp_path, finished.tree, 'base = "tiny.toml"\n[methods.ray_model]\nstage = "ray_model"'
    )
    run = toys.results / "runs" / "ray_model" / "seed0"
    shutil.copytree(finished.results / "runs" / "dual" / "seed0", run)
    shutil.copytree(finished.results / "heatmaps", toys.results / "heatmaps")
    shutil.rmtree(run / "checkpoints" / "runs" / "lifter")
    assert toys.missing == []
    ((begins_s, history),) = finished.learning_curves()["end_to_end"]
    study = finished.study(finished.grid.variations["end_to_end"], 0)
    assert begins_s > study.history("lifter").seconds.sum() > 0  # the heatmap network's come first
    ((begins_s, history),) = toys.learning_curves()["ray_model"]
    assert begins_s == pytest.approx(0, abs=1e-6)
    assert len(history) == 1


def test_shards_share_no_network_and_miss_nothing(finished):
    toys = opened(finished.results.parent, finished.tree, "seeds = [0, 1, 2]" + GRID)
    parts = [toys.steps((i, 2)) for i in (1, 2)]
    trained = [
        {step.folder for step in part if step.name in ("heatmaps", "ray_model")} for part in parts
    ]
    # Three heatmap networks, three ray models.
    assert [len(part) for part in trained] == [3, 3]
    assert not trained[0] & trained[1]
    assert sum(map(len, parts)) == len(toys.steps()) == 3 * len(finished.steps())


def test_jobs_do_the_parts_of_a_sweep(finished, tmp_path, monkeypatch):
    """Two jobs: one heatmap network with its lifters, and the ray model."""

    def run_here(function, parts, folder, executor, cpus, options):
        assert (folder, executor, options) == (tmp_path / "out" / "jobs", "slurm", {"time": 60})
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
    folder = finished.results
    stale = [
        "figures/ablation_gone.png",
        "figures/ablation_gone.pdf",
        "tables/methods_rotations.md",
    ]
    for name in stale:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("of another grid")
    write_outcome(finished)
    assert not [name for name in stale if (folder / name).exists()]
    table = read_table(folder / "tables" / "methods.csv")
    assert list(table.index) == ["martinez", "dual", "end_to_end", "ray_model", "oracle"]
    mpjpe = (f"measured on {finished.data_label}", "MPJPE (mm)", "mean")
    error = finished.predictions("dual").errors_mm.mean()
    assert table.loc["dual", mpjpe] == pytest.approx(error, abs=0.01)
    minutes = table["what it costs", "training (min)", "mean"]
    assert minutes["end_to_end"] > minutes["dual"] > minutes["oracle"] > 0
    assert "Training end to end helps" in (folder / "tables" / "claims.md").read_text()
    for name in ("methods", "ablation_last_stage", "error_by_minutes"):
        assert (folder / "figures" / f"{name}.png").stat().st_size > 1000
    ablated = pd.read_csv(folder / "tables" / "ablations.csv")
    assert ablated["ablation"].tolist() == ["last_stage"] * 2
    assert ablated["value"].tolist() == ["lifter", "end_to_end"]
    end_to_end = finished.predictions("end_to_end").errors_mm.mean()
    assert ablated["more (mm)"].tolist() == pytest.approx([0, end_to_end - error], abs=0.01)
    assert "stage = end_to_end instead of lifter: " in (folder / "tables/ablations.md").read_text()
    assert "M parameters, " in (folder / "tables" / "claims.md").read_text()
    assert ablated["MPJPE (mm)"][0] == pytest.approx(error, abs=0.01)
    assert (ablated["low"] < ablated["MPJPE (mm)"]).all()
    assert finished.states() is None  # the toy tree does not say what its pixels show
    assert list(finished.ablation("last_stage")) == ["lifter", "end_to_end"]


def test_the_notebook_shows_what_is_trained(finished):
    """For real: also the costs at full size, and the finding about the published row."""
    page = page_of(finished)
    costs = pd.read_csv(finished.results / "tables" / "methods_full_size.csv", index_col=0)
    assert {"dual, resnet50", "ray_model, resnet101"} <= set(costs.index)
    assert (costs["GFLOPs"] > 5).all()
    assert "ray_model, resnet101" in page
    notebook = (finished.results / "notebooks" / "07_compare_methods.html").read_text()
    assert "the rows and the total of xR-EgoPose dual branch do not belong" in notebook
    assert "Training end to end helps" in notebook


def page_of(sweep):
    """The page that `egolib sweep --no-training` makes of what is trained."""
    grid = sweep.results.parent / f"{sweep.grid.name}.toml"
    words = ["sweep", str(grid), "--no-training", "--data", str(sweep.tree)]
    assert cli.main([*words, "--results", str(sweep.results)]) == 0
    return (sweep.results / "index.html").read_text()


def writes_the_outcome_of(sweep):
    """A stand-in for papermill that does what the cells of the notebook do."""

    def execute(notebook, output, *_, **__):
        write_outcome(sweep)
        return completed(Path(notebook), Path(output))

    return execute


@pytest.fixture
def partial(finished, tmp_path):
    """The same as a sweep of two seeds that was cut off: no oracle, the second seed only of those that
    share the folder of `dual`, and not trained end to end."""
    toys = opened(tmp_path, finished.tree, "seeds = [0, 1]" + GRID)
    left_out = shutil.ignore_patterns("*.safetensors", "oracle", MARKER, *WRITTEN_LAST)
    shutil.copytree(finished.results, toys.results, ignore=left_out)
    run = toys.results / "runs" / "dual"
    for seed0 in (run / "seed0", *toys.results.glob("heatmaps/*/seed0")):
        shutil.copytree(seed0, seed0.with_name("seed1"))
    (run / "seed1" / "predictions" / "end_to_end.npz").unlink()
    for step in toys.steps():  # those of the second seed note what they would have been
        notes = steps.notes_in(step.folder)
        if step.name in notes:
            notes[step.name]["key"] = step.key
            if "seed 1" in step.of:
                notes[step.name]["machine"] = "2 cores (elsewhere)"
            (step.folder / "steps.json").write_text(json.dumps(notes))
    return toys


def test_what_is_missing_is_told_and_the_rest_is_shown(partial):
    assert partial.missing == ["martinez", "end_to_end", "oracle"]
    methods = partial.methods()
    assert {name: list(p.runs) for name, p in methods.items()} == {
        "martinez": [0], "dual": [0, 1], "end_to_end": [0], "ray_model": [0, 1],
    }  # fmt: skip
    assert [list(p.runs) for p in partial.ablation("last_stage").values()] == [[0], [0]]
    shutil.rmtree(partial.results / "runs" / "dual")
    assert partial.ablation("last_stage") == {}
    shutil.rmtree(partial.results / "runs")
    with pytest.raises(EgolibError, match="no method is trained yet; run `egolib sweep`"):
        partial.methods()


def test_a_sweep_that_was_cut_off_has_a_page_and_is_published(partial, monkeypatch, capsys):
    """Nothing is trained, and the notebook is not executed here: what it writes is."""
    monkeypatch.setattr(execution.pm, "execute_notebook", writes_the_outcome_of(partial))
    monkeypatch.setattr(sweep, "cost_of", lambda spec: {"GFLOPs": 1.5})
    with pytest.raises(EgolibError, match=r"manifest.json: missing"):
        write_sweep_report(partial.results)
    monkeypatch.setattr(steps.Step, "finish", None)
    text = page_of(partial)
    assert "Not trained from all seeds yet: martinez" in capsys.readouterr().out
    assert "6 of 10 runs are trained" in text
    assert "Not yet: oracle." in text
    assert "martinez (1 of 2 seeds)" in text
    assert "dual (" not in text.split("In part")[1].split("Not yet")[0]
    assert "published, full data set" in text
    assert "Training end to end helps" in text
    assert f"{partial.grid.name}.toml --data" in text.split("egolib sweep ")[1]
    assert "; and on " in text
    assert "2 cores (elsewhere)" in text
    links = re.findall(r'(?:href|src)="([^"#:]+)"', text)
    assert {"figures/methods.png", "figures/ablation_last_stage.png",
            "notebooks/07_compare_methods.html"} <= set(links)  # fmt: skip
    assert all((partial.results / link).is_file() for link in links)
    repository = partial.results.parent
    start, end = SWEEP.markers
    (repository / "docs").mkdir()
    (repository / "docs" / "results.md").write_text(f"# Title\n{start}\n{end}\n")
    target = publish(partial.results, repository)
    assert (target / "tables" / "claims.md").is_file()
    readme = (repository / "docs" / "results.md").read_text()
    assert f"{target.name}/figures/methods.png" in readme
    assert f"{target.name}/tables/ablations.md" in readme
    assert f"{target.name}/figures/error_by_minutes.png" in readme
    assert "methods_by_visibility" not in readme  # the toy tree does not tell it
    assert "Not finished: 6 of 10 runs" in readme


def test_the_verb_refuses_before_it_starts(tmp_path, shared_toy_tree, capsys):
    path = tmp_path / "bad.toml"
    path.write_text("[methods.a]\nlifter.latent = 3\n")
    words = ["sweep", str(path), "--data", str(shared_toy_tree), "--results", str(tmp_path / "out")]
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"egolib: {path} [methods.a] [lifter]: unknown key 'latent'")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_profile_study_is_the_sweep_of_its_grid(finished, tmp_path, monkeypatch, capsys):
    """With the toy grid as sweeps/study.toml, all of whose networks are trained."""
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / "study.toml").write_text(GRID)
    monkeypatch.setattr(sweep, "GRIDS", tmp_path)
    results = tmp_path / "out"
    written_again = shutil.ignore_patterns(MARKER, *WRITTEN_LAST)
    shutil.copytree(finished.results, results, ignore=written_again)
    toys = open_sweep("study", finished.tree, results)
    monkeypatch.setattr(execution.pm, "execute_notebook", writes_the_outcome_of(toys))
    words = ["run", "--profile", "study", "--data", str(finished.tree)]
    assert cli.main([*words, "--results", str(results)]) == 0
    assert f"{len(toys.steps())} steps, {len(toys.steps())} of them done" in capsys.readouterr().out
    manifest = json.loads((results / "manifest.json").read_text())
    assert manifest["grid"] == "study"
    assert manifest["command"] == f"egolib sweep study --data {finished.tree}"
    assert "Methods compared: study" in (results / "index.html").read_text()
    assert (results / "notebooks" / "07_compare_methods.html").is_file()
    assert cli.main([*words, "--pack", str(tmp_path / "packed")]) == 2
    assert "--pack: not for the study" in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_the_plan_of_the_study_is_what_the_settings_page_says(
    shared_toy_tree, tmp_path, monkeypatch, precision
):
    """At the quick profile's frames and the rates measured on 2 cores, with and without bf16."""
    study = open_sweep(data=shared_toy_tree, results=tmp_path)
    frames = Counter()
    for sequence in planned_sequences(PROFILES["quick"].render):
        frames[SPLITS_OF_FOLDERS[sequence.split]] += sequence.frames
    monkeypatch.setattr(sweep.Study, "index", lambda self, split: _Frames(frames[split]))
    monkeypatch.setattr(steps, "training_precision", lambda: precision)
    hours = sum(step.seconds for step in study.steps()) / 3600
    with_bf16, without = re.search(
        r"planned at ([\d.]+) hours on 2 cores with bf16, ([\d.]+) without", SETTINGS.read_text()
    ).groups()
    assert hours == pytest.approx(float(with_bf16 if "bf16" in precision else without), rel=0.05)
    assert max(step.seconds for step in study.steps()) < 2 * 3600


class _Frames:
    fingerprint = ""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count
