"""Networks on disk: safetensors with the network's description inside, so that a file alone is
enough to build and load it. Nothing is ever unpickled, and no tensor is silently left out."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from egolib.config import METHODS, WINDOW_REMOVED
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically
from egolib.foundation.provenance import without_effect
from egolib.models.baselines import DirectLifter, MartinezLifter
from egolib.models.networks import EgoPose, HeatmapNet, PoseLifter, heatmap_side
from egolib.models.quantisation import quantised, restored
from egolib.models.ray_model import RayPose, map_side
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

FORMAT = "egolib-2"
OLD_FORMAT = "egolib-1"  # knew the dual and the single branch only
KINDS = ("heatmaps", "lifter", "egopose", "ours")
SHIPPED = Path(__file__).with_name("weights") / "ours.safetensors"  # comes with egolib
# What the numbers of a network mean, in their order; kept in every file.
JOINT_ORDERS = {"joints": JOINTS, "heatmap_joints": HEATMAP_JOINTS}


_LIFTER_PARTS = ("method", "latent_size", "pose_activations")
_OWN_PARTS = ("early_features", "uncertainty")
# Those of an earlier design of our own model, joint queries refined in steps.
_GONE_PARTS = ("refinements", "at_projections", "self_attention")


@dataclass(frozen=True)
class NetworkSpec:
    """What is needed to build a network. `kind` is one of KINDS, `method` one of config.METHODS; a
    heatmap network ignores the lifter's fields and the other way round (`image_px` and `sigma_px`
    fix its heatmaps); those from `early_features` on are our own model's."""

    kind: str
    backbone: str
    image_px: int
    sigma_px: float
    method: str = "dual"
    latent_size: int = 20
    pose_activations: bool = True
    early_features: bool = True
    uncertainty: bool = True

    @property
    def heatmap_px(self):
        if self.kind == "ours":
            return map_side(self.image_px)
        return heatmap_side(self.image_px)


def spec_of(kind, profile):
    """The spec of a network that `profile` (config.Profile) trains."""
    parts, of = (_OWN_PARTS, profile.ours) if kind == "ours" else (_LIFTER_PARTS, profile.lifter)
    if kind == "heatmaps":  # the same network whatever reads it
        parts = ()
    return NetworkSpec(
        kind=kind,
        backbone=profile.heatmaps.backbone,
        image_px=profile.heatmaps.image_px,
        sigma_px=profile.heatmaps.sigma_px,
        **{name: getattr(of, name) for name in parts},
    )


def build_heatmap_network(spec, pretrained=False):
    return HeatmapNet(spec.backbone, pretrained)


def build_lifter(spec, pretrained=False):
    if spec.method == "martinez":
        return MartinezLifter()
    if spec.method == "direct":
        return DirectLifter(spec.heatmap_px)
    return PoseLifter(
        spec.heatmap_px,
        spec.latent_size,
        heatmap_branch=spec.method != "single",
        rotation_branch=spec.method == "rotation",
        pose_activations=spec.pose_activations,
    )


def build_egopose(spec, pretrained=False):
    lifter = build_lifter(spec)
    return EgoPose(build_heatmap_network(spec, pretrained), lifter)


def build_ray_model(spec, pretrained=False):
    parts = {name: getattr(spec, name) for name in _OWN_PARTS}
    return RayPose(spec.backbone, spec.sigma_px, pretrained=pretrained, **parts)


BUILDERS = {
    "heatmaps": build_heatmap_network,
    "lifter": build_lifter,
    "egopose": build_egopose,
    "ours": build_ray_model,
}


@without_effect  # who trains a network calls its builder, who runs one names its class
def build_network(spec, pretrained=False):
    """A network by its spec, freshly initialised (ImageNet trunk when `pretrained`)."""
    return BUILDERS[spec.kind](spec, pretrained)


