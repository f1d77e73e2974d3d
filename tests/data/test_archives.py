"""`egolib extract` on a fake release: whole trees from whole parts, and every defect named."""

import gzip
import io
import os
import shutil
import tarfile
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import write_frame, write_toy_tree
from fake_release import (
    device,
    flip_bit,
    link,
    truncate,
    write_character,
    write_parts,
    write_release,
)

from egolib import cli
from egolib.data.index import index_tree
from egolib.data.official import members, transfers
from egolib.data.official.archives import STAMP, extract
from egolib.data.official.release import part_names
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import only_run

CHARACTER = "male_008_a_a"  # nine parts


def content_of(folder):
    """{relative path: bytes of a file, text of a link} below `folder`, without the stamps."""
    return {
        path.relative_to(folder).as_posix(): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if (path.is_file() or path.is_symlink()) and path.name != STAMP
    }  # fmt: skip


def write_noisy_character(tree):
    """Three environments of images of noise: large enough that the archive has long parts."""
    rng = np.random.default_rng(0)
    folder = tree / "ValSet" / CHARACTER
    for env in ("env_001", "env_002", "env_003"):
        place = folder / env / "cam_down"
        for number in range(6):
            write_frame(place, CHARACTER, number, np.ones((16, 3)))
            noise = rng.integers(0, 256, (80, 128, 4), np.uint8)
            cv2.imwrite(str(place / "rgba" / f"{CHARACTER}.rgba.{number:06d}.png"), noise)
    return folder


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """(folder of the character, folder of its parts), which no test changes."""
    root = tmp_path_factory.mktemp("noisy")
    folder = write_noisy_character(root / "tree")
    write_character(folder, root / "parts")
    return folder, root / "parts"


@pytest.fixture
def parts(noisy, tmp_path):
    """The parts of the noisy character, to be spoilt."""
    return sorted(Path(shutil.copytree(noisy[1], tmp_path / "parts")).iterdir())


def refuses(parts, out, *fragments):
    """Extraction fails with one line that holds the fragments, and leaves nothing."""
    before = [(path, path.read_bytes()) for path in parts if path.exists()]
    with pytest.raises(EgolibError) as caught:
        extract(parts[0].parent, out, delete_parts=True)
    message = str(caught.value)
    assert "\n" not in message
    for fragment in fragments:
        assert str(fragment) in message
    assert not list(out.rglob("*.png"))
    assert not [path for path in out.glob(".*") if path.suffix != ".lock"]
    assert all(path.read_bytes() == content for path, content in before)


def test_a_release_becomes_the_tree_it_was_made_from(tmp_path, shared_toy_tree):
    write_release(shared_toy_tree, tmp_path / "parts")
    assert extract(tmp_path / "parts", tmp_path / "tree", workers=1) == 5
    extracted = content_of(tmp_path / "tree")
    original = content_of(shared_toy_tree)
    original = {name: data for name, data in original.items() if ".egolib" not in name}
    assert {name: extracted.get(name) for name in original} == original
    for split in ("train", "val", "test"):
        again = index_tree(tmp_path / "tree", split)
        assert again.fingerprint == index_tree(shared_toy_tree, split).fingerprint


@pytest.mark.parametrize("top", ["", ".", "{character}", "./{character}", "{set}/{character}"])
def test_whatever_the_top_folder(tmp_path, noisy, top):
    write_character(noisy[0], tmp_path / "parts", top)
    extract(tmp_path / "parts", tmp_path / "tree")
    home = tmp_path / "tree" / "ValSet" / CHARACTER
    assert content_of(noisy[0]).items() <= content_of(home).items()
    assert {path.name for path in home.iterdir()} == {"env_001", "env_002", "env_003", STAMP}


