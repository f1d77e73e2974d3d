"""Every run of a grid: train what is not trained yet, one step after the other, in pieces.

`<results>/heatmaps/<network>/seed<k>/` holds a heatmap network and what it finds in every split,
`<results>/runs/<variation>/seed<k>/` a lifter that reads it, or the ray model, and what that predicts
for the test split. What makes the comparison fair: all lifters of a seed share one heatmap network,
see the same frames for the same number of epochs under the same loss (SelfPose's branch adds its
own term), and each keeps the epoch that was best on the validation split. The oracle alone is trained
and judged on heatmaps of the true joints. The shared network has seen the training images, so
what it finds there is sharper than in the test split: a handicap that all lifters share. The
end-to-end row trains that network on; the ray model begins without it, under a loss of its own, on
images that are also tilted and turned in hue. What all that took is measured.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.config import Method, Stage
from egolib.data import visibility
from egolib.evaluation.comparison import SeededPredictions
from egolib.experiments.grid import Grid, read_grid
from egolib.experiments.manifest import duration_text
from egolib.experiments.results_folder import reserve
from egolib.experiments.run import REPOSITORY, Study, folders_of
from egolib.experiments.steps import stamps, steps_of_run, training_s
from egolib.foundation.errors import EgolibError
from egolib.foundation.jobs import run_parts
from egolib.models.checkpoints import spec_of
from egolib.models.cost import cost_of
from egolib.skeleton import SPLIT_FOLDERS

GRIDS = REPOSITORY / "sweeps"


@dataclass(frozen=True)
class Sweep:
    """A Grid, the tree that all its runs share, and the folder of its results. `renders`: the tree is
    the embedded miniature."""

    grid: Grid
    tree: Path
    results: Path
    renders: bool

    def study(self, variation, seed):
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
    def any_study(self):
        """The Study of some run: all share one tree."""
        variation = next(iter(self.grid.variations.values()))
        return self.study(variation, variation.seeds[0])

    @property
    def data_label(self):
        """What the tables say about the data."""
        index = self.any_study.index("test")
        return f"{self.any_study.data_name}, test ({len(index)} frames)"

    def steps(self, shard=(1, 1)):
        """All steps in order, as a list of steps.Step. shard (i, n): only those of part i of n,
        which shares no network with another part."""
        studies = [
            (variation, self.study(variation, seed))
            for variation in self.grid.variations.values()
            for seed in variation.seeds
        ]
        # The methods from one seed, then from the next, so that a sweep that was cut off tells most.
        studies.sort(key=lambda run: (run[0].name not in self.grid.methods, run[1].seed))
        shared = [
            study.results if v.stage == Stage.RAY_MODEL else study.shared for v, study in studies
        ]
        mine = list(dict.fromkeys(shared))[shard[0] - 1 :: shard[1]]
        steps = {}
        for (variation, study), folder in zip(studies, shared, strict=True):
            if folder in mine:
                for step in steps_of_run(variation, study, *self._frames):
                    steps.setdefault((step.folder, step.name), step)
        return list(steps.values())

    @cached_property
    def _frames(self):
        """({split: number of frames}, fingerprint of each split)."""
        indices = {split: self.any_study.index(split) for split in SPLIT_FOLDERS}
        frames = {split: len(index) for split, index in indices.items()}
        return frames, [index.fingerprint for index in indices.values()]

    def seeds(self, name):
        """The seeds that a variation is trained from as it is now, and the test split predicted."""
        variation = self.grid.variations[name]

        def is_done(seed):
            study = self.study(variation, seed)
            *_, prediction = steps_of_run(variation, study, *self._frames)
            return prediction.is_done

        return [seed for seed in variation.seeds if is_done(seed)]

    @property
    def missing(self):
        """Names of the variations that are not trained from all their seeds."""
        variations = self.grid.variations.values()
        return [v.name for v in variations if len(self.seeds(v.name)) < len(v.seeds)]

    @property
    def trained_methods(self):
        """Names of the rows that are trained from a seed at least."""
        return [name for name in self.grid.methods if self.seeds(name)]

    def predictions(self, name, seeds=None):
        """The SeededPredictions of a variation, of all its trained seeds or of those given."""
        variation = self.grid.variations[name]
        seeds = self.seeds(name) if seeds is None else seeds
        method = variation.method
        return SeededPredictions({s: self.study(variation, s).predictions(method) for s in seeds})

    def methods(self):
        """{name: SeededPredictions} of the trained rows. Raises EgolibError when there is none."""
        found = {name: self.predictions(name) for name in self.trained_methods}
        if not found:
            raise EgolibError(f"{self.results}: no method is trained yet; run `egolib sweep`")
        return found

    def ablation(self, title):
        """An ablation's trained values -> {value: SeededPredictions}, all of the same seeds; {}
        where there are not two to compare."""
        names = self.grid.ablations[title].names
        trained = {value: seeds for value, name in names.items() if (seeds := self.seeds(name))}
        common = sorted(set.intersection(*map(set, trained.values()))) if len(trained) > 1 else []
        return {v: self.predictions(names[v], common) for v in trained} if common else {}

    def costs(self, names):
        """What one image and the training of methods cost -> DataFrame, a row a name, with the
        columns of cost.cost_of and "training (min)", the mean over seeds."""
        rows = {}
        for name in names:
            variation = self.grid.variations[name]
            seconds = [training_s(variation, self.study(variation, s)) for s in self.seeds(name)]
            rows[name] = cost_of(spec_of(variation.kind, variation.profile))
            rows[name]["training (min)"] = np.mean(seconds) / 60
        return pd.DataFrame(rows).T

    def durations(self):
        """{kind of step: seconds that all of them took}, of what is done."""
        seconds = Counter()
        for name, note in self._notes():
            seconds[name.partition(",")[0]] += note["seconds"]
        return dict(seconds)

    def machines(self):
        """Sentences of manifest.machine_text, of all that did something; [] where no note says."""
        return sorted({note["machine"] for _, note in self._notes() if "machine" in note})

    def _notes(self):
        """(name, note) of every step that is done."""
        done = (step for step in self.steps() if step.is_done)
        return [(step.name, stamps(step.folder)[step.name]) for step in done]

    def learning_curves(self):
        """Of the end-to-end dual branch and of the ray model, as far as they are trained: {name:
        [(seconds before the first epoch of the last stage, history of that), ...]}, a pair a seed."""
        curves = {}
        for name in (Method.END_TO_END, Method.RAY_MODEL):
            if name not in self.trained_methods:
                continue
            variation, curves[name] = self.grid.variations[name], []
            for seed in self.seeds(name):
                study = self.study(variation, seed)
                history = study.history(variation.stage)
                before_s = training_s(variation, study) - history.seconds.sum()
                curves[name].append((before_s, history))
        return curves

    def states(self):
        """visibility.STATES of every joint of the test frames (N, 16), or None where the tree does
        not say what its object ids mean."""
        return visibility.known_states(self.any_study.index("test"))


def open_sweep(grid="study", data="", results=""):
    """A Sweep. grid: a TOML file (grid.py), or the name of one in sweeps/. data: a tree; else the
    embedded miniature of the base profile. results: else results/<name of the grid>. Raises
    EgolibError as `read_grid` does, and for a base profile that needs data and got none."""
    grid = read_grid(grid if Path(grid).suffix else GRIDS / f"{grid}.toml")
    return Sweep(grid=grid, **folders_of(grid.base, data, results, grid.name))


def prepare(sweep):
    """Make sure that the results folder is this sweep's, and render what is missing of the miniature.
    Raises EgolibError where the folder holds another grid's, or what was trained on other data."""
    reserve(sweep.results, {"grid": sweep.grid.name, "data": sweep.any_study.data_identity})
    sweep.any_study.prepare_data()
    for caution in sweep.any_study.cautions():
        print(caution, flush=True)


