"""The three interactive pages. They lie beside one plotly.min.js, and their data are in scripts, so that
a browser can open them from a file."""

from pathlib import Path

import numpy as np
import plotly

from egolib.config import METHOD_LABELS
from egolib.data.index import FrameIndex
from egolib.data.visibility import IN_IMAGE, SEEN, STATES
from egolib.evaluation.analysis.components import best_model
from egolib.evaluation.predictions import Predictions
from egolib.foundation.files import write_atomically
from egolib.report.gallery import SKELETON, write_gallery
from egolib.report.layout import write_page
from egolib.skeleton import ACTIONS, JOINTS, UNKNOWN_ACTION, clip_without_suffix

# {name of a page: (its title, its content in a sentence)}
PAGES = {
    "viewer": ("Test sequences", "Image, joints in 2D, and the pose in space, frame by frame"),
    "explorer": ("Every frame's error", "By action and joint, against what may explain it"),
    "clouds": ("Error clouds", "Where each joint is predicted around its true place"),
}
MOST_POINTS, CLOUD_FRAMES = 20_000, 400


def write_pages(
    index: FrameIndex, models: dict[str, Predictions], states: np.ndarray, folder: Path
) -> list[Path]:
    """Write PAGES below `folder` -> their paths.

    models: Predictions with poses of the FrameIndex. states: visibility.joint_states of it.
    """
    folder = Path(folder)
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    write_atomically(folder / "plotly.min.js", script.read_bytes())
    in_gallery = write_gallery(index, models, folder)
    contents = {
        "viewer": {},
        "explorer": _errors(models, states, in_gallery),
        "clouds": _clouds(models),
    }
    labels = {name: METHOD_LABELS.get(name, name) for name in models}
    return [
        write_page(
            folder / f"{name}.html", f"{name}.html", title=PAGES[name][0], note=PAGES[name][1],
            home="../index.html", models=labels, chosen=best_model(models), content=content,
        )
        for name, content in contents.items()
    ]  # fmt: skip


def _errors(models, states, in_gallery):
    """Errors of at most MOST_POINTS frames: all frames of the gallery, and others spread evenly."""
    p = next(iter(models.values()))
    spread = np.linspace(0, len(p) - 1, min(len(p), MOST_POINTS - len(in_gallery))).astype(int)
    places = np.union1d(in_gallery, spread)
    gallery = np.full(len(p), -1)
    gallery[in_gallery] = np.arange(len(in_gallery))
    actions = [a for a in (*ACTIONS, UNKNOWN_ACTION) if (p.action == a).any()]
    people, person = np.unique(p.character[places], return_inverse=True)
    clips, clip = np.unique([clip_without_suffix(c) for c in p.clip[places]], return_inverse=True)
    is_seen = np.isin(states, [STATES.index(SEEN), STATES.index(IN_IMAGE)])
    against = {
        "place in the test split": places,
        "joints that are not seen": (~is_seen).sum(1)[places],
        "joints outside the image": (~p.inside).sum(1)[places],
    }
    best = models[best_model(models)]
    if len(best.entropy_bits):
        against["mean entropy of the heatmaps (bits)"] = best.entropy_bits[places].mean(1).round(2)
    arrays = dict(people=people, clips=clips, person=person, clip=clip, number=p.number[places],
                  gallery=gallery[places])  # fmt: skip
    return {
        "joints": JOINTS,
        "actions": actions,
        "action": [actions.index(a) for a in p.action[places]],
        **{name: values.tolist() for name, values in arrays.items()},
        "against": {name: values.tolist() for name, values in against.items()},
        "errors": {
            name: q.errors_mm[places].round().astype(int).T.tolist() for name, q in models.items()
        },
    }


def _clouds(models):
    """Errors in mm (right, forward, up) of CLOUD_FRAMES frames around the mean true pose, and of all
    frames their mean and the axes of the ellipsoid of one standard deviation."""
    p = next(iter(models.values()))
    places = np.linspace(0, len(p) - 1, min(len(p), CLOUD_FRAMES)).astype(int)
    to_page = np.array([-1000.0, 1000.0, -1000.0])
    true_rel_m = p.true_rel_m - p.true_rel_m[:, :1]
    clouds = {}
    for name, q in models.items():
        errors_mm = (q.predicted_rel_m - (q.true_rel_m - q.true_rel_m[:, :1])) * to_page
        bias = errors_mm.mean(0)
        spread = errors_mm - bias
        covariance = np.einsum("njc,njd->jcd", spread, spread) / len(errors_mm)
        values, axes = np.linalg.eigh(covariance)
        clouds[name] = {
            "errors": errors_mm[places].round().astype(int).transpose(1, 0, 2).tolist(),
            "bias": bias.round(1).tolist(),
            "axes": (axes * np.sqrt(values.clip(0))[:, None]).round(1).transpose(0, 2, 1).tolist(),
            "mean": np.linalg.norm(errors_mm, axis=-1).mean(0).round(1).tolist(),
        }
    pose_mm = (true_rel_m.mean(0) * to_page).round().tolist()
    return {**SKELETON, "frames": len(places), "pose": pose_mm, "models": clouds}
