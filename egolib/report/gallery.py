"""The frames that the interactive pages show: excerpts of test sequences, their images as one WebP
strip for each excerpt, and true and predicted poses of every model in one script."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from egolib.data.index import FrameIndex
from egolib.evaluation.analysis.bodies import consecutive
from egolib.evaluation.predictions import Predictions
from egolib.foundation.files import write_atomically
from egolib.foundation.progress import progress_bar
from egolib.plots.style import joint_colour
from egolib.skeleton import BONES, HEATMAP_JOINTS, JOINTS, clip_without_suffix

IMAGE_PX, QUALITY = 256, 80
MOST_FRAMES, LONGEST = 2000, 24
# What the scripts of the pages need to draw a pose.
SKELETON = {
    "joints": JOINTS,
    "bones": BONES,
    "colours": {name: joint_colour(name) for name in JOINTS},
}


def excerpts(
    index: FrameIndex, most_frames: int = MOST_FRAMES, longest: int = LONGEST
) -> list[np.ndarray]:
    """Places of consecutive frames of one sequence, an int array for each excerpt of at most `longest`
    frames. If all excerpts would be more than `most_frames`, they are spread evenly over the sequences."""
    starts = np.setdiff1d(np.arange(len(index) + 1), consecutive(index) + 1)
    lengths = np.minimum(np.diff(starts), longest)
    number = int(most_frames * len(lengths) / max(most_frames, lengths.sum()))
    chosen = np.unique(np.linspace(0, len(lengths) - 1, max(number, 1)).round().astype(int))
    return [np.arange(starts[i], starts[i] + lengths[i]) for i in chosen]


def write_gallery(index: FrameIndex, models: dict[str, Predictions], folder: Path) -> np.ndarray:
    """Write `<folder>/gallery.js` and `<folder>/images/` for the Predictions of a FrameIndex -> places of
    the frames in them (M,)."""
    parts = excerpts(index)
    px = int(min(IMAGE_PX, index.largest_px))
    images = folder / "images"
    shutil.rmtree(images, ignore_errors=True)
    images.mkdir(parents=True)
    with progress_bar(parts, desc="images", unit="sequence") as bar:
        for i, part in enumerate(bar):
            strip = np.hstack([index.read_square(int(at), px) for at in part])
            encoded = cv2.imencode(".webp", strip[..., ::-1], (cv2.IMWRITE_WEBP_QUALITY, QUALITY))
            write_atomically(images / f"{i}.webp", encoded[1].tobytes())
    places = np.concatenate(parts)
    any_model = next(iter(models.values()))
    content = {
        **SKELETON,
        "px": px,
        "heatmap_joints": HEATMAP_JOINTS,
        "sequences": [_sequence(index[int(part[0])], len(part)) for part in parts],
        "numbers": index.numbers[places].tolist(),
        "truth": _poses(any_model.true_rel_m, any_model.true_uv_crop, any_model, places, px),
        "inside": any_model.inside[places].astype(int).tolist(),
        "models": {
            name: _poses(p.predicted_rel_m, p.predicted_uv_crop, p, places, px)
            | {
                "mpjpe": _rounded(p.errors_mm[places].mean(1)),
                "confidence": _rounded(100 * p.confidence[places]),
            }
            for name, p in models.items()
        },
    }
    write_atomically(folder / "gallery.js", f"const gallery = {json.dumps(content)};\n")
    return places


def _sequence(frame, length):
    names = {key: getattr(frame, key) for key in ("character", "environment", "action")}
    return {**names, "clip": clip_without_suffix(frame.clip), "length": length}


def _poses(poses_m, joints_px, p, places, px):
    """Poses in millimetres from the neck (right, forward, up), and joints in tenths of a pixel of the
    images of the pages."""
    pose_mm = 1000 * poses_m[places] * (-1, 1, -1)
    page_px = (joints_px[places] + 0.5) * (px / p.image_px) - 0.5
    return {
        "pose": _rounded(pose_mm.reshape(len(places), -1)),
        "px": _rounded(10 * page_px.reshape(len(places), -1)),
    }


def _rounded(values):
    return np.rint(np.nan_to_num(values)).astype(int).tolist()
