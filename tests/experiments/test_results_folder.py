"""A results folder belongs to one run, and to the version of egolib whose names its files have."""

import json

import pytest

from egolib import cli
from egolib.experiments.results_folder import MARKER
from egolib.experiments.run import open_study


@pytest.fixture
def of_an_earlier_version(tmp_path, shared_toy_tree):
    """A results folder whose marker does not say how its files are called."""
    folder = tmp_path / "out"
    owner = open_study("smoke", data=str(shared_toy_tree), results=str(folder)).identity
    (folder / MARKER).write_text(json.dumps(owner))
    return folder


def opened(folder, tree):
    """Exit code of a command that opens the run of `folder`, and ends where its stage wants another."""
    words = ["train", "end_to_end", "--profile", "smoke", "--data", str(tree)]
    return cli.main([*words, "--results", str(folder)])


def test_results_of_an_earlier_version_are_refused_in_one_line(
    of_an_earlier_version, shared_toy_tree, capsys
):
    """Its stages have other names: what was trained there would be trained again beside it."""
    (of_an_earlier_version / "checkpoints").mkdir()
    before = (of_an_earlier_version / MARKER).read_bytes()
    assert opened(of_an_earlier_version, shared_toy_tree) == 2
    message = capsys.readouterr().err
    assert message.startswith(
        f"egolib: {of_an_earlier_version}: holds results of an earlier version"
    )
    assert message.endswith("choose another folder with --results, or delete this one\n")
    assert message.count("\n") == 1
    assert (of_an_earlier_version / MARKER).read_bytes() == before


def test_a_folder_of_an_earlier_version_without_a_training_is_free(
    of_an_earlier_version, shared_toy_tree, capsys
):
    assert opened(of_an_earlier_version, shared_toy_tree) == 2
    assert "heatmaps.safetensors: no such checkpoint" in capsys.readouterr().err
