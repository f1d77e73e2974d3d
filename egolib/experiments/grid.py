"""A grid file -> which runs a sweep consists of, and what each should take.

    base = "study"                     # a profile, or a .toml file beside this one
    seeds = [0, 1, 2]

    [methods.martinez]                 # a row of the tables: keys of the profile that differ
    lifter.method = "martinez"

    [methods.end_to_end]
    stage = "end_to_end"               # or "ray_model"; else "lifter"

    [ablations.latent_size]            # a figure: one key, several values, all else as the base
    key = "lifter.latent_size"
    values = [10, 20, 50, 100]
    seeds = [0]                        # else those above
    with.stage = "end_to_end"          # keys that differ from the base for all values

Rows that are called as in comparison.PUBLISHED stand beside the published figures, and claims.CLAIMS
compares those that it names: call no other method so. A value that gives what another run already is, is
that run, from the seeds of both. Every run has a folder of its own; runs whose heatmap networks would be
the same share one.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from egolib.config import (
    LARGEST_SEED,
    Method,
    Profile,
    Stage,
    load_profile,
    override,
    read_toml,
    refuse_old_name,
)
from egolib.evaluation.comparison import PUBLISHED
from egolib.foundation.errors import EgolibError

_TRAINED = (Stage.LIFTER, Stage.END_TO_END, Stage.RAY_MODEL)
_GRID_KEYS = {"base": str, "seeds": list, "methods": dict, "ablations": dict}
_ABLATION_KEYS = {"key": str, "values": list, "seeds": list, "with": dict}


@dataclass(frozen=True)
class Variation:
    """One thing to train: a profile up to its last `stage`, from several seeds. `folder` is that of
    all that share the profile."""

    name: str
    folder: str
    profile: Profile
    stage: str
    seeds: tuple[int, ...]

    @property
    def method(self):
        """The Method whose error it has."""
        if self.stage != Stage.LIFTER:
            return Method(self.stage)
        lifter = self.profile.lifter
        return Method.ORACLE if lifter.trained_on == "true" else Method(lifter.method)

    @property
    def kind(self):
        """The Stage whose network goes from what the method is given to the pose."""
        if self.method == Method.ORACLE:
            return Stage.LIFTER
        return Stage.RAY_MODEL if self.stage == Stage.RAY_MODEL else Stage.END_TO_END

    @property
    def heatmaps_name(self):
        """Names the heatmap network it needs, and the folder of all who need the same."""
        config = dataclasses.asdict(self.profile.heatmaps)
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
        return f"{config['backbone']}_{config['image_px']}px_{digest}"


@dataclass(frozen=True)
class Ablation:
    """One `key` of the profile, or the stage. names: {value: name of its variation}. fixed: "key=value",
    those that differ from the base for all values."""

    key: str
    names: dict
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """variations: {name: Variation}, in the order in which they are run. methods: names of those
    that are rows. ablations: {title: Ablation}."""

    name: str
    base: Profile
    variations: dict[str, Variation]
    methods: tuple[str, ...]
    ablations: dict[str, Ablation]


def read_grid(path):
    """A Grid from a TOML file. Raises EgolibError, before anything runs, for a file that cannot be
    read, unknown keys, of the grid or of the profile, and values out of range."""
    path = Path(path)
    content = read_toml(path)
    _check_keys(content, _GRID_KEYS, path)
    base = content.get("base", "study")
    base = load_profile(path.parent / base if base.endswith(".toml") else base)
    seeds = _seeds(content.get("seeds", [0]), path)
    grid = Grid(path.stem, base, {}, tuple(content.get("methods", {})), {})
    for name, changes in content.get("methods", {}).items():
        if not isinstance(changes, dict) or not name.isidentifier():
            raise EgolibError(f"{path}: [methods.{name}] is not a table named like a word")
        source = f"{path} [methods.{name}]"
        refuse_old_name(name, source)
        if (same := _add(grid, name, [changes], seeds, source)) != name:
            raise EgolibError(f"{source}: the same as [methods.{same}]; leave one of them out")
        _check_heatmaps(grid.variations[name], source)
    for title, ablation in content.get("ablations", {}).items():
        source = f"{path} [ablations.{title}]"
        if not isinstance(ablation, dict):
            raise EgolibError(f"{source} is not a table")
        _check_keys(ablation, _ABLATION_KEYS, source)
        if not {"key", "values"} <= ablation.keys():
            raise EgolibError(f"{source}: needs the keys 'key' and 'values'")
        if odd := [v for v in ablation["values"] if not isinstance(v, str | int | float)]:
            raise EgolibError(f"{source}: {odd[0]!r} is not one value")
        key, of = ablation["key"], _seeds(ablation.get("seeds", list(seeds)), source)
        fixed = ablation.get("with", {})
        names = {value: "_".join([f"{key}={value}", *_flat(fixed)]) for value in ablation["values"]}
        added = {
            value: _add(grid, name, [fixed, _nested(key, value)], of, source)
            for value, name in names.items()
        }
        grid.ablations[title] = Ablation(key, added, tuple(_flat(fixed)))
    if not grid.variations:
        raise EgolibError(f"{path}: names no methods and no ablations; there is nothing to run")
    return grid


def _add(grid, name, changes, seeds, source):
    """Add a variation unless there is one that is the same -> the name it has. changes: the tables of
    keys that differ from the base; of a key that is in two of them, the later value counts."""
    stage = next((table["stage"] for table in reversed(changes) if "stage" in table), "lifter")
    if stage not in _TRAINED:
        refuse_old_name(stage, source)
        raise EgolibError(f"{source}: unknown stage {stage!r}; known: {', '.join(_TRAINED)}")
    profile = grid.base
    for table in changes:
        profile = override(profile, {k: v for k, v in table.items() if k != "stage"}, source)
        if fixed := table.keys() & {"name", "render"}:
            raise EgolibError(f"{source}: {min(fixed)!r} cannot vary: all runs share one data set")
    same = [other for other in grid.variations.values() if other.profile == profile]
    for other in same:
        if other.stage == stage:
            united = tuple(dict.fromkeys([*other.seeds, *seeds]))
            grid.variations[other.name] = dataclasses.replace(other, seeds=united)
            return other.name
    folder = same[0].folder if same else name
    grid.variations[name] = Variation(name, folder, profile, stage, seeds)
    return name


def _check_heatmaps(variation, source):
    """A lifter that is given true heatmaps is an oracle; under another published name it would stand
    beside figures of lifters that read what a network found."""
    is_oracle = variation.method == Method.ORACLE
    if variation.name in PUBLISHED and is_oracle != (variation.name == "oracle"):
        wanted = "detected" if is_oracle else "true"
        raise EgolibError(
            f'{source}: needs lifter.trained_on = "{wanted}" to stand beside published figures; or '
            "give it a name of its own"
        )


def _nested(key, value):
    """("lifter.latent_size", 50) -> {"lifter": {"latent_size": 50}}"""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _flat(table, prefix=""):
    """{"lifter": {"latent_size": 50}} -> ["lifter.latent_size=50"]"""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={value}"


def _check_keys(content, known, source):
    for key, value in content.items():
        if key not in known:
            raise EgolibError(f"{source}: unknown key {key!r}; known keys: {', '.join(known)}")
        if not isinstance(value, known[key]):
            raise EgolibError(f"{source}: {key} = {value!r} is not a {known[key].__name__}")


def _seeds(values, source):
    seeds = values if isinstance(values, list) else []
    if not seeds or any(type(v) is not int or not 0 <= v <= LARGEST_SEED for v in seeds):
        raise EgolibError(
            f"{source}: seeds = {values!r} is not a list of whole numbers from 0 to {LARGEST_SEED}"
        )
    return tuple(dict.fromkeys(seeds))
