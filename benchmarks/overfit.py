"""Can the system learn? All three stages on 64 frames of the miniature, judged on those frames.

Section 4 of the paper with the quick profile's networks on its images (colours jittered as
ever) at half their size, each of them shown hundreds of times, a faster schedule, and no held-back data.
Prints the MPJPE of every stage.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from egolib.config import PROFILES, override
from egolib.data.index import select
from egolib.evaluation.inference import load_for_evaluation, predict_split
from egolib.experiments.run import open_study
from egolib.metrics import mpjpe_mm
from egolib.training.train import train_stage

GOAL_MM = 15
REPEATS = 16  # of every frame in an epoch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--heatmap-epochs", type=int, default=3)
    parser.add_argument("--lifter-epochs", type=int, default=70)
    parser.add_argument("--end-to-end-epochs", type=int, default=8)
    options = parser.parse_args()
    changes = {
        "heatmaps": {"epochs": options.heatmap_epochs, "image_px": 64, "augment": False},
        "lifter": {"epochs": options.lifter_epochs, "batch_size": 16, "learning_rate": 2e-3},
        "end_to_end": {
            "epochs": options.end_to_end_epochs,
            "learning_rate": 5e-4,
            "augment": False,
        },
    }
    profile = override(PROFILES["quick"], changes, "overfit")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        study = open_study("quick", results=folder / "study")
        study.prepare_data()
        train = study.index("train")
        frames = select(train, np.linspace(0, len(train) - 1, options.frames).astype(int))
        # An epoch shows every frame often: epochs cost a checkpoint each, steps do not.
        repeated = select(frames, np.tile(np.arange(len(frames)), REPEATS))
        started = time.perf_counter()
        for stage in ("heatmaps", "lifter", "end_to_end"):
            train_stage(stage, profile, repeated, frames, folder, seed=0)
        pair = [folder / "heatmaps.safetensors", folder / "lifter.safetensors"]
        judged = {
            "oracle": pair[1:],
            "trained apart": pair,
            "end to end": [folder / "end_to_end.safetensors"],
        }
        print(f"\n{options.frames} frames, {time.perf_counter() - started:.0f} s of training")
        for name, paths in judged.items():
            network, spec, _ = load_for_evaluation(paths)
            predictions = predict_split(network, spec, frames)
            error = mpjpe_mm(predictions.predicted_rel_m, predictions.true_rel_m).mean()
            print(f"{name:20s} {error:6.1f} mm")
    verdict = "reached" if error < GOAL_MM else "not reached"
    print(f"under {GOAL_MM} mm on the frames it was trained on: {verdict}")


if __name__ == "__main__":
    main()
