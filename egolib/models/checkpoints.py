"""Save and load networks. A checkpoint is a safetensors file that also describes the network, so
that the file alone is enough to build it. Nothing is unpickled, and a missing or extra tensor is an
error."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from egolib.config import (
    LIFTER_METHODS,
    LIMITS,
    RENAMED,
    Method,
    Profile,
    Stage,
    refuse_old_name,
)
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically
from egolib.foundation.provenance import without_effect
from egolib.foundation.untrusted import check_file, number_between, parse_json, shown
from egolib.models.end_to_end import EndToEndNetwork
from egolib.models.heatmap_network import HeatmapNetwork, heatmap_side
from egolib.models.lifters import DirectLifter, MartinezLifter, PoseLifter
from egolib.models.quantisation import quantised, restored
from egolib.models.ray_model import RayModel, map_side
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

FORMAT = "egolib-3"
# egolib-1 had the dual and the single branch only; egolib-2 had other names (_convert_old_format).
OLD_FORMATS = ("egolib-1", "egolib-2")
SHIPPED = Path(__file__).with_name("weights") / "ray_model.safetensors"  # comes with egolib
# The joints in the order in which a network predicts them; saved in every file.
JOINT_ORDERS = {"joints": JOINTS, "heatmap_joints": HEATMAP_JOINTS}
_LIFTER_FIELDS = ("method", "latent_size", "pose_activations")
_RAY_MODEL_FIELDS = ("early_features", "expected_error")
# Names of tensors in the old formats, by kind of network: {old beginning: new beginning}.
_RENAMED_TENSORS = {
    Stage.HEATMAPS: {"trunk.": "backbone."},
    Stage.LIFTER: {},
    Stage.END_TO_END: {"heatmap_net.trunk.": "heatmap_network.backbone.",
                       "heatmap_net.": "heatmap_network."},
    Stage.RAY_MODEL: {"trunk.": "backbone.", "scores.": "cell_scores.",
                      "elsewhere.": "elsewhere_scores.", "first.": "placement.",
                      "of_joints.": "joint_features.", "along_ray.": "ray_features.",
                      "nearer.": "correction.", "spread.": "expected_error.",
                      "pyramid.sides.": "pyramid.lateral."},
}  # fmt: skip
# Fields in old files that NetworkSpec no longer has. They belong to an earlier design of the ray
# model, which refined joint queries in steps, and to the five-frame model.
_REMOVED_FIELDS = ("refinements", "at_projections", "self_attention", "frames")


@dataclass(frozen=True)
class NetworkSpec:
    """What is needed to build a network.

    `kind` is the Stage that trains it, `method` one of config.LIFTER_METHODS. A heatmap network
    ignores the fields of the lifter (`method`, `latent_size`, `pose_activations`), and a lifter
    ignores `backbone`; `image_px` and `sigma_px` define the heatmaps that the lifter reads. Only
    the ray model uses `early_features` and `expected_error`.
    """

    kind: str
    backbone: str
    image_px: int
    sigma_px: float
    method: str = "dual"
    latent_size: int = 20
    pose_activations: bool = True
    early_features: bool = True
    expected_error: bool = True

    @property
    def heatmap_px(self) -> int:
        """Side of the heatmaps, in cells."""
        side = map_side if self.kind == Stage.RAY_MODEL else heatmap_side
        return side(self.image_px)


def spec_of(kind: Stage | str, profile: Profile) -> NetworkSpec:
    """The spec of a network that `profile` trains."""
    parts = {}
    if kind == Stage.RAY_MODEL:
        parts = {name: getattr(profile.ray_model, name) for name in _RAY_MODEL_FIELDS}
    elif kind != Stage.HEATMAPS:  # the heatmap network does not depend on the lifter
        parts = {name: getattr(profile.lifter, name) for name in _LIFTER_FIELDS}
    images = profile.heatmaps
    return NetworkSpec(str(kind), images.backbone, images.image_px, images.sigma_px, **parts)


def build_heatmap_network(spec: NetworkSpec, pretrained: bool = False) -> HeatmapNetwork:
    return HeatmapNetwork(spec.backbone, pretrained)


def build_lifter(
    spec: NetworkSpec, pretrained: bool = False
) -> PoseLifter | DirectLifter | MartinezLifter:
    if spec.method == Method.MARTINEZ:
        return MartinezLifter()
    if spec.method == Method.DIRECT:
        return DirectLifter(spec.heatmap_px)
    return PoseLifter(
        spec.heatmap_px,
        spec.latent_size,
        heatmap_branch=spec.method != Method.SINGLE,
        rotation_branch=spec.method == Method.ROTATION,
        pose_activations=spec.pose_activations,
    )


def build_end_to_end(spec: NetworkSpec, pretrained: bool = False) -> EndToEndNetwork:
    lifter = build_lifter(spec)
    return EndToEndNetwork(build_heatmap_network(spec, pretrained), lifter)


def build_ray_model(spec: NetworkSpec, pretrained: bool = False) -> RayModel:
    parts = {name: getattr(spec, name) for name in _RAY_MODEL_FIELDS}
    return RayModel(spec.backbone, spec.sigma_px, pretrained=pretrained, **parts)


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    Stage.HEATMAPS: build_heatmap_network,
    Stage.LIFTER: build_lifter,
    Stage.END_TO_END: build_end_to_end,
    Stage.RAY_MODEL: build_ray_model,
}


# A digest of code leaves this out: for training it starts at one of the builders, for inference at
# the class of the network.
@without_effect
def build_network(spec: NetworkSpec, pretrained: bool = False) -> nn.Module:
    """A network by its spec, freshly initialised (ImageNet backbone when `pretrained`)."""
    return BUILDERS[spec.kind](spec, pretrained)


@without_effect
def save_network(
    path: Path, network: nn.Module, spec: NetworkSpec, provenance: dict, compact: bool = False
) -> None:
    """Write `network` to `path`; an interrupted write leaves no incomplete file there.

    `provenance`: strings and numbers that say how the network was trained (profile, seed, data,
    epoch, validation error). `compact`: round large weights to 8 bits (quantisation.py), which
    makes the file about four times smaller.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    if compact:
        tensors = quantised(tensors)
    metadata = {
        "format": FORMAT,
        "spec": json.dumps(dataclasses.asdict(spec)),
        "provenance": json.dumps(provenance),
        **{name: json.dumps(order) for name, order in JOINT_ORDERS.items()},
    }
    # `save_file` of safetensors is not used, because only the owner could read its files.
    write_atomically(path, save(tensors, metadata))


