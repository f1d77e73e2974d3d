"""Runtimes of an estimator.Estimator: PyTorch, ONNX Runtime and OpenVINO; the fastest is chosen."""

import functools
import hashlib
import itertools
import sys
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from egolib.config import LIMITS, Stage
from egolib.data.exclusions import place_beside
from egolib.data.index import FrameIndex
from egolib.evaluation.inference import device
from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.foundation.provenance import code_digest
from egolib.foundation.untrusted import check_file, number_between, parse_json
from egolib.headset.deploy.estimator import IMAGE_KINDS, Estimator
from egolib.headset.deploy.exporting import INPUT, export_onnx, metadata_of, quantise_onnx
from egolib.models.checkpoints import (
    JOINT_ORDERS,
    NetworkSpec,
    load_network,
    shipped_network,
    weights_digest,
)  # fmt: skip


@dataclass(frozen=True)
class Runtime:
    """A network ready to run. name: of the runtime; kind: of network (config.Stage); network: digest of
    its weights, the same in every runtime and precision; run: squares, uint8 RGB (B, image_px,
    image_px, 3) -> {name: float32 array}, some of estimator.OUTPUTS."""

    name: str
    kind: str
    network: str
    image_px: int
    run: Callable

    def milliseconds(self, trials=7):
        """Times (trials,) for one image in memory, after two runs to warm up."""
        square = np.zeros((1, self.image_px, self.image_px, 3), np.uint8)
        seconds = timeit.repeat(lambda: self.run(square), number=1, repeat=trials + 2)
        return 1000 * np.array(seconds[2:])


def poses_of(runtime: Runtime, index: FrameIndex, batch_size: int = 32) -> np.ndarray:
    """Run a network over the images of a FrameIndex -> poses (N, 16, 3), metres from the neck."""
    poses_m = []
    for first in progress_bar(range(0, len(index), batch_size), desc=runtime.name, unit="batch"):
        rows = range(first, min(first + batch_size, len(index)))
        squares = np.stack([index.read_square(i, runtime.image_px) for i in rows])
        poses_m.append(runtime.run(squares)["pose_m"])
    return np.concatenate(poses_m)


def open_fastest(path: str | Path | None = None, name: str | None = None) -> Runtime:
    """Open a checkpoint or a file of `egolib export` in the runtime that is fastest on this machine for
    single images. None: the network that comes with egolib. name: of the runtime to take instead of the
    fastest one. Raises EgolibError for another file, for a kind of network that is not in
    estimator.IMAGE_KINDS, and for a name that does not run here."""
    path = Path(path or shipped_network())
    if path.suffix == ".onnx":
        runtimes = _opened([path])
        if not runtimes:
            raise EgolibError(f"{path}: neither ONNX Runtime nor OpenVINO runs it here")
    else:
        network, spec, provenance = load_network(path, IMAGE_KINDS)
        runtimes = [on_torch(network, spec)]
        if device().type == "cpu":
            runtimes += _opened(_exported(path, network, spec, provenance))
    if name:
        named = [runtime for runtime in runtimes if runtime.name == name]
        if not named:
            known = ", ".join(runtime.name for runtime in runtimes)
            raise EgolibError(f"{path}: {name} does not run it here, only {known}")
        return named[0]
    return min(runtimes, key=lambda runtime: np.median(runtime.milliseconds()))


def _opened(exported):
    """The Runtimes of exported files that work on this machine; a line on stderr names each that does
    not."""
    opened = []
    for path, on in itertools.product(exported, (on_onnxruntime, on_openvino)):
        try:
            runtime = on(path)
            _check_outputs(path, runtime)
            opened.append(runtime)
        except EgolibError:
            raise
        except Exception as error:  # of a runtime's own types
            why = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            print(f"{path.name}: not run by {on.__name__[3:]} here ({why})", file=sys.stderr)
    return opened


def _check_outputs(path, runtime):
    """Run one black image. Raises EgolibError for a file without the outputs of `egolib export`."""
    outputs = runtime.run(np.zeros((1, runtime.image_px, runtime.image_px, 3), np.uint8))
    shapes = {"joints_px": (1, 15, 2), "confidence": (1, 15), "pose_m": (1, 16, 3)}
    needed = list(shapes)[: 2 if runtime.kind == Stage.HEATMAPS else 3]
    for name in needed:
        if name not in outputs or outputs[name].shape != shapes[name]:
            found = outputs[name].shape if name in outputs else "missing"
            raise EgolibError(f"{path}: its output {name} is {found}, expected {shapes[name]}")


