"""Run a trained network over a split -> Predictions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from egolib.config import Stage
from egolib.data.dataset import Batch, FrameDataset, make_loader, normalise, targets
from egolib.data.index import FrameIndex
from egolib.data.shards import PackedIndex
from egolib.evaluation.predictions import Predictions, cluster_names
from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.models.checkpoints import NetworkSpec, join_networks, load_network
from egolib.models.heatmaps import draw_heatmaps, entropy_bits, find_peaks
from egolib.models.output import NetworkOutput, required
from egolib.models.rotations import geodesic_degrees, matrices_from_euler
from egolib.skeleton import HEATMAP_JOINTS, JOINTS


def device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@torch.inference_mode()
def run_network(network: nn.Module, spec: NetworkSpec, batch: Batch) -> NetworkOutput:
    """A batch of the loader -> the network's output, float32, on the CPU.

    A lifter gets the heatmaps of the batch or, if it has none, heatmaps drawn from the true joints
    (the oracle); the output then contains these heatmaps. The scores are left out, because they are
    large and the heatmaps follow from them.
    """
    target = next(network.parameters()).device
    if spec.kind == Stage.LIFTER:
        heatmaps = batch["heatmaps"].to(target).float() if "heatmaps" in batch else draw_heatmaps(
            batch["uv_crop"].to(target), batch["in_front"].to(target),
            spec.image_px, spec.heatmap_px, spec.sigma_px,
        )  # fmt: skip
        output = replace(network(heatmaps), heatmaps=heatmaps)
    else:
        output = network(normalise(batch["image"].to(target)))
    return replace(output, scores=None).map(lambda tensor: tensor.float().cpu())


def predict_split(
    network: nn.Module,
    spec: NetworkSpec,
    index: FrameIndex | PackedIndex,
    workers: int = 0,
    batch_size: int = 64,
    detected: np.ndarray | None = None,
) -> Predictions:
    """Run `network` over every frame of a FrameIndex. The input of a lifter without heatmap
    network is `detected` (N, 15, H, H) or, if None, heatmaps drawn from the true joints."""
    network = network.to(device()).to(memory_format=torch.channels_last).eval()
    dataset = FrameDataset(index, spec.image_px, spec.kind != Stage.LIFTER, detected)
    loader = make_loader(dataset, batch_size, workers)
    truth = targets(index, spec.image_px)
    columns = defaultdict(list)
    with progress_bar(loader, desc=f"predict {index.split}", unit="batch") as bar:
        for batch in bar:
            output = run_network(network, spec, batch)
            heatmaps = required(output.heatmaps)
            uv_crop, peaks = find_peaks(heatmaps, spec.image_px)
            columns["predicted_uv_crop"].append(uv_crop)
            columns["confidence"].append(peaks.clamp(max=1))
            columns["entropy_bits"].append(entropy_bits(heatmaps))
            pose = output.joints_rel_m
            if pose is None:
                pose = torch.full((len(peaks), len(JOINTS), 3), torch.nan)
            columns["predicted_rel_m"].append(pose)
            if output.neck_cam_m is not None:
                neck_errors_m = (output.neck_cam_m - batch["neck_cam_m"]).norm(dim=-1)
                columns["neck_errors_mm"].append(1000 * neck_errors_m)
            if output.expected_error_m is not None:
                columns["expected_error_mm"].append(1000 * output.expected_error_m)
            if output.rotations is not None:
                true = matrices_from_euler(batch["rotations_rad"])
                columns["rotation_errors_deg"].append(geodesic_degrees(output.rotations, true))
    return Predictions(
        **{name: torch.cat(parts).numpy() for name, parts in columns.items()},
        true_rel_m=truth["joints_rel_m"],
        true_uv_crop=truth["uv_crop"],
        in_front=truth["in_front"],
        image_px=spec.image_px,
        character=index.characters,
        environment=index.environments,
        clip=index.clip_names,
        action=index.actions,
        number=np.asarray(index.numbers),
        image=index.images,
    )


def load_for_evaluation(paths: Sequence[Path]) -> tuple[nn.Module, NetworkSpec, dict]:
    """One checkpoint, or a heatmap network and a lifter to be joined -> (network, spec, provenance)."""
    if len(paths) == 1:
        return load_network(paths[0])
    if len(paths) != 2:
        raise EgolibError("give one checkpoint, or a heatmap network and a lifter")
    heatmap_network, heatmap_spec, provenance = load_network(paths[0], ["heatmaps"])
    lifter, lifter_spec, _ = load_network(paths[1], ["lifter"])
    return *join_networks(heatmap_network, heatmap_spec, lifter, lifter_spec), provenance


def pixel_error_table(predictions: Predictions) -> pd.DataFrame:
    """2D errors of each joint -> DataFrame: count, mean, median and 90th percentile, in pixels of
    the square input. Frames in which the joint is outside the image are left out."""
    errors = pd.DataFrame(predictions.errors_px, columns=HEATMAP_JOINTS)
    table = errors.describe(percentiles=[0.5, 0.9]).T[["count", "mean", "50%", "90%"]]
    return table.rename(columns={"50%": "median", "90%": "90 % below"})


def frame_errors(predictions: Predictions, kind: str) -> pd.DataFrame:
    """Errors of every frame and joint, for further analysis -> DataFrame, one row per frame.

    Columns: image (path relative to the tree), character, environment, clip, action, frame and
    cluster (bootstrap cluster). Unless the `kind` of network is "heatmaps": mpjpe_mm and
    `<joint>_mm` (the data set's protocol). Unless it is "lifter": image_px (side of the square
    input) and `<joint>_px` (in pixels of this input; NaN where the joint is not in the image).
    """
    p = predictions
    columns: dict[str, Any] = {
        "image": p.image, "character": p.character, "environment": p.environment, "clip": p.clip,
        "action": p.action, "frame": p.number, "cluster": cluster_names(p),
    }  # fmt: skip
    if kind != "heatmaps":
        errors_mm = p.errors_mm
        columns["mpjpe_mm"] = errors_mm.mean(-1)
        columns |= {f"{joint}_mm": errors_mm[:, i] for i, joint in enumerate(JOINTS)}
    if kind != "lifter":
        columns["image_px"] = p.image_px
        columns |= {f"{joint}_px": p.errors_px[:, i] for i, joint in enumerate(HEATMAP_JOINTS)}
    return pd.DataFrame(columns)