def load_network(
    path: Path, kinds: Sequence[str] = tuple(Stage)
) -> tuple[nn.Module, NetworkSpec, dict]:
    """Build and load the network in `path` -> (network in eval mode, NetworkSpec, provenance).

    The weights are float32, even if the file was saved with `compact`. Older formats can be read
    too. Raises EgolibError, which names the file, when it is missing, damaged or not a checkpoint
    of this study, when its kind is not in `kinds`, when it has other joints, or when its tensors do
    not fit its own description.
    """
    path = Path(path)
    if not path.exists():
        raise EgolibError(f"{path}: no such checkpoint; train it first (`egolib train`)")
    check_file(path)
    try:
        with safe_open(path, "pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise EgolibError(
            f"{path}: not a whole safetensors file ({error}); train it again"
        ) from error
    if metadata.get("format") not in (FORMAT, *OLD_FORMATS):
        raise EgolibError(f"{path}: safetensors, but not a checkpoint written by egolib")
    try:
        fields = dict(parse_json(metadata["spec"]))
        if fields["kind"] == "window":
            refuse_old_name("window", str(path))
        if metadata["format"] in OLD_FORMATS:
            fields, tensors = _convert_old_format(fields, tensors)
        spec = _checked_spec(fields)
        provenance = parse_json(metadata["provenance"])
        if not isinstance(provenance, dict):
            raise ValueError(f"the provenance is not an object but {shown(repr(provenance))}")
        orders = {
            name: _names(parse_json(metadata[name])) for name in JOINT_ORDERS if name in metadata
        }
        tensors = restored(tensors)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise EgolibError(
            f"{path}: cannot read its description ({reason}); train it again"
        ) from error
    if spec.kind not in kinds:
        raise EgolibError(f"{path}: holds a {spec.kind} network; expected {' or '.join(kinds)}")
    for name, order in orders.items():
        if order != list(JOINT_ORDERS[name]):
            differ = ", ".join(sorted(set(order) ^ set(JOINT_ORDERS[name]))) or "their order"
            raise EgolibError(f"{path}: its {name} are not those of this study: {differ}")
    try:
        with torch.device("meta"):  # shapes alone: a description must not fill the memory
            expected = build_network(spec).state_dict()
        check_weights(tensors, expected)
        network = build_network(spec)
        network.load_state_dict(tensors, strict=True)
    except (RuntimeError, ValueError, EgolibError) as error:
        first = str(error).splitlines()[-1].strip()
        raise EgolibError(
            f"{path}: tensors do not fit the network that it describes: {first}"
        ) from error
    return network.eval(), spec, provenance


