"""The stages, the methods and the profiles of the study.

A profile says what a run renders and how it trains each stage. It is a frozen dataclass with one
table for each stage; unknown keys and wrong types are refused. In every stage, `batch_size` is the
number of samples in one optimiser step, summed over all processes. `accumulate` is the number of
parts into which this batch is split; their gradients are accumulated, which saves memory.

The presets are configs/*.toml: `smoke` (minutes, for the tests), `quick` (the default), `study`
(for the comparison of the methods, see experiments/sweep.py) and `paper` (the published sizes, for
the official data and a GPU). A user's own TOML file names its `base = "quick"` and overrides keys
below `[render]`, `[heatmaps]`, `[lifter]`, `[end_to_end]` and `[ray_model]`. A run can override keys
of either without a file: {"lifter": {"latent_size": 50}}.
"""

import dataclasses
import hashlib
import math
import re
import sys
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from egolib.foundation.errors import EgolibError
from egolib.foundation.provenance import without_effect
from egolib.foundation.render_config import RenderConfig
from egolib.foundation.untrusted import file_name, number_between, parse_json, read_bytes, shown


class _Labelled(StrEnum):
    """Enum of names. Each has a `label`, the text that tables and figures print."""

    label: str

    def __new__(cls, value: str, label: str):
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member


class Stage(_Labelled):
    """A part of the training. Its name is also that of a table in a profile, of a checkpoint and of
    a kind of network."""

    HEATMAPS = "heatmaps", "Heatmap network"
    LIFTER = "lifter", "Lifter"
    END_TO_END = "end_to_end", "End-to-end network"
    RAY_MODEL = "ray_model", "Ray model"


class Method(_Labelled):
    """A way to estimate a pose from an image or from true heatmaps; the study compares them."""

    MARTINEZ = "martinez", "Martinez et al."
    SINGLE = "single", "single branch"
    DUAL = "dual", "dual branch"
    ROTATION = "rotation", "dual branch with rotations"
    DIRECT = "direct", "direct lifter"
    END_TO_END = "end_to_end", "end to end"
    RAY_MODEL = "ray_model", "ray model"
    ORACLE = "oracle", "true heatmaps (oracle)"


METHOD_LABELS = {str(method): method.label for method in Method}
# The lifters, in this order: that of the paper, with two branches; without its heatmap branch; with
# the rotation branch of SelfPose; its encoder alone, which predicts the pose without a bottleneck;
# that of Martinez et al. 2017.
LIFTER_METHODS = (Method.DUAL, Method.SINGLE, Method.ROTATION, Method.DIRECT, Method.MARTINEZ)


# Digests of code leave out these classes: a result is stored with the values that it depends on.
@without_effect
@dataclass(frozen=True)
class StageConfig:
    """What all stages have. `augment`: change the training images and poses at random
    (data/augmentation.py)."""

    augment: bool = True
    epochs: int = 4
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3


@without_effect
@dataclass(frozen=True)
class HeatmapConfig(StageConfig):
    """Stage 1 (section 4.1): image -> 15 heatmaps.

    `sigma_px`: standard deviation of the target's Gaussian, in cells of the network's heatmaps.
    `pretrained`: start from a backbone trained on ImageNet.
    """

    backbone: str = "resnet18"
    image_px: int = 128
    sigma_px: float = 1.0
    pretrained: bool = False


@without_effect
@dataclass(frozen=True)
class LifterConfig(StageConfig):
    """Stage 2 (section 4.2): heatmaps -> pose.

    `method`: one of LIFTER_METHODS. `latent_size` and `pose_activations` apply only to lifters that
    have a latent; `pose_activations` puts activations between the layers of the pose branch, where
    the public re-implementations have none. `limb_terms`: "bones" or "joints", which the limb terms
    of the loss compare. `trained_on`: "true" heatmaps, which are drawn from the labels, or
    "detected" heatmaps, which the heatmap network predicts.
    """

    method: str = "dual"
    latent_size: int = 20
    pose_activations: bool = True
    limb_terms: str = "bones"
    trained_on: str = "true"
    augment: bool = False
    batch_size: int = 32


@without_effect
@dataclass(frozen=True)
class EndToEndConfig(StageConfig):
    """Stage 3: the heatmap network and the lifter are joined and trained further, end to end."""

    epochs: int = 2
    learning_rate: float = 3e-4


