"""From the parts of a release to a trained study: what somebody with the official data does. The
release is made from the miniature, and has defects."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from fake_release import write_release

from egolib import cli
from egolib.data.shards import open_frames
from egolib.experiments.run import REPOSITORY

CHARACTERS = ("TrainSet/female_001_a_a", "ValSet/male_008_a_a", "TestSet/female_004_a_a")


def spoil(tree):
    """One json without a joint, one image cut short, one image without labels."""
    labels = sorted((tree / CHARACTERS[0]).glob("env_001/cam_down/json/*.json"))
    content = json.loads(labels[0].read_text())
    content["joints"] = [j for j in content["joints"] if not j["name"].endswith("LeftHand")]
    labels[0].write_text(json.dumps(content))
    labels[2].unlink()
    images = sorted((tree / CHARACTERS[0]).glob("env_002/cam_down/rgba/*.png"))
    images[1].write_bytes(images[1].read_bytes()[:-200])


@pytest.fixture(scope="module")
def run(miniature, drift_network, tmp_path_factory):
    """Folder that holds parts/, tree/, packed/ and results/ when all is done."""
    root = tmp_path_factory.mktemp("official")
    for character in CHARACTERS:
        shutil.copytree(miniature.tree / character, root / "whole" / character)
    spoil(root / "whole")
    write_release(root / "whole", root / "parts")
    assert cli.main(["extract", str(root / "parts"), str(root / "tree")]) == 0
    command = [sys.executable, "-m", "egolib.cli", "run", "--profile", "smoke"]
    command += ["--data", root / "tree", "--pack", root / "packed", "--results", root / "results"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_what_was_left_out_is_counted(run):
    manifest = json.loads((run / "results" / "manifest.json").read_text())
    nothing = {"excluded": 0, "unpaired_images": 0, "unpaired_labels": 0}
    assert manifest["left_out"]["train"] == nothing | {"excluded": 2, "unpaired_images": 1}
    assert manifest["left_out"]["val"] == manifest["left_out"]["test"] == nothing
    assert {"audit", "pack"} <= manifest["duration_s"].keys()
    assert "2 excluded by the audit" in (run / "results" / "reproduce.html").read_text()
    counts = pd.read_csv(run / "results" / "tables" / "data_splits.csv", index_col=0)
    assert counts.loc["left out by the audit", "train"] == 2


def test_the_audit_names_it(run):
    excluded = pd.read_csv(run / "tree" / "audit" / "excluded.csv")
    assert sorted(excluded.reason) == ["joint_missing", "unreadable_image"]
    assert (run / "packed" / "audit" / "index.html").stat().st_size > 10_000


def test_the_pack_is_whole_and_is_what_was_trained_on(run, capsys):
    assert cli.main(["verify", str(run / "packed")]) == 0
    manifest = json.loads((run / "results" / "manifest.json").read_text())
    assert manifest["data_folder"] == str(run / "packed")
    for split, fingerprint in manifest["data"].items():
        index = open_frames(run / "packed", split)
        assert index.fingerprint == fingerprint
        assert len(index) == manifest["frames"][split] > 0


def test_tables_name_the_data(run):
    table = pd.read_csv(run / "results" / "tables" / "summary.csv", index_col=0)
    assert table.filter(like="measured on packed, test").shape[1] > 0
    assert not (REPOSITORY / "data" / "packed").exists()
