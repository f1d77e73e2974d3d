"""Predictions of a network beside the truth: every table and figure is made from them."""

import zipfile
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from egolib.camera import inside_square
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path
from egolib.metrics import joint_errors_mm
from egolib.skeleton import HEATMAP_JOINTS, JOINTS, clip_without_suffix


@dataclass(frozen=True)
class Predictions:
    """Predictions of a network for N frames, beside the truth. Saved as npz, without pickling.

    predicted_rel_m, true_rel_m: (N, 16, 3) metres from the neck, camera axes; predicted_rel_m is NaN for a
    heatmap network alone. predicted_uv_crop, true_uv_crop: (N, 15, 2) pixels of the square input of side
    image_px; confidence (N, 15): heatmap peaks. in_front (N, 15): the joint has a 2D target.
    character, environment, clip, action, number and image (N,): str or int, of each frame; image is the
    file below the tree's root.
    rotation_errors_deg: (N, 16) geodesic, of a network that predicts rotations; else (0, 16).
    entropy_bits: (N, 15), how spread out each heatmap is (heatmaps.entropy_bits).
    Of the ray model, else without rows: expected_error_mm (N, 16), the predicted error of each joint;
    neck_errors_mm (N,), the error of the neck in the camera frame.
    """

    predicted_rel_m: np.ndarray
    true_rel_m: np.ndarray
    predicted_uv_crop: np.ndarray
    true_uv_crop: np.ndarray
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
    expected_error_mm: np.ndarray = field(default_factory=lambda: np.empty((0, len(JOINTS))))
    neck_errors_mm: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.true_rel_m)

    @cached_property
    def sequence(self) -> np.ndarray:
        """Cluster of every frame for intervals, int (N,): one character in one clip. The
        environments of a character that share a motion count as one."""
        return np.unique(cluster_names(self), return_inverse=True)[1]

    @property
    def errors_mm(self) -> np.ndarray:
        """Error of every joint by the data set's protocol (metrics), (N, 16) millimetres."""
        return joint_errors_mm(self.predicted_rel_m, self.true_rel_m)

    @property
    def inside(self) -> np.ndarray:
        """Whether a joint's truth lies in the image and before the lens plane, bool (N, 15)."""
        return inside_square(self.true_uv_crop, self.image_px) & self.in_front

    @property
    def errors_px(self) -> np.ndarray:
        """2D errors (N, 15) in pixels of the square input; NaN where the joint is not inside."""
        distance = np.linalg.norm(self.predicted_uv_crop - self.true_uv_crop, axis=-1)
        return np.where(self.inside, distance, np.nan)

    def select(self, keep: np.ndarray) -> "Predictions":
        """These predictions of the frames that `keep` (N,) holds: a mask or places."""
        changes = {
            name: values[keep] for name, values in _arrays(self).items() if len(values) == len(self)
        }
        return replace(self, **changes)

    def sharing(self, other: "Predictions") -> "Predictions":
        """These predictions, with the arrays of `other` where both are equal, to save memory."""
        shared = _arrays(other)
        changes = {
            name: shared[name]
            for name, values in _arrays(self).items()
            if np.array_equal(values, shared[name])
        }
        return replace(self, **changes)

    def save(self, path: Path) -> None:
        with atomic_path(path) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, **asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Raises EgolibError when `path` is missing or not a file that `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(**{k: v.item() if v.ndim == 0 else v for k, v in stored.items()})
        except FileNotFoundError as error:
            raise EgolibError(
                f"{path}: no such predictions; run the notebook that writes them"
            ) from error
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise EgolibError(
                f"{path}: not predictions of this study ({error}); delete it"
            ) from error


def cluster_names(predictions: Predictions) -> np.ndarray:
    """What Predictions.sequence numbers, (N,) str: "character/clip"."""
    clips, of_frame = np.unique(predictions.clip, return_inverse=True)
    plain = np.array([clip_without_suffix(clip) for clip in clips], str)
    return np.char.add(np.char.add(predictions.character, "/"), plain[of_frame])


def _arrays(predictions: Predictions) -> dict[str, np.ndarray]:
    values = {f.name: getattr(predictions, f.name) for f in fields(predictions)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
