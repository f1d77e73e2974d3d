"""The three stages of the paper (heatmaps, lifter, both end to end) and that of our own model.

`train_stage` trains one of them, keeps the epoch that was best on the validation split and writes
it as safetensors. A killed run resumes after its last finished epoch and ends as it would have
ended: shuffling, turns and colour jitter depend on seed, epoch and batch alone.
"""

import dataclasses
import functools
import json
from pathlib import Path

import lightning as L
import numpy as np
import torch

from egolib.checkpoints import (
    build_network,
    join_networks,
    load_network,
    provenance_of,
    save_network,
    spec_of,
)
from egolib.dataset import FrameDataset, mean_pose_m
from egolib.errors import EgolibError
from egolib.files import code_digest
from egolib.fitting import fit, training_precision
from egolib.ourstages import OursStage
from egolib.stages import FinetuneStage, HeatmapStage, LifterStage

CHECKPOINT_NAMES = {
    "heatmaps": "heatmaps",
    "lifter": "lifter",
    "finetune": "finetuned",
    "ours": "ours",
}
FROM_PICTURES = ("heatmaps", "ours")  # the stages that begin with a trunk
_MODULES = {
    "heatmaps": HeatmapStage,
    "lifter": LifterStage,
    "finetune": FinetuneStage,
    "ours": OursStage,
}


def train_stage(stage, profile, train_index, val_index, checkpoints_dir, seed, resume=True,
                devices=1, nodes=1, heatmaps_path=None, detected=None):  # fmt: skip
    """Train one of STAGES by `profile` and write `<checkpoints_dir>/<name>.safetensors`.

    The fine-tuning starts from the two checkpoints of the stages before it: the lifter in the same
    folder, the heatmap network there or at `heatmaps_path`; our own model starts as `heatmaps` does. A
    lifter that is trained on detected heatmaps reads `detected`: detections.Detections of both splits.
    The epoch is chosen on `val_index` only. With `resume`, a checkpoint that is what would be trained
    is left as it is, wherever it was trained. Returns the path of the checkpoint.
    """
    config = getattr(profile, stage)
    spec = spec_of("egopose" if stage == "finetune" else stage, profile)
    L.seed_everything(seed, verbose=False)
    start = {}
    pretrained = profile.heatmaps.pretrained and stage in FROM_PICTURES
    if stage == "finetune":
        network, spec, start = _load_joined(
            heatmaps_path or checkpoints_dir / "heatmaps.safetensors",
            checkpoints_dir / "lifter.safetensors",
            spec,
        )
    else:
        network = build_network(spec, pretrained)
    maps = [None, None]
    if stage == "ours":
        network.start_at(mean_pose_m(train_index, relative=False))
    if stage == "lifter":
        network.start_at(mean_pose_m(train_index))
        if config.trained_on == "detected":
            maps, start = _detected_maps(config, detected)
    if stage in ("lifter", "finetune") and spec.method == "rotation":
        _need_rotations(train_index, val_index)
    run_key = {
        "stage": stage,
        "seed": seed,
        "config": dataclasses.asdict(config),
        "limb_terms": None if stage == "ours" else profile.lifter.limb_terms,
        "pretrained": pretrained,
        "spec": dataclasses.asdict(spec),
        "data": [train_index.fingerprint, val_index.fingerprint],
        "frames": [len(train_index), len(val_index)],
        "start": start,
        "code": code_of_training(stage),
    }
    path = checkpoints_dir / f"{CHECKPOINT_NAMES[stage]}.safetensors"
    if resume and json.loads(json.dumps(run_key)).items() <= provenance_of(path).items():
        return path
    if profile.compiled and torch.cuda.is_available():
        network.compile()
    module = _MODULES[stage](network, spec, config, seed, profile.lifter.limb_terms)
    sets = [
        FrameDataset(index, spec.image_px, stage != "lifter", part, keep=True)
        for index, part in zip((train_index, val_index), maps, strict=True)
    ]
    best = fit(
        module,
        *sets,
        checkpoints_dir / "runs" / stage,
        run_key,
        resume,
        profile.workers,
        devices,
        nodes,
    )
    if module.global_rank == 0:
        origin = {"profile": profile.name, "precision": training_precision()}
        save_network(path, module.network, spec, {**origin, **run_key, "best": best})
    return path


@functools.cache
def code_of_training(stage):
    """Digest of the code that decides what a stage learns."""
    names = (
        "augment camera dataset fitting heatmaps losses models pictures rotations stages training"
    )
    names += " ourlosses ourstages raypose" if stage == "ours" else " baselines"
    return code_digest(Path(__file__).with_name(f"{name}.py") for name in names.split())


def _detected_maps(config, detected):
    """-> ([heatmaps of training, of validation], where they come from). Raises EgolibError."""
    if detected is None:
        raise EgolibError('trained_on = "detected" needs the heatmaps that a network found')
    if config.augment:
        raise EgolibError(
            'detected heatmaps cannot be turned: set augment = false, or trained_on = "true", '
            "below [lifter]"
        )
    return [part.found for part in detected], {"heatmaps": [part.key for part in detected]}


def _need_rotations(*indices):
    for index in indices:
        if not np.isfinite(index.rotations_rad).all():
            raise EgolibError(
                f"{index.root}: some labels of the {index.split} split have no `rot`, which the "
                "method rotation learns; choose another method"
            )


def _load_joined(heatmaps_path, lifter_path, asked):
    heatmap_net, heatmap_spec, heatmap_origin = load_network(heatmaps_path, ["heatmaps"])
    lifter, lifter_spec, lifter_origin = load_network(lifter_path, ["lifter"])
    network, spec = join_networks(heatmap_net, heatmap_spec, lifter, lifter_spec)
    for name, wanted in dataclasses.asdict(asked).items():
        if getattr(spec, name) != wanted:
            raise EgolibError(
                f"{lifter_path} and its heatmap network: has {name} = {getattr(spec, name)}, the "
                f"profile asks for {wanted}; train the stages before this one again"
            )
    return (
        network.train(),
        spec,
        # A converted checkpoint has no best epoch.
        {
            name: origin.get("best", origin)
            for name, origin in (("heatmaps", heatmap_origin), ("lifter", lifter_origin))
        },
    )
