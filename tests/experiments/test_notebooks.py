"""The study is run again only for a reason, and refuses in one line."""

import base64
import io
import json
import shlex
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from fake_papermill import completed
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from planted import write_whole_tree

from egolib import cli
from egolib.config import load_profile
from egolib.data.packing import pack_tree
from egolib.experiments import notebooks as execute
from egolib.experiments import run as study
from egolib.experiments.executed_notebooks import small_copy
from egolib.experiments.notebooks import notebook_paths, run_study
from egolib.experiments.results_folder import MARKER, is_owned_by
from egolib.experiments.run import Study, default_tree, open_study
from egolib.foundation.errors import EgolibError


def test_an_edited_profile_is_run_again(tmp_path, shared_toy_tree, monkeypatch):
    """All notebooks are executed again for another value in a profile file, and for another network
    that comes with egolib, and only then."""
    ran = []

    def executed(notebook, partial, parameters, **_):
        ran.append(Path(notebook))
        return completed(Path(notebook), Path(partial))

    monkeypatch.setattr(execute.pm, "execute_notebook", executed)
    monkeypatch.setattr(execute, "SHIPPED", tmp_path / "shipped.safetensors")
    monkeypatch.setattr(Study, "audit", lambda study: None)  # toys are no human bodies
    path, every = tmp_path / "mine.toml", notebook_paths()
    for epochs, weights, expected in (
        (1, b"old", every), (1, b"old", []), (2, b"old", every), (2, b"new", every)
    ):  # fmt: skip
        (tmp_path / "shipped.safetensors").write_bytes(weights)
        path.write_text(f'base = "smoke"\n[lifter]\nepochs = {epochs}\n')
        run_study(open_study(str(path), data=shared_toy_tree, results=tmp_path / "out"))
        assert ran == expected
        ran.clear()


def last_line_of_a_refused_run(capsys, tree, results):
    """What stderr ends with when the study ends with exit code 2."""
    arguments = ["run", "--profile", "smoke", "--data", str(tree), "--results", str(results)]
    assert cli.main(arguments) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.usefixtures("drift_network")
def test_a_tree_without_a_split_is_one_line(tmp_path, capsys):
    tree = write_whole_tree(tmp_path / "tree")
    shutil.rmtree(tree / "ValSet")
    last = last_line_of_a_refused_run(capsys, tree, tmp_path / "out")
    assert last.startswith(f"egolib: {tree}: has no ValSet")


def test_the_network_that_audits_leaves_the_run_alone_that_it_audits_for(
    tmp_path, shared_toy_tree, monkeypatch
):
    """A first run on data that was given, without --results: the miniature's network has a folder of its
    own, unless a run on the miniature left one where such runs lie."""

    def train(run, stage):
        run.checkpoint(stage).parent.mkdir(parents=True)
        run.checkpoint(stage).touch()

    monkeypatch.setattr(study, "REPOSITORY", tmp_path)
    monkeypatch.setattr(Study, "prepare_data", lambda run: None)
    monkeypatch.setattr(Study, "train", train)
    mine = open_study("smoke", data=str(shared_toy_tree))
    marker = mine.results / MARKER
    apart = tmp_path / "results" / "audit_network_smoke" / "checkpoints" / "heatmaps.safetensors"
    assert study.miniature_network("smoke") == apart
    assert is_owned_by(mine.results, mine.identity)
    assert not mine.checkpoint("heatmaps").parent.exists()
    marker.unlink()
    own = open_study("smoke")
    train(own, "heatmaps")
    assert study.miniature_network("smoke") == own.checkpoint("heatmaps")


def test_an_error_in_a_notebook_is_one_line(tmp_path, toy_tree, capsys, monkeypatch):
    """A pack of images that are smaller than what the profile trains on."""
    training = [path for path in notebook_paths() if path.stem == "02_train_heatmaps"]
    monkeypatch.setattr(execute, "notebook_paths", lambda: training)
    pack_tree(toy_tree, tmp_path / "packed", px=32)
    last = last_line_of_a_refused_run(capsys, tmp_path / "packed", tmp_path / "out")
    assert last.startswith(f"egolib: {tmp_path / 'packed'}: holds images of 32 px, 64 are asked")
    assert "02_train_heatmaps.ipynb" in last
    assert not (tmp_path / "out" / "notebooks" / "02_train_heatmaps.ipynb").exists()


def test_a_place_that_may_not_be_written_is_one_line(tmp_path, toy_tree, capsys, monkeypatch):
    training = [path for path in notebook_paths() if path.stem == "02_train_heatmaps"]
    monkeypatch.setattr(execute, "notebook_paths", lambda: training)
    pack_tree(toy_tree, tmp_path / "packed", px=64)

    def refused(*_, **__):
        message = "[Errno 13] Permission denied: 'there'"
        raise execute.PapermillExecutionError(3, 3, "study.train()", "PermissionError", message, [])

    monkeypatch.setattr(execute.pm, "execute_notebook", refused)
    last = last_line_of_a_refused_run(capsys, tmp_path / "packed", tmp_path / "out")
    assert "Permission denied: 'there' (02_train_heatmaps.ipynb, cell 3)" in last


