"""Profiles: what a run renders and trains. One frozen dataclass a stage; unknown keys and wrong
types are refused.

In every stage `batch_size` is that of one step of the optimiser, all processes together;
`accumulate` takes it in so many parts, where memory is short.

A profile is `smoke` (minutes, for the tests), `quick` (the default), `study` (what the methods are
compared with, see methods/sweep.py), `paper` (the published sizes, on the official data and a GPU) or a
TOML file that says `base = "quick"` and overrides
keys below `[render]`, `[heatmaps]`, `[lifter]`, `[finetune]` and `[ours]`.
"""

import dataclasses
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from egolib.foundation.errors import EgolibError
from egolib.foundation.provenance import without_effect


@without_effect  # the values are in the key of what depends on them
@dataclass(frozen=True)
class RenderConfig:
    """The embedded miniature: `*_frames` a sequence of each split; how many `characters` each split
    has at most; `*_clips` that each of them performs (0: as many as there are; more where a split has
    too few people to show every clip); `motion` is a folder of BVH files named after the clips that they
    replace or add ("": none)."""

    scale: float = 0.3
    fps: int = 5
    train_frames: int = 6
    val_frames: int = 5
    test_frames: int = 5
    characters: int = 0
    train_clips: int = 72
    val_clips: int = 36
    test_clips: int = 36
    motion: str = ""


@without_effect  # the values are in the key of what depends on them
@dataclass(frozen=True)
class HeatmapConfig:
    """Stage 1 (section 4.1): picture -> 15 heatmaps. `pretrained` starts from ImageNet; `augment`
    turns and mirrors pictures (augment.py). `sigma_px`: in cells of each network's own maps."""

    backbone: str = "resnet18"
    image_px: int = 128
    sigma_px: float = 1.0
    pretrained: bool = False
    augment: bool = True
    epochs: int = 4
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3


@without_effect  # the values are in the key of what depends on them
@dataclass(frozen=True)
class LifterConfig:
    """Stage 2 (section 4.2): heatmaps -> pose. `method` is one of METHODS; `latent_size` and
    `pose_activations` (between the layers of the pose branch; the public re-implementations have
    none) concern those that have a latent. `limb_terms`: what the limb terms of the loss compare.
    `trained_on`: heatmaps of the true joints, or those that the heatmap network finds."""

    method: str = "dual"
    latent_size: int = 20
    pose_activations: bool = True
    limb_terms: str = "bones"
    trained_on: str = "true"
    augment: bool = False
    epochs: int = 4
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 1e-3


@without_effect  # the values are in the key of what depends on them
@dataclass(frozen=True)
class FinetuneConfig:
    """Stage 3: both networks end to end."""

    augment: bool = True
    epochs: int = 2
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 3e-4


@without_effect  # the values are in the key of what depends on them
@dataclass(frozen=True)
class OursConfig:
    """The study's own model (raypose.py), picture -> pose in one stage; pictures, sigma and the
    trunk, also whether that is `pretrained`, are those of [heatmaps]. `early_features` and
    `uncertainty` switch its parts."""

    early_features: bool = True
    uncertainty: bool = True
    augment: bool = True
    epochs: int = 10
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3


@without_effect  # the values are in the key of what depends on them
@dataclass(frozen=True)
class Profile:
    """Everything a run depends on besides its seed and its data.

    `embedded`: without a data folder, render the miniature; else a folder must be named.
    `workers`: processes that load pictures beside each one that trains. `compiled`: on a GPU, by
    torch.compile, which takes minutes and pays in long runs.
    """

    name: str
    render: RenderConfig = RenderConfig()
    heatmaps: HeatmapConfig = HeatmapConfig()
    lifter: LifterConfig = LifterConfig()
    finetune: FinetuneConfig = FinetuneConfig()
    ours: OursConfig = OursConfig()
    embedded: bool = True
    workers: int = 0
    compiled: bool = False


