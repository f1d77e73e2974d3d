"""Trees with files that nobody expects: indexing, packing and the audit end in one line or go on, and
none of them hangs."""

import json
import os

import pytest
from planted import FIRST, FOLDER, path_of, write_whole_tree

from egolib import cli
from egolib.audit import audit_tree
from egolib.data.index import index_tree
from egolib.data.packing import pack_tree
from egolib.foundation.errors import EgolibError


@pytest.fixture
def tree(tmp_path):
    return write_whole_tree(tmp_path / "tree")


def replace(path, make):
    path.unlink()
    make(path)


def change(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


LABELS = {
    "is a pipe": lambda p: replace(p, os.mkfifo),
    "is a link to nothing": lambda p: replace(p, lambda q: q.symlink_to("nowhere")),
    "is a link to itself": lambda p: replace(p, lambda q: q.symlink_to(q.name)),
    "is a folder": lambda p: replace(p, lambda q: q.mkdir()),
    "is a pointer": lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"),
    "is nested deeply": lambda p: p.write_text("[" * 10**5),
    "is not text": lambda p: p.write_bytes(b"\xff\xfe\0"),
    "holds a huge number": lambda p: change(p, pts2d_fisheye=[[10**400] * 21] * 2),
    "holds text for numbers": lambda p: change(p, pts2d_fisheye=[["1"] * 21] * 2),
    "holds truth for numbers": lambda p: change(p, pts2d_fisheye=[[True] * 21] * 2),
    "holds half a character": lambda p: p.write_text('{"action": "\\ud800"}'),
    "names no action": lambda p: change(p, action=["walking"]),
    "has a key twice": lambda p: p.write_text(p.read_text().replace("{", '{"action": "x", ', 1)),
}
IMAGES = {
    name: LABELS[name]
    for name in ("is a pipe", "is a link to nothing", "is a link to itself", "is a folder", "is a pointer")
} | {
    "is PostScript": lambda p: p.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    "is a pixmap": lambda p: p.write_bytes(b"P6 320 200 255\n" + bytes(320 * 200 * 3)),
    "has a damaged chunk": lambda p: p.write_bytes(p.read_bytes()[:200] + b"x" + p.read_bytes()[201:]),
    "is of absurd size": lambda p: p.write_bytes(
        p.read_bytes()[:16] + (128000).to_bytes(4, "big") + (80000).to_bytes(4, "big") + p.read_bytes()[24:]
    ),
}  # fmt: skip


@pytest.mark.parametrize("plant", LABELS.values(), ids=LABELS)
def test_a_label_file_that_cannot_be_used(tree, plant, tmp_path):
    path = path_of(tree, "json")
    plant(path)
    with pytest.raises(EgolibError, match=str(path)) as caught:
        index_tree(tree, "train")
    assert "\n" not in str(caught.value)
    findings = audit_tree(tree, tmp_path / "audit", workers=1, splits=("train",)).findings
    here = findings[(findings.folder == FOLDER) & (findings.number == FIRST + 3)]
    assert {*here.defect} & {"labels_malformed", "not_finite"}


@pytest.mark.parametrize("plant", IMAGES.values(), ids=IMAGES)
def test_an_image_that_cannot_be_used(tree, plant, tmp_path):
    path = path_of(tree, "rgba")
    plant(path)
    with pytest.raises(EgolibError, match=str(path)) as caught:
        pack_tree(tree, tmp_path / "pack", workers=1)
    assert "\n" not in str(caught.value)
    findings = audit_tree(tree, tmp_path / "audit", workers=1, splits=("train",)).findings
    here = findings[(findings.folder == FOLDER) & (findings.number == FIRST + 3)]
    if plant is not IMAGES["is of absurd size"]:  # whose checksum fits no more
        assert "unreadable_image" in {*here.defect}


def test_a_camera_with_huge_numbers_is_a_finding(tree, tmp_path):
    change(path_of(tree, "json"), camera={"trans": [10**400, 0, 0], "rot": [0, 0, 0]})
    findings = audit_tree(tree, tmp_path / "audit", workers=1, splits=("train",)).findings
    assert "labels_malformed" in {*findings[findings.number == FIRST + 3].defect}


def test_frame_numbers_beyond_64_bits_are_no_frames(tree):
    before = len(index_tree(tree, "train"))
    for channel, ending in (("rgba", "png"), ("json", "json")):
        path_of(tree, channel).rename(path_of(tree, channel).with_name(f"a_{2**63}.{ending}"))
    assert len(index_tree(tree, "train")) == before - 1


@pytest.mark.parametrize("verb", ["audit", "pack"])
def test_a_character_whose_name_cannot_be_printed(tree, verb, tmp_path, capsys):
    character = tree / FOLDER.split("/cam")[0].rsplit("/", 1)[0]
    os.rename(character, os.fsencode(character.parent) + b"/\xff\xfe\n")
    assert cli.main([verb, str(tree), *([str(tmp_path / "out")] if verb == "pack" else [])]) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert "a name that cannot be printed" in line or "whose name cannot be printed" in line


def test_a_character_named_like_a_formula(tree, tmp_path):
    character = tree / FOLDER.split("/env")[0]
    character.rename(character.with_name("a$\\frac{$b"))
    audit = audit_tree(tree, tmp_path / "audit", workers=1, splits=("train",))
    assert audit.page.is_file()


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"folder,number,reason\nx,99999999999999999999,y\n", b""]
)
def test_a_damaged_exclusion_list(tree, content, tmp_path, capsys):
    audit_tree(tree, workers=1, splits=("train",))
    path = tree / "audit" / "excluded.csv"
    path.write_bytes(content)
    with pytest.raises(EgolibError, match="audit the tree again"):
        index_tree(tree, "train")
    audit_tree(tree, workers=1, splits=("train",))  # which mends it
    assert "damaged" in capsys.readouterr().err
    assert len(index_tree(tree, "train"))


def test_the_audit_refuses_a_network_before_it_reads_the_files(tree, tmp_path):
    with pytest.raises(EgolibError, match="no such checkpoint"):
        audit_tree(tree, tmp_path / "audit", tmp_path / "missing.safetensors", workers=1)
    assert not (tmp_path / "audit").exists()
