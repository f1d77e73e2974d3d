"""An exported network says what PyTorch says, in every runtime; int8 nearly so; others' files are
refused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from toy_network import SPEC, toy_network

from egolib import cli
from egolib.camera import XR_EGOPOSE, inside_circle, native_to_square, project, square_to_native
from egolib.data.shards import open_frames
from egolib.foundation.errors import EgolibError
from egolib.headset.deploy import exporting, runtimes
from egolib.headset.deploy.estimator import Estimator
from egolib.headset.deploy.exporting import (
    CALIBRATION_FRAMES,
    calibration_squares,
    export_onnx,
    quantise_onnx,
)
from egolib.headset.deploy.runtimes import on_onnxruntime, on_openvino, on_torch, open_fastest
from egolib.headset.deploy.upsampling import BlockConv
from egolib.models.checkpoints import NetworkSpec, build_network, save_network, weights_digest
from egolib.models.heatmaps import draw_heatmaps
from egolib.models.output import NetworkOutput
from egolib.skeleton import HEATMAP_JOINT_INDICES, JOINTS, relative_to_neck

SQUARES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def network():
    return toy_network()


@pytest.fixture(scope="module")
def opened(network, tmp_path_factory):
    """(A checkpoint, the runtime that is fastest for it)."""
    path = tmp_path_factory.mktemp("networks") / "network.safetensors"
    save_network(path, network, SPEC, {"profile": "toy"})
    return path, open_fastest(path)


@pytest.fixture(scope="module")
def exported(opened):
    """The ONNX file that was made of the checkpoint on the way."""
    (path,) = opened[0].parent.glob(".egolib/network-*.onnx")
    return path


def test_every_runtime_says_the_same(network, exported):
    expected = on_torch(network, SPEC).run(SQUARES)
    assert {name: values.shape[1:] for name, values in expected.items()} == {
        "joints_px": (15, 2), "confidence": (15,), "pose_m": (16, 3),
    }  # fmt: skip
    for runtime in (on_onnxruntime(exported), on_openvino(exported)):
        found, one = runtime.run(SQUARES), runtime.run(SQUARES[:1])
        assert found.keys() == expected.keys()
        tolerance = 2e-2 if "bf16" in runtime.name else 1e-4
        for name, values in expected.items():
            limit = tolerance * np.abs(values).max()
            np.testing.assert_allclose(found[name], values, rtol=0, atol=limit)
            np.testing.assert_allclose(one[name], values[:1], rtol=0, atol=limit)


def test_a_process_that_drops_openvino_in_another_thread_outlives_a_signal(exported):
    script = """
import signal, sys, threading
from egolib.headset.deploy.runtimes import on_openvino

