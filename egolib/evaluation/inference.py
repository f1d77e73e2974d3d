"""A trained network over a split -> Predictions."""

import numpy as np
import pandas as pd
import torch

from egolib.data.dataset import FrameDataset, make_loader, normalise, targets
from egolib.evaluation.predictions import Predictions, cluster_names
from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.models.checkpoints import join_networks, load_network
from egolib.models.heatmaps import draw_heatmaps, entropy_bits, find_peaks
from egolib.models.networks import Lifted
from egolib.models.rotations import geodesic_degrees, matrices_from_euler
from egolib.skeleton import HEATMAP_JOINTS, JOINTS


def device():
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def run_network(network, spec, batch):
    """A batch (dict of tensors) -> (heatmaps (B, 15, H, H), pose (B, 16, 3) m), float32, on CPU.

    A lifter alone is given the batch's heatmaps, or those of the true joints: the oracle. A heatmap
    network alone gives a pose of NaN.
    """
    heatmaps, lifted = run_lifted(network, spec, batch)
    return heatmaps, lifted.pose_m


@torch.inference_mode()
def run_lifted(network, spec, batch):
    """As `run_network`, with all that the network says of the poses -> (heatmaps (B, 15, H, H),
    models.Lifted), float32, on CPU; without the scores, which are large and known as heatmaps."""
    target = next(network.parameters()).device
    if spec.kind == "lifter":
        heatmaps = batch["heatmaps"].to(target).float() if "heatmaps" in batch else draw_heatmaps(
            batch["joints_2d_px"].to(target), batch["in_front"].to(target),
            spec.image_px, spec.heatmap_px, spec.sigma_px,
        )  # fmt: skip
        lifted = network(heatmaps)
    elif spec.kind == "heatmaps":
        heatmaps = network(normalise(batch["image"].to(target)))
        lifted = [torch.full((len(heatmaps), len(JOINTS), 3), torch.nan)]
    else:
        heatmaps, *lifted = network(normalise(batch["image"].to(target)))
    lifted = Lifted(*lifted)._replace(scores=None)
    parts = (part if part is None else part.float().cpu() for part in lifted)
    return heatmaps.float().cpu(), Lifted(*parts)


def predict_index(network, spec, index, workers=0, batch_size=64, detected=None):
    """Run `network` over every frame of a FrameIndex -> Predictions. A lifter alone lifts the
    heatmaps `detected` (N, 15, H, H), or those of the true joints."""
    network = network.to(device(), memory_format=torch.channels_last).eval()
    dataset = FrameDataset(index, spec.image_px, spec.kind != "lifter", detected)
    loader = make_loader(dataset, batch_size, workers)
    truth = targets(index, spec.image_px)
    kept = {name: [] for name in ("predicted_m", "predicted_px", "confidence", "entropy_bits")}
    turned, spread_m = ([torch.empty(0, len(JOINTS))] for _ in range(2))
    neck_errors_m = [torch.empty(0)]
    with progress_bar(loader, desc=f"predict {index.split}", unit="batch") as bar:
        for batch in bar:
            heatmaps, lifted = run_lifted(network, spec, batch)
            if lifted.neck_m is not None:
                neck_errors_m.append((lifted.neck_m - batch["neck_m"]).norm(dim=-1))
            if lifted.spread_m is not None:
                spread_m.append(lifted.spread_m)
            if lifted.rotations is not None:
                true = matrices_from_euler(batch["rotations_rad"])
                turned.append(geodesic_degrees(lifted.rotations, true))
            found_px, peaks = find_peaks(heatmaps, spec.image_px)
            kept["predicted_m"].append(lifted.pose_m)
            kept["predicted_px"].append(found_px)
            kept["confidence"].append(peaks.clamp(max=1))
            kept["entropy_bits"].append(entropy_bits(heatmaps))
    return Predictions(
        **{name: torch.cat(parts).numpy() for name, parts in kept.items()},
        truth_m=truth["joints_3d_m"],
        truth_px=truth["joints_2d_px"],
        in_front=truth["in_front"],
        image_px=spec.image_px,
        character=index.characters,
        environment=index.environments,
        clip=index.clip_names,
        action=index.actions,
        number=np.asarray(index.numbers),
        image=index.images,
        rotation_errors_deg=torch.cat(turned).numpy(),
        spread_mm=1000 * torch.cat(spread_m).numpy(),
        neck_errors_mm=1000 * torch.cat(neck_errors_m).numpy(),
    )


def load_for_evaluation(paths):
    """One checkpoint, or a heatmap network and a lifter to be joined -> (network, spec, provenance)."""
    if len(paths) == 1:
        return load_network(paths[0])
    if len(paths) != 2:
        raise EgolibError("give one checkpoint, or a heatmap network and a lifter")
    heatmap_net, heatmap_spec, provenance = load_network(paths[0], ["heatmaps"])
    lifter, lifter_spec, _ = load_network(paths[1], ["lifter"])
    return *join_networks(heatmap_net, heatmap_spec, lifter, lifter_spec), provenance


def pixel_error_table(predictions):
    """2D error by joint -> DataFrame: joints counted, mean, median and 90th percentile, in pixels
    of the square input. Joints outside the picture do not count."""
    errors = pd.DataFrame(predictions.errors_px, columns=HEATMAP_JOINTS)
    table = errors.describe(percentiles=[0.5, 0.9]).T[["count", "mean", "50%", "90%"]]
    return table.rename(columns={"50%": "median", "90%": "90 % below"})


def frame_errors(predictions, kind):
    """Errors of every frame and joint, for anybody's own analysis -> DataFrame, one row a frame.

    Columns: image (below the tree's root), character, environment, clip, action, frame, cluster
    (what intervals resample), and by the `kind` of network: mpjpe_mm and `<joint>_mm` (the data
    set's protocol), but for a heatmap network; `<joint>_px` (pixels of the square input, whose side
    is image_px; empty where the joint is not in the picture), but for a lifter.
    """
    p = predictions
    columns = {
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