def run_sweep(sweep, hours=None, shard=(1, 1)):
    """Run the steps that are not done -> those that are left.

    hours: no step is begun that should end later, unless it is the first. Prints beforehand what is
    to be done and how long it should take, and then at every step, by this machine's own pace. Raises
    EgolibError where the results folder holds another grid's, or what was trained on other data.
    """
    prepare(sweep)
    steps = sweep.steps(shard)
    left = [step for step in steps if not step.is_done]
    left_s = sum(step.seconds for step in left)
    print(f"{len(steps)} steps, {len(steps) - len(left)} of them done before; the others should "
          f"take {duration_text(left_s)} on 2 cores without a GPU", flush=True)  # fmt: skip
    started, planned_s = time.perf_counter(), 0.0
    for place, step in enumerate(left):
        spent_s = time.perf_counter() - started
        pace = spent_s / planned_s if place else 1.0
        if hours is not None and place and spent_s + pace * step.seconds > 3600 * hours:
            print(f"stopped after {duration_text(spent_s)}, {len(left) - place} steps are left; "
                  "the same command goes on", flush=True)  # fmt: skip
            return left[place:]
        print(f"{place + 1}/{len(left)}: {step.name} of {step.of}; "
              f"{duration_text(pace * (left_s - planned_s))} left", flush=True)  # fmt: skip
        step.finish()
        planned_s += step.seconds
    return []


def submit_sweep(sweep, machines, executor, options):
    """`run_sweep` in as many jobs as `machines`, which share the results folder, and wait for them;
    `executor` and `options` as in jobs.run_parts."""
    prepare(sweep)  # once, before the jobs would all do it
    sweep.steps()  # the frames are read and kept once, before the jobs would all do it
    folder = sweep.results / "jobs"
    run_parts(partial(_run_part, sweep), machines, folder, executor, os.cpu_count(), options)


def _run_part(sweep, part):
    run_sweep(sweep, shard=part)
