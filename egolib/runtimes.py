"""What runs an inference.Estimator: PyTorch, ONNX Runtime or OpenVINO; the fastest is chosen."""

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

from egolib.checkpoints import JOINT_ORDERS, load_network
from egolib.errors import EgolibError
from egolib.evaluation import device
from egolib.exporting import INPUT
from egolib.inference import Estimator

_TRIALS = 7


@dataclass(frozen=True)
class Runtime:
    """A network ready to run. name: what runs it; kind: "heatmaps" or "egopose"; run: squares, uint8
    RGB (B, image_px, image_px, 3) -> {name: float32 array}, some of inference.OUTPUTS."""

    name: str
    kind: str
    image_px: int
    run: Callable

    def milliseconds(self, trials=_TRIALS):
        """Times (trials,) for one picture in memory, after two runs to warm up."""
        square = np.zeros((1, self.image_px, self.image_px, 3), np.uint8)
        times = []
        for _ in range(trials + 2):
            started = time.perf_counter()
            self.run(square)
            times.append(1000 * (time.perf_counter() - started))
        return np.array(times[2:])


def open_fastest(path):
    """A checkpoint, or what `egolib export` wrote -> the Runtime that is fastest on this machine at
    one picture a time. Raises EgolibError for a file that is neither, and for a lifter."""
    if Path(path).suffix == ".onnx":
        choice = [on_openvino(path), on_onnxruntime(path)]
    else:
        network, spec, _ = load_network(path, ["heatmaps", "egopose"])
        choice = [on_torch(network, spec)]
        if device().type == "cpu":
            choice.append(converted_to_openvino(network, spec))
    return min(choice, key=lambda runtime: np.median(runtime.milliseconds()))


def on_torch(network, spec):
    """PyTorch in float32, on the GPU if there is one."""
    estimator = Estimator(network, spec.image_px).to(device(), memory_format=torch.channels_last)
    estimator.eval()

    @torch.inference_mode()
    def run(squares):
        outputs = estimator(torch.from_numpy(squares).to(device()))
        return {name: value.cpu().numpy() for name, value in outputs.items()}

    return Runtime(f"PyTorch ({device()})", spec.kind, spec.image_px, run)


def on_onnxruntime(path):
    """ONNX Runtime on the CPU, of what `egolib export` wrote."""
    import onnxruntime

    kind, image_px = _read_description(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(squares):
        return dict(zip(names, session.run(names, {INPUT: squares}), strict=True))

    return Runtime("ONNX Runtime (cpu)", kind, image_px, run)


def on_openvino(path):
    """OpenVINO on the CPU, in bf16 where the processor has it, of what `egolib export` wrote."""
    import openvino

    described = _read_description(path)
    return _compiled(openvino.Core().read_model(path), *described)


def converted_to_openvino(network, spec):
    """OpenVINO from a network itself, which is quicker at hand than an export."""
    import openvino

    estimator = Estimator(network, spec.image_px).eval()
    names = list(estimator(estimator.example()))
    shape = [-1, *estimator.example().shape[1:]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch.jit, which it uses
        model = openvino.convert_model(estimator, example_input=estimator.example(), input=shape)
    for output, name in zip(model.outputs, names, strict=True):
        output.get_tensor().set_names({name})
    return _compiled(model, spec.kind, spec.image_px)


def _compiled(model, kind, image_px):
    import openvino

    core = openvino.Core()
    half = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    compiled = core.compile_model(model, "CPU", {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
    })  # fmt: skip

    def run(squares):
        found = compiled(squares)
        return {output.any_name: found[output] for output in compiled.outputs}

    return Runtime(f"OpenVINO (cpu{', bf16' if half else ''})", kind, image_px, run)


def _read_description(path):
    """-> kind and image_px of an exported file."""
    try:
        model = onnx.load(path, load_external_data=False)
        told = {entry.key: entry.value for entry in model.metadata_props}
        orders = {name: tuple(json.loads(told[name])) for name in JOINT_ORDERS}
        described = told["kind"], int(told["image_px"])
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: no such file; write it with `egolib export`") from error
    except Exception as error:  # protobuf's own, of which there are many
        raise EgolibError(f"{path}: not what `egolib export` wrote ({error})") from error
    if orders != JOINT_ORDERS:
        raise EgolibError(f"{path}: its joints are not those of this study; export it again")
    return described