def test_parts_in_folders_and_joined_archives_are_found(tmp_path, noisy):
    folder, parts = noisy
    (tmp_path / "a" / CHARACTER).mkdir(parents=True)
    for number, part in enumerate(sorted(parts.iterdir())):
        shutil.copy(part, tmp_path / "a" / (CHARACTER if number % 2 else "") / part.name)
    (tmp_path / "b").mkdir()
    joined = b"".join(part.read_bytes() for part in sorted(parts.iterdir()))
    (tmp_path / "b" / f"{CHARACTER}.tar.gz").write_bytes(joined)
    for source in "ab":
        out = tmp_path / f"tree_{source}"
        assert extract(tmp_path / source, out) == 1
        assert content_of(folder).items() <= content_of(out / "ValSet" / CHARACTER).items()


def test_rot_links_work_and_become_copies_where_there_are_none(tmp_path, parts, monkeypatch):
    def no_links(*_):
        raise OSError(1, "Operation not permitted")

    extract(parts[0].parent, tmp_path / "linked")
    monkeypatch.setattr(members.os, "symlink", no_links)
    extract(parts[0].parent, tmp_path / "copied")
    for name in ("linked", "copied"):
        rot = tmp_path / name / "ValSet" / CHARACTER / "env_003" / "cam_down" / "rot"
        assert rot.is_symlink() == (name == "linked")
        assert (rot / "000000.txt").read_text() == "0 0 0\n"


def test_a_second_run_has_nothing_to_do(tmp_path, parts):
    out = tmp_path / "tree"
    assert extract(parts[0].parent, out) == 1
    image = next(out.rglob("*.png"))
    changed = image.stat().st_mtime_ns
    assert extract(parts[0].parent, out) == 0
    assert image.stat().st_mtime_ns == changed


def test_a_character_that_another_run_extracts_is_left_to_it(tmp_path, parts):
    with only_run(tmp_path / "tree" / f".partial-{CHARACTER}.lock"):
        refuses(parts, tmp_path / "tree", "another run")


def test_what_was_interrupted_starts_over(tmp_path, parts):
    left = tmp_path / "tree" / f".partial-{CHARACTER}" / "env_001" / "cam_down" / "rgba" / "x.png"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    extract(parts[0].parent, tmp_path / "tree")
    assert not list((tmp_path / "tree").rglob("x.png"))
    assert not list((tmp_path / "tree").glob(".partial*"))


def test_a_folder_of_another_origin_is_left_alone(tmp_path, parts):
    file = tmp_path / "tree" / "ValSet" / CHARACTER / "mine.txt"
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(EgolibError, match="is there already"):
        extract(parts[0].parent, tmp_path / "tree", delete_parts=True)
    assert file.read_text() == "mine"
    assert all(part.exists() for part in parts)


def test_parts_are_deleted_once_their_character_is_there(tmp_path, parts):
    out = tmp_path / "tree"
    extract(parts[0].parent, out)
    assert all(part.exists() for part in parts)
    parts[3].unlink()  # as after a deletion that was interrupted
    assert extract(parts[0].parent, out, delete_parts=True) == 0
    assert not any(part.exists() for part in parts)
    assert extract(parts[0].parent, out) == 0
    assert extract(parts[0].parent, out, characters=[CHARACTER]) == 0


def test_fresh_parts_are_deleted_too(tmp_path, parts, noisy):
    extract(parts[0].parent, tmp_path / "tree", delete_parts=True)
    assert not any(part.exists() for part in parts)
    home = tmp_path / "tree" / "ValSet" / CHARACTER
    assert content_of(noisy[0]).items() <= content_of(home).items()


@pytest.mark.parametrize("lost", [0, 4, 8])
def test_a_missing_part_is_named(tmp_path, parts, lost):
    parts[lost].unlink()
    refuses([p for p in parts if p.exists()], tmp_path / "tree", parts[lost].name, "missing")


@pytest.mark.parametrize("cut", [0, 4, 8])
def test_a_truncated_part_is_named(tmp_path, parts, cut):
    truncate(parts[cut])
    refuses(parts, tmp_path / "tree", parts[cut], "cut off")