@without_effect
def _names(value: Any) -> list[str]:
    """A list of names from a description. Raises ValueError for anything else."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{shown(repr(value))} is not a list of names")
    return value


@without_effect
def check_weights(tensors: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Raise ValueError for tensors that are missing, unknown, of another shape or type than
    `expected`, or not finite: one NaN would spread into every prediction."""
    if differing := sorted(tensors.keys() ^ expected.keys()):
        lacks = "lacks" if differing[0] in expected else "holds an unknown"
        raise ValueError(f"the file {lacks} {shown(differing[0])}")
    for name, tensor in tensors.items():
        wanted = expected[name]
        if (tensor.shape, tensor.is_floating_point()) != (wanted.shape, wanted.is_floating_point()):
            found = f"{tensor.dtype} {tuple(tensor.shape)}"
            raise ValueError(f"{name} is {found}, expected {wanted.dtype} {tuple(wanted.shape)}")
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} holds values that are not finite")


def _convert_old_format(fields: dict, tensors: dict) -> tuple[dict, dict]:
    """Convert the description and the tensors of an older format to the present names."""
    fields = {RENAMED.get(name, name): value for name, value in fields.items()}
    fields["kind"] = RENAMED.get(fields["kind"], fields["kind"])
    if "heatmap_branch" in fields:
        fields["method"] = "dual" if fields.pop("heatmap_branch") else "single"
    if fields["kind"] == Stage.RAY_MODEL and "refinements" in fields:
        raise ValueError("a ray model with refined joint queries, a design that is no longer built")
    fields = {name: value for name, value in fields.items() if name not in _REMOVED_FIELDS}
    renamed = {}
    for name, tensor in tensors.items():
        for old, new in _RENAMED_TENSORS[Stage(fields["kind"])].items():
            if name.startswith(old):
                name = new + name.removeprefix(old)
                break
        renamed[name] = tensor
    return fields, renamed


_ANY_SPEC = NetworkSpec("", "", 0, 0.0)  # for the types of its fields


@without_effect
def _checked_spec(fields: dict) -> NetworkSpec:
    spec = NetworkSpec(**fields)
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        kind = type(getattr(_ANY_SPEC, field.name))
        if kind in (int, float):
            number_between(value, *LIMITS[field.name], whole=kind is int)
        elif type(value) is not kind:
            raise ValueError(f"{field.name} is {shown(repr(value))}, not of type {kind.__name__}")
    for name, known in (("kind", tuple(Stage)), ("method", LIFTER_METHODS)):
        if getattr(spec, name) not in known:
            raise ValueError(f"unknown {name} {getattr(spec, name)!r}; known: {', '.join(known)}")
    return spec


def shipped_network() -> Path:
    """Path of the checkpoint that comes with egolib. Raises EgolibError when it is missing."""
    if not SHIPPED.is_file():
        raise EgolibError(
            f"{SHIPPED}: the network that comes with egolib is missing; install egolib again, or "
            "name another with --network"
        )
    return SHIPPED


def weights_digest(network: nn.Module) -> str:
    """SHA-256 digest of the names and values of all weights, which identifies a network."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def provenance_of(path: Path) -> dict:
    """Read the provenance in a checkpoint; {} when that is not possible."""
    try:
        with safe_open(path, "pt") as stored:
            return dict(parse_json(stored.metadata()["provenance"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return {}


def join_networks(
    heatmap_network: nn.Module,
    heatmap_spec: NetworkSpec,
    lifter: nn.Module,
    lifter_spec: NetworkSpec,
) -> tuple[EndToEndNetwork, NetworkSpec]:
    """Join a heatmap network and a lifter -> (network in eval mode, its NetworkSpec).

    Raises EgolibError when the lifter was trained on heatmaps of another image size or sigma.
    """
    for field in ("image_px", "sigma_px"):
        given, expected = getattr(heatmap_spec, field), getattr(lifter_spec, field)
        if given != expected:
            raise EgolibError(
                f"the heatmap network has {field} = {given}, the lifter {expected} (heatmaps of "
                f"{heatmap_spec.heatmap_px} and {lifter_spec.heatmap_px} cells a side); "
                "train both with one profile"
            )
    kind, backbone = str(Stage.END_TO_END), heatmap_spec.backbone
    spec = dataclasses.replace(lifter_spec, kind=kind, backbone=backbone)
    return EndToEndNetwork(heatmap_network, lifter).eval(), spec
