"""The error analysis and the report on as many test frames as the official data has.

Three models' predictions of 115,621 simulated frames (official people and actions, random poses) go
through every cell of notebook 05, the interactive pages and the report. Printed for a tenth of the
frames and for all: seconds of each step, and the process's peak of memory in it, beside what the imports
alone take. Images are one PNG of the official size, read again and again. Needs Linux's /proc.

    python benchmarks/report.py --scratch /tmp/report
"""

import argparse
import contextlib
import io
import multiprocessing
import re
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import cv2
import nbformat
import numpy as np
import pandas as pd

from egolib.camera import native_to_square, project
from egolib.config import PROFILES
from egolib.data.images import read_square
from egolib.data.index import FrameIndex
from egolib.evaluation.literature import TEST_FRAMES
from egolib.evaluation.predictions import Predictions
from egolib.experiments import notebooks as execute
from egolib.experiments import run as study
from egolib.experiments.manifest import write_manifest
from egolib.report import write_report, write_study_pages
from egolib.skeleton import ACTION_CLIPS, HEATMAP_JOINT_INDICES, SPLITS, action_of_clip

CLEAR_PEAK = Path("/proc/self/clear_refs")
PX, LENGTH = 128, 60  # side of the network's input; frames of a sequence
NOTEBOOK = execute.NOTEBOOKS / "05_analyse_errors.ipynb"


def simulated_index(root, frames):
    """A FrameIndex of about `frames` test frames, actions as often as in the official data."""
    rng = np.random.default_rng(0)
    folders = [f"TestSet/{c}/env_00{e}/cam_down" for c in SPLITS["TestSet"] for e in (1, 2, 3)]
    share = np.array([*TEST_FRAMES.values()]) / sum(TEST_FRAMES.values())
    clips = np.array([clip for action in TEST_FRAMES for clip in ACTION_CLIPS[action]])
    odds = np.concatenate([[s / len(ACTION_CLIPS[a])] * len(ACTION_CLIPS[a])
                           for a, s in zip(TEST_FRAMES, share, strict=True)])  # fmt: skip
    sequences = frames // LENGTH
    folder_ids = np.repeat(np.sort(rng.integers(len(folders), size=sequences)), LENGTH)
    numbers = (np.arange(sequences)[:, None] * 1000 + np.arange(LENGTH)).ravel()
    joints_m = rng.standard_normal((len(numbers), 16, 3), np.float32) / 4
    joints_m += np.array([0, 0.2, 0.8], np.float32)
    return FrameIndex(
        root=root, split="test", fingerprint="simulated", folders=np.array(folders),
        folder_ids=folder_ids, image_names=np.char.mod("%09d.png", numbers), numbers=numbers,
        clips=clips, clip_ids=np.repeat(rng.choice(len(clips), sequences, p=odds), LENGTH),
        uv_native=project(joints_m).astype(np.float32), joints_cam_m=joints_m,
        rotations_rad=np.zeros((0, 16, 3)), unpaired_images=0, unpaired_labels=0,
    )  # fmt: skip


def simulated_predictions(index, error_m, seed):
    rng = np.random.default_rng(seed)
    true_rel_m = index.joints_cam_m - index.joints_cam_m[:, :1]
    true_uv_crop = native_to_square(index.uv_native, PX)[:, HEATMAP_JOINT_INDICES].astype(
        np.float32
    )
    return Predictions(
        predicted_rel_m=true_rel_m + error_m * rng.standard_normal(true_rel_m.shape, np.float32),
        true_rel_m=true_rel_m,
        predicted_uv_crop=true_uv_crop + 4 * rng.standard_normal(true_uv_crop.shape, np.float32),
        true_uv_crop=true_uv_crop, confidence=rng.random(true_uv_crop.shape[:2], np.float32),
        in_front=index.joints_cam_m[:, HEATMAP_JOINT_INDICES, 2] > 0, image_px=PX,
        character=index.characters, environment=index.environments, clip=index.clip_names,
        action=np.array([action_of_clip(c) for c in index.clips])[index.clip_ids],
        number=index.numbers, image=index.images,
        entropy_bits=rng.random(true_uv_crop.shape[:2], np.float32) * 10,
    )  # fmt: skip


def one_image(root):
    """A PNG of the official size -> its path."""
    image = np.random.default_rng(0).integers(0, 255, (100, 160, 4), np.uint8)
    cv2.imwrite(str(root / "one.png"), cv2.resize(image, (1280, 800)))
    return root / "one.png"


def measure(scratch, frames):
    """-> {step: (seconds, of them at work, peak of this process's memory in MB)}."""
    taken = {"imports": (0, 0, _peak_mb())}
    root, results = scratch / str(frames), scratch / str(frames) / "results"
    root.mkdir(parents=True, exist_ok=True)
    index = simulated_index(root, frames)
    image = one_image(root)
    models = {}
    for seed, (name, error_m) in enumerate(
        {"oracle": 0.03, "dual": 0.08, "end_to_end": 0.06}.items()
    ):
        models[name] = simulated_predictions(index, error_m, seed)
        models[name] = models[name].sharing(models["oracle"])
    fake = SimpleNamespace(
        index=lambda split: index, models=lambda: models, results=results,
        tables=results / "tables", figures=results / "figures", data_name="simulated data",
        renders=False, source=None, tree=root,
    )  # fmt: skip
    taken["simulated, loaded"] = (0, 0, _peak_mb())
    steps = {
        "notebook 05": lambda: run_notebook(fake),
        "interactive pages": lambda: write_study_pages(fake),
        "report": lambda: report_of(fake, frames),
    }
    with mock.patch.object(FrameIndex, "read_square", lambda _, at, px: read_square(image, px)):
        for name, step in steps.items():
            CLEAR_PEAK.write_text("5")
            started, worked = time.perf_counter(), time.process_time()
            step()
            spent = time.perf_counter() - started, time.process_time() - worked
            taken[name] = (*spent, _peak_mb())
    return taken


def run_notebook(fake):
    """Every code cell of notebook 05 on `fake` instead of a Study."""
    space = {}
    with mock.patch.object(study, "open_study", return_value=fake), \
            contextlib.redirect_stdout(io.StringIO()):  # fmt: skip
        for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
            if cell.cell_type == "code":
                exec(cell.source, space)


def report_of(fake, frames):
    write_manifest(
        fake.results / "manifest.json", profile=PROFILES["paper"], seed=0, duration_s={},
        data={"test": "simulated"}, frames={"test": frames}, left_out={},
    )  # fmt: skip
    write_report(fake.results)


def _peak_mb():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=sum(TEST_FRAMES.values()))
    options = parser.parse_args()
    rows = {}
    for frames in (options.frames // 10, options.frames):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            taken = pool.apply(measure, (options.scratch, frames))
        rows |= {(f"{frames:,} frames", step): found for step, found in taken.items()}
    table = pd.DataFrame(rows, index=["seconds", "of processor", "peak MB"]).T.round(0).astype(int)
    print(table.to_string())


if __name__ == "__main__":
    main()
