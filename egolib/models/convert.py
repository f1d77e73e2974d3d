"""Convert checkpoints of the public re-implementation (github.com/yc4ny/xR-EgoPose) to egolib's.

Its three `.tar` files are `torch.save` dictionaries: `Train2D` holds a heatmap network, `Train3D` a
lifter, `Finetune` both, each beside optimiser and scheduler, which are left alone. Only tensors
and plain containers are unpickled. The lifter differs from egolib's in two ways: its pose branch has
no activations, and it holds three batch norms that it never applies; the first is part of our
description of a network, the second are left out and named in the provenance.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.serialization import get_unsafe_globals_in_checkpoint

from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import check_file
from egolib.models.checkpoints import NetworkSpec, build_network, check_weights, save_network

SOURCE = "github.com/yc4ny/xR-EgoPose"
# Its heatmaps are drawn with a sigma of 2 cells of 48.
PUBLISHED = NetworkSpec(
    "end_to_end", "resnet50", image_px=368, sigma_px=2.0, method="dual", latent_size=20,
    pose_activations=False,
)  # fmt: skip
# {their dictionary: (our kind, {their layer: our layer})}. None: stored, but never applied.
LAYERS = {
    "resnet_state_dict": ("heatmaps", {
        "conv1": "backbone.0", "bn1": "backbone.1",
        "layer1": "backbone.4", "layer2": "backbone.5", "layer3": "backbone.6", "layer4": "backbone.7",
        "deconv_layers": "deconvolutions", "final_layer": "head",
    }),
    "autoencoder_state_dict": ("lifter", {
        "conv1": "encoder.0", "conv2": "encoder.2", "conv3": "encoder.4",
        "bn1": None, "bn2": None, "bn3": None,
        "fc1": "encoder.7", "fc2": "encoder.9", "fc3": "encoder.11",
        "b1_fc1": "pose_branch.0", "b1_fc2": "pose_branch.2", "b1_fc3": "pose_branch.4",
        "b2_fc1": "heatmap_branch.0", "b2_fc2": "heatmap_branch.2", "b2_fc3": "heatmap_branch.4",
        "b2_deconv1": "heatmap_branch.7", "b2_deconv2": "heatmap_branch.9",
        "b2_deconv3": "heatmap_branch.11",
    }),
}  # fmt: skip


def convert(paths: Sequence[Path | str], out: Path) -> NetworkSpec:
    """Write the networks in the `.tar` files `paths` as one checkpoint `out` -> its NetworkSpec.

    A heatmap network and a lifter, from one file or two, become one end-to-end network. Raises
    EgolibError that names the file when it is missing, truncated or foreign, when its pickle asks
    for anything but tensors and plain containers, when a tensor is unknown, missing or of another
    shape, and when two files hold the same part.
    """
    parts, left_out = {}, []
    for path in map(Path, paths):
        for name, stored in _read_tar(path).items():
            kind, layers = LAYERS[name]
            if kind in parts:
                raise EgolibError(f"{path}: a second {kind} network; give each part once")
            parts[kind], unused = _renamed(stored, layers, kind, f"{path}: {name}")
            left_out += unused
    if len(parts) == 2:
        kind, place = "end_to_end", {"heatmaps": "heatmap_network.", "lifter": "lifter."}
    else:
        (kind,), place = parts, dict.fromkeys(parts, "")
    spec = dataclasses.replace(PUBLISHED, kind=kind)
    network = _without_weights(spec)
    tensors = {place[kind] + name: t for kind, part in parts.items() for name, t in part.items()}
    try:
        check_weights(tensors, network.state_dict())
    except ValueError as error:
        raise EgolibError(f"{', '.join(map(str, paths))}: {error}") from error
    network.load_state_dict(tensors, strict=True, assign=True)
    files = [Path(path).name for path in paths]
    provenance = {"converted_from": SOURCE, "files": files, "left_out": sorted(left_out)}
    save_network(out, network, spec, provenance)
    return spec


def _read_tar(path: Path) -> dict[str, dict]:
    """The networks in a torch.save file: {key of LAYERS: its dictionary}, in part or whole."""
    check_file(path)
    try:
        if asked := get_unsafe_globals_in_checkpoint(path):
            names = ", ".join(sorted(asked))
            raise EgolibError(f"{path}: refused: its pickle asks for {names}, not only tensors")
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except EgolibError:
        raise
    except Exception as error:  # torch raises nearly every type for a damaged or hostile file
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise EgolibError(f"{path}: not a whole file of torch.save ({first})") from error
    found = {name: stored[name] for name in LAYERS if isinstance(stored, dict) and name in stored}
    if not found or not all(isinstance(part, dict) for part in found.values()):
        raise EgolibError(f"{path}: holds no {' or '.join(LAYERS)}; expected a file of {SOURCE}")
    return found


def _renamed(
    stored: dict, layers: Mapping[str, str | None], kind: str, where: str
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Their tensors -> ({our name: tensor}, their names of those that are never applied)."""
    expected = _without_weights(dataclasses.replace(PUBLISHED, kind=kind)).state_dict()
    tensors, left_out = {}, []
    for theirs, tensor in stored.items():
        layer, _, rest = str(theirs).partition(".")
        if layer in layers and layers[layer] is None:
            left_out.append(theirs)
            continue
        own = f"{layers.get(layer)}.{rest}"
        if own not in expected or not isinstance(tensor, torch.Tensor):
            raise EgolibError(f"{where} holds an unknown tensor {theirs!r}")
        if tensor.shape != expected[own].shape:
            raise EgolibError(
                f"{where}: {theirs} is of shape {tuple(tensor.shape)}, "
                f"expected {tuple(expected[own].shape)}"
            )
        tensors[own] = tensor.to(expected[own].dtype)
    for theirs, own in layers.items():
        for name in expected.keys() - tensors.keys():
            if own and name.startswith(f"{own}."):
                raise EgolibError(f"{where} lacks the tensor {theirs + name.removeprefix(own)!r}")
    return tensors, left_out


def _without_weights(spec: NetworkSpec) -> nn.Module:
    """The network of a spec with shapes alone: no memory, no initialisation."""
    with torch.device("meta"):
        return build_network(spec)
