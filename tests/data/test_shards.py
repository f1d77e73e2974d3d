"""Packed frames: the same data as the tree, whole or refused, whoever packed them."""

import json
import mmap
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from conftest import write_toy_tree

from egolib import cli
from egolib.config import override
from egolib.data.dataset import FrameDataset, make_loader
from egolib.data.images import read_square
from egolib.data.index import FrameIndex, index_tree, select
from egolib.data.packing import pack_tree, submit_pack, verify_pack
from egolib.data.shards import open_frames
from egolib.data.visibility import IN_IMAGE, joint_views
from egolib.experiments.run import open_study
from egolib.foundation.errors import EgolibError
from egolib.models.checkpoints import NetworkSpec, build_network, save_network
from egolib.plots import frame_sheet
from egolib.training.train import train_stage

SMALL = {"px": 64, "frames_per_shard": 7}  # several shards a split


def packed(tree, out, **settings):
    assert pack_tree(tree, out, **SMALL | settings) == []
    return out


@pytest.fixture(scope="module")
def png_pack(shared_toy_tree, tmp_path_factory):
    """The shared toy tree as PNG, which no test changes."""
    return packed(shared_toy_tree, tmp_path_factory.mktemp("pack") / "png", encoding="png")


@pytest.fixture
def pack(shared_toy_tree, tmp_path):
    return packed(shared_toy_tree, tmp_path / "pack")