@pytest.mark.parametrize("spoilt", range(9))
@pytest.mark.parametrize("where", [0.3, 0.7])
def test_a_corrupted_part_is_named(tmp_path, parts, spoilt, where):
    flip_bit(parts[spoilt], where)
    refuses(parts, tmp_path / "tree", parts[spoilt], "damaged")


def test_two_parts_exchanged_are_noticed(tmp_path, parts):
    content = [parts[i].read_bytes() for i in (3, 4)]
    parts[3].write_bytes(content[1])
    parts[4].write_bytes(content[0])
    refuses(parts, tmp_path / "tree", parts[3], "damaged")


def test_bytes_after_the_end_are_noticed(tmp_path, parts):
    content = parts[8].read_bytes()
    parts[8].write_bytes(content + content)
    refuses(parts, tmp_path / "tree", parts[8], "longer than the parts before it")


def test_what_is_no_gzip_file(tmp_path, parts):
    parts[0].write_bytes(b"<html>" + parts[0].read_bytes()[6:])
    refuses(parts, tmp_path / "tree", parts[0], "damaged")


def test_the_same_part_twice_is_refused(tmp_path, parts):
    (parts[0].parent / "copy").mkdir()
    shutil.copy(parts[2], parts[0].parent / "copy")
    refuses(parts, tmp_path / "tree", parts[2].name, "is also at")


OUTSIDE = {
    "absolute": tarfile.TarInfo("/tmp/egolib_was_here"),
    "upwards": tarfile.TarInfo(f"{CHARACTER}/env_001/../../../evil.txt"),
    "backslashes": tarfile.TarInfo("..\\evil.txt"),
    "another character": tarfile.TarInfo("male_001_a_a/env_001/evil.txt"),
    "device": device(f"{CHARACTER}/env_001/null"),
    "pipe": link(f"{CHARACTER}/env_001/pipe", "", tarfile.FIFOTYPE),
    "absolute link": link(f"{CHARACTER}/env_001/etc", "/etc"),
    "link upwards": link(f"{CHARACTER}/env_001/up", "../../male_001_a_a"),
    "link to its parent": link(f"{CHARACTER}/env_001/cam_down/up", "../.."),
    "link in a file's place": link(f"{CHARACTER}/env_001/cam_down/rot/000000.txt", "elsewhere"),
    "hard link outside": link(f"{CHARACTER}/env_001/hard", "../../x", tarfile.LNKTYPE),
    "hard link to nothing": link(f"{CHARACTER}/env_001/hard", "nothing", tarfile.LNKTYPE),
}


@pytest.mark.parametrize("member", OUTSIDE.values(), ids=OUTSIDE)
def test_members_that_would_land_outside_are_refused(tmp_path, noisy, member):
    write_character(noisy[0], tmp_path / "parts", extra=[member])
    name = member.linkname if member.islnk() else member.name.rsplit("/", 1)[-1]
    refuses(sorted((tmp_path / "parts").iterdir()), tmp_path / "tree", "refused", name[-6:])
    assert not list(tmp_path.rglob("evil*"))


def test_nothing_is_written_or_linked_through_a_link(tmp_path, noisy):
    deep = f"{CHARACTER}/a/b/c"
    (tmp_path / "tree").mkdir()
    for number, extra in enumerate((
        [link(deep, "../../env_001"), (tarfile.TarInfo(f"{deep}/evil.txt"), b"x")],
        [link(deep, "../../env_001"), link(f"{CHARACTER}/out", "a/b/c/../../..")],
        [link(deep, "../../env_001"), link(f"{deep}/d", "../../../x")],
    )):  # fmt: skip
        folder = tmp_path / f"parts_{number}"
        write_character(noisy[0], folder, extra=extra)
        refuses(sorted(folder.iterdir()), tmp_path / "tree", "refused")


