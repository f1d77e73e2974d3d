"""Grid files: the runs of a sweep.

    base = "study"                     # a profile, or a .toml file beside this one
    seeds = [0, 1, 2]

    [methods.martinez]                 # a row of the tables: keys that differ from the base
    lifter.method = "martinez"

    [methods.end_to_end]
    stage = "end_to_end"               # or "ray_model"; else "lifter"

    [ablations.latent_size]            # a figure: several values of one key
    key = "lifter.latent_size"
    values = [10, 20, 50, 100]
    seeds = [0]                        # else those above
    with.stage = "end_to_end"          # keys that differ from the base for all values

A method with a name of comparison.PUBLISHED stands beside published figures, and claims.CLAIMS compares
the methods that it names: give no other method such a name. A value that leads to a run that is already
in the grid adds no second one; that run gets the seeds of both. Every run has a folder of its own, and
runs with equal heatmap networks share one network.
"""

import dataclasses
import functools
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
from egolib.foundation.untrusted import file_name

_TRAINED = (Stage.LIFTER, Stage.END_TO_END, Stage.RAY_MODEL)
_GRID_KEYS = {"base": str, "seeds": list, "methods": dict, "ablations": dict}
_ABLATION_KEYS = {"key": str, "values": list, "seeds": list, "with": dict}


@dataclass(frozen=True)
class Variation:
    """A profile that is trained up to its last `stage` from several seeds. Variations with equal profiles
    share the name of their `folder`."""

    name: str
    folder: str
    profile: Profile
    stage: str
    seeds: tuple[int, ...]

    @property
    def method(self) -> Method:
        """The Method whose error this variation measures."""
        if self.stage != Stage.LIFTER:
            return Method(self.stage)
        lifter = self.profile.lifter
        return Method.ORACLE if lifter.trained_on == "true" else Method(lifter.method)

    @property
    def kind(self) -> Stage:
        """The kind of the network from the input of the method to the pose."""
        kinds = {Method.ORACLE: Stage.LIFTER, Method.RAY_MODEL: Stage.RAY_MODEL}
        return kinds.get(self.method, Stage.END_TO_END)

    @property
    def heatmaps_name(self) -> str:
        """The name of the folder of its heatmap network, equal for equal networks."""
        config = dataclasses.asdict(self.profile.heatmaps)
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
        return f"{config['backbone']}_{config['image_px']}px_{digest}"


@dataclass(frozen=True)
class Ablation:
    """Several values of one `key` of the profile, or of the stage.

    Attributes:
        names: {value: name of its variation}.
        fixed: "key=value" of all keys that differ from the base for every value.
    """

    key: str
    names: dict
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """The runs of a sweep.

    Attributes:
        variations: {name: Variation}, in the order in which they run.
        methods: names of the variations that are rows of the tables.
        ablations: {title: Ablation}.
    """

    name: str
    base: Profile
    variations: dict[str, Variation]
    methods: tuple[str, ...]
    ablations: dict[str, Ablation]


def read_grid(path: str | Path) -> Grid:
    """Read a Grid from a TOML file. Raises EgolibError for a file that cannot be read, for unknown keys
    of the grid or of the profile, and for values out of range."""
    path = Path(path)
    content = read_toml(path)
    _check_keys(content, _GRID_KEYS, path)
    base = content.get("base", "study")
    base = load_profile(path.parent / base if base.endswith(".toml") else base)
    seeds = _seeds(content.get("seeds", [0]), path)
    grid = Grid(file_name(path.stem, path), base, {}, tuple(content.get("methods", {})), {})
    for name, changes in content.get("methods", {}).items():
        source = f"{path} [methods.{name}]"
        if not isinstance(changes, dict) or not name.isidentifier():
            raise EgolibError(f"{path}: [methods.{name}] is not a table named like a word")
        refuse_old_name(name, source)
        if (same := _add(grid, name, [changes], seeds, source)) != name:
            raise EgolibError(f"{source}: the same as [methods.{same}]; leave one of them out")
        # An oracle under another published name would stand beside figures of lifters that read
        # predicted heatmaps.
        is_oracle = grid.variations[name].method == Method.ORACLE
        if name in PUBLISHED and is_oracle != (name == "oracle"):
            wanted = "detected" if is_oracle else "true"
            raise EgolibError(
                f'{source}: needs lifter.trained_on = "{wanted}" to stand beside published figures; '
                "or give it a name of its own"
            )
    for title, ablation in content.get("ablations", {}).items():
        source = f"{path} [ablations.{title}]"
        if not isinstance(ablation, dict):
            raise EgolibError(f"{source} is not a table")
        _check_keys(ablation, _ABLATION_KEYS, source)
        if not {"key", "values"} <= ablation.keys():
            raise EgolibError(f"{source}: needs the keys 'key' and 'values'")
        key, names = ablation["key"], {}
        seeds_here = _seeds(ablation.get("seeds", list(seeds)), source)
        shared_changes = ablation.get("with", {})
        fixed = tuple(_flat(shared_changes))
        for value in ablation["values"]:
            if not isinstance(value, str | int | float):
                raise EgolibError(f"{source}: {value!r} is not one value")
            # "lifter.latent_size" and 50 -> {"lifter": {"latent_size": 50}}
            change = functools.reduce(lambda v, part: {part: v}, reversed(key.split(".")), value)
            name = "_".join([f"{key}={value}", *fixed])
            names[value] = _add(grid, name, [shared_changes, change], seeds_here, source)
        grid.ablations[title] = Ablation(key, names, fixed)
    if not grid.variations:
        raise EgolibError(f"{path}: names no methods and no ablations; there is nothing to run")
    return grid


def _add(grid, name, changes, seeds, source):
    """Add a variation, or the seeds to an equal one, and return the name of the one or the other.
    changes: tables of keys that differ from the base; later tables take precedence."""
    stage = next((table["stage"] for table in reversed(changes) if "stage" in table), "lifter")
    if stage not in _TRAINED:
        refuse_old_name(stage, source)
        raise EgolibError(f"{source}: unknown stage {stage!r}; known: {', '.join(_TRAINED)}")
    profile = grid.base
    for table in changes:
        profile = override(profile, {k: v for k, v in table.items() if k != "stage"}, source)
        if fixed := table.keys() & {"name", "render"}:
            raise EgolibError(f"{source}: {min(fixed)!r} cannot vary: all runs share one data set")
    folder = name
    for other in grid.variations.values():
        if other.profile == profile and other.stage == stage:
            united = tuple(dict.fromkeys([*other.seeds, *seeds]))
            grid.variations[other.name] = dataclasses.replace(other, seeds=united)
            return other.name
        if other.profile == profile:
            folder = other.folder
    grid.variations[name] = Variation(name, folder, profile, stage, seeds)
    return name


def _flat(table, prefix=""):
    """The entries of nested tables, such as "lifter.latent_size=50"."""
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
