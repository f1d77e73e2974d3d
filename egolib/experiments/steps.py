"""One run of a sweep as steps: heatmap network, detections, lifter, end-to-end network or ray model,
predictions. A step that is done leaves a note of all that its outcome depends on.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from egolib.config import Method, Stage
from egolib.evaluation.detections import detect
from egolib.evaluation.inference import predict_split
from egolib.experiments.manifest import hardware, machine_text
from egolib.foundation.files import write_atomically
from egolib.foundation.provenance import code_digest
from egolib.models.checkpoints import spec_of
from egolib.models.cost import gflops, parameters_m
from egolib.training.fit import training_precision
from egolib.training.train import code_of_training

_STAMPS = "steps.json"
# Measured on 2 cores, without bf16 and on a processor that computes in it: a ResNet-18 of 1.39 GFLOPs
# an image of 128 px trains 19 and 80 images a second, the dual-branch lifter of 12.9 M parameters
# 260 and 720 samples.
_GFLOPS_PER_S = {"32-true": 19 * 1.39, "bf16-mixed": 80 * 1.39}
_PARAMETERS_M_PER_S = {"32-true": 260 * 12.9, "bf16-mixed": 720 * 12.9}


@dataclass(frozen=True)
class Step:
    """`run` does it; `key` is all that its outcome depends on; the note that it is done lies in
    `folder`, and counts only while the file that it `leaves` is there, if it names one; `seconds` is
    what it should take on 2 cores without a GPU."""

    name: str
    of: str
    folder: Path
    key: str
    seconds: float
    run: Callable[[], object]
    leaves: Path | None = None

    @property
    def is_done(self):
        noted = stamps(self.folder).get(self.name, {}).get("key") == self.key
        return noted and (self.leaves is None or self.leaves.is_file())

    def finish(self):
        """Run it, and note that it is done, how long that took, interrupted tries not counted, and on
        what machine."""
        started = time.perf_counter()
        self.run()
        seconds = round(time.perf_counter() - started, 1)
        stamp = {"key": self.key, "seconds": seconds, "machine": machine_text(hardware())}
        # Another machine may be at another step of the same folder: its notes are kept, and what its
        # training goes on from.
        with FileLock(self.folder / "steps.lock"):
            content = {**stamps(self.folder), self.name: stamp}
            write_atomically(self.folder / _STAMPS, json.dumps(content, indent=1))
        for path in (self.folder / "checkpoints" / "runs" / self.name).glob("*.ckpt"):
            path.unlink()  # only an interrupted training needs them


def steps_of_run(variation, study, frames, data):
    """The steps of one run, those that it shares with others first.

    variation: grid.Variation. study: the Study of one of its seeds. frames: {split: number}. data:
    fingerprints of the splits.
    """
    profile, folder = study.profile, study.results
    heatmaps, lifter, precision = profile.heatmaps, profile.lifter, training_precision()
    network = f"{variation.heatmaps_name}, seed {study.seed}"
    run = f"{variation.folder}, seed {study.seed}"
    shared = _of_heatmaps(study)
    is_ray_model = variation.stage == Stage.RAY_MODEL
    first = Stage.RAY_MODEL if is_ray_model else Stage.HEATMAPS
    image_s = gflops(spec_of(first, profile)) / _GFLOPS_PER_S[precision]
    lift_s = 0
    if not is_ray_model:
        lift_s = parameters_m(spec_of(Stage.LIFTER, profile)) / _PARAMETERS_M_PER_S[precision]
    images = frames["train"] + frames["val"] / 3  # without gradients, three times as fast

    def step(name, of, folder, seconds, function, stages, *configs, code=(), leaves=None):
        code = [*(code_of_training(stage) for stage in stages), *code]
        key = json.dumps([*map(repr, configs), study.seed, data, code])
        return Step(name, of, folder, key, seconds, function, leaves)

    def detect_all():
        for split in frames:
            study.detections(split)

    predicting = code_digest(detect, predict_split)
    if is_ray_model:
        stages = [Stage.RAY_MODEL]
        settings = (heatmaps.backbone, heatmaps.image_px, heatmaps.sigma_px, heatmaps.pretrained)
        configs = [*settings, profile.ray_model]
        seconds = profile.ray_model.epochs * images * image_s
    else:
        stages = [Stage.HEATMAPS, Stage.LIFTER]
        configs = [heatmaps, lifter]
        yield step(Stage.HEATMAPS, network, study.shared, heatmaps.epochs * images * image_s,
                   lambda: shared.train(Stage.HEATMAPS), stages[:1], heatmaps)  # fmt: skip
        yield step("detections", network, study.shared, sum(frames.values()) / 3 * image_s,
                   detect_all, stages[:1], heatmaps, code=[predicting])  # fmt: skip
        yield step(Stage.LIFTER, run, folder, lifter.epochs * images * lift_s,
                   lambda: study.train(Stage.LIFTER), stages, *configs)  # fmt: skip
        if variation.stage == Stage.END_TO_END:
            stages, configs = [*stages, Stage.END_TO_END], [*configs, profile.end_to_end]
            seconds = profile.end_to_end.epochs * images * (image_s + lift_s)
    if variation.stage != Stage.LIFTER:
        yield step(variation.stage, run, folder, seconds,
                   lambda: study.train(variation.stage), stages, *configs)  # fmt: skip
    method = variation.method
    one_s = lift_s if variation.stage == Stage.LIFTER else image_s
    yield step(f"predictions, {method}", run, folder, frames["test"] / 3 * one_s,
               lambda: study.evaluate(method), stages, *configs, code=[predicting],
               leaves=study.predictions_path(method))  # fmt: skip


def training_s(variation, study):
    """Seconds of training behind a run that is done: the epochs of all its stages, the shared heatmap
    network's among them. Judging epochs on the validation split does not count, nor does looking
    through the images once for what the next stage reads."""
    earlier = [Stage.LIFTER] if variation.stage == Stage.END_TO_END else []
    seconds = sum(study.history(stage).seconds.sum() for stage in (*earlier, variation.stage))
    if variation.method in (Method.RAY_MODEL, Method.ORACLE):
        return seconds
    return seconds + _of_heatmaps(study).history(Stage.HEATMAPS).seconds.sum()


def _of_heatmaps(study):
    """The Study of the heatmap network that a run shares with others."""
    return dataclasses.replace(study, results=study.shared, shared=None)


def stamps(folder):
    """{name of a step that is done: its note} in a folder."""
    path = folder / _STAMPS
    return json.loads(path.read_text()) if path.is_file() else {}
