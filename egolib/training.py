"""The three stages of the paper: heatmaps, lifter, both end to end.

`train_stage` trains one of them, keeps the epoch that was best on the validation split and writes
it as safetensors. A killed run resumes after its last finished epoch and ends as it would have
ended: shuffling, turns and colour jitter depend on seed, epoch and batch alone.
"""

import dataclasses
import json
from pathlib import Path

import lightning as L
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
from egolib.stages import FinetuneStage, HeatmapStage, LifterStage

CHECKPOINT_NAMES = {"heatmaps": "heatmaps", "lifter": "lifter", "finetune": "finetuned"}


def train_stage(stage, profile, train_index, val_index, checkpoints_dir, seed, resume=True,
                devices=1, nodes=1):  # fmt: skip
    """Train one of STAGES by `profile` and write `<checkpoints_dir>/<name>.safetensors`.

    The fine-tuning starts from the two checkpoints of the stages before it, in the same folder.
    The epoch is chosen on `val_index` only. With `resume`, a checkpoint that is what would be
    trained is left as it is, wherever it was trained. Returns the path of the checkpoint.
    """
    config = getattr(profile, stage)
    spec = spec_of("egopose" if stage == "finetune" else stage, profile)
    L.seed_everything(seed, verbose=False)
    start = {}
    if stage == "finetune":
        network, spec, start = _load_joined(checkpoints_dir, spec)
    else:
        network = build_network(spec, profile.heatmaps.pretrained and stage == "heatmaps")
    if stage == "lifter":
        network.start_at(mean_pose_m(train_index))
    run_key = {
        "stage": stage,
        "seed": seed,
        "config": dataclasses.asdict(config),
        "spec": dataclasses.asdict(spec),
        "data": [train_index.fingerprint, val_index.fingerprint],
        "frames": [len(train_index), len(val_index)],
        "start": start,
        "code": _code_digest(),
    }
    path = checkpoints_dir / f"{CHECKPOINT_NAMES[stage]}.safetensors"
    if resume and json.loads(json.dumps(run_key)).items() <= provenance_of(path).items():
        return path
    if profile.compiled and torch.cuda.is_available():
        network.compile()
    module_class = {"heatmaps": HeatmapStage, "lifter": LifterStage, "finetune": FinetuneStage}
    module = module_class[stage](network, spec, config, seed)
    with_images = stage != "lifter"
    best = fit(
        module,
        FrameDataset(train_index, spec.image_px, with_images),
        FrameDataset(val_index, spec.image_px, with_images),
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


def _code_digest():
    """Digest of the code that decides what is learnt."""
    names = "augment dataset fitting heatmaps losses models pictures stages training"
    return code_digest(Path(__file__).with_name(f"{name}.py") for name in names.split())


def _load_joined(checkpoints_dir, asked):
    heatmap_net, heatmap_spec, heatmap_origin = load_network(
        checkpoints_dir / "heatmaps.safetensors", ["heatmaps"]
    )
    lifter, lifter_spec, lifter_origin = load_network(
        checkpoints_dir / "lifter.safetensors", ["lifter"]
    )
    network, spec = join_networks(heatmap_net, heatmap_spec, lifter, lifter_spec)
    for name, wanted in dataclasses.asdict(asked).items():
        if getattr(spec, name) != wanted:
            raise EgolibError(
                f"{checkpoints_dir}: its networks have {name} = {getattr(spec, name)}, the profile "
                f"asks for {wanted}; train the stages before this one again"
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
