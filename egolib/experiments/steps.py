"""One run of a sweep as steps: heatmap network, detections, lifter, end-to-end network or ray model,
predictions. A finished step leaves a note that names everything its outcome depends on.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock

from egolib.config import Method, Stage
from egolib.evaluation.detections import detect
from egolib.evaluation.inference import predict_split
from egolib.experiments.grid import Variation
from egolib.experiments.manifest import hardware, machine_text
from egolib.experiments.run import Study
from egolib.foundation.files import write_atomically
from egolib.foundation.provenance import code_digest
from egolib.foundation.untrusted import load_state
from egolib.models.checkpoints import spec_of
from egolib.models.cost import gflops, parameters_m
from egolib.training.fit import training_precision
from egolib.training.train import training_code_digest

# {last stage of a run: its stages in order}
STAGES = {
    Stage.LIFTER: (Stage.HEATMAPS, Stage.LIFTER),
    Stage.END_TO_END: (Stage.HEATMAPS, Stage.LIFTER, Stage.END_TO_END),
    Stage.RAY_MODEL: (Stage.RAY_MODEL,),
}
_NOTES = "steps.json"
# Measured on 2 cores, without bf16 and on a processor that computes in it: a ResNet-18 of 1.39 GFLOPs
# an image of 128 px trains 19 and 80 images a second, the dual-branch lifter of 12.9 M parameters
# 260 and 720 samples.
_GFLOPS_PER_S = {"32-true": 19 * 1.39, "bf16-mixed": 80 * 1.39}
_PARAMETERS_M_PER_S = {"32-true": 260 * 12.9, "bf16-mixed": 720 * 12.9}


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
        of: the network, or the run, that it belongs to.
        folder: holds the note that the step is done.
        key: everything that the outcome depends on.
        seconds: the expected duration on 2 cores without a GPU.
        run: does the step.
        output: the file that it writes, if the step has to be repeated once that is gone; or None.
    """

    name: str
    of: str
    folder: Path
    key: str
    seconds: float
    run: Callable[[], object]
    output: Path | None = None

    @property
    def is_done(self) -> bool:
        is_noted = notes_in(self.folder).get(self.name, {}).get("key") == self.key
        return is_noted and (self.output is None or self.output.is_file())

    def finish(self) -> None:
        """Run the step and note that it is done, on which machine, and how long that took; interrupted
        attempts do not count."""
        started = time.perf_counter()
        self.run()
        seconds = round(time.perf_counter() - started, 1)
        note = {"key": self.key, "seconds": seconds, "machine": machine_text(hardware())}
        # Another machine may be at another step of the same folder. Its notes must stay, and so must the
        # state from which its training resumes.
        with FileLock(self.folder / "steps.lock"):
            notes = {**notes_in(self.folder), self.name: note}
            write_atomically(self.folder / _NOTES, json.dumps(notes, indent=1))
        for path in (self.folder / "checkpoints" / "runs" / self.name).glob("*.ckpt"):
            path.unlink()  # only an interrupted training needs them


def steps_of_run(
    variation: Variation, study: Study, frames: dict[str, int], fingerprints: list[str]
) -> Iterator[Step]:
    """The steps of one run, those that it shares with other runs first.

    Args:
        study: the Study of one seed of the variation.
        frames: number of frames of each split.
        fingerprints: those of the splits.
    """
    profile, method, stages = study.profile, variation.method, STAGES[variation.stage]
    heatmaps, precision = profile.heatmaps, training_precision()
    train_s = {stages[0]: gflops(spec_of(stages[0], profile)) / _GFLOPS_PER_S[precision]}
    configs = {stage: [getattr(profile, stage)] for stage in stages}
    if variation.stage == Stage.RAY_MODEL:
        settings = [heatmaps.backbone, heatmaps.image_px, heatmaps.sigma_px, heatmaps.pretrained]
        configs[Stage.RAY_MODEL] = [*settings, profile.ray_model]
    else:
        lifter_m = parameters_m(spec_of(Stage.LIFTER, profile))
        train_s[Stage.LIFTER] = lifter_m / _PARAMETERS_M_PER_S[precision]
        train_s[Stage.END_TO_END] = sum(train_s.values())
    # Without gradients, an image takes a third of the time.
    images = frames["train"] + frames["val"] / 3
    predicting = code_digest(detect, predict_split)

    def step(name, last, seconds, run, code=(), output=None):
        """A Step that depends on the stages up to `last`."""
        needed = stages[: stages.index(last) + 1]
        values = [repr(config) for stage in needed for config in configs[stage]]
        code = [*map(training_code_digest, needed), *code]
        owner = variation.heatmaps_name if last == Stage.HEATMAPS else variation.folder
        key = json.dumps([*values, study.seed, fingerprints, code])
        of = f"{owner}, seed {study.seed}"
        return Step(name, of, study.folder_of(last), key, seconds, run, output)

    def detect_all():
        for split in frames:
            study.detections(split)

    for stage in stages:
        seconds = getattr(profile, stage).epochs * images * train_s[stage]
        yield step(stage, stage, seconds, partial(study.train, stage))
        if stage == Stage.HEATMAPS:
            seconds = sum(frames.values()) / 3 * train_s[stage]
            yield step("detections", stage, seconds, detect_all, [predicting])
    last = variation.stage
    seconds = frames["test"] / 3 * train_s[Stage.LIFTER if last == Stage.LIFTER else stages[0]]
    yield step(f"predictions, {method}", last, seconds, partial(study.evaluate, method),
               [predicting], study.predictions_path(method))  # fmt: skip


def training_s(variation: Variation, study: Study) -> float:
    """Seconds of training behind a finished run: the epochs of all its stages, those of the shared
    heatmap network included. The validation of epochs does not count, nor does the prediction of
    heatmaps for the next stage."""
    stages = STAGES[variation.stage]
    is_oracle = variation.method == Method.ORACLE
    return sum(study.history(stage).seconds.sum() for stage in stages[is_oracle:])


def notes_in(folder: Path) -> dict[str, dict]:
    """{name of a finished step: its note} in a folder."""
    path = folder / _NOTES
    return load_state(path)
