"""Errors split joint by joint: their direction seen from the camera, and what may explain them."""

from dataclasses import dataclass

import numpy as np

from egolib.data.index import FrameIndex
from egolib.evaluation.predictions import Predictions
from egolib.foundation.errors import EgolibError
from egolib.metrics import bootstrap_group_means
from egolib.skeleton import HEATMAP_JOINT_INDICES, JOINTS, body_part_of, relative_to_neck

_ORACLE = "oracle"
JOINT_PARTS = np.array([body_part_of(joint) for joint in JOINTS])  # of each joint, its body part


@dataclass(frozen=True)
class ErrorComponents:
    """The errors of N frames, float32 (N, 16) each unless noted otherwise.

    error_mm: by the data set's protocol. along_mm: its part along the ray from the camera to the
    true joint, positive where the prediction is too far: the depth error. across_mm: the rest, what
    an image shows. distance_m from the camera; off_axis_deg: angle between ray and optical axis.
    state: int8, positions in visibility.STATES. error_px: 2D error in shares of the image's side,
    NaN where the joint is not in the image. confidence, entropy_bits: of its heatmap, NaN for the
    head. action (N,) str; character, cluster: int (N,), cluster as Predictions.sequence; names: the
    characters that `character` points into.
    """

    error_mm: np.ndarray
    along_mm: np.ndarray
    across_mm: np.ndarray
    distance_m: np.ndarray
    off_axis_deg: np.ndarray
    state: np.ndarray
    error_px: np.ndarray
    confidence: np.ndarray
    entropy_bits: np.ndarray
    action: np.ndarray
    character: np.ndarray
    cluster: np.ndarray
    names: np.ndarray

    def __len__(self):
        return len(self.error_mm)

    def means(self, groups, count, values=None, rounds=1000):
        """metrics.bootstrap_group_means of `values` (N, K), of the errors where None -> (means
        (count,), draws (rounds, count)). groups: int, broadcast to the shape of the values, -1 for
        none."""
        values = self.error_mm if values is None else values
        groups = np.broadcast_to(groups, values.shape)
        clusters = np.broadcast_to(self.cluster[:, None], values.shape)
        return bootstrap_group_means(values, groups, clusters, count, rounds)


def decompose(index: FrameIndex, predictions: Predictions, states: np.ndarray) -> ErrorComponents:
    """ErrorComponents of Predictions over the FrameIndex that was predicted.

    states: visibility.joint_states of the index. Raises EgolibError for other frames, and for
    predictions without poses.
    """
    if not np.array_equal(index.images, predictions.image):
        raise EgolibError(
            f"{index.root}: not the frames that were predicted; run the notebooks on it again"
        )
    if np.isnan(predictions.predicted_rel_m).any():
        raise EgolibError("these predictions hold no poses; take those of a lifter")
    points_m = index.joints_cam_m.astype(np.float32)
    distance_m = np.linalg.norm(points_m, axis=-1)
    rays = points_m / distance_m[..., None]
    offsets_mm = 1000 * (predictions.predicted_rel_m - relative_to_neck(predictions.true_rel_m))
    offsets_mm = offsets_mm.astype(np.float32)
    along_mm = (offsets_mm * rays).sum(-1)
    names, character = np.unique(predictions.character, return_inverse=True)
    return ErrorComponents(
        error_mm=predictions.errors_mm.astype(np.float32),
        along_mm=along_mm,
        across_mm=np.linalg.norm(offsets_mm - along_mm[..., None] * rays, axis=-1),
        distance_m=distance_m,
        off_axis_deg=np.degrees(np.arccos(rays[..., 2].clip(-1, 1))),
        state=states,
        error_px=_with_head(predictions.errors_px / predictions.image_px, len(index)),
        confidence=_with_head(predictions.confidence, len(index)),
        entropy_bits=_with_head(predictions.entropy_bits, len(index)),
        action=predictions.action,
        character=character,
        cluster=predictions.sequence,
        names=names,
    )


def _with_head(values, frames):
    """(N, 15) of the heatmap joints, or (0, 15) where nothing is known -> (N, 16), else NaN."""
    full = np.full((frames, len(JOINTS)), np.nan, np.float32)
    if len(values):
        full[:, HEATMAP_JOINT_INDICES] = values
    return full


def best_model(models: dict) -> str:
    """Name of the model with the least MPJPE; one that is given the truth's heatmaps competes only
    if it is alone. Raises EgolibError for none."""
    if not models:
        raise EgolibError(
            "no model has been run on the test split yet; run notebooks 3 to 4b first"
        )
    return min(models, key=lambda name: (name == _ORACLE, models[name].errors_mm.mean()))