def test_hard_links_inside_and_links_to_links_work(tmp_path, noisy):
    file = f"{CHARACTER}/env_001/cam_down/rot/000000.txt"
    extra = [
        link(f"{CHARACTER}/env_001/hard", file, tarfile.LNKTYPE),
        link(f"{CHARACTER}/second", "first"),
        link(f"{CHARACTER}/first", "env_001/hard"),
        link(f"{CHARACTER}/dangling", "env_009"),
    ]
    write_character(noisy[0], tmp_path / "parts", extra=extra)
    extract(tmp_path / "parts", tmp_path / "tree")
    home = tmp_path / "tree" / "ValSet" / CHARACTER
    assert (home / "env_001" / "hard").read_text() == (home / "second").read_text() == "0 0 0\n"
    assert (home / "dangling").is_symlink()


def test_an_archive_without_frames_is_refused(tmp_path, noisy):
    write_character(noisy[0], tmp_path / "parts", "home/me/data")
    refuses(sorted((tmp_path / "parts").iterdir()), tmp_path / "tree", "holds no folder env_001")


class SpoiltHeader(tarfile.TarInfo):
    def tobuf(self, *_):
        return b"x" * 512


def test_a_spoilt_tar_header_is_not_taken_for_the_end(tmp_path, noisy):
    """The gzip checksum fits: only tar can notice."""
    write_character(noisy[0], tmp_path / "parts", extra=[SpoiltHeader("x")])
    refuses(sorted((tmp_path / "parts").iterdir()), tmp_path / "tree", "damaged", "tar: ")


def test_the_checksum_is_compared_however_far_behind_the_end_of_tar(tmp_path, parts):
    plain = gzip.decompress(b"".join(part.read_bytes() for part in parts)) + bytes(4 << 20)
    write_parts(gzip.compress(plain, 1), CHARACTER, parts[0].parent)
    extract(parts[0].parent, tmp_path / "fine")
    content = bytearray(parts[8].read_bytes())
    content[-6] ^= 1
    parts[8].write_bytes(content)
    refuses(parts, tmp_path / "tree", "damaged", "CRC")


def test_one_bad_character_does_not_stop_the_others(tmp_path, capsys):
    written = write_release(write_toy_tree(tmp_path / "source", 4), tmp_path / "parts")
    truncate(written["male_001_a_a"][2], 10)
    written["male_004_a_a"][1].unlink()
    arguments = ["extract", str(tmp_path / "parts"), str(tmp_path / "tree"), "--workers", "2"]
    assert cli.main(arguments) == 2
    last = capsys.readouterr().err.rsplit("egolib: ", 1)[1].splitlines()
    assert last[0] == "2 of 5 failed:"
    assert any(str(written["male_001_a_a"][2]) in line for line in last[1:])
    assert any(written["male_004_a_a"][1].name in line for line in last[1:])
    there = {path.name for path in (tmp_path / "tree").glob("*Set/*")}
    assert there == {"female_001_a_a", "male_008_a_a", "female_004_a_a"}


def test_characters_and_sets_are_chosen(tmp_path, capsys):
    write_release(write_toy_tree(tmp_path / "source", 2), tmp_path / "parts")
    arguments = ["extract", str(tmp_path / "parts"), str(tmp_path / "tree")]
    assert cli.main([*arguments, "--sets", "val,test", "--characters", "male_008_a_a"]) == 0
    assert [path.name for path in (tmp_path / "tree").glob("*Set/*")] == ["male_008_a_a"]
    assert cli.main([*arguments, "--characters", "male_009_a_a"]) == 2
    assert part_names("male_009_a_a")[0] in capsys.readouterr().err
    assert cli.main([*arguments, "--characters", "male_999_a_a"]) == 2
    assert "'male_999_a_a' is not a character of release v1.0" in capsys.readouterr().err


