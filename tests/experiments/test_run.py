"""The whole study on the smoke profile, as `./run_all.sh --profile smoke` runs it; then JupyterLab, in
a real browser, opens and runs its notebooks."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import numpy as np
import pytest

from egolib.data.index import index_tree
from egolib.evaluation.analysis.answers import ANSWERS_FILE
from egolib.evaluation.inference import Predictions
from egolib.evaluation.tables import read_table
from egolib.experiments.notebooks import notebook_paths, run_study
from egolib.experiments.run import open_study
from egolib.metrics import mpjpe_mm

RUN = [sys.executable, "-m", "egolib.cli", "run", "--profile", "smoke"]
_PATIENCE_S = 600


@pytest.fixture(scope="module")
def finished(miniature, tmp_path_factory):
    """Results folder of a smoke run."""
    results = tmp_path_factory.mktemp("results") / "smoke"
    done = subprocess.run([*RUN, "--results", str(results)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return results


def test_everything_promised_is_there(finished):
    expected = [
        f"checkpoints/{name}.safetensors"
        for name in ("heatmaps", "lifter", "end_to_end", "ray_model")
    ]
    expected += [f"notebooks/{path.name}" for path in notebook_paths()]
    for table in ("summary", "by_action", "by_joint", "by_body_group"):
        expected += [f"tables/{table}.{ext}" for ext in ("csv", "md", "tex")]
    figures = ["predictions", "is_the_lower_body_worse", "training_heatmaps", "training_lifter",
               "training_end_to_end", "training_ray_model", "architecture_ray_model",
               "expected_error", *json.loads((finished / "tables" / ANSWERS_FILE).read_text())]  # fmt: skip
    assert len(figures) > 15
    expected += [f"figures/{name}.png" for name in figures]
    expected += [f"pages/{name}" for name in ("viewer.html", "gallery.js", "plotly.min.js")]
    for name in [*expected, "index.html", "data_card.html", "manifest.json"]:
        assert (finished / name).stat().st_size > 100, name


def test_the_tables_hold_what_the_predictions_say(finished):
    table = read_table(finished / "tables" / "by_action.csv")
    means = table.xs("mean", axis=1, level="statistic")
    measured = [c for c in means if c[0].startswith("measured on the miniature")]
    for column, name in zip(measured, ("oracle", "dual", "end_to_end", "ray_model"), strict=True):
        predictions = Predictions.load(finished / "predictions" / f"{name}.npz")
        error = mpjpe_mm(predictions.predicted_rel_m, predictions.true_rel_m).mean()
        assert means.loc["All", column] == pytest.approx(error, abs=0.01)
        assert 0 < error < 1000
    assert means["published, full data set"].shape[1] >= 3


def test_the_test_split_is_whole_and_was_never_trained_on(finished, miniature):
    tree = miniature.tree
    predictions = Predictions.load(finished / "predictions" / "end_to_end.npz")
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
    assert manifest["hardware"]["cores"] == len(os.sched_getaffinity(0))
    assert manifest["versions"]["torch"]


def test_executed_notebooks_have_images_and_no_errors(finished):
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


@pytest.fixture(scope="module")
def notebooks(finished, tmp_path_factory):
    """Copies of the notebooks whose first cell asks for the finished run."""
    folder = tmp_path_factory.mktemp("lab")
    for path in notebook_paths():
        text = path.read_text().replace('profile = \\"quick\\"', 'profile = \\"smoke\\"')
        (folder / path.name).write_text(
            text.replace('results = \\"\\"', f'results = \\"{finished}\\"')
        )
    return folder


@pytest.fixture(scope="module")
def lab(browser, notebooks):
    """A page in which JupyterLab serves `notebooks`, and says `window.jupyterapp`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
               "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
               f"--notebook-dir={notebooks}"]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5)
            break
        time.sleep(0.2)
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(1000 * _PATIENCE_S)  # the first page is slow
    page.goto(f"http://127.0.0.1:{port}/lab?reset")
    page.wait_for_function("window.jupyterapp")
    page.evaluate("jupyterapp.restored")
    yield page
    page.close()
    server.terminate()
    server.wait()


def run_all_cells(lab, path):
    """Run > Run All Cells of the notebook that is open -> the code cells as they are saved then."""
    lab.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    lab.evaluate("jupyterapp.commands.execute('docmanager:save')")
    cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    failed = [o for c in cells for o in c.outputs if o.output_type == "error"]
    assert not failed, failed[0]["evalue"]
    return cells


def conclusion(cells):
    """The printed text of the last cell."""
    return re.sub(r"\s+", " ", "".join(o.get("text", "") for o in cells[-1].outputs))


@pytest.mark.parametrize("name", [path.name for path in notebook_paths()])
def test_jupyterlab_runs_a_notebook_twice_with_the_same_text(lab, notebooks, name):
    """JupyterLab, as `./run_all.sh lab` starts it, in a real browser."""
    lab.evaluate(
        """async path => {
            window.opened = await jupyterapp.commands.execute("docmanager:open", {path});
            await opened.context.ready;
            await opened.sessionContext.ready;
        }""",
        name,
    )
    lab.locator(".jp-Notebook:visible .jp-CodeCell").first.wait_for()
    lab.get_by_text(re.compile(r"Python 3.*\| Idle")).wait_for()
    once, again = (run_all_cells(lab, notebooks / name) for _ in range(2))
    lab.evaluate("opened.sessionContext.shutdown().then(() => opened.dispose())")
    assert again[-1].execution_count == 2 * len(again)
    assert conclusion(once)
    assert conclusion(again) == conclusion(once)