PROFILES = {
    "smoke": Profile(
        name="smoke",
        render=RenderConfig(
            scale=0.1,
            fps=10,
            train_frames=4,
            val_frames=1,
            test_frames=2,
            characters=2,
            train_clips=9,
            val_clips=9,
            test_clips=9,
        ),
        heatmaps=HeatmapConfig(image_px=64, epochs=2),
        lifter=LifterConfig(epochs=3),
        finetune=FinetuneConfig(epochs=1),
        ours=OursConfig(epochs=1),
    ),
    "quick": Profile(name="quick"),
    # As quick, on the same pictures, but every lifter reads what one heatmap network finds, and there
    # are many of them; our model trains about as long as the dual branch in all its stages.
    "study": Profile(
        name="study",
        lifter=LifterConfig(trained_on="detected", epochs=3),
        ours=OursConfig(epochs=6),
    ),
    "paper": Profile(
        name="paper",
        render=RenderConfig(
            scale=1.0,
            fps=30,
            train_frames=90,
            val_frames=90,
            test_frames=90,
            train_clips=0,
            val_clips=0,
            test_clips=0,
        ),
        heatmaps=HeatmapConfig(
            backbone="resnet101", image_px=368, sigma_px=1.5, pretrained=True, epochs=3
        ),
        lifter=LifterConfig(epochs=3, batch_size=16),
        finetune=FinetuneConfig(epochs=3, learning_rate=1e-4),
        ours=OursConfig(epochs=6, learning_rate=1e-4),
        embedded=False,
        workers=8,
        compiled=True,
    ),
}
DEFAULT_PROFILE = "quick"
LARGEST_SEED = 2**32 - 1  # that all libraries take
# The paper's three, and our own model.
STAGES = ("heatmaps", "lifter", "finetune", "ours")
# Once a stage, a table of profiles and a kind of network.
WINDOW_REMOVED = 'the five-frame model ("window") was removed; see docs/retired_five_frame_model.md'

# What lifts: the paper's two branches; its variant without the second; with SelfPose's rotation
# branch; the encoder straight to the pose, without a bottleneck; Martinez et al. 2017.
METHODS = ("dual", "single", "rotation", "direct", "martinez")
# Keys that take one of a few names.
CHOICES = {
    "method": METHODS,
    "limb_terms": ("bones", "joints"),
    "trained_on": ("true", "detected"),
}

# Zero means "all" or "none" here; any other number of a profile must be positive.
MAY_BE_ZERO = (
    "characters", "train_clips", "val_clips", "test_clips", "workers", "augment", "pose_activations",
    "pretrained", "embedded", "compiled", "early_features", "uncertainty",
)  # fmt: skip


def override(config, changes, source):
    """A copy of dataclass `config` with `changes` {key: value or nested dict} applied.

    Raises EgolibError for an unknown key or name, or a value of another type; `source` names the culprit.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}
    values = {}
    for key, value in changes.items():
        if key == "window":
            raise EgolibError(f"{source}: {WINDOW_REMOVED}")
        if key not in fields:
            raise EgolibError(f"{source}: unknown key {key!r}; known keys: {', '.join(fields)}")
        current = getattr(config, key)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, dict):
                raise EgolibError(f"{source}: {key!r} is a table of keys, not {value!r}")
            value = override(current, value, f"{source} [{key}]")
        elif isinstance(current, float) and type(value) is int:
            value = float(value)
        elif type(value) is not type(current):
            wanted = type(current).__name__
            raise EgolibError(f"{source}: {key} = {value!r} is not of type {wanted}")
        if isinstance(value, int | float) and (
            not 0 <= value < math.inf or (value == 0 and key not in MAY_BE_ZERO)
        ):
            raise EgolibError(f"{source}: {key} = {value!r} is out of range")
        if value not in CHOICES.get(key, (value,)):
            raise EgolibError(
                f"{source}: unknown {key} {value!r}; known: {', '.join(CHOICES[key])}"
            )
        values[key] = value
    return dataclasses.replace(config, **values)


def load_profile(name_or_file):
    """A Profile by name, or from a `.toml` file. Raises EgolibError for anything else."""
    if name_or_file in PROFILES:
        return PROFILES[name_or_file]
    path = Path(name_or_file)
    if path.suffix != ".toml" or not path.is_file():
        known = ", ".join(PROFILES)
        raise EgolibError(f"unknown profile {str(name_or_file)!r}; known: {known}, or a .toml file")
    try:
        changes = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EgolibError(f"{path}: not a TOML file ({error})") from error
    base = changes.pop("base", DEFAULT_PROFILE)
    if not isinstance(base, str) or base not in PROFILES:
        raise EgolibError(f"{path}: unknown base {base!r}; known: {', '.join(PROFILES)}")
    if "name" in changes:
        raise EgolibError(f"{path}: a profile is named by its file; remove the key 'name'")
    if path.stem in PROFILES:
        raise EgolibError(
            f"{path}: {path.stem!r} is the name of a built-in profile; rename the file"
        )
    return override(PROFILES[base], {**changes, "name": path.stem}, str(path))
