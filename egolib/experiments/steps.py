"""One run of a sweep as steps that are done or not: heatmap network, detections, lifter,
fine-tuning, our own model, predictions. A step leaves a note of all that its outcome
depends on.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from egolib.evaluation.detections import detect
from egolib.evaluation.inference import predict_index
from egolib.experiments.manifest import hardware, machine_text
from egolib.foundation.files import write_atomically
from egolib.foundation.provenance import code_digest
from egolib.models.checkpoints import spec_of
from egolib.models.cost import gflops, parameters_m
from egolib.training.fit import training_precision
from egolib.training.train import code_of_training

_STAMPS = "steps.json"
# Measured on 2 cores, without bf16 and on a processor that computes in it: a ResNet-18 of 1.39 GFLOPs
# a picture of 128 px trains 19 and 80 pictures a second, the dual-branch lifter of 12.9 M parameters
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
        stage = {"fine-tuning": "finetune"}.get(self.name, self.name)
        for path in (self.folder / "checkpoints" / "runs" / stage).glob("*.ckpt"):
            path.unlink()  # only an interrupted training needs them


def steps_of_run(variation, study, frames, data):
    """The steps of one run, those that it shares with others first.

    variation: grid.Variation. study: the Study of one of its seeds. frames: {split: number}. data:
    fingerprints of the splits.
    """
    profile, folder = study.profile, study.results
    heatmaps, lifter, finetune = profile.heatmaps, profile.lifter, profile.finetune
    network = f"{variation.heatmaps_name}, seed {study.seed}"
    run = f"{variation.folder}, seed {study.seed}"
    alone = _of_heatmaps(study)
    precision = training_precision()
    own = variation.stage == "ours"
    picture_s = gflops(spec_of("ours" if own else "heatmaps", profile)) / _GFLOPS_PER_S[precision]
    lifts_s = _PARAMETERS_M_PER_S[precision]
    lift_s = 0 if own else parameters_m(spec_of("lifter", profile)) / lifts_s
    looked_at = frames["train"] + frames["val"] / 3  # without gradients, three times as fast

    def step(name, of, folder, seconds, function, stages, *configs, leaves=None):
        code = [code_of_training(stage) for stage in stages]
        key = json.dumps([*map(repr, configs), study.seed, data, code])
        return Step(name, of, folder, key, seconds, function, leaves)

    def detect_all():
        for split in frames:
            study.detections(split)

    stages = ["heatmaps", "lifter", "finetune"][: 3 if variation.stage == "finetune" else 2]
    if own:
        stages = ["ours"]
        pictures = (heatmaps.backbone, heatmaps.image_px, heatmaps.sigma_px, heatmaps.pretrained)
        ours = profile.ours
        learnt = (*pictures, ours)
        yield step("ours", run, folder, ours.epochs * looked_at * picture_s,
                   lambda: study.train("ours"), ["ours"], *learnt)  # fmt: skip
    else:
        tuned = variation.stage == "finetune"
        learnt = (heatmaps, lifter, finetune) if tuned else (heatmaps, lifter)
        yield step("heatmaps", network, study.shared, heatmaps.epochs * looked_at * picture_s,
                   lambda: alone.train("heatmaps"), ["heatmaps"], heatmaps)  # fmt: skip
        yield step("detections", network, study.shared, sum(frames.values()) / 3 * picture_s,
                   detect_all, ["heatmaps"], heatmaps, _code_of_looking())  # fmt: skip
        yield step("lifter", run, folder, lifter.epochs * looked_at * lift_s,
                   lambda: study.train("lifter"), ["heatmaps", "lifter"], heatmaps, lifter)  # fmt: skip
    if variation.stage == "finetune":
        both_s = finetune.epochs * looked_at * (picture_s + lift_s)
        yield step("fine-tuning", run, folder, both_s,
                   lambda: study.train("finetune"), stages, *learnt)  # fmt: skip
    kind = variation.evaluation
    one_s = lift_s if variation.stage == "lifter" else picture_s
    yield step(f"predictions, {kind}", run, folder, frames["test"] / 3 * one_s,
               lambda: study.predict(kind), stages, *learnt, _code_of_looking(),
               leaves=study.predictions_path(kind))  # fmt: skip


def training_s(variation, study):
    """Seconds of training behind a run that is done: the epochs of all its stages, the shared heatmap
    network's among them. Judging epochs on the validation split does not count, nor does looking
    through the pictures once for what the next stage reads."""
    stages = ["lifter", "finetune"] if variation.stage == "finetune" else [variation.stage]
    seconds = sum(study.history(stage).seconds.sum() for stage in stages)
    if variation.evaluation in ("ours", "oracle"):
        return seconds
    return seconds + _of_heatmaps(study).history("heatmaps").seconds.sum()


def _code_of_looking():
    """Digest of the code that keeps what a network finds."""
    return code_digest(detect, predict_index)


def _of_heatmaps(study):
    """The Study of the heatmap network that a run shares with others."""
    return dataclasses.replace(study, results=study.shared, shared=None)


def stamps(folder):
    """{name of a step that is done: its note} in a folder."""
    path = folder / _STAMPS
    return json.loads(path.read_text()) if path.is_file() else {}
