"""`egolib predict` on whatever it is given: goes on where it was killed, undoes a camera's mounting,
survives what a camera does."""

import dataclasses
import threading
import time

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from toy_network import SPEC, toy_network

from egolib import cli
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras import sources
from egolib.headset.cameras.framing import Framing
from egolib.headset.cameras.lenses import kannala_brandt
from egolib.headset.deploy import runtimes
from egolib.headset.predict import predict as predict_all
from egolib.models import checkpoints
from egolib.models.checkpoints import build_network, load_network, save_network, shipped_network


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "net.safetensors"
    save_network(path, toy_network(), SPEC, {})
    return path


@pytest.fixture(autouse=True)
def _one_runtime(monkeypatch):
    """PyTorch, without trying which is the fastest."""
    monkeypatch.setattr(
        runtimes,
        "open_fastest",
        lambda path=None, name=None: runtimes.on_torch(
            *load_network(path or shipped_network())[:2]
        ),
    )


@pytest.fixture(scope="module")
def images():
    """Ten of 8:5, RGB."""
    rng = np.random.default_rng(0)
    return [cv2.resize(rng.integers(0, 255, (10, 16, 3), np.uint8), (320, 200)) for _ in range(10)]


@pytest.fixture
def folder(tmp_path, images):
    folder = tmp_path / "images"
    folder.mkdir()
    for i, image in enumerate(images):
        cv2.imwrite(str(folder / f"{i}.png"), image)
    return folder


def predict(network, *arguments):
    return cli.main(["predict", *map(str, arguments), "--network", str(network)])


def test_a_killed_run_goes_on_where_it_stood(checkpoint, folder, tmp_path, capsys):
    assert predict(checkpoint, folder, tmp_path / "whole") == 0
    whole = (tmp_path / "whole" / "poses.csv").read_bytes()
    out = tmp_path / "killed"
    out.mkdir()
    (out / "poses.partial.csv").write_bytes(whole[: int(len(whole) * 0.55)])
    read = []
    original = cv2.imdecode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "imdecode", lambda *a: read.append(1) or original(*a))
        assert predict(checkpoint, folder, out) == 0
    assert len(read) == 5  # five whole images were there, and the half of one
    found, expected = pd.read_csv(out / "poses.csv"), pd.read_csv(tmp_path / "whole" / "poses.csv")
    assert found.image.tolist() == expected.image.tolist()
    numbers = expected.select_dtypes("number").columns
    assert found[numbers].to_numpy() == pytest.approx(
        expected[numbers].to_numpy(), abs=0.2, nan_ok=True
    )
    assert not (out / "poses.partial.csv").exists()
    assert "10 images done (5 before, known by their names), 0 skipped" in capsys.readouterr().out


def test_new_images_are_added_and_old_ones_kept(checkpoint, folder, tmp_path, images):
    out = tmp_path / "out"
    assert predict(checkpoint, folder / "[0-4].png", out) == 0
    before = (out / "poses.csv").read_bytes()
    assert predict(checkpoint, folder, out) == 0
    after = (out / "poses.csv").read_bytes()
    assert after.startswith(before)
    assert pd.read_csv(out / "poses.csv").image.nunique() == 10


