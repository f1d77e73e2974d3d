"""The study is run again only for a reason, and refuses in one line."""

import shutil

import pytest
from fake_papermill import completed
from planted import write_whole_tree

from egolib import cli
from egolib.data.packing import pack_tree
from egolib.experiments import notebooks as execute
from egolib.experiments import run as study
from egolib.experiments.notebooks import notebook_paths, run_study
from egolib.experiments.results_folder import MARKER, is_owned_by
from egolib.experiments.run import Study, open_study


def test_an_edited_profile_is_run_again(tmp_path, shared_toy_tree, monkeypatch):
    """All notebooks are executed again for another value in a profile file, and for another network
    that comes with egolib, and only then."""
    ran = []

    def executed(notebook, partial, parameters, **_):
        ran.append(notebook)
        return completed(notebook, partial)

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
