"""The 2D places of poses.csv scored against labels of one's own."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.errors import EgolibError
from egolib.metrics import bootstrap_interval
from egolib.poses.posetable import read_places
from egolib.skeleton import HEATMAP_JOINTS, without_side

_SCORED = tuple(dict.fromkeys(map(without_side, HEATMAP_JOINTS)))


def score_poses(poses_csv, labels_json, threshold_px=26):
    """2D predictions against labels, left and right together -> DataFrame by joint, and 'All'.

    poses_csv: as `predict` writes it. labels_json: {image: {joint: [u, v]}}, pixels of the
    same pictures. Columns: joints (labelled), within (percent of them predicted within
    threshold_px), low and high (its 95 % interval over pictures), median_px (of those
    predicted), missing (labelled but without a prediction; each also counts as a miss). Raises
    EgolibError that names the file for another header, an unknown joint or malformed contents.
    """
    predicted, rows = read_places(Path(poses_csv)), []
    for image, joint, place in _read_labels(Path(labels_json)):
        found = predicted.get((image, joint))
        distance = np.nan if found is None else np.hypot(*np.subtract(found, place))
        rows.append((image, without_side(joint), distance))
    table = pd.DataFrame(rows, columns=["image", "joint", "distance"])
    names = [name for name in _SCORED if (table.joint == name).any()]
    parts = {name: table[table.joint == name] for name in names} | {"All": table}
    scores = {}
    for name, part in parts.items():
        hits = 100.0 * (part.distance <= threshold_px)
        share, low, high = bootstrap_interval(hits, part.image)
        scores[name] = {
            "joints": len(part),
            "within": share,
            "low": low,
            "high": high,
            "median_px": part.distance.median(),
            "missing": int(part.distance.isna().sum()),
        }
    return pd.DataFrame.from_dict(scores, orient="index").astype({"joints": int, "missing": int})


def _read_labels(path):
    """[(image, joint, (u, v))] of a labels file."""
    try:
        labels = json.loads(path.read_bytes())
        rows = [
            (image, joint, (float(u), float(v)))
            for image, joints in labels.items()
            for joint, (u, v) in joints.items()
        ]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EgolibError(f"{path}: not labels {{image: {{joint: [u, v]}}}} ({error})") from error
    for image, joint, place in rows:
        if joint not in HEATMAP_JOINTS:
            known = ", ".join(HEATMAP_JOINTS)
            raise EgolibError(f"{path}: {image} has an unknown joint {joint!r}; known: {known}")
        if not np.isfinite(place).all():
            raise EgolibError(f"{path}: {joint} of {image} is not a finite place")
    if not rows:
        raise EgolibError(f"{path}: holds no labelled joint")
    return rows
