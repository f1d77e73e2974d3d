"""A trained network over a split -> Predictions, the one thing every table and figure is made of."""

import zipfile
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd
import torch

from egolib.camera import inside_square
from egolib.checkpoints import join_networks, load_network
from egolib.dataset import FrameDataset, make_loader, normalise
from egolib.errors import EgolibError
from egolib.files import atomic_path
from egolib.heatmaps import draw_heatmaps, entropy_bits, find_peaks
from egolib.metrics import joint_errors_mm
from egolib.models import Lifted
from egolib.progress import progress_bar
from egolib.rotations import geodesic_degrees, matrices_from_euler
from egolib.skeleton import HEATMAP_JOINTS, JOINTS, plain_clip
from egolib.windows import tokens_of, window_positions


@dataclass(frozen=True)
class Predictions:
    """What a network said about N frames, beside the truth. Saved as npz, nothing pickled.

    predicted_m, truth_m: (N, 16, 3) metres from the neck, camera axes; predicted_m is NaN for a
    heatmap network alone. predicted_px, truth_px: (N, 15, 2) pixels of the square input of side
    image_px; confidence (N, 15): heatmap peaks. in_front (N, 15): the joint has a 2D target.
    The next (N,): str or int, who does what where, and the picture below the tree's root.
    rotation_errors_deg: (N, 16) geodesic, of a network that predicts rotations; else (0, 16).
    entropy_bits: (N, 15), how spread out each heatmap is (heatmaps.entropy_bits).
    Of our own model, else without rows: spread_mm (N, 16), the error that each joint expects;
    neck_errors_mm (N,), that of the neck in the camera frame.
    """

    predicted_m: np.ndarray
    truth_m: np.ndarray
    predicted_px: np.ndarray
    truth_px: np.ndarray
    confidence: np.ndarray
    in_front: np.ndarray
    image_px: int
    character: np.ndarray
    environment: np.ndarray
    clip: np.ndarray
    action: np.ndarray
    number: np.ndarray
    image: np.ndarray
    rotation_errors_deg: np.ndarray = field(default_factory=lambda: np.empty((0, len(JOINTS))))
    entropy_bits: np.ndarray = field(
        default_factory=lambda: np.empty((0, len(HEATMAP_JOINTS)), np.float32)
    )
    spread_mm: np.ndarray = field(default_factory=lambda: np.empty((0, len(JOINTS))))
    neck_errors_mm: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __len__(self):
        return len(self.truth_m)

    @property
    def sequence(self):
        """Cluster of every frame for intervals (N,): one character in one clip. The environments
        of a character that share a motion count as one."""
        clips = [plain_clip(clip) for clip in self.clip]
        return np.char.add(np.char.add(self.character, "/"), clips)

    @property
    def errors_mm(self):
        """Error of every joint by the data set's protocol (metrics), (N, 16) millimetres."""
        return joint_errors_mm(self.predicted_m, self.truth_m)

    @property
    def inside(self):
        """Whether a joint's truth lies in the picture and before the lens plane, bool (N, 15)."""
        return inside_square(self.truth_px, self.image_px) & self.in_front

    @property
    def errors_px(self):
        """2D errors (N, 15) in pixels of the square input; NaN where the joint is not inside."""
        distance = np.linalg.norm(self.predicted_px - self.truth_px, axis=-1)
        return np.where(self.inside, distance, np.nan)

    def select(self, keep):
        """These predictions of the frames that `keep` (N,) holds: a mask or places."""
        changes = {
            name: values[keep]
            for name, values in vars(self).items()
            if isinstance(values, np.ndarray) and len(values) == len(self)
        }
        return replace(self, **changes)

    def save(self, path):
        with atomic_path(path) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, **asdict(self))

    @classmethod
    def load(cls, path):
        """Raises EgolibError when `path` is missing or not a file that `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(**{k: v.item() if v.ndim == 0 else v for k, v in stored.items()})
        except FileNotFoundError as error:
            raise EgolibError(
                f"{path}: no such predictions; run the notebook that writes them"
            ) from error
        except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise EgolibError(
                f"{path}: not predictions of this study ({error}); delete it"
            ) from error


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
    models.Lifted), float32, on CPU. A network that looks back is given none of the pictures before."""
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
    return heatmaps.float().cpu(), _on_cpu(lifted)