kept = [on_openvino(sys.argv[1])]
dropping = threading.Thread(target=kept.clear)
dropping.start()
dropping.join()
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
signal.raise_signal(signal.SIGUSR1)
"""
    command = [sys.executable, "-X", "faulthandler", "-c", script, str(exported)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "handled\n"), ended.stderr


def test_the_file_passes_the_checker_and_describes_itself(exported):
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(told["joints"]) == list(JOINTS)
    assert (told["image_px"], told["precision"]) == ("64", "float32")
    assert "metres from the neck" in told["pose_m"]
    assert json.loads(told["provenance"]) == {"profile": "toy"}
    # ResNet-18 has 20, the upsampling 2, the head 1, the encoder 3: the branch that only training
    # needs is left behind, and no transposed convolution remains.
    kinds = [node.op_type for node in model.graph.node]
    assert (kinds.count("Conv"), kinds.count("ConvTranspose")) == (26, 0)


@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_is_a_convolution(bias):
    torch.manual_seed(0)
    layer = torch.nn.ConvTranspose2d(5, 7, 4, stride=2, padding=1, bias=bias)
    features = torch.rand(2, 5, 6, 9)
    torch.testing.assert_close(BlockConv(layer)(features), layer(features))


def test_the_ray_model_in_int8_is_smaller_and_close(shared_toy_tree, tmp_path):
    torch.manual_seed(0)
    spec = NetworkSpec(**{**vars(SPEC), "kind": "ray_model"})
    network = build_network(spec).eval()
    squares = calibration_squares(open_frames(shared_toy_tree, "train"), spec.image_px)
    assert squares.shape == (32, 64, 64, 3)  # all training frames of the toy tree, none of others
    assert len(squares) < CALIBRATION_FRAMES
    export_onnx(network, spec, tmp_path / "float32.onnx", {})
    quantise_onnx(tmp_path / "float32.onnx", tmp_path / "int8.onnx", squares)
    tensors = [tensor.numel() for tensor in network.state_dict().values()]
    assert (tmp_path / "int8.onnx").stat().st_size < 0.4 * 4 * sum(tensors)
    expected, found = (
        runtime.run(squares)
        for runtime in (on_torch(network, spec), on_onnxruntime(tmp_path / "int8.onnx"))
    )
    assert "int8" in on_onnxruntime(tmp_path / "int8.onnx").name
    assert "int8" in on_openvino(tmp_path / "int8.onnx").name
    assert found.keys() == {"joints_px", "confidence", "pose_m", "neck_m", "expected_error_m"}
    assert found["neck_m"].shape == (32, 3)
    for name in ("pose_m", "neck_m", "expected_error_m"):
        off = np.abs(found[name] - expected[name]).mean()
        assert off < 0.1 * np.abs(expected[name]).mean(), name


def test_the_example_of_the_docs_needs_neither_torch_nor_egolib(network, exported, tmp_path):
    readme = (Path(__file__).parents[2] / "docs" / "export_formats.md").read_text()
    example = re.search(r"```python\n(import json, sys\n.*?)```", readme, re.DOTALL)[1]
    assert example.count("\n") <= 20
    image = tmp_path / "image.png"
    cv2.imwrite(str(image), SQUARES[0][..., ::-1])
    without = "import sys; sys.modules.update(torch=None, egolib=None, onnx=None)\n"
    command = [sys.executable, "-c", without + example, str(exported), str(image)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in printed.splitlines()]
    assert [row[0] for row in rows] == list(JOINTS)
    found_mm = np.array([row[1:4] for row in rows], float)
    expected_mm = 1000 * on_torch(network, SPEC).run(SQUARES[:1])["pose_m"][0]
    np.testing.assert_allclose(found_mm, expected_mm, atol=0.15)


def test_the_command_exports_the_network_that_is_named(opened, tmp_path, monkeypatch, capsys):
    given = []

    def export(network, spec, path, provenance):
        given.append((weights_digest(network), spec, provenance))
        path.write_bytes(bytes(2_000_000))

    monkeypatch.setattr(exporting, "export_onnx", export)
    out, network = tmp_path / "network.onnx", ["--network", str(opened[0])]
    assert cli.main(["export", str(out), *network]) == 0
    assert f"{out}: 2.0 MB" in capsys.readouterr().out
    assert given == [(opened[1].network, SPEC, {"profile": "toy"})]
    assert cli.main(["export", str(tmp_path / "network.bin"), *network]) == 2
    assert "ends in .onnx" in capsys.readouterr().err


def test_a_checkpoint_is_exported_once_and_the_fastest_is_named(opened, exported):
    path, first = opened
    made = exported.stat().st_mtime_ns
    again = open_fastest(path)
    assert exported.stat().st_mtime_ns == made
    for runtime in (first, again):
        assert runtime.name.split(" (")[0] in ("PyTorch", "ONNX Runtime", "OpenVINO")
        assert runtime.run(SQUARES)["pose_m"].shape == (3, 16, 3)


def test_a_runtime_that_cannot_run_here_is_left_out(opened, exported, monkeypatch, capsys):
    def fails(path):
        raise RuntimeError("Check failed at x.cpp\nNo suitable implementations.\n")

    fails.__name__ = "on_openvino"
    monkeypatch.setattr(runtimes, "on_openvino", fails)
    assert "ONNX Runtime" in open_fastest(exported).name
    assert "OpenVINO" not in open_fastest(opened[0]).name
    assert "not run by openvino here (No suitable implementations.)" in capsys.readouterr().err
    monkeypatch.setattr(runtimes, "on_onnxruntime", fails)
    with pytest.raises(EgolibError, match="neither ONNX Runtime nor OpenVINO runs it here"):
        open_fastest(exported)
    assert "PyTorch" in open_fastest(opened[0]).name


def test_others_files_are_refused(network, tmp_path, exported):
    lifter = NetworkSpec(**{**vars(SPEC), "kind": "lifter"})
    with pytest.raises(EgolibError, match="not run image by image"):
        export_onnx(network.lifter, lifter, tmp_path / "a.onnx", {})
    save_network(tmp_path / "lifter.safetensors", network.lifter, lifter, {})
    with pytest.raises(EgolibError, match="holds a lifter"):
        open_fastest(tmp_path / "lifter.safetensors")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(EgolibError, match=r"text.onnx: not what `egolib export` wrote"):
        open_fastest(tmp_path / "text.onnx")
    with pytest.raises(EgolibError, match=r"none.onnx: no such file"):
        open_fastest(tmp_path / "none.onnx")
    (tmp_path / "torn.onnx").write_bytes(exported.read_bytes()[:-1000])
    with pytest.raises(EgolibError, match=r"torn.onnx: not"):
        open_fastest(tmp_path / "torn.onnx")
    model = onnx.load(exported)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(EgolibError, match=r"other.onnx: not what"):
        open_fastest(tmp_path / "other.onnx")


@pytest.mark.parametrize(("peak", "share"), [(1.0, 1.0), (0.5, 1.0), (0.25, 0.5), (0.0, 0.0)])
def test_the_less_sure_a_peak_the_more_its_joint_is_where_the_pose_is(peak, share):
    joints_cam_m = torch.from_numpy(np.random.default_rng(0).uniform(0.2, 0.6, (1, 16, 3))).float()
    drawn = torch.tensor([[[20.0, 40.0]]]).expand(1, 15, 2)
    maps = peak * draw_heatmaps(drawn, torch.ones(1, 15), image_px=64, heatmap_px=64, sigma_px=2.0)

    def places(**where):
        output = NetworkOutput(maps, relative_to_neck(joints_cam_m), **where)
        found = Estimator(lambda _: output, 64)(torch.zeros(1, 64, 64, 3))
        return found["joints_px"][0].numpy()

    projected = native_to_square(project(joints_cam_m[0, HEATMAP_JOINT_INDICES].numpy()), 64)
    between = share * places() + (1 - share) * projected
    np.testing.assert_allclose(places(joints_cam_m=joints_cam_m), between, atol=1e-3)


def test_what_is_behind_the_lens_is_placed_beyond_its_circle():
    joints_cam_m = torch.tensor([0.4, 0.0, -0.1]).expand(1, 16, 3)
    output = NetworkOutput(torch.zeros(1, 15, 64, 64), joints_cam_m, joints_cam_m=joints_cam_m)
    estimator = Estimator(lambda _: output, 64)
    native = square_to_native(estimator(torch.zeros(1, 64, 64, 3))["joints_px"][0].numpy(), 64)
    assert not inside_circle(native).any()
    assert (native[:, 0] > XR_EGOPOSE.cx).all()


@pytest.mark.parametrize(
    "damage", ["an output is missing", "an output has another name", "image_px is text"]
)
def test_a_file_without_what_is_needed_is_one_line(exported, tmp_path, damage):
    model, path = onnx.load(exported), tmp_path / "other.onnx"
    (output,) = [output for output in model.graph.output if output.name == "joints_px"]
    if damage == "an output is missing":
        model.graph.output.remove(output)
    elif damage == "image_px is text":
        (entry,) = [entry for entry in model.metadata_props if entry.key == "image_px"]
        entry.value = "64 or so"
    else:
        identity = onnx.helper.make_node("Identity", ["joints_px"], ["joints"])
        model.graph.node.append(identity)
        output.name = "joints"
    onnx.save(model, path)
    with pytest.raises(EgolibError, match=str(path)) as caught:
        open_fastest(path)
    assert "\n" not in str(caught.value)