def test_a_full_disk_is_one_line_and_stops_everything(tmp_path, parts, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("egolib.data.official.unpacking.shutil.copyfileobj", full)
    refuses(parts, tmp_path / "tree", "no space left")


def test_a_disk_that_is_too_small_is_refused_up_front(tmp_path, parts, monkeypatch):
    monkeypatch.setattr(transfers.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    refuses(parts, tmp_path / "tree", "but the disk has 0 bytes free")


def test_an_interruption_ends_every_job(tmp_path):
    started, ended = threading.Barrier(3), []

    def work(item, advance):
        started.wait()
        if item == 0:
            raise KeyboardInterrupt
        try:
            while True:
                advance(0)
        finally:
            ended.append(item)

    with pytest.raises(KeyboardInterrupt):
        transfers.run_each(work, [0, 1, 2], 3, 0, "test")
    assert sorted(ended) == [1, 2]


def archive_of(folder, out, *members, **options):
    """The one part of an archive of the character's folder with further members: (TarInfo, content)."""
    out.mkdir()
    path = out / f"{CHARACTER}.tar.gz"
    with tarfile.open(path, "w:gz", **options) as archive:
        archive.add(folder, CHARACTER)
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


LABEL = f"{CHARACTER}/env_001/cam_down/json/{CHARACTER}_000001.json"
HOSTILE_MEMBERS = {
    "a second member of one name": (member(LABEL), b"{}", "occurs twice"),
    "one that differs in capitals": (member(LABEL.replace("env", "ENV")), b"{}", "occurs twice"),
    "a hard link of that name": (member(LABEL, tarfile.LNKTYPE, LABEL), b"", "occurs twice"),
    "a link of that name": (member(LABEL, tarfile.SYMTYPE, "x.json"), b"", "occurs twice"),
    "a stamp": (member(f"{CHARACTER}/{STAMP}"), b"{}", "egolib's own record"),
    "a stamp in capitals": (member(f"{CHARACTER}/{STAMP.upper()}"), b"{}", "egolib's own record"),
    "a stamp that is a link": (
        member(f"{CHARACTER}/{STAMP}", tarfile.SYMTYPE, "x"),
        b"",
        "own record",
    ),
    "a hard link to a stamp": (member(f"{CHARACTER}/a", tarfile.LNKTYPE, STAMP), b"", "own record"),
    "a line end in its name": (member(f"{CHARACTER}/a\nb"), b"", "a name that no file"),
    "a name of many folders": (member(CHARACTER + "/a" * 40), b"", "a name that no file"),
    "zeros": (member(f"{CHARACTER}/zeros"), bytes(200 << 20), "more than 30 times its size"),
    "a huge file": (member(f"{CHARACTER}/huge"), bytes(257 << 20), "has 269,484,032 bytes"),
}


@pytest.mark.parametrize("name", HOSTILE_MEMBERS)
def test_members_that_are_refused(tmp_path, noisy, name):
    info, content, reason = HOSTILE_MEMBERS[name]
    path = archive_of(noisy[0], tmp_path / "parts", (info, content))
    with pytest.raises(EgolibError, match=reason) as caught:
        extract(tmp_path / "parts", tmp_path / "out")
    assert str(path) in str(caught.value)
    assert not list((tmp_path / "out").rglob("*.json"))


@pytest.mark.parametrize(
    "headers",
    [
        {"size": "9" * 30},
        {"size": "-1"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40)},
        {"GNU.sparse.map": "0,x", "GNU.sparse.size": "5"},
        {"mtime": "nan"},
        {"path": "a\0b"},
    ],
    ids=str,
)
def test_headers_that_tarfile_fails_on(tmp_path, noisy, headers):
    info = member(f"{CHARACTER}/x")
    info.pax_headers = headers
    archive_of(noisy[0], tmp_path / "parts", (info, b"12345"), format=tarfile.PAX_FORMAT)
    try:
        extract(tmp_path / "parts", tmp_path / "out")
    except EgolibError as error:
        assert CHARACTER in str(error)  # noqa: PT017, some headers do no harm
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert written < 50 << 20