def contents(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and "jobs" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def flip_a_byte(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0x55
    path.write_bytes(content)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_labels_are_those_of_the_tree(shared_toy_tree, png_pack, split):
    tree, index = index_tree(shared_toy_tree, split), open_frames(png_pack, split)
    assert len(index) == len(tree)
    for name in (*FrameIndex.PER_FRAME, "actions", "characters", "images", "inside"):
        found, expected = getattr(index, name), getattr(tree, name)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected), name


def test_png_is_the_crop_and_jpeg_is_near_it(shared_toy_tree, png_pack, pack):
    tree = index_tree(shared_toy_tree, "train")
    for position in (0, 6, 7, 31):
        crop = read_square(tree.root / tree.image(position), 64)
        assert np.array_equal(open_frames(png_pack, "train").read_square(position, 64), crop)
        jpeg = open_frames(pack, "train").read_square(position, 64)
        assert 0 < np.abs(jpeg.astype(int) - crop).mean() < 4  # dots of one colour suffer most


def test_quality_is_heeded(shared_toy_tree, tmp_path, pack):
    coarse = packed(shared_toy_tree, tmp_path / "coarse", quality=30)
    sizes = [(out / "train" / "00000.shard").stat().st_size for out in (coarse, pack)]
    assert sizes[0] < sizes[1]


def test_a_selection_keeps_images_and_labels_together(png_pack):
    index = open_frames(png_pack, "test")
    some = select(index, np.array([30, 5]))
    assert some.image(1) == index.image(5)
    assert np.array_equal(some.read_square(1, 64), index.read_square(5, 64))


def test_bytes_do_not_depend_on_threads_or_machines(shared_toy_tree, tmp_path, pack):
    one = packed(shared_toy_tree, tmp_path / "one", workers=1)
    two = tmp_path / "two"
    assert pack_tree(shared_toy_tree, two, part=(2, 2), **SMALL)
    with pytest.raises(EgolibError, match=r"two: the pack is not complete; run `egolib pack`"):
        open_frames(two, "train")
    packed(shared_toy_tree, two, part=(1, 2))
    assert contents(one) == contents(two) == contents(pack)


def test_local_jobs_make_the_same_bytes(shared_toy_tree, tmp_path, pack):
    out = tmp_path / "jobs_made_it"
    assert submit_pack(2, "local", {}, shared_toy_tree, out, 1, **SMALL) == []
    assert contents(out) == contents(pack)


def test_a_job_that_fails_is_one_line(toy_tree, tmp_path, capsys):
    image = sorted((toy_tree / "TrainSet").rglob("*.png"))[3]
    image.write_bytes(image.read_bytes()[:100])
    command = ["pack", toy_tree, tmp_path / "out", "--submit=1", "--executor=local", "--px=64"]
    assert cli.main([str(word) for word in command]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{image}: the PNG is cut short" in last
    assert "jobs" in last


def test_a_machine_without_slurm(toy_tree, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EgolibError, match="submitit refuses the executor slurm"):
        submit_pack(2, "slurm", {}, toy_tree, tmp_path / "out")


def test_a_killed_run_goes_on(tmp_path):
    tree = write_toy_tree(tmp_path / "tree", frames=60)
    script = "import cv2; from time import sleep; from egolib.data.packing import pack_tree\n"
    script += "encode = cv2.imencode\n"
    script += "cv2.imencode = lambda *all: sleep(0.05) or encode(*all)\n"
    script += f"pack_tree({str(tree)!r}, {str(tmp_path / 'cut')!r}, 1, px=64, "
    script += "frames_per_shard=7)\n"
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    shards = tmp_path / "cut" / "train"
    deadline = time.monotonic() + 600
    while len(list(shards.glob("*.shard"))) < 3 and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in shards.glob("*.shard")}
    assert 3 <= len(kept) < 18
    packed(tree, tmp_path / "cut")
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert contents(tmp_path / "cut") == contents(packed(tree, tmp_path / "whole"))


def test_a_shard_cut_short_is_named_and_made_again(shared_toy_tree, pack):
    before = contents(pack)
    shard = pack / "val" / "00001.shard"
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(EgolibError, match=r"val/00001\.shard: cut short"):
        open_frames(pack, "val")
    assert [line.split(": ")[0] for line in verify_pack(pack)] == [str(shard)]
    packed(shared_toy_tree, pack)
    assert contents(pack) == before
    shard.unlink()
    with pytest.raises(EgolibError, match=r"val/00001\.shard: missing"):
        open_frames(pack, "val")


def test_verify_names_the_frame_of_a_flipped_byte(pack, capsys):
    assert cli.main(["verify", str(pack)]) == 0
    capsys.readouterr()
    flip_a_byte(pack / "train" / "00002.shard", -100)  # in the last image of seven
    assert cli.main(["verify", str(pack)]) == 2
    said = capsys.readouterr()
    image = open_frames(pack, "train").image(20)
    assert f"{pack / 'train' / '00002.shard'}: damaged images: {image}\n" in said.out
    assert "1 files are damaged" in said.err.splitlines()[-1]


@pytest.mark.parametrize("place", [0, 9, 14])  # start, size, checksum of the first image
def test_verify_finds_a_damaged_table(pack, place):
    path = pack / "test" / "00000.shard"
    flip_a_byte(path, place)
    (finding,) = verify_pack(pack)
    assert finding.startswith(f"{path}: missing, cut short, or its table is damaged")


def test_verify_finds_damaged_labels(pack):
    flip_a_byte(pack / "test" / "joints_3d_m.npy", -5)
    assert verify_pack(pack) == [
        f"{pack / 'test' / 'joints_3d_m.npy'}: this column of labels is damaged"
    ]


def test_a_image_that_cannot_be_decoded_is_named_while_training(pack):
    index = open_frames(pack, "train")
    start, size, _ = np.fromfile(pack / "train" / "00000.shard", "<u8,<u4,<u4", 1)[0].item()
    with open(pack / "train" / "00000.shard", "r+b") as stream:
        stream.seek(start)
        stream.write(bytes(size))
    with pytest.raises(EgolibError, match=r"the packed image .* is damaged") as caught:
        list(make_loader(FrameDataset(index, 64), batch_size=4, workers=1))
    assert index.image(0) in str(caught.value)


def test_folders_that_are_no_pack(pack, tmp_path, shared_toy_tree):
    with pytest.raises(EgolibError, match="not a packed folder"):
        verify_pack(tmp_path)
    with pytest.raises(EgolibError, match="not a tree of frames"):
        open_frames(tmp_path, "train")
    with pytest.raises(EgolibError, match="holds files of another origin"):
        pack_tree(shared_toy_tree, tmp_path)
    settings = json.loads((pack / "pack.json").read_text())
    for text, message in (
        (json.dumps({**settings, "format": 1}), "format 1, this egolib reads 2"),
        (json.dumps({"name": "a web page", "format": 2}), "not what `egolib pack` writes"),
        ("[1]", "not what `egolib pack` writes"),
        ("{", "not what `egolib pack` writes"),
    ):
        (pack / "pack.json").write_text(text)
        with pytest.raises(EgolibError, match=message) as caught:
            open_frames(pack, "train")
        assert "\n" not in str(caught.value)


def test_other_settings_and_a_changed_tree_are_refused(toy_tree, tmp_path):
    out = packed(toy_tree, tmp_path / "pack")
    with pytest.raises(EgolibError, match=r"its px, quality differ"):
        pack_tree(toy_tree, out, px=32, quality=80, frames_per_shard=7)
    next((toy_tree / "ValSet").rglob("*.json")).unlink()
    with pytest.raises(EgolibError, match=r"its splits differ .* the tree has changed"):
        pack_tree(toy_tree, out, **SMALL)


def test_what_was_left_out_is_counted(toy_tree, tmp_path):
    next((toy_tree / "TrainSet").rglob("*.json")).unlink()
    index = open_frames(packed(toy_tree, tmp_path / "pack"), "train")
    assert (len(index), index.unpaired_images, index.unpaired_labels, index.excluded) == (
        23,
        1,
        0,
        0,
    )


def test_a_image_that_cannot_be_read_stops(toy_tree, tmp_path):
    image = sorted((toy_tree / "TestSet").rglob("*.png"))[3]
    image.write_bytes(image.read_bytes()[:-20])
    with pytest.raises(EgolibError, match=f"{image}: the PNG is cut short"):
        pack_tree(toy_tree, tmp_path / "pack", **SMALL)
    assert not (tmp_path / "pack" / "checksums.json").exists()


def test_nothing_is_enlarged(toy_tree, tmp_path, pack):
    with pytest.raises(EgolibError, match=r"80 px high, .* choose --px 80"):
        pack_tree(toy_tree, tmp_path / "large", px=128)
    assert pack_tree(toy_tree, tmp_path / "own") == []
    assert open_frames(tmp_path / "own", "val").largest_px == 80
    with pytest.raises(EgolibError, match="holds images of 64 px, 128 are asked for"):
        FrameDataset(open_frames(pack, "train"), 128)
    assert FrameDataset(open_frames(pack, "train"), 48)[0]["image"].shape == (3, 48, 48)


def test_columns_and_images_are_mapped_and_never_copied(png_pack):
    index = open_frames(png_pack, "train")
    for name in FrameIndex.PER_FRAME:
        assert isinstance(getattr(index, name), np.memmap), name
    index.read_square(9, 64)
    ((_, content),) = index.shards._maps.values()  # only the shard that was asked for
    assert isinstance(content, mmap.mmap)
    sent = pickle.dumps(index)  # what another process is given
    assert len(sent) < 2000
    again = pickle.loads(sent)
    assert isinstance(again.joints_cam_m, np.memmap)
    some = pickle.loads(pickle.dumps(select(index, np.array([3, 1]))))
    assert some.numbers.tolist() == index.numbers[[3, 1]].tolist()


def test_the_fingerprint_tells_packs_apart(shared_toy_tree, pack, png_pack, tmp_path):
    again = packed(shared_toy_tree, tmp_path / "again")
    prints = [open_frames(out, "train").fingerprint for out in (pack, again, png_pack)]
    assert prints[0] == prints[1] != prints[2]
    assert index_tree(shared_toy_tree, "train").fingerprint not in prints


def test_training_does_not_notice(shared_toy_tree, png_pack, toy_profile, tmp_path):
    """The very same losses and errors, in this process or by loading processes."""
    histories = []
    for data, workers in ((shared_toy_tree, 0), (png_pack, 1)):
        profile = override(toy_profile, {"workers": workers, "heatmaps": {"epochs": 1}}, "test")
        folder = tmp_path / data.name
        indices = [select(open_frames(data, split), np.arange(12)) for split in ("train", "val")]
        train_stage("heatmaps", profile, *indices, folder, seed=2)
        rows = pd.read_csv(folder / "runs" / "heatmaps" / "history.csv")
        histories.append(rows[["train_loss", "val_loss", "val_error_px"]])
    assert histories[0].equals(histories[1])


def test_a_study_on_a_pack(png_pack, tmp_path, capsys):
    index = open_study("smoke", data=png_pack, results=tmp_path / "out").index("test")
    assert frame_sheet(index, range(3)).axes[0].images
    assert set(joint_views(index).state) >= {IN_IMAGE}  # what hides a joint is not packed
    spec = NetworkSpec("end_to_end", "resnet18", 64, 1.0)
    save_network(tmp_path / "net.safetensors", build_network(spec), spec, {})
    command = ["evaluate", tmp_path / "net.safetensors", "--data", png_pack, "--split=val"]
    assert cli.main([str(word) for word in [*command, "--out", tmp_path / "tables"]]) == 0
    assert "measured on png, val (16 frames)" in capsys.readouterr().out
    assert (tmp_path / "tables" / "figures" / "predictions.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("file", "entries"),
    [
        ("pack.json", {"frames_per_shard": value}) for value in (0, -5, 10**12, "7", 8, True, None)
    ] + [("pack.json", {"px": value}) for value in ("64", 65, 0, -1, 10**9, None)]
    + [("pack.json", {"splits": value}) for value in ([], None, {"../x": {}}, {"train": []}, {"train": {}})]
    + [("pack.json", {"format": value}) for value in ("2", None, [])]
    + [("checksums.json", {"fingerprints": value}) for value in ([], {}, {"train": "x"}, None)]
    + [("checksums.json", {"files": value}) for value in ([], {}, None, {"train/00000.shard": 5})],
    ids=str,
)  # fmt: skip
def test_a_description_of_a_pack_that_was_changed(pack, file, entries):
    path = pack / file
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    for read in (lambda: open_frames(pack, "train"), lambda: verify_pack(pack)):
        with pytest.raises(EgolibError, match=str(pack)) as caught:
            read()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"frames": 5}, {"frames": -5}, {"frames": "x"}, {"frames": 10**12},
                                    {"excluded": None}, {"fingerprint": "other"}])  # fmt: skip
