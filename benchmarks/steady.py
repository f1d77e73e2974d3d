"""What the 1 euro filter does to a network's poses: jitter and error over its sequences, for several
strengths. Reads predictions (`evaluate` or notebook 05 writes them); needs sequences of frames."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.evaluation.inference import Predictions
from egolib.headset.poses.steady import OneEuroFilter
from egolib.metrics import mpjpe_mm

STRENGTHS = ((0.5, 2.0), (1.0, 4.0), (1.0, 8.0), (2.0, 4.0), (4.0, 8.0))


def sequences(predictions):
    """Positions of the frames of each sequence, in order."""
    steps = np.diff(predictions.number)
    cuts = np.flatnonzero((steps != 1) | (predictions.clip[1:] != predictions.clip[:-1])) + 1
    return [part for part in np.split(np.arange(len(predictions)), cuts) if len(part) > 2]


def filtered(poses_m, parts, fps, make_filter):
    found = poses_m.copy()
    for part in parts:
        smooth = make_filter()
        for number, i in enumerate(part):
            found[i] = smooth(poses_m[i], number / fps)
    return found


def jitter_mm(poses_m, parts):
    """Mean length of the second difference: how far a joint is from half way between where it was
    and where it will be, twice."""
    bends = [np.linalg.norm(np.diff(poses_m[part], 2, axis=0), axis=-1) for part in parts]
    return 1000 * np.concatenate(bends).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("predictions", type=Path, help="an npz below results/<profile>/predictions")
    parser.add_argument("--fps", type=float, default=5, help="of the tree; quick has 5")
    options = parser.parse_args()
    predictions = Predictions.load(options.predictions)
    parts = sequences(predictions)
    used, true_rel_m = np.concatenate(parts), predictions.true_rel_m
    poses = {"truth": true_rel_m, "as predicted": predictions.predicted_rel_m}
    for strength in STRENGTHS:
        poses["{} Hz, {} Hz per m/s".format(*strength)] = filtered(
            predictions.predicted_rel_m, parts, options.fps, lambda s=strength: OneEuroFilter(*s)
        )
    rows = {
        name: {
            "jitter (mm)": jitter_mm(p, parts),
            "MPJPE (mm)": mpjpe_mm(p, true_rel_m)[used].mean(),
        }
        for name, p in poses.items()
    }
    lengths = np.array([len(part) for part in parts])
    print(f"{len(parts)} sequences of {np.median(lengths):.0f} frames\n")
    print(pd.DataFrame(rows).T.round(2).to_markdown())


if __name__ == "__main__":
    main()
