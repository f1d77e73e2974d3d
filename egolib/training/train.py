"""Train a stage: one of the paper's three (heatmaps, lifter, both end to end), or the ray model.

`train_stage` trains one of them, keeps the weights of the epoch that was best on the validation
split, and writes them as safetensors. A killed run resumes after its last finished epoch, with the
same result as without the interruption: shuffling and augmentation depend only on the seed, the
epoch and the batch.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import nn

from egolib.config import LifterConfig, Profile, Stage
from egolib.data.dataset import FrameDataset, mean_pose_m
from egolib.data.index import FrameIndex
from egolib.foundation.errors import EgolibError
from egolib.foundation.provenance import code_digest, without_effect
from egolib.models.checkpoints import (
    NetworkSpec,
    build_heatmap_network,
    build_lifter,
    build_ray_model,
    join_networks,
    load_network,
    provenance_of,
    save_network,
    spec_of,
)
from egolib.training import modules
from egolib.training.fit import fit, training_precision


@dataclass(frozen=True)
class StageInputs:
    """What a stage is trained on. `heatmaps_path`: the checkpoint of the heatmap network that the
    end-to-end network starts from. `detected`: detections.Detections of both splits, for a lifter that is
    trained on them."""

    profile: Profile
    train_index: FrameIndex
    val_index: FrameIndex
    checkpoints_dir: Path
    seed: int
    heatmaps_path: Path
    detected: list[Any] | None = None

    @property
    def indices(self) -> tuple[FrameIndex, FrameIndex]:
        return self.train_index, self.val_index


@dataclass(frozen=True)
class PreparedStage:
    """A stage that is ready to be trained. `module`: the class of its Lightning module. `maps`: the
    detected heatmaps of both splits, or None. `start`: the origin of the initial
    weights and of the detected heatmaps, which the checkpoint records."""

    network: nn.Module
    spec: NetworkSpec
    module: type[modules.StageModule]
    with_images: bool = True
    limb_terms: str | None = None
    pretrained: bool = False
    maps: Sequence[np.ndarray | None] = (None, None)
    start: dict[str, Any] = field(default_factory=dict)


def train_stage(
    stage: Stage, profile: Profile, train_index: FrameIndex, val_index: FrameIndex,
    checkpoints_dir: Path, seed: int, resume: bool = True, devices: int = 1, nodes: int = 1,
    heatmaps_path: Path | None = None, detected: list[Any] | None = None,
) -> Path:  # fmt: skip
    """Train one stage by `profile` and write `<checkpoints_dir>/<stage>.safetensors`.

    The end-to-end network starts from the two checkpoints of the stages before it: the lifter in
    the same folder, the heatmap network there or at `heatmaps_path`. The backbone of the ray model
    starts like that of the heatmap network. A lifter that is trained on detected heatmaps reads
    `detected`: detections.Detections of both splits. The best epoch is chosen on `val_index` only.
    With `resume`, nothing is trained if there is already a checkpoint with the same settings, data
    and code. Returns the path of the checkpoint.
    """
    heatmaps_path = heatmaps_path or checkpoints_dir / "heatmaps.safetensors"
    inputs = StageInputs(
        profile, train_index, val_index, checkpoints_dir, seed, heatmaps_path, detected
    )
    return _train(stage, _PREPARE[stage], inputs, resume, devices, nodes)


@without_effect
def training_code_digest(stage: Stage) -> str:
    """Digest of the code that the weights of a stage depend on."""
    # The end-to-end network starts from the networks of the two stages before it.
    chain = (Stage.HEATMAPS, Stage.LIFTER, stage) if stage == Stage.END_TO_END else (stage,)
    return code_digest(_train, *(_PREPARE[each] for each in chain))


def _train(
    stage: Stage, prepare: Callable[[StageInputs], PreparedStage], inputs: StageInputs,
    resume: bool, devices: int, nodes: int,
) -> Path:  # fmt: skip
    profile, seed = inputs.profile, inputs.seed
    L.seed_everything(seed, verbose=False)
    prepared = prepare(inputs)
    network, spec, config = prepared.network, prepared.spec, getattr(profile, stage)
    run_key = {
        "stage": stage,
        "seed": seed,
        "config": dataclasses.asdict(config),
        "limb_terms": prepared.limb_terms,
        "pretrained": prepared.pretrained,
        "spec": dataclasses.asdict(spec),
        "data": [index.fingerprint for index in inputs.indices],
        "frames": [len(index) for index in inputs.indices],
        "start": prepared.start,
        "code": training_code_digest(stage),
    }
    path = inputs.checkpoints_dir / f"{stage}.safetensors"
    if resume and json.loads(json.dumps(run_key)).items() <= provenance_of(path).items():
        return path
    if profile.compiled and torch.cuda.is_available():
        network.compile()
    module = prepared.module(network, spec, config, seed, prepared.limb_terms or "bones")
    train_set, val_set = (
        FrameDataset(index, spec.image_px, prepared.with_images, maps, keep=True)
        for index, maps in zip(inputs.indices, prepared.maps, strict=True)
    )
    run_dir = inputs.checkpoints_dir / "runs" / stage
    machines = profile.workers, devices, nodes
    best = fit(module, train_set, val_set, run_dir, run_key, resume, *machines)
    if module.global_rank == 0:
        origin = {"profile": profile.name, "precision": training_precision()}
        save_network(path, module.network, spec, {**origin, **run_key, "best": best})
    return path


def _prepare_heatmaps(inputs: StageInputs) -> PreparedStage:
    spec, pretrained = spec_of(Stage.HEATMAPS, inputs.profile), inputs.profile.heatmaps.pretrained
    network = build_heatmap_network(spec, pretrained)
    return PreparedStage(network, spec, modules.HeatmapModule, pretrained=pretrained)


def _prepare_lifter(inputs: StageInputs) -> PreparedStage:
    config, spec = inputs.profile.lifter, spec_of(Stage.LIFTER, inputs.profile)
    network = build_lifter(spec)
    network.start_at(mean_pose_m(inputs.train_index))
    maps: Sequence[np.ndarray | None] = (None, None)
    start = {}
    if config.trained_on == "detected":
        maps, start = _detected_maps(config, inputs.detected)
    _require_rotations(spec, inputs)
    options = {"with_images": False, "limb_terms": config.limb_terms, "maps": maps, "start": start}
    return PreparedStage(network, spec, modules.LifterModule, **options)


def _prepare_end_to_end(inputs: StageInputs) -> PreparedStage:
    lifter_path = inputs.checkpoints_dir / "lifter.safetensors"
    expected = spec_of(Stage.END_TO_END, inputs.profile)
    network, spec, start = _load_joined(inputs.heatmaps_path, lifter_path, expected)
    _require_rotations(spec, inputs)
    terms = inputs.profile.lifter.limb_terms
    return PreparedStage(network, spec, modules.EndToEndModule, limb_terms=terms, start=start)


def _prepare_ray_model(inputs: StageInputs) -> PreparedStage:
    spec, pretrained = spec_of(Stage.RAY_MODEL, inputs.profile), inputs.profile.heatmaps.pretrained
    network = build_ray_model(spec, pretrained)
    network.start_at(mean_pose_m(inputs.train_index, relative=False))
    return PreparedStage(network, spec, modules.RayModelModule, pretrained=pretrained)


_PREPARE = {
    Stage.HEATMAPS: _prepare_heatmaps,
    Stage.LIFTER: _prepare_lifter,
    Stage.END_TO_END: _prepare_end_to_end,
    Stage.RAY_MODEL: _prepare_ray_model,
}


def _detected_maps(
    config: LifterConfig, detected: list[Any] | None
) -> tuple[list[np.ndarray], dict]:
    """The detected heatmaps -> ([those of training, those of validation], their origin).

    Raises EgolibError if there are none, or if augmentation is on.
    """
    if detected is None:
        raise EgolibError('trained_on = "detected" needs the heatmaps that a network predicted')
    if config.augment:
        raise EgolibError(
            'detected heatmaps cannot be turned: set augment = false or trained_on = "true" in '
            "the section [lifter]"
        )
    return [part.found for part in detected], {"heatmaps": [part.key for part in detected]}


def _require_rotations(spec: NetworkSpec, inputs: StageInputs) -> None:
    for index in inputs.indices if spec.method == "rotation" else ():
        if not np.isfinite(index.rotations_rad).all():
            raise EgolibError(
                f"{index.root}: some labels of the {index.split} split have no `rot`, which the "
                "method rotation learns; choose another method"
            )


def _load_joined(
    heatmaps_path: Path, lifter_path: Path, expected: NetworkSpec
) -> tuple[nn.Module, NetworkSpec, dict]:
    """Load a heatmap network and a lifter and join them -> (network, spec, origin of both).

    Raises EgolibError if the joined network is not as `expected` from the profile.
    """
    heatmap_network, heatmap_spec, heatmap_origin = load_network(heatmaps_path, ["heatmaps"])
    lifter, lifter_spec, lifter_origin = load_network(lifter_path, ["lifter"])
    network, spec = join_networks(heatmap_network, heatmap_spec, lifter, lifter_spec)
    for name, wanted in dataclasses.asdict(expected).items():
        if getattr(spec, name) != wanted:
            raise EgolibError(
                f"{lifter_path} and its heatmap network: {name} = {getattr(spec, name)}, the "
                f"profile asks for {wanted}; train the two stages before this one again"
            )
    origins = {"heatmaps": heatmap_origin, "lifter": lifter_origin}
    # A converted checkpoint has no best epoch: its whole provenance is recorded instead.
    start = {name: origin.get("best", origin) for name, origin in origins.items()}
    return network.train(), spec, start