@without_effect
@dataclass(frozen=True)
class RayModelConfig(StageConfig):
    """The ray model, which this study proposes: image -> pose in one stage.

    It takes `image_px`, `sigma_px`, `backbone` and `pretrained` from [heatmaps]. `early_features`
    and `expected_error` switch two parts of the network on or off.
    """

    early_features: bool = True
    expected_error: bool = True
    epochs: int = 10


@without_effect
@dataclass(frozen=True)
class Profile:
    """Everything that a run depends on, except its seed and its data.

    `embedded`: when no data folder is given, render the miniature; if this is False, a data folder
    is required. `workers`: number of processes that load images for each training process.
    `compiled`: use torch.compile on a GPU; compiling takes minutes, so it only saves time in long
    runs.
    """

    name: str
    render: RenderConfig = field(default_factory=RenderConfig)
    heatmaps: HeatmapConfig = HeatmapConfig()
    lifter: LifterConfig = LifterConfig()
    end_to_end: EndToEndConfig = EndToEndConfig()
    ray_model: RayModelConfig = RayModelConfig()
    embedded: bool = True
    workers: int = 0
    compiled: bool = False


_Config = TypeVar("_Config")
DEFAULT_PROFILE = "quick"
LARGEST_SEED = 2**32 - 1  # the largest seed that every library accepts
# Keys whose value must be one of these names.
CHOICES = {
    "method": LIFTER_METHODS,
    "limb_terms": ("bones", "joints"),
    "trained_on": ("true", "detected"),
}
# The least and the largest value of a number by its key, in a profile and in a checkpoint. The largest
# are far beyond what helps; they end a mistyped number in a message instead of a full memory.
LIMITS: dict[str, tuple[float, float]] = {
    "scale": (0.05, 4), "fps": (1, 240), "train_frames": (1, 10**5), "val_frames": (1, 10**5),
    "test_frames": (1, 10**5), "characters": (0, 1000), "train_clips": (0, 1000),
    "val_clips": (0, 1000), "test_clips": (0, 1000),
    "epochs": (1, 10**4), "batch_size": (1, 2**16), "accumulate": (1, 2**16),
    "learning_rate": (1e-9, 10), "image_px": (16, 2048), "sigma_px": (0.05, 100),
    "latent_size": (1, 2**14), "workers": (0, 256),
}  # fmt: skip
# {name in profiles, grids and checkpoints of earlier versions: its present name}.
RENAMED = {
    "finetune": "end_to_end",
    "egopose": "end_to_end",
    "ours": "ray_model",
    "uncertainty": "expected_error",
    "dual_finetuned": "end_to_end",
}
_WINDOW_REMOVED = (
    'the five-frame model ("window") was removed; see docs/retired_five_frame_model.md'
)


def refuse_old_name(name: str, source: str) -> None:
    """Raise EgolibError if `name` was renamed or removed. `source`: the file or table that contains
    it, for the message."""
    if name in RENAMED:
        raise EgolibError(f"{source}: {name!r} is called {RENAMED[name]!r} now; write that instead")
    if name == "window":
        raise EgolibError(f"{source}: {_WINDOW_REMOVED}")