def test_what_is_written_is_of_one_network_and_framing(checkpoint, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert predict(checkpoint, folder, out) == 0
    before = (out / "poses.csv").read_bytes()
    assert predict(checkpoint, folder, out, "--mirror") == 2
    assert "holds poses of another framing" in capsys.readouterr().err
    other = tmp_path / "other.safetensors"
    save_network(other, build_network(SPEC), SPEC, {})
    assert predict(other, folder, out) == 2
    assert "another network" in capsys.readouterr().err
    assert (out / "poses.csv").read_bytes() == before


def test_python_does_not_mix_them_either(checkpoint, folder, tmp_path):
    runtime, out = runtimes.open_fastest(checkpoint), tmp_path / "out"
    predict_all([folder], out, runtime, steady=True)
    predict_all([folder], out, runtime, steady=True)
    other = dataclasses.replace(runtime, name="another runtime")  # which differs in the last digits
    with pytest.raises(EgolibError, match="poses of another runtime"):
        predict_all([folder], out, other, steady=True)
    lens = kannala_brandt([[70, 0, 160], [0, 70, 100], [0, 0, 1]], [0] * 4, 320, 200)
    turned, remapped = Framing(turn=90), Framing(lens=lens)
    for framing, steady in ((None, False), (turned, True), (remapped, True)):
        with pytest.raises(EgolibError, match=r"poses of another (framing|steady)"):
            predict_all([folder], out, runtime, framing, steady=steady)
    with pytest.raises(EgolibError, match="another network"):
        predict_all([folder], out, dataclasses.replace(runtime, network="other"), steady=True)


def test_without_a_name_it_is_the_network_that_comes_with_egolib(
    checkpoint, folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(checkpoints, "SHIPPED", checkpoint)
    assert cli.main(["predict", str(folder), str(tmp_path / "out")]) == 0
    assert predict(checkpoint, folder, tmp_path / "out") == 0  # the same, and goes on
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "gone.safetensors")
    capsys.readouterr()
    assert cli.main(["predict", str(folder), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "gone.safetensors: the network that comes with egolib is missing" in line


def test_a_camera_that_is_mounted_otherwise(checkpoint, folder, tmp_path, images):
    """Mirrored and turned copies give the same poses, at the same places of what they show."""
    turned = tmp_path / "turned"
    turned.mkdir()
    for i, image in enumerate(images):
        cv2.imwrite(str(turned / f"{i}.png"), np.rot90(image)[:, ::-1])
    assert predict(checkpoint, folder, tmp_path / "a") == 0
    assert predict(checkpoint, turned, tmp_path / "b", "--mirror", "--turn", "90") == 0
    upright = pd.read_csv(tmp_path / "a" / "poses.csv")
    found = pd.read_csv(tmp_path / "b" / "poses.csv")
    deep = ["x_mm", "y_mm", "z_mm"]
    assert found[deep].to_numpy() == pytest.approx(upright[deep].to_numpy(), abs=0.2)
    seen = upright.u_px.notna()
    # rot90 takes (u, v) of a 320x200 image to (v, 319 - u); the mirror, 200 wide, to (199 - v, ...)
    assert found.u_px[seen].to_numpy() == pytest.approx(199 - upright.v_px[seen], abs=0.05)
    assert found.v_px[seen].to_numpy() == pytest.approx(319 - upright.u_px[seen], abs=0.05)


def test_not_one_image(checkpoint, tmp_path, capsys):
    (tmp_path / "a.png").write_text("no image")
    assert predict(checkpoint, tmp_path / "a.png", tmp_path / "out") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert (
        error
        == "egolib: not one image could be done; the first: a.png: no image of the formats PNG, JPEG, BMP, TIFF, WEBP"
    )
    assert not (tmp_path / "out" / "poses.csv").exists()
    assert predict(checkpoint, tmp_path / "a.png", tmp_path / "a.png") == 2
    assert "the last name is the folder" in capsys.readouterr().err


def test_a_video_is_predicted_frame_by_frame_and_goes_on(checkpoint, tmp_path, images, capsys):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 200))
    for image in images:
        writer.write(image)
    writer.release()
    out = tmp_path / "out"
    assert predict(checkpoint, path, out) == 0
    poses = pd.read_csv(out / "poses.csv")
    assert poses.image.unique().tolist() == [f"clip.avi#{i:06d}" for i in range(10)]
    lines = (out / "poses.csv").read_text().splitlines(keepends=True)
    (out / "poses.csv").write_text("".join(lines[: 1 + 16 * 7]))
    assert predict(checkpoint, path, out) == 0
    assert pd.read_csv(out / "poses.csv").image.tolist() == poses.image.tolist()


class FakeCamera:
    """A camera that gives images, then does what it is told."""

    frames = 0

    def __init__(self, images, end=lambda: None, fps=10.0):
        self.images, self.end, self.fps = images, end, fps

    def open(self, device, otherwise):
        return self

    def read(self, wanted):
        for i, image in enumerate(self.images):
            if wanted(i):
                yield i, i / self.fps, image
        self.end()


@pytest.fixture
def plug_in(monkeypatch):
    """Call it with a FakeCamera: that is then what `predict` finds as any camera."""
    return lambda camera: monkeypatch.setattr(sources, "open_capture", camera.open)


def test_a_camera_that_stalls_keeps_what_it_gave(
    checkpoint, tmp_path, images, plug_in, monkeypatch, capsys
):
    plug_in(FakeCamera(images[:1], lambda: threading.Event().wait(5)))
    monkeypatch.setattr(sources, "PATIENCE_S", 1.0)
    assert predict(checkpoint, "0", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "1 images done" in printed
    assert "stalled: no frame for 1.0 s" in printed
    assert pd.read_csv(tmp_path / "out" / "poses.csv").image.unique().tolist() == ["camera#000000"]


def test_ctrl_c_is_the_usual_end_of_a_camera(checkpoint, tmp_path, images, plug_in, capsys):
    def interrupt():
        raise KeyboardInterrupt

    plug_in(FakeCamera(images[:1], interrupt))
    assert predict(checkpoint, "0", tmp_path / "out") == 0
    assert "1 images done" in capsys.readouterr().out


def test_a_camera_of_another_shape_is_not_run_in_vain(checkpoint, tmp_path, plug_in, capsys):
    wide = [np.zeros((90, 160, 3), np.uint8)] * 3
    plug_in(FakeCamera(wide))
    assert predict(checkpoint, "0", tmp_path / "out") == 2
    assert "160x90 is neither 8:5 nor square; try `egolib match`" in capsys.readouterr().err


def test_what_is_skipped_for_one_reason_is_one_line(checkpoint, folder, tmp_path, capsys):
    for name in ("a", "b", "c"):
        cv2.imwrite(str(folder / f"{name}.png"), np.zeros((90, 160, 3), np.uint8))
    assert predict(checkpoint, folder, tmp_path / "out") == 0
    assert "a.png and 2 more: 160x90 is neither" in capsys.readouterr().out


def test_frames_that_a_camera_dropped_leave_their_time(checkpoint, tmp_path, images, plug_in):
    def slowly(images):
        for image in images:
            yield image
            time.sleep(0.3)

    plug_in(FakeCamera(slowly(images[:4]), fps=30.0))
    assert predict(checkpoint, "0", tmp_path / "out") == 0
    (path,) = (tmp_path / "out").glob("*.mp4")
    times = pd.read_csv(tmp_path / "out" / "poses.csv").time_s.unique()
    with av.open(str(path)) as container:
        shown = [float(frame.time) for frame in container.decode(video=0)]
    assert shown == pytest.approx(times, abs=1e-3)


def test_a_network_may_come_before_the_images(checkpoint, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["predict", str(checkpoint), str(folder), str(out)]) == 0
    assert len(pd.read_csv(out / "poses.csv")) == 160
    assert cli.main(["predict", str(checkpoint), str(out)]) == 2
    assert "name images or videos after it" in capsys.readouterr().err