def _on_cpu(lifted):
    return Lifted(*(part if part is None else part.float().cpu() for part in lifted))


@torch.inference_mode()
def _look_back(network, spec, index, batches):
    """What a network of the kind "window" says of a FrameIndex, whose `batches` come in order ->
    (batch, heatmaps, models.Lifted) each. A picture is looked at once."""
    windows, kept = window_positions(index, network.frames), None
    image_spec = replace(spec, kind="ours")
    for batch in batches:
        heatmaps, lifted = run_lifted(network.image_net, image_spec, batch)
        tokens = tokens_of(lifted)
        known = tokens if kept is None else torch.cat([kept, tokens])
        positions = batch["position"].numpy()
        asked = windows[positions] - (positions[-1] + 1 - len(known))
        target = next(network.parameters()).device
        lifted = network.lift(known[asked].to(target))
        yield batch, heatmaps, _on_cpu(lifted)
        kept = known[-network.frames :]


def predict_index(network, spec, index, workers=0, batch_size=64, detected=None):
    """Run `network` over every frame of a FrameIndex -> Predictions. A lifter alone lifts the
    heatmaps `detected` (N, 15, H, H), or those of the true joints."""
    network = network.to(device(), memory_format=torch.channels_last).eval()
    dataset = FrameDataset(index, spec.image_px, spec.kind != "lifter", detected)
    loader = make_loader(dataset, batch_size, workers)
    kept = {name: [] for name in ("predicted_m", "truth_m", "predicted_px", "truth_px",
                                  "confidence", "in_front", "entropy_bits")}  # fmt: skip
    turned, spread_m = ([torch.empty(0, len(JOINTS))] for _ in range(2))
    neck_errors_m = [torch.empty(0)]
    with progress_bar(loader, desc=f"predict {index.split}", unit="batch") as bar:
        if spec.kind == "window":
            said = _look_back(network, spec, index, bar)
        else:
            said = ((batch, *run_lifted(network, spec, batch)) for batch in bar)
        for batch, heatmaps, lifted in said:
            if lifted.neck_m is not None:
                neck_errors_m.append((lifted.neck_m - batch["neck_m"]).norm(dim=-1))
            if lifted.spread_m is not None:
                spread_m.append(lifted.spread_m)
            if lifted.rotations is not None:
                truth = matrices_from_euler(batch["rotations_rad"])
                turned.append(geodesic_degrees(lifted.rotations, truth))
            found_px, peaks = find_peaks(heatmaps, spec.image_px)
            kept["predicted_m"].append(lifted.pose_m)
            kept["truth_m"].append(batch["joints_3d_m"])
            kept["predicted_px"].append(found_px)
            kept["truth_px"].append(batch["joints_2d_px"])
            kept["confidence"].append(peaks)
            kept["in_front"].append(batch["in_front"])
            kept["entropy_bits"].append(entropy_bits(heatmaps))
    return Predictions(
        **{name: torch.cat(parts).numpy() for name, parts in kept.items()},
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
        "action": p.action, "frame": p.number, "cluster": p.sequence,
    }  # fmt: skip
    if kind != "heatmaps":
        errors_mm = p.errors_mm
        columns["mpjpe_mm"] = errors_mm.mean(-1)
        columns |= {f"{joint}_mm": errors_mm[:, i] for i, joint in enumerate(JOINTS)}
    if kind != "lifter":
        columns["image_px"] = p.image_px
        columns |= {f"{joint}_px": p.errors_px[:, i] for i, joint in enumerate(HEATMAP_JOINTS)}
    return pd.DataFrame(columns)