def test_a_run_with_other_settings_has_a_folder_and_parameters_of_its_own(
    tmp_path, shared_toy_tree, monkeypatch
):
    monkeypatch.setattr(study, "REPOSITORY", tmp_path)
    monkeypatch.setattr(Study, "audit", lambda study: None)
    given = []

    def executed(notebook, partial, parameters, **_):
        given.append(parameters)
        return completed(Path(notebook), Path(partial))

    monkeypatch.setattr(execute.pm, "execute_notebook", executed)
    overrides = {"lifter": {"latent_size": 7}}
    usual = open_study("smoke", data=shared_toy_tree)
    other = open_study("smoke", data=shared_toy_tree, overrides=json.dumps(overrides))
    assert other.profile.lifter.latent_size == 7
    assert usual.results != other.results
    assert other.results.name == "smoke-lifter.latent_size=7"
    run_study(other)
    assert all(parameters["overrides"] == overrides for parameters in given)
    command = json.loads((other.results / "manifest.json").read_text())["command"]
    words = shlex.split(command)
    assert json.loads(words[words.index("--overrides") + 1]) == overrides
    given.clear()
    run_study(usual)
    assert not any("overrides" in parameters for parameters in given)
    (usual.results / "checkpoints").mkdir()
    with pytest.raises(EgolibError, match="holds results of another run"):
        open_study("smoke", data=shared_toy_tree, results=usual.results, overrides=overrides)


def test_another_miniature_is_rendered_elsewhere():
    scale = {"render": {"scale": 0.2}}
    usual, other = (default_tree(load_profile("quick", changes)) for changes in ({}, scale))
    lifter = default_tree(load_profile("quick", {"lifter": {"latent_size": 7}}))
    assert usual == lifter
    assert other.name == "quick-render.scale=0.2"


def test_a_published_notebook_is_small_and_folds_its_solutions(tmp_path):
    """Links lead from where it lies, and nothing of this machine is in it."""
    sources = tmp_path / "repository" / "notebooks"
    sources.mkdir(parents=True)
    (sources.parent / "code.py").touch()
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 3), np.uint8)
    Image.fromarray(noise).save(stream, "png")
    png = base64.b64encode(stream.getvalue()).decode()
    outputs = [
        new_output("stream", name="stderr", text="Rendering: 10 %"),
        new_output("stream", text=f"{sources.parent}/results/quick and 42"),
        new_output("display_data", {"image/png": png, "text/plain": "a figure"}),
    ]
    cells = [
        new_markdown_cell("see [code](../code.py)"),
        new_code_cell("results = 1", metadata={"tags": ["injected-parameters"]}),
        new_code_cell("6 * 7", outputs=outputs, metadata={"papermill": {"duration": 3.0}}),
        new_code_cell("print(41 + 1)", outputs=outputs[1:2], metadata={"tags": ["solution"]}),
    ]
    path = tmp_path / "results" / "01_a.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=cells), path)
    target = sources.parent / "results" / "published" / "quick" / "notebooks"
    copy = small_copy(path, sources, target)
    nbformat.validate(copy)
    text = nbformat.writes(copy)
    assert "](../../../../code.py)" in copy.cells[0].source
    assert len(copy.cells) == 3
    assert [o.output_type for o in copy.cells[1].outputs] == ["stream", "display_data"]
    assert str(sources.parent) not in text
    assert "Rendering" not in text
    assert "papermill" not in text
    assert len(text) < len(png) / 2
    solution = copy.cells[2].source
    assert copy.cells[2].cell_type == "markdown"
    assert solution.startswith(
        "<details><summary>Solution</summary>\n\n```python\nprint(41 + 1)\n```"
    )
    assert solution.endswith("</details>")


@pytest.fixture
def toy_run(tmp_path, shared_toy_tree, monkeypatch):
    """A run whose notebooks are not executed -> (it, the paths that papermill was given)."""
    given = []

    def executed(notebook, partial, parameters, **_):
        given.append((notebook.format(), partial.format(**parameters)))  # as papermill reads them
        return completed(*map(Path, given[-1]))

    monkeypatch.setattr(execute.pm, "execute_notebook", executed)
    monkeypatch.setattr(Study, "audit", lambda study: None)
    return lambda name: (open_study("smoke", data=shared_toy_tree, results=tmp_path / name), given)


@pytest.mark.parametrize("name", ["a{x}y", "fs{seed}", "{", "{{0}}", "%s"])
def test_braces_in_a_path_are_letters(tmp_path, toy_run, name):
    (tmp_path / "fs0" / "notebooks").mkdir(parents=True)
    run, given = toy_run(name)
    run_study(run)
    assert {Path(partial).parent for _, partial in given} == {tmp_path / name / "notebooks"}
    assert not list((tmp_path / "fs0").rglob("*.ipynb"))
    assert len(list((tmp_path / name / "notebooks").glob("0*.ipynb"))) == len(notebook_paths())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"stamp": 1}', b"{" * 10**5])
def test_damaged_notes_of_a_run_are_set_aside(toy_run, content, capsys):
    run, given = toy_run("out")
    run_study(run)
    first = notebook_paths()[0]
    for path in (
        run.results / "durations.json",
        run.results / "notebooks" / f".{first.stem}.stamp.json",
    ):
        path.write_bytes(content)
    given.clear()
    run_study(run)
    assert [Path(notebook).name for notebook, _ in given] == [first.name]
    assert "is now" in capsys.readouterr().err
    given.clear()
    run_study(run)
    assert not given
    assert not capsys.readouterr().err


def test_a_notebook_whose_process_is_killed_is_one_line(tmp_path, toy_tree, capsys, monkeypatch):
    def killed(*_, **__):
        raise DeadKernelError("Kernel died")

    monkeypatch.setattr(execute.pm, "execute_notebook", killed)
    monkeypatch.setattr(Study, "audit", lambda study: None)
    last = last_line_of_a_refused_run(capsys, toy_tree, tmp_path / "out")
    assert (
        "01_explore_data.ipynb: its process was killed, probably because the memory was full"
        in last
    )
