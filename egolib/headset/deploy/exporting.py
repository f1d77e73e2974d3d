"""A trained network -> an ONNX file that needs neither torch nor egolib, in float32 or int8."""

import json
import logging
import tempfile
import warnings
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from egolib.data.index import FrameIndex
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path
from egolib.headset.deploy.estimator import IMAGE_KINDS, OUTPUTS, Estimator
from egolib.headset.deploy.upsampling import without_transposed
from egolib.models.checkpoints import JOINT_ORDERS, NetworkSpec, weights_digest

INPUT = "squares"
CALIBRATION_FRAMES = 128
TOLERANCE = {"joints_px": 0.05, "confidence": 1e-3, "pose_m": 1e-4, "neck_m": 1e-4}
_QUANTISED = ("Conv", "MaxPool")
_LINEAR = ("Gemm", "MatMul")
_LARGE = 1_000_000  # weights; smaller linear layers cost no time, but decide the pose


def calibration_squares(
    index: FrameIndex, image_px: int, count: int = CALIBRATION_FRAMES
) -> np.ndarray:
    """Read `count` squares (count, S, S, 3) spread evenly over training frames, fewer where there are
    fewer."""
    chosen = np.linspace(0, len(index) - 1, count).round().astype(int)
    return np.stack([index.read_square(i, image_px) for i in np.unique(chosen)])


def export_onnx(network: nn.Module, spec: NetworkSpec, path: Path, provenance: dict) -> None:
    """Write `network` (of a checkpoints.NetworkSpec) as ONNX in float32: INPUT, uint8 RGB (B, S, S, 3),
    -> estimator.OUTPUTS. The file says in its metadata what every number means; it has passed ONNX's
    checker and been run beside torch. Raises EgolibError for a kind that is not in IMAGE_KINDS, and
    when outputs differ.
    """
    if spec.kind not in IMAGE_KINDS:
        known = " or ".join(IMAGE_KINDS)
        raise EgolibError(f"a {spec.kind} network is not run image by image; export {known}")
    estimator = Estimator(network.cpu().float().eval(), spec.image_px)
    with atomic_path(path) as partial, tempfile.TemporaryDirectory() as folder:
        traced = Path(folder) / "traced.onnx"
        names = _trace(Estimator(without_transposed(estimator.network), spec.image_px), traced)
        _require_equal(estimator, traced, names)
        _save(onnx.load(traced), partial, {
            "format": "egolib-onnx-1",
            "egolib": metadata.version("egolib"),
            "image_px": str(spec.image_px),
            "kind": spec.kind,
            "network": weights_digest(network),
            "precision": "float32",
            "provenance": json.dumps(provenance),
            INPUT: "(B, S, S, 3) uint8 RGB, S = image_px: the square crop of the image",
            **{name: OUTPUTS[name] for name in names},
            **{name: json.dumps(order) for name, order in JOINT_ORDERS.items()},
        })  # fmt: skip


def quantise_onnx(exported: Path, path: Path, squares: np.ndarray) -> None:
    """Write what `export_onnx` wrote in static int8: convolutions and large linear layers, weights by
    channel in the 7 bits that processors without VNNI add up exactly, activations in 8.

    squares: (N, S, S, 3) of training frames, from which the ranges of activations are taken.
    """
    from onnxruntime.quantization import QuantFormat, quantize_static

    model, inputs = onnx.load(exported), ({INPUT: square[None]} for square in squares)
    reader = SimpleNamespace(get_next=lambda: next(inputs, None))
    with atomic_path(path) as partial, tempfile.TemporaryDirectory() as folder:
        quantised = Path(folder) / "quantised.onnx"
        quantize_static(
            exported, quantised, reader, quant_format=QuantFormat.QDQ, per_channel=True,
            reduce_range=True, op_types_to_quantize=[*_QUANTISED, *_LINEAR],
            nodes_to_quantize=_heavy_layers(model.graph),
        )  # fmt: skip
        _save(onnx.load(quantised), partial, metadata_of(model) | {"precision": "int8"})


def metadata_of(model: onnx.ModelProto) -> dict[str, str]:
    """The metadata of an exported file, {name: text}."""
    return {entry.key: entry.value for entry in model.metadata_props}


def _heavy_layers(graph):
    """Names of the nodes that int8 makes faster, without the first convolution: it is cheap, and
    OpenVINO pads what it reads with another value in int8, which made poses 15 mm worse."""
    sizes = {weights.name: np.prod(weights.dims) for weights in graph.initializer}
    first = next(node for node in graph.node if node.op_type == "Conv")
    return [
        node.name
        for node in graph.node
        if (node.op_type in _QUANTISED and node.name != first.name)
        or (node.op_type in _LINEAR and sizes.get(node.input[1], 0) >= _LARGE)
    ]


def _save(model, path, properties):
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _trace(estimator, path):
    """-> the names of the outputs."""
    shape = (2, estimator.image_px, estimator.image_px, 3)  # a batch of 1 would be made a constant
    squares = torch.zeros(shape, dtype=torch.uint8)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about its own insides
        names = list(estimator(squares))
        torch.onnx.export(
            estimator, (squares,), path, dynamo=True, verbose=False, external_data=False,
            input_names=[INPUT], output_names=names,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )  # fmt: skip
    return names


def _require_equal(estimator, path, names):
    shape = (3, estimator.image_px, estimator.image_px, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with torch.inference_mode():
        expected = estimator(torch.from_numpy(noise))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for name, found in zip(names, session.run(names, {INPUT: noise}), strict=True):
        # In noise two peaks may be of the same height, and change places.
        difference = np.quantile(np.abs(found - expected[name].numpy()), 0.95)
        if not difference <= TOLERANCE.get(name, 1e-3):
            raise EgolibError(f"the exported {name} differ by {difference:.2g} from PyTorch's")
