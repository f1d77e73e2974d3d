"""Every defect is found where it was planted, nothing else is, and nothing in a clean tree."""

import re
import shutil

import pandas as pd
import pytest
import torch
from planted import (
    CHARACTER,
    FIRST,
    FOLDER,
    PLANTS,
    edit_labels,
    path_of,
    second_file,
    write_whole_tree,
)

from egolib import cli
from egolib.audit import audit_tree
from egolib.audit.character import audit_character
from egolib.audit.defects import DEFECTS
from egolib.data.index import index_tree
from egolib.foundation.errors import EgolibError
from egolib.models.checkpoints import NetworkSpec, build_network, save_network

SPEC = NetworkSpec("heatmaps", "resnet18", 32, 1.0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "heatmaps.safetensors"
    torch.manual_seed(0)
    save_network(path, build_network(SPEC), SPEC, {"profile": "test"})
    return path


@pytest.fixture(scope="module")
def clean_tree(tmp_path_factory):
    """Not to be changed."""
    return write_whole_tree(tmp_path_factory.mktemp("clean") / "tree")


@pytest.fixture
def tree(clean_tree, tmp_path):
    return shutil.copytree(clean_tree, tmp_path / "tree", symlinks=True)


def findings_of(tree, cache):
    characters = [path.relative_to(tree).as_posix() for path in sorted(tree.glob("*Set/*"))]
    return [
        finding
        for character in characters
        for finding in audit_character(tree, cache, character).findings
    ]


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_defect_is_found_where_it_is(tree, tmp_path, name):
    defect, plant, companions = PLANTS[name]
    numbers = plant(tree)
    findings = findings_of(tree, tmp_path / "kept")
    assert sorted(f.number or 0 for f in findings if f.defect == defect) == [
        n or 0 for n in numbers
    ]
    assert {f.defect for f in findings} == {defect, *companions}


def test_the_next_take_of_a_clip_is_no_hole(tree, tmp_path):
    """The miniature says where a sequence begins: the numbers before it are not missing."""
    (_, plant, _) = PLANTS["hole"]
    (number,) = plant(tree)
    meta = tree / FOLDER / "meta" / f"{CHARACTER}.meta.{number + 1:06d}.json"
    meta.parent.mkdir()
    meta.write_text("{}")
    assert findings_of(tree, tmp_path / "kept") == []


def test_every_defect_is_planted():
    planted = {defect for defect, *_ in PLANTS.values()}
    assert planted == set(DEFECTS.index) - {"drifted"}  # test_drift.py


def test_a_clean_tree_gives_an_empty_list(clean_tree, tmp_path, checkpoint, capsys):
    command = ["audit", clean_tree, "--out", tmp_path, "--network", checkpoint, "--workers", "1"]
    assert cli.main([str(word) for word in command]) == 0
    assert "Nothing is wrong with these 40 frames of 3 characters" in capsys.readouterr().out
    assert (tmp_path / "excluded.csv").read_text() == "folder,number,reason\n"
    assert pd.read_csv(tmp_path / "summary.csv").kept.sum() == 40
    assert not (clean_tree / "audit").exists()


def test_training_leaves_out_what_the_audit_excludes(tree, checkpoint, capsys):
    edit_labels(tree, lambda labels: labels["joints"].pop(), [FIRST])
    second_file(tree)
    path_of(tree, "rgba", FIRST + 5).write_text("")
    with pytest.raises(EgolibError, match="a second file of frame"):
        index_tree(tree, "train")
    assert cli.main(["audit", str(tree), "--network", str(checkpoint), "--workers", "1"]) == 0
    assert "excluded" in capsys.readouterr().out
    index = index_tree(tree, "train")
    assert index.excluded == 3
    assert len(index) == 17
    here = index.folder_ids == index.folders.tolist().index(FOLDER)
    assert index.numbers[here].tolist() == [101, 102, 104, 106, 107, 108, 109]


def test_a_changed_list_makes_a_cached_index_stale(tree):
    assert len(index_tree(tree, "train")) == 20
    (tree / "audit").mkdir()
    (tree / "audit" / "excluded.csv").write_text(f"folder,number,reason\n{FOLDER},{FIRST},mine\n")
    assert (len(index_tree(tree, "train")), index_tree(tree, "train").excluded) == (19, 1)
    (tree / "audit" / "excluded.csv").unlink()
    assert (len(index_tree(tree, "train")), index_tree(tree, "train").excluded) == (20, 0)


@pytest.mark.parametrize("text", ["", "frame,why\n1,x\n", f"folder,number\n{FOLDER},first\n"])
def test_a_list_that_is_none_is_named(tree, text):
    (tree / "audit").mkdir()
    (tree / "audit" / "excluded.csv").write_text(text)
    with pytest.raises(EgolibError, match=r"excluded\.csv: not a list with the columns"):
        index_tree(tree, "train")


def test_only_what_changed_is_audited_again(tree, checkpoint):
    def times():
        kept = (tree / "audit" / "characters").glob("*.npz")
        return {path.name: path.stat().st_mtime_ns for path in kept}

    assert audit_tree(tree, network=checkpoint, workers=1).findings.empty
    before = times()
    assert len(before) == 2 * 3  # labels and files; what the network found
    assert audit_tree(tree, network=checkpoint, workers=1).findings.empty
    assert times() == before
    edit_labels(tree, lambda labels: labels.pop("action"))
    again = audit_tree(tree, network=checkpoint, workers=1)
    changed = {name for name, time in times().items() if time != before[name]}
    assert changed == {f"TrainSet.{CHARACTER}.npz", f"TrainSet.{CHARACTER}.seen.npz"}
    assert again.excluded.values.tolist() == [[FOLDER, FIRST + 3, "labels_malformed"]]


def test_processes_find_the_same(tree, tmp_path, checkpoint):
    for name in ("NaN", "image cut short", "depth missing"):
        PLANTS[name][1](tree)
    audits = [audit_tree(tree, tmp_path / str(n), checkpoint, workers=n) for n in (1, 2)]
    assert audits[0].findings.equals(audits[1].findings)
    assert len(audits[0].findings) == 3


def test_a_split_alone_keeps_the_rows_of_the_others(tree, checkpoint):
    PLANTS["NaN"][1](tree)
    edit_labels(
        tree, lambda labels: labels.pop("action"), folder="ValSet/male_008_a_a/env_001/cam_down"
    )
    audit_tree(tree, network=checkpoint, workers=1)
    audit = audit_tree(tree, network=checkpoint, workers=1, splits=["val"])
    assert audit.findings.folder.str.startswith("ValSet").all()
    assert len(pd.read_csv(tree / "audit" / "excluded.csv")) == 2


def test_a_tree_that_cannot_be_written(tree, checkpoint, tmp_path, monkeypatch):
    from egolib.data import exclusions

    PLANTS["NaN"][1](tree)
    monkeypatch.setattr(exclusions.os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    audit = audit_tree(tree, network=checkpoint, workers=1)
    assert audit.page.is_relative_to(tmp_path / "cache")
    assert not (tree / "audit").exists()
    assert index_tree(tree, "train").excluded == 1


def test_the_page_holds_everything_itself(tree, checkpoint):
    for name in ("NaN", "bit flipped", "mixed padding"):
        PLANTS[name][1](tree)
    page = audit_tree(tree, network=checkpoint, workers=1).page.read_text()
    for word in ("not_finite", "unreadable_image", "mixed_padding", "<svg", FOLDER):
        assert word in page
    assert not re.search(r"<(script|link|img)|url\(http|@import", page)


def test_bad_input_is_one_line(tmp_path, capsys, tree):
    assert cli.main(["audit", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert cli.main(["audit", str(tmp_path / "empty")]) == 2
    assert "not a tree of frames" in capsys.readouterr().err
    assert cli.main(["audit", str(tree), "--workers", "1", "--network", "none.safetensors"]) == 2
    assert "no such checkpoint" in capsys.readouterr().err.splitlines()[-1]