def test_a_split_of_a_pack_that_was_changed(pack, change):
    content = json.loads((pack / "pack.json").read_text())
    content["splits"]["train"] |= change
    if change == {"excluded": None}:
        del content["splits"]["train"]["excluded"]
    (pack / "pack.json").write_text(json.dumps(content))
    for read in (lambda: open_frames(pack, "train"), lambda: verify_pack(pack)):
        with pytest.raises(EgolibError, match=str(pack)):
            read()


def test_damaged_labels_are_not_trained_on(pack):
    """Neither a flipped bit nor the column of another split of the same size."""
    for column in ("joints_3d_m", "joints_2d_px", "clip_ids", "clips", "image_names"):
        path = pack / "train" / f"{column}.npy"
        whole = path.read_bytes()
        flip_a_byte(path, -1)
        with pytest.raises(EgolibError, match=rf"{column}\.npy: these labels are damaged"):
            open_frames(pack, "train")
        path.write_bytes(whole)
    assert len(open_frames(pack, "train"))


def test_a_damaged_image_is_not_trained_on(pack):
    """Also one that can still be decoded."""
    shard = pack / "train" / "00000.shard"
    flip_a_byte(shard, -3)
    index = open_frames(pack, "train")
    index.read_square(0, 64)
    with pytest.raises(EgolibError, match=r"egolib verify .* names the file"):
        index.read_square(6, 64)
