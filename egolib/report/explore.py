"""The three interactive pages. plotly.js lies beside them once, and all data are in scripts, so that
they open from a file."""

from pathlib import Path

import numpy as np
import plotly

from egolib.data.visibility import IN_IMAGE, SEEN, STATES
from egolib.evaluation.analysis.components import best_model
from egolib.foundation.files import write_atomically
from egolib.plots.style import joint_colour
from egolib.report.gallery import model_label, write_gallery
from egolib.report.layout import write_page
from egolib.skeleton import ACTIONS, BONES, JOINTS, UNKNOWN_ACTION, plain_clip

# name: title and what one finds there
PAGES = {
    "viewer": ("Test sequences", "Image, joints in 2D, and the pose in space, frame by frame"),
    "explorer": ("Every frame's error", "By action and joint, against what may explain it"),
    "clouds": ("Error clouds", "Where each joint is predicted around its true place"),
}
MOST_POINTS, CLOUD_FRAMES = 20_000, 400


def write_pages(index, models, states, folder):
    """Write PAGES below `folder` -> their paths.

    models: {name: Predictions with poses} of the FrameIndex; states: visibility.joint_states.
    """
    folder = Path(folder)
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    write_atomically(folder / "plotly.min.js", script.read_bytes())
    shown = write_gallery(index, models, folder)
    contents = {
        "viewer": {},
        "explorer": _explored(models, states, shown),
        "clouds": _clouds(models),
    }
    labels = {name: model_label(name) for name in models}
    return [
        write_page(
            folder / f"{name}.html", f"{name}.html", title=PAGES[name][0], note=PAGES[name][1],
            home="../index.html", models=labels, chosen=best_model(models), content=content,
        )
        for name, content in contents.items()
    ]  # fmt: skip


def _explored(models, states, shown):
    """Errors of at most MOST_POINTS frames: all that the gallery shows, and others spread evenly."""
    p = next(iter(models.values()))
    spread = np.linspace(0, len(p) - 1, min(len(p), MOST_POINTS - len(shown))).astype(int)
    places = np.union1d(shown, spread)
    in_gallery = np.full(len(p), -1)
    in_gallery[shown] = np.arange(len(shown))
    actions = [a for a in (*ACTIONS, UNKNOWN_ACTION) if (p.action == a).any()]
    people, person = np.unique(p.character[places], return_inverse=True)
    clips, clip = np.unique([plain_clip(c) for c in p.clip[places]], return_inverse=True)
    seen = np.isin(states, [STATES.index(SEEN), STATES.index(IN_IMAGE)])
    against = {
        "place in the test split": places,
        "joints that are not seen": (~seen).sum(1)[places],
        "joints outside the image": (~p.inside).sum(1)[places],
    }
    best = models[best_model(models)]
    if len(best.entropy_bits):
        against["mean entropy of the heatmaps (bits)"] = best.entropy_bits[places].mean(1).round(2)
    return {
        "joints": JOINTS,
        "actions": actions,
        "people": people.tolist(),
        "clips": clips.tolist(),
        "person": person.tolist(),
        "clip": clip.tolist(),
        "action": [actions.index(a) for a in p.action[places]],
        "number": p.number[places].tolist(),
        "gallery": in_gallery[places].tolist(),
        "against": {name: values.tolist() for name, values in against.items()},
        "errors": {
            name: q.errors_mm[places].round().astype(int).T.tolist() for name, q in models.items()
        },
    }


def _clouds(models):
    """Errors of CLOUD_FRAMES frames in mm (right, forward, up) around the mean true pose; of all
    frames, their mean and the axes of the ellipsoid of one standard deviation."""
    p = next(iter(models.values()))
    places = np.linspace(0, len(p) - 1, min(len(p), CLOUD_FRAMES)).astype(int)
    turn = np.array([-1000.0, 1000.0, -1000.0])
    content = {
        "joints": JOINTS,
        "bones": BONES,
        "colours": {name: joint_colour(name) for name in JOINTS},
        "frames": len(places),
        "pose": ((p.true_rel_m - p.true_rel_m[:, :1]).mean(0) * turn).round().tolist(),
        "models": {},
    }
    for name, q in models.items():
        errors_mm = (q.predicted_rel_m - (q.true_rel_m - q.true_rel_m[:, :1])) * turn
        bias = errors_mm.mean(0)
        spread = errors_mm - bias
        covariance = np.einsum("njc,njd->jcd", spread, spread) / len(errors_mm)
        values, axes = np.linalg.eigh(covariance)
        content["models"][name] = {
            "errors": errors_mm[places].round().astype(int).transpose(1, 0, 2).tolist(),
            "bias": bias.round(1).tolist(),
            "axes": (axes * np.sqrt(values.clip(0))[:, None]).round(1).transpose(0, 2, 1).tolist(),
            "mean": np.linalg.norm(errors_mm, axis=-1).mean(0).round(1).tolist(),
        }
    return content
