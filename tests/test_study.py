"""The whole study on the smoke profile, as `./run_all.sh --profile smoke` runs it."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
from planted import write_whole_tree

from egolib import execute
from egolib.analysis.answers import ANSWERS_FILE
from egolib.evaluation import Predictions
from egolib.execute import notebook_paths, run_study
from egolib.frames import index_tree
from egolib.metrics import mpjpe_mm
from egolib.packing import pack_tree
from egolib.study import EVALUATIONS, REPOSITORY, Study, open_study

RUN = [sys.executable, "-m", "egolib.cli", "run", "--profile", "smoke"]


def test_everything_promised_is_there(finished):
    expected = [
        f"checkpoints/{name}.safetensors" for name in ("heatmaps", "lifter", "finetuned", "ours")
    ]
    expected += [f"notebooks/{path.name}" for path in notebook_paths()]
    for table in ("summary", "by_action", "by_joint", "by_body_group"):
        expected += [f"tables/{table}.{ext}" for ext in ("csv", "md", "tex")]
    figures = ["predictions", "is_the_lower_body_worse", "training_heatmaps", "training_lifter",
               "training_finetune", "training_ours", "architecture_ours",
               "expected_error", *json.loads((finished / "tables" / ANSWERS_FILE).read_text())]  # fmt: skip
    assert len(figures) > 15
    expected += [f"figures/{name}.png" for name in figures]
    expected += [f"pages/{name}" for name in ("viewer.html", "gallery.js", "plotly.min.js")]
    for name in [*expected, "index.html", "data_card.html", "manifest.json"]:
        assert (finished / name).stat().st_size > 100, name


def test_the_tables_hold_what_the_predictions_say(finished):
    table = pd.read_csv(finished / "tables" / "by_action.csv", index_col=0)
    measured = [c for c in table if c.startswith("measured on the miniature") and "mean" in c]
    for column, name in zip(measured, EVALUATIONS, strict=True):
        predictions = Predictions.load(finished / "predictions" / f"{name}.npz")
        error = mpjpe_mm(predictions.predicted_m, predictions.truth_m).mean()
        assert table.loc["All", column] == pytest.approx(error, abs=0.01)
        assert 0 < error < 1000
    assert table.filter(like="published, full data set").shape[1] >= 3


def test_the_test_split_is_whole_and_was_never_trained_on(finished):
    tree = REPOSITORY / "data" / "smoke"
    predictions = Predictions.load(finished / "predictions" / "after.npz")
    assert len(predictions) == len(index_tree(tree, "test"))
    seen = {*index_tree(tree, "train").characters, *index_tree(tree, "val").characters}
    assert not seen & set(predictions.character)
    assert len(np.unique(predictions.action)) == 9


def test_the_manifest(finished):
    manifest = json.loads((finished / "manifest.json").read_text())
    steps = {path.stem for path in notebook_paths()} | {"render"}
    assert set(manifest["duration_s"]) == steps
    assert manifest["profile"]["name"] == "smoke"
    assert set(manifest["data"]) == {"train", "val", "test"}
    assert manifest["hardware"]["cores"] == os.cpu_count()
    assert manifest["versions"]["torch"]


def test_executed_notebooks_have_pictures_and_no_errors(finished):
    for path in notebook_paths():
        notebook = nbformat.read(finished / "notebooks" / path.name, as_version=4)
        outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
        assert not any(o.output_type == "error" for o in outputs)
        assert any("image/png" in o.get("data", {}) for o in outputs), path.name
        conclusion = notebook.cells[-1]
        assert any("text" in o for o in conclusion.outputs), path.name


def test_a_second_run_skips_what_is_done(finished, capsys):
    before = {p: p.stat().st_mtime_ns for p in (finished / "notebooks").glob("*.ipynb")}
    run_study(open_study("smoke", results=finished))
    assert capsys.readouterr().out.count("done before, skipped") == len(before)
    assert before == {p: p.stat().st_mtime_ns for p in (finished / "notebooks").glob("*.ipynb")}


def test_only_what_is_missing_is_made_again(finished, capsys):
    table = finished / "tables" / "summary.md"
    before = table.read_text()
    table.unlink()
    run_study(open_study("smoke", results=finished))
    assert capsys.readouterr().out.count("done before, skipped") == len(notebook_paths()) - 1
    assert table.read_text() == before


def test_an_edited_profile_is_run_again(tmp_path, shared_toy_tree, monkeypatch):
    """The stamps of all notebooks change with a key of a profile file, and only then."""
    stamps = []
    monkeypatch.setattr(execute, "_run_notebook", lambda *arguments: stamps.append(arguments[-1]))
    monkeypatch.setattr(execute, "_write_pages", lambda study, stamp: None)
    monkeypatch.setattr(execute, "write_report", lambda results: None)
    monkeypatch.setattr(Study, "audit", lambda study: None)  # toys are no human bodies
    path = tmp_path / "mine.toml"
    for epochs in (1, 1, 2):
        path.write_text(f'base = "smoke"\n[lifter]\nepochs = {epochs}\n')
        run_study(open_study(str(path), data=shared_toy_tree, results=tmp_path / "out"))
    count = len(notebook_paths())
    first, second, edited = (stamps[i * count : (i + 1) * count] for i in range(3))
    assert first == second
    assert not set(first) & set(edited)


def last_line_of_a_refused_run(tree, results):
    """What stderr ends with when the study ends with exit code 2 and without a traceback."""
    command = [*RUN, "--data", str(tree), "--results", str(results)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_tree_without_a_split_is_one_line(tmp_path):
    tree = write_whole_tree(tmp_path / "tree")
    shutil.rmtree(tree / "ValSet")
    last = last_line_of_a_refused_run(tree, tmp_path / "out")
    assert last.startswith(f"egolib: {tree}: has no ValSet")


def test_an_error_in_a_notebook_is_one_line(tmp_path, toy_tree):
    """A pack of pictures that are smaller than what the profile trains on."""
    pack_tree(toy_tree, tmp_path / "packed", px=32)
    last = last_line_of_a_refused_run(tmp_path / "packed", tmp_path / "out")
    assert last.startswith(f"egolib: {tmp_path / 'packed'}: holds pictures of 32 px, 64 are asked")
    assert "02_train_heatmaps.ipynb" in last
    assert not (tmp_path / "out" / "notebooks" / "02_train_heatmaps.ipynb").exists()
