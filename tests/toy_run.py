"""A run on a toy test split whose errors are known: four people in two clips of eight frames."""

import dataclasses
import functools
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import STANDING_M

from egolib.camera import native_to_square, project
from egolib.config import PROFILES
from egolib.data.index import FrameIndex
from egolib.data.visibility import SEEN, STATES
from egolib.evaluation import tables as results
from egolib.evaluation.comparison import SeededPredictions
from egolib.evaluation.predictions import Predictions
from egolib.experiments import manifest as report
from egolib.experiments import outcome
from egolib.experiments.grid import Ablation, Grid
from egolib.skeleton import HEATMAP_JOINT_INDICES, action_of_clip, relative_to_neck

PEOPLE = ("female_004_a_a", "female_012_f_s", "male_001_a_a", "male_004_f_s")
CLIPS = ("Boxing", "walking")
LENGTH, PX = 8, 64
N = len(PEOPLE) * len(CLIPS) * LENGTH
LABEL = f"the toy, test ({N} frames)"


def toy_index(root):
    """FrameIndex of N frames with images on disk, its joints a little away from STANDING_M."""
    folders = [f"TestSet/{name}/env_001/cam_down" for name in PEOPLE]
    numbers = np.tile(np.concatenate([np.arange(LENGTH), 1000 + np.arange(LENGTH)]), len(PEOPLE))
    folder_ids = np.repeat(np.arange(len(PEOPLE)), len(CLIPS) * LENGTH)
    names = [f"{number:06d}.png" for number in numbers]
    for i, (folder, name) in enumerate(zip(folder_ids, names, strict=True)):
        path = root / folders[folder] / "rgba" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((50, 80, 3), (4 * i % 200, 90, 200), np.uint8))
    joints_m = STANDING_M + np.random.default_rng(0).normal(0, 0.02, (N, 16, 3))
    return FrameIndex(
        root=root, split="test", fingerprint="", folders=np.array(folders), folder_ids=folder_ids,
        image_names=np.array(names), numbers=numbers, clips=np.array(CLIPS),
        clip_ids=np.tile(np.repeat(np.arange(len(CLIPS)), LENGTH), len(PEOPLE)),
        uv_native=project(joints_m), joints_cam_m=joints_m,
        rotations_rad=np.zeros((N, 16, 3)), unpaired_images=0, unpaired_labels=0,
    )  # fmt: skip


def perfect(index):
    """Predictions that are the truth."""
    true_uv_crop = native_to_square(index.uv_native, PX)[:, HEATMAP_JOINT_INDICES]
    true_rel_m = relative_to_neck(index.joints_cam_m)
    return Predictions(
        predicted_rel_m=true_rel_m, true_rel_m=true_rel_m, predicted_uv_crop=true_uv_crop, true_uv_crop=true_uv_crop,
        confidence=np.full((N, 15), 0.9), in_front=np.ones((N, 15), bool), image_px=PX,
        character=index.characters, environment=index.environments, clip=index.clip_names,
        action=np.array([action_of_clip(clip) for clip in index.clip_names]),
        number=index.numbers, image=index.images, entropy_bits=np.full((N, 15), 3.0),
    )  # fmt: skip


def off_by(predictions, errors_mm):
    """The same with errors_mm, anything that broadcasts to (N, 16, 3), added to the poses."""
    return dataclasses.replace(
        predictions, predicted_rel_m=predictions.true_rel_m + np.asarray(errors_mm) / 1000
    )


def all_seen():
    return np.full((N, 16), STATES.index(SEEN), np.int8)


def finished_run(folder, models, answers=()):
    """A results folder as a finished run leaves it, its pages aside."""
    for name, predictions in models.items():
        predictions.save(folder / "predictions" / f"{name}.npz")
    results.write_tables(models, LABEL, folder / "tables")
    report.write_manifest(
        folder / "manifest.json", profile=PROFILES["quick"], seed=3, duration_s={"train": 600.0},
        data={"test": "f00d"}, frames={"test": N}, command="./run_all.sh --seed 3",
        left_out={"test": {"excluded": 3, "unpaired_images": 2, "unpaired_labels": 1}},
    )  # fmt: skip
    (folder / "figures").mkdir()
    for name in ("predictions", "training_lifter", *answers):
        cv2.imwrite(str(folder / "figures" / f"{name}.png"), np.full((60, 90, 3), 255, np.uint8))


def unfinished_sweep(folder, models):
    """A results folder as a sweep of two seeds leaves it after the first, its page aside."""
    methods = {name: SeededPredictions({0: p}) for name, p in models.items()}
    planned = {name: SimpleNamespace(seeds=(0, 1)) for name in models}
    sweep = SimpleNamespace(
        results=folder, data_label=LABEL, methods=lambda: methods, states=lambda: None,
        costs=lambda names: pd.DataFrame({"GFLOPs": 1.0, "training (min)": 2.0}, index=list(names)),
        learning_curves=dict, seeds=lambda name: [0], ablation=lambda title: methods,
        grid=Grid("toys", PROFILES["quick"], planned, tuple(models), {"size": Ablation("heatmaps.image_px", {n: n for n in models}, ("epochs=2",))}),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        # The two large backbones take a minute.
        small = functools.partial(outcome.full_size_costs, ("resnet18",), 1)
        patch.setattr(outcome, "full_size_costs", small)
        outcome.write_outcome(sweep)
    report.write_manifest(
        folder / "manifest.json", profile=PROFILES["quick"], seed=[0], duration_s={"ray_model": 90.0},
        data={"test": "f00d"}, frames={"test": N}, left_out={}, grid="toys",
        unfinished=outcome.unfinished(sweep),
    )  # fmt: skip