@without_effect
def save_network(path, network, spec, provenance, compact=False):
    """Write `network` to `path`, whole or not at all. `provenance` is a dict of strings and
    numbers that says where it comes from (profile, seed, data, epoch, validation error). `compact`:
    large weights rounded to 8 bits (quantising), a quarter of the size."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    if compact:
        tensors = quantised(tensors)
    metadata = {
        "format": FORMAT,
        "spec": json.dumps(dataclasses.asdict(spec)),
        "provenance": json.dumps(provenance),
        **{name: json.dumps(order) for name, order in JOINT_ORDERS.items()},
    }
    # Not safetensors' own `save_file`: what that writes nobody else may read.
    write_atomically(path, save(tensors, metadata))


def load_network(path, kinds=KINDS):
    """Build and load the network in `path` -> (network in eval mode, NetworkSpec, provenance), in
    float32 also where it was saved compact.

    Raises EgolibError that names the file when it is missing, damaged, not a checkpoint of this
    study, of a kind not in `kinds`, of other joints, or when its tensors do not fit its own
    description.
    """
    path = Path(path)
    if not path.is_file():
        raise EgolibError(f"{path}: no such checkpoint; train it first (`egolib train`)")
    try:
        with safe_open(path, "pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except PermissionError as error:
        raise EgolibError(f"{path}: cannot be read ({error.strerror})") from error
    except (SafetensorError, OSError) as error:
        raise EgolibError(
            f"{path}: not a whole safetensors file ({error}); train it again"
        ) from error
    if metadata.get("format") not in (FORMAT, OLD_FORMAT):
        raise EgolibError(f"{path}: safetensors, but not a checkpoint written by egolib")
    try:
        spec = _read_spec(metadata)
        provenance = json.loads(metadata["provenance"])
        orders = {name: json.loads(metadata[name]) for name in JOINT_ORDERS if name in metadata}
        tensors = restored(tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise EgolibError(
            f"{path}: cannot read its description ({error}); train it again"
        ) from error
    if spec.kind == "window":
        raise EgolibError(f"{path}: {WINDOW_REMOVED}")
    if spec.kind not in kinds:
        raise EgolibError(f"{path}: holds a {spec.kind} network; expected {' or '.join(kinds)}")
    for name, order in orders.items():
        if order != list(JOINT_ORDERS[name]):
            differ = ", ".join(sorted(set(order) ^ set(JOINT_ORDERS[name]))) or "their order"
            raise EgolibError(f"{path}: its {name} are not those of this study: {differ}")
    network = build_network(spec)
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise EgolibError(f"{path}: tensors do not fit the network it names: {first}") from error
    return network.eval(), spec, provenance


def _read_spec(metadata):
    fields = json.loads(metadata["spec"])
    if metadata["format"] == OLD_FORMAT:
        fields["method"] = "dual" if fields.pop("heatmap_branch") else "single"
        fields.setdefault("pose_activations", True)
    fields.pop("frames", None)  # of the five-frame model, 1 for all others
    gone = [name for name in _GONE_PARTS if name in fields]
    if gone and fields["kind"] == "ours":
        raise ValueError("joint queries refined in steps, a design that is no longer built")
    spec = NetworkSpec(**{name: value for name, value in fields.items() if name not in gone})
    if spec.method not in METHODS:
        raise ValueError(f"unknown method {spec.method!r}; known: {', '.join(METHODS)}")
    return spec


def shipped_network():
    """The checkpoint that comes with egolib. Raises EgolibError where it is missing."""
    if not SHIPPED.is_file():
        raise EgolibError(
            f"{SHIPPED}: the network that comes with egolib is missing; install egolib again, or "
            "name another with --network"
        )
    return SHIPPED


def weights_digest(network):
    """What tells networks apart: a digest of the names and values of all weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def provenance_of(path):
    """The provenance in a checkpoint; {} where there is none to read."""
    try:
        with safe_open(path, "pt") as stored:
            return json.loads(stored.metadata()["provenance"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return {}


def join_networks(heatmap_net, heatmap_spec, lifter, lifter_spec):
    """A heatmap network and a lifter as one EgoPose -> (network, spec).

    Raises EgolibError when the heatmaps of one are not what the other was trained on.
    """
    for field in ("image_px", "sigma_px"):
        ours, theirs = getattr(heatmap_spec, field), getattr(lifter_spec, field)
        if ours != theirs:
            raise EgolibError(
                f"the heatmap network has {field} = {ours}, the lifter {theirs} (heatmaps of "
                f"{heatmap_spec.heatmap_px} and {lifter_spec.heatmap_px} cells a side); "
                "train both with one profile"
            )
    spec = dataclasses.replace(lifter_spec, kind="egopose", backbone=heatmap_spec.backbone)
    return EgoPose(heatmap_net, lifter).eval(), spec