def override(config: _Config, changes: dict[str, Any], source: str) -> _Config:
    """Return a copy of the dataclass `config` with `changes` {key: value or nested dict} applied.

    Raises EgolibError for an unknown key or name, and for a value of the wrong type or out of
    range. `source`: the file or table that contains the changes, for the message.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}
    values = {}
    for key, value in changes.items():
        if key not in fields:
            refuse_old_name(key, source)
            raise EgolibError(f"{source}: unknown key {key!r}; known keys: {', '.join(fields)}")
        current = getattr(config, key)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, dict):
                raise EgolibError(f"{source}: {key!r} is a table of keys, not {value!r}")
            value = override(current, value, f"{source} [{key}]")
        elif isinstance(current, float) and type(value) is int:
            value = float(value) if abs(value) < sys.float_info.max else math.inf
        elif type(value) is not type(current):
            wanted = type(current).__name__
            raise EgolibError(f"{source}: {key} = {value!r} is not of type {wanted}")
        if type(value) in (int, float):
            try:
                number_between(value, *LIMITS[key])
            except ValueError as error:
                span = "{:g} to {:g}".format(*LIMITS[key])
                raise EgolibError(f"{source}: {key} = {value!r} is out of range: {span}") from error
        if value not in CHOICES.get(key, (value,)):
            raise EgolibError(
                f"{source}: unknown {key} {value!r}; known: {', '.join(CHOICES[key])}"
            )
        values[key] = value
    return dataclasses.replace(config, **values)


def read_toml(path: Path) -> dict:
    """Read a TOML file. Raises EgolibError when it cannot be read."""
    try:
        return tomllib.loads(read_bytes(path).decode("utf-8-sig"))
    except RecursionError as error:
        raise EgolibError(f"{path}: not a TOML file (nested too deeply)") from error
    except ValueError as error:
        raise EgolibError(f"{path}: not a TOML file ({error})") from error


def _preset(name: str) -> Profile:
    path = Path(__file__).with_name("configs") / f"{name}.toml"
    return override(Profile(name), read_toml(path), str(path))


PROFILES = {name: _preset(name) for name in ("smoke", "quick", "study", "paper")}


def load_profile(name_or_file: str | Path, overrides: dict | None = None) -> Profile:
    """Load a preset by its name, or a `.toml` file.

    Args:
        overrides: settings to change, such as {"lifter": {"latent_size": 50}}. A profile that they
            change has a name that says how: "quick-lifter.latent_size=50". Results and rendered data
            are kept by that name, so they never mix with those of the profile.

    Raises:
        EgolibError: for an unknown profile, an unknown key, and a value of the wrong type or out of
            range.
    """
    profile = _named_profile(name_or_file)
    changed = override(profile, overrides or {}, "overrides")
    if changed.name != profile.name:
        raise EgolibError("overrides: a profile is named by its settings; remove the key 'name'")
    changes = "-".join(_differences(profile, changed))
    if re.search(r"[^\w.=-]", changes) or len(changes) > 60:
        changes = hashlib.sha256(changes.encode()).hexdigest()[:12]
    return dataclasses.replace(changed, name=f"{profile.name}-{changes}") if changes else profile


def read_overrides(overrides: dict | str) -> dict:
    """The overrides of `load_profile`, which may also be given as JSON. Raises EgolibError for
    anything but a dict."""
    try:
        overrides = parse_json(overrides or "{}") if isinstance(overrides, str) else overrides
    except ValueError as error:
        raise EgolibError(f"overrides: {shown(overrides)} is not JSON ({error})") from error
    if not isinstance(overrides, dict):
        example = '{"lifter": {"latent_size": 50}}'
        raise EgolibError(f"overrides: {overrides!r} is not a dict of settings, such as {example}")
    return overrides


def _differences(before, after):
    """The settings in which two configs of one class differ, as ["lifter.latent_size=50"]."""
    for field_ in dataclasses.fields(before):
        values = getattr(before, field_.name), getattr(after, field_.name)
        if dataclasses.is_dataclass(values[0]):
            yield from (f"{field_.name}.{difference}" for difference in _differences(*values))
        elif values[0] != values[1]:
            yield f"{field_.name}={values[1]}"


def _named_profile(name_or_file):
    """The preset of a name, or the profile of a `.toml` file."""
    if name_or_file in PROFILES:
        return PROFILES[name_or_file]
    path = Path(name_or_file)
    if path.suffix != ".toml" or not path.is_file():
        known = ", ".join(PROFILES)
        raise EgolibError(f"unknown profile {str(name_or_file)!r}; known: {known}, or a .toml file")
    changes = read_toml(path)
    base = changes.pop("base", DEFAULT_PROFILE)
    if not isinstance(base, str) or base not in PROFILES:
        raise EgolibError(f"{path}: unknown base {base!r}; known: {', '.join(PROFILES)}")
    if "name" in changes:
        raise EgolibError(f"{path}: a profile is named by its file; remove the key 'name'")
    if path.stem in PROFILES:
        raise EgolibError(
            f"{path}: {path.stem!r} is the name of a built-in profile; rename the file"
        )
    name = file_name(path.stem, path)  # of the folder of its results
    return override(PROFILES[base], {**changes, "name": name}, str(path))
