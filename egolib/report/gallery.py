"""The frames that the interactive pages show: excerpts of test sequences, their images as one WebP
strip an excerpt, and true and predicted poses, for every model, in one script."""

import json
import shutil

import cv2
import numpy as np

from egolib.config import METHOD_LABELS
from egolib.evaluation.analysis.bodies import consecutive
from egolib.evaluation.analysis.components import best_model
from egolib.foundation.files import write_atomically
from egolib.foundation.progress import progress_bar
from egolib.plots.style import joint_colour
from egolib.skeleton import BONES, HEATMAP_JOINTS, JOINTS, plain_clip

IMAGE_PX, QUALITY = 256, 80
MOST_FRAMES, LONGEST = 2000, 24


def excerpts(index, most_frames=MOST_FRAMES, longest=LONGEST):
    """Places of a FrameIndex, one int array an excerpt: consecutive frames of one sequence, at most
    `longest`; spread evenly over the sequences where all would be more than `most_frames`."""
    starts = np.setdiff1d(np.arange(len(index) + 1), consecutive(index) + 1)
    lengths = np.minimum(np.diff(starts), longest)
    kept = int(most_frames * len(lengths) / max(most_frames, lengths.sum()))
    chosen = np.unique(np.linspace(0, len(lengths) - 1, max(kept, 1)).round().astype(int))
    return [np.arange(starts[i], starts[i] + lengths[i]) for i in chosen]


def write_gallery(index, models, folder):
    """Write `<folder>/gallery.js` and `<folder>/images/` -> places of the frames in it (M,).

    models: {name: Predictions} of the FrameIndex.
    """
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
        "px": px,
        "joints": JOINTS,
        "found": HEATMAP_JOINTS,
        "bones": BONES,
        "colours": {name: joint_colour(name) for name in JOINTS},
        "sequences": [_described(index[int(part[0])], len(part)) for part in parts],
        "numbers": index.numbers[places].tolist(),
        "truth": _poses(any_model.true_rel_m, any_model.true_uv_crop, any_model, places, px),
        "inside": any_model.inside[places].astype(int).tolist(),
        "models": {
            name: _poses(p.predicted_rel_m, p.predicted_uv_crop, p, places, px)
            | {
                "label": model_label(name),
                "mpjpe": _rounded(p.errors_mm[places].mean(1)),
                "confidence": _rounded(100 * p.confidence[places]),
            }
            for name, p in models.items()
        },
        "chosen": best_model(models),
    }
    write_atomically(folder / "gallery.js", f"const gallery = {json.dumps(content)};\n")
    return places


def model_label(name):
    """The label of a Method, or a model's own name."""
    return METHOD_LABELS.get(name, name)


def _described(frame, length):
    return {
        "character": frame.character,
        "environment": frame.environment,
        "clip": plain_clip(frame.clip),
        "action": frame.action,
        "length": length,
    }


def _poses(poses_m, joints_px, p, places, px):
    """Millimetres from the neck, as right, forward, up; tenths of a pixel of the pages' images."""
    pose_mm = 1000 * poses_m[places] * (-1, 1, -1)
    shown_px = (joints_px[places] + 0.5) * (px / p.image_px) - 0.5
    return {
        "pose": _rounded(pose_mm.reshape(len(places), -1)),
        "px": _rounded(10 * shown_px.reshape(len(places), -1)),
    }


def _rounded(values):
    return np.rint(np.nan_to_num(values)).astype(int).tolist()