def _exported(path, network, spec, provenance):
    """The network of a checkpoint as ONNX files, beside it or in the user's cache, written once for each
    version of the code: in float32 and, where its calibration_path exists, in int8."""
    folder = place_beside(path.parent, ".egolib")
    code = code_digest(export_onnx, quantise_onnx, type(network))
    name = f"{path.stem}-{weights_digest(network)[:16]}-{code[:8]}"
    exported = [folder / f"{name}.onnx"]
    if not exported[0].is_file():
        print("Exporting the network to ONNX, once ...", file=sys.stderr)
        export_onnx(network, spec, exported[0], provenance)
    if calibration_path(path).is_file():
        ranges = hashlib.sha256(calibration_path(path).read_bytes()).hexdigest()[:8]
        exported.append(folder / f"{name}-int8-{ranges}.onnx")
        if not exported[1].is_file():
            print("Quantising it to int8, once ...", file=sys.stderr)
            quantise_onnx(*exported, np.load(calibration_path(path), allow_pickle=False)["squares"])
    return exported


def calibration_path(checkpoint: Path) -> Path:
    """Path of the npz file whose training frames calibrate int8: `squares`, uint8 RGB (N, image_px,
    image_px, 3)."""
    return checkpoint.with_suffix(".calibration.npz")


def on_torch(network: nn.Module, spec: NetworkSpec) -> Runtime:
    """Run a network by PyTorch in float32, on the GPU if there is one."""
    estimator = Estimator(network, spec.image_px).eval()
    estimator.to(device(), memory_format=torch.channels_last)

    @torch.inference_mode()
    def run(squares):
        outputs = estimator(torch.from_numpy(squares).to(device()))
        return {name: value.cpu().numpy() for name, value in outputs.items()}

    name, network = f"PyTorch ({device()}, float32)", weights_digest(network)
    return Runtime(name, spec.kind, network, spec.image_px, run)


def on_onnxruntime(path: Path) -> Runtime:
    """Run a file of `egolib export` by ONNX Runtime on the CPU."""
    import onnxruntime

    described, precision = _read_description(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(squares):
        return dict(zip(names, session.run(names, {INPUT: squares}), strict=True))

    return Runtime(f"ONNX Runtime (cpu, {precision})", *described, run)


def on_openvino(path: Path) -> Runtime:
    """Run a file of `egolib export` by OpenVINO on the CPU, float32 in bf16 where the processor has
    it."""
    described, precision = _read_description(path)
    core = _openvino_core()
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    # The float32 layers of an int8 file stay float32: OpenVINO cannot run such a file in bf16.
    if precision == "float32" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        options["INFERENCE_PRECISION_HINT"] = precision = "bf16"
    compiled = core.compile_model(path, "CPU", options)

    def run(squares):
        found = compiled(squares)
        return {output.any_name: found[output] for output in compiled.outputs}

    return Runtime(f"OpenVINO (cpu, {precision})", *described, run)


@functools.cache
def _openvino_core():
    """The one core of the process, which is never freed: OpenVINO's CPU plugin gives its thread another
    stack for signals and unmaps it when the last core is freed. If another thread does that, as the
    garbage collector may, the next signal that Python handles kills the process."""
    import openvino

    return openvino.Core()


def _read_description(path):
    """-> (kind, network and image_px as a Runtime has them, precision) of an exported file."""
    check_file(path)
    try:
        metadata = metadata_of(onnx.load(path, load_external_data=False))
        orders = {name: tuple(parse_json(metadata[name])) for name in JOINT_ORDERS}
        image_px = number_between(int(metadata["image_px"]), *LIMITS["image_px"])
        described = metadata["kind"], metadata["network"], image_px
        precision = metadata["precision"]
    except Exception as error:  # of many types, protobuf's among them
        raise EgolibError(f"{path}: not what `egolib export` wrote ({error})") from error
    if orders != JOINT_ORDERS:
        raise EgolibError(f"{path}: its joints are not those of this study; export it again")
    return described, precision
