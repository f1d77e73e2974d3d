"""A sweep: train and evaluate every run of a grid, one step after the other.

`<results>/heatmaps/<network>/seed<k>/` holds a heatmap network and the heatmaps that it predicts
for every split; `<results>/runs/<variation>/seed<k>/` holds a lifter or a ray model, and its
predictions for the test split.

The methods are compared under these conditions. All lifters with the same seed share one heatmap
network. They are trained on the same frames, for the same number of epochs and with the same loss
(the rotation branch of SelfPose adds its own term). The epoch with the best result on the
validation split is kept. Only the oracle is trained and evaluated on heatmaps of the true joints.
The shared heatmap network was trained on the training images, so its heatmaps are sharper there
than on the test split; this disadvantage is the same for all lifters. The end-to-end network starts
from the shared heatmap network. The ray model does not use it: it has its own loss, and its
training images are also augmented in tilt and hue. The training time of every method is measured.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.config import Method
from egolib.data import visibility
from egolib.evaluation.comparison import SeededPredictions
from egolib.experiments.grid import Grid, Variation, read_grid
from egolib.experiments.manifest import duration_text
from egolib.experiments.results_folder import reserve
from egolib.experiments.run import REPOSITORY, Study, folders_of
from egolib.experiments.steps import STAGES, Step, notes_in, steps_of_run, training_s
from egolib.foundation.errors import EgolibError
from egolib.foundation.jobs import run_parts
from egolib.foundation.processes import cores
from egolib.models.checkpoints import spec_of
from egolib.models.cost import cost_of
from egolib.skeleton import SPLIT_FOLDERS

GRIDS = REPOSITORY / "sweeps"


@dataclass(frozen=True)
class Sweep:
    """A Grid, the tree that all its runs share, and the folder of its results. `renders`: whether
    the tree is the embedded miniature."""

    grid: Grid
    tree: Path
    results: Path
    renders: bool

    def study(self, variation: Variation, seed: int) -> Study:
        """The Study of one run."""
        return Study(
            profile=variation.profile,
            profile_argument="",
            seed=seed,
            tree=self.tree,
            results=self.results / "runs" / variation.folder / f"seed{seed}",
            renders=self.renders,
            shared=self.results / "heatmaps" / variation.heatmaps_name / f"seed{seed}",
        )

    @property
    def any_study(self) -> Study:
        """The Study of one of the runs, for the tree that all of them share."""
        variation = next(iter(self.grid.variations.values()))
        return self.study(variation, variation.seeds[0])

    @property
    def data_label(self) -> str:
        """The name of the test split in tables."""
        index = self.any_study.index("test")
        return f"{self.any_study.data_name}, test ({len(index)} frames)"

    def steps(self, shard: tuple[int, int] = (1, 1)) -> list[Step]:
        """All steps in order. shard (i, n): only part i of n; no network is trained in two
        parts."""
        runs = [
            (variation, self.study(variation, seed))
            for variation in self.grid.variations.values()
            for seed in variation.seeds
        ]
        # All methods from one seed, then from the next, and ablations last: even if the sweep is
        # interrupted, the methods can be compared.
        runs.sort(key=lambda run: (run[0].name not in self.grid.methods, run[1].seed))
        first_folders = [study.folder_of(STAGES[v.stage][0]) for v, study in runs]
        chosen = list(dict.fromkeys(first_folders))[shard[0] - 1 :: shard[1]]
        steps = {}
        for (variation, study), folder in zip(runs, first_folders, strict=True):
            if folder in chosen:
                for step in steps_of_run(variation, study, *self._frames):
                    steps.setdefault((step.folder, step.name), step)
        return list(steps.values())

    @cached_property
    def _frames(self):
        """Return ({split: number of frames}, [fingerprint of each split])."""
        indices = {split: self.any_study.index(split) for split in SPLIT_FOLDERS}
        frames = {split: len(index) for split, index in indices.items()}
        return frames, [index.fingerprint for index in indices.values()]

    def seeds(self, name: str) -> list[int]:
        """The seeds for which a variation is trained and evaluated with its present settings."""
        variation = self.grid.variations[name]

        def is_done(seed):
            *_, prediction = steps_of_run(variation, self.study(variation, seed), *self._frames)
            return prediction.is_done

        return [seed for seed in variation.seeds if is_done(seed)]

    @property
    def missing(self) -> list[str]:
        """Names of the variations that are not trained from all their seeds."""
        variations = self.grid.variations.values()
        return [v.name for v in variations if len(self.seeds(v.name)) < len(v.seeds)]

    @property
    def trained_methods(self) -> list[str]:
        """Names of the methods that are trained from at least one seed."""
        return [name for name in self.grid.methods if self.seeds(name)]

    def predictions(self, name: str, seeds: list[int] | None = None) -> SeededPredictions:
        """The predictions of a variation from `seeds`; without them, from all its trained seeds."""
        variation = self.grid.variations[name]
        seeds = self.seeds(name) if seeds is None else seeds
        method = variation.method
        return SeededPredictions({s: self.study(variation, s).predictions(method) for s in seeds})

    def methods(self) -> dict[str, SeededPredictions]:
        """The predictions of the trained methods. Raises EgolibError when there is none."""
        methods = {name: self.predictions(name) for name in self.trained_methods}
        if not methods:
            raise EgolibError(f"{self.results}: no method is trained yet; run `egolib sweep`")
        return methods

    def ablation(self, title: str) -> dict:
        """{value of an ablation: SeededPredictions} for the values that are trained, all from the
        same seeds; {} if there are fewer than two such values, or if they have no seed in
        common."""
        names = self.grid.ablations[title].names
        trained = {value: seeds for value, name in names.items() if (seeds := self.seeds(name))}
        common = sorted(set.intersection(*map(set, trained.values()))) if len(trained) > 1 else []
        return {v: self.predictions(names[v], common) for v in trained} if common else {}

    def costs(self, names: Iterable[str]) -> pd.DataFrame:
        """The costs of methods, one row per name. The columns are those of cost.cost_of, for one
        image, and "training (min)", the mean over seeds."""
        rows = {}
        for name in names:
            variation = self.grid.variations[name]
            seconds = [training_s(variation, self.study(variation, s)) for s in self.seeds(name)]
            rows[name] = cost_of(spec_of(variation.kind, variation.profile))
            rows[name]["training (min)"] = np.mean(seconds) / 60
        return pd.DataFrame(rows).T

    def durations(self) -> dict[str, float]:
        """{kind of step: total seconds of all finished steps of this kind}."""
        seconds = Counter()
        for name, note in self._notes():
            seconds[name.partition(",")[0]] += note["seconds"]
        return dict(seconds)

    def machines(self) -> list[str]:
        """The machines that ran the finished steps, as manifest.machine_text describes them."""
        return sorted({note["machine"] for _, note in self._notes() if "machine" in note})

    def _notes(self):
        """(name, note) of every finished step."""
        finished = [step for step in self.steps() if step.is_done]
        return [(step.name, notes_in(step.folder)[step.name]) for step in finished]

    def learning_curves(self) -> dict[str, list[tuple[float, pd.DataFrame]]]:
        """Training curves of the end-to-end network and of the ray model, where they are trained.

        For each seed, a pair: the seconds of training before the first epoch of the last stage, and
        the history of that stage.
        """
        curves, trained = {}, self.trained_methods
        for name in [m for m in (Method.END_TO_END, Method.RAY_MODEL) if m in trained]:
            variation = self.grid.variations[name]
            studies = [self.study(variation, seed) for seed in self.seeds(name)]
            histories = [study.history(variation.stage) for study in studies]
            curves[name] = [
                (training_s(variation, study) - history.seconds.sum(), history)
                for study, history in zip(studies, histories, strict=True)
            ]
        return curves

    def states(self) -> np.ndarray | None:
        """The state of every joint in the test frames (N, 16), names from visibility.STATES, or
        None if the tree does not document its object ids."""
        return visibility.known_states(self.any_study.index("test"))


def open_sweep(grid: str | Path = "study", data: str = "", results: str = "") -> Sweep:
    """Open the sweep of a grid.

    Args:
        grid: a TOML file (grid.py), or the name of one in sweeps/.
        data: a tree or a pack; empty for the embedded miniature of the base profile.
        results: the folder of the results; empty for results/<name of the grid>.

    Raises:
        EgolibError: as `read_grid`, and for a base profile that needs data and got none.
    """
    grid = read_grid(grid if Path(grid).suffix else GRIDS / f"{grid}.toml")
    return Sweep(grid=grid, **folders_of(grid.base, data, results, grid.name))


def prepare(sweep: Sweep) -> None:
    """Reserve the results folder, render the missing parts of the miniature, and print warnings.
    Raises EgolibError if the folder holds results of another grid or of other data."""
    reserve(sweep.results, {"grid": sweep.grid.name, "data": sweep.any_study.data_identity})
    sweep.any_study.prepare_data()
    for caution in sweep.any_study.cautions():
        print(caution, flush=True)


def run_sweep(
    sweep: Sweep, hours: float | None = None, shard: tuple[int, int] = (1, 1)
) -> list[Step]:
    """Run the steps that are not done, and return those that remain.

    Prints the plan with its expected duration, and before every step the remaining time, estimated
    from the speed so far. hours: do not start a step that is expected to end after this time; the
    first step always starts. Raises EgolibError as `prepare` does.
    """
    prepare(sweep)
    steps = sweep.steps(shard)
    left = [step for step in steps if not step.is_done]
    left_s = sum(step.seconds for step in left)
    print(f"{len(steps)} steps, {len(steps) - len(left)} of them done already; the others should "
          f"take {duration_text(left_s)} on 2 cores without a GPU", flush=True)  # fmt: skip
    started, planned_s = time.perf_counter(), 0.0
    for i, step in enumerate(left):
        spent_s = time.perf_counter() - started
        pace = spent_s / planned_s if i else 1.0
        if hours is not None and i and spent_s + pace * step.seconds > 3600 * hours:
            print(f"stopped after {duration_text(spent_s)}, {len(left) - i} steps are left; "
                  "the same command continues the sweep", flush=True)  # fmt: skip
            return left[i:]
        print(f"{i + 1}/{len(left)}: {step.name} of {step.of}; "
              f"{duration_text(pace * (left_s - planned_s))} left", flush=True)  # fmt: skip
        step.finish()
        planned_s += step.seconds
    return []


def submit_sweep(sweep: Sweep, machines: int, executor: str, options: dict) -> None:
    """Run a sweep in `machines` jobs that share the results folder, and wait for them. `executor`
    and `options` are those of jobs.run_parts."""
    # Render the miniature and cache the index of frames here, so that the jobs do not all do it.
    prepare(sweep)
    sweep.steps()
    run_part = partial(run_sweep, sweep, None)  # no limit of hours; run_parts adds the shard
    run_parts(run_part, machines, sweep.results / "jobs", executor, cores(), options)
