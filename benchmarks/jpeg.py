"""Does JPEG cost accuracy? The same short training of all three stages on a PNG and on a JPEG pack of
one tree, several seeds: 2D error of stage 1, MPJPE after stage 3, both on the validation split.

The seeds of one column show the noise: JPEG is harmless here when the mean of the paired
differences lies within its own interval around 0.

    python benchmarks/jpeg.py data/quick --px 64 --frames 600 --seeds 3
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd
import torch
from scipy import stats

from egolib.config import PROFILES, override
from egolib.data.packing import pack_tree
from egolib.data.shards import open_frames
from egolib.data.visibility import evenly
from egolib.models.checkpoints import load_network
from egolib.training.train import train_stage


def errors(pack, folder, profile, frames, seed):
    """Errors of the best epoch on validation -> {"2D error (px)", "MPJPE (mm)"}."""
    indices = [evenly(open_frames(pack, split), frames) for split in ("train", "val")]
    paths = {stage: train_stage(stage, profile, *indices, folder, seed)
             for stage in ("heatmaps", "lifter", "end_to_end")}  # fmt: skip
    best = {stage: load_network(path)[2]["best"] for stage, path in paths.items()}
    return {
        "2D error (px)": best["heatmaps"]["val_error_px"],
        "MPJPE (mm)": best["end_to_end"]["val_mpjpe_mm"],
    }


def difference(rows, column):
    """ "JPEG minus PNG" with its 95 % interval over seeds (paired, Student's t)."""
    wide = rows.pivot(index="seed", columns="encoding", values=column)
    change = wide["jpeg"] - wide["png"]
    half = stats.t.ppf(0.975, len(change) - 1) * change.sem()
    verdict = "within noise" if abs(change.mean()) <= half else "NOT within noise"
    return f"{column}: JPEG minus PNG {change.mean():+.2f} +- {half:.2f} ({verdict})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--px", type=int, default=64)
    parser.add_argument("--quality", type=int, default=95)
    parser.add_argument("--frames", type=int, default=600, help="at most, of each split")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    epochs = {"epochs": options.epochs}
    changes = {"name": "jpeg", "heatmaps": epochs | {"image_px": options.px},
               "lifter": epochs, "end_to_end": epochs}  # fmt: skip
    profile = override(PROFILES["smoke"], changes, "jpeg")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for encoding in ("png", "jpeg"):
            pack = Path(scratch) / encoding
            pack_tree(options.tree, pack, options.threads, px=options.px, encoding=encoding,
                      quality=options.quality)  # fmt: skip
        for seed in range(options.seeds):
            for encoding in ("png", "jpeg"):
                folder = Path(scratch) / f"{encoding}_{seed}"
                found = errors(Path(scratch) / encoding, folder, profile, options.frames, seed)
                rows.append({"encoding": encoding, "seed": seed, **found})
    rows = pd.DataFrame(rows)
    print(rows.round(2).to_markdown(index=False))
    for column in ("2D error (px)", "MPJPE (mm)"):
        print(difference(rows, column))


if __name__ == "__main__":
    main()
