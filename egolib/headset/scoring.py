"""Score the 2D joints of poses.csv against a user's labels."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.foundation.errors import EgolibError
from egolib.headset.poses.posetable import read_table
from egolib.metrics import bootstrap_interval
from egolib.skeleton import HEATMAP_JOINTS, JOINTS, without_side

_SCORED = tuple(dict.fromkeys(map(without_side, HEATMAP_JOINTS)))


def score_poses(
    poses_csv: str | Path, labels_json: str | Path, threshold_px: float = 26
) -> pd.DataFrame:
    """Score 2D predictions against labels, left and right together -> DataFrame by joint, and 'All'.

    poses_csv: as `predict` writes it. labels_json: {image: {joint: [u, v]}}, pixels of the
    same images. Columns: joints (labelled), within (percent of them predicted within
    threshold_px), low and high (its 95 % interval over images), median_px (of those
    predicted), missing (labelled but without a prediction; each also counts as a miss). Raises
    EgolibError that names the file for another header, an unknown joint or malformed contents.
    """
    predicted = _read_places(poses_csv)
    table = _read_labels(Path(labels_json)).merge(predicted, "left", on=["image", "joint"])
    table["distance"] = np.hypot(table.u_px - table.u, table.v_px - table.v)
    table["joint"] = table.joint.map(without_side)
    parts = {name: table[table.joint == name] for name in _SCORED} | {"All": table}
    scores = {}
    for name, part in parts.items():
        if len(part):
            hits = 100.0 * (part.distance <= threshold_px)
            share, low, high = bootstrap_interval(hits, part.image)
            median, missing = part.distance.median(), part.distance.isna().sum()
            scores[name] = (len(part), share, low, high, median, missing)
    columns = ["joints", "within", "low", "high", "median_px", "missing"]
    return pd.DataFrame.from_dict(scores, orient="index", columns=columns)


def _read_places(path):
    """The columns image, joint, u_px and v_px of poses.csv."""
    table = read_table(path, older=True)[["image", "joint", "u_px", "v_px"]]
    bad = ~table.joint.isin(JOINTS) | table.duplicated(["image", "joint"])
    bad |= table.u_px.isna() != table.v_px.isna()
    if bad.any():
        line = np.flatnonzero(bad)[0] + 2
        raise EgolibError(f"{path}: line {line} is malformed, repeated or of an unknown joint")
    return table


def _read_labels(path):
    """A labels file -> DataFrame of image, joint, u, v."""
    try:
        rows = [
            (image, joint, float(u), float(v))
            for image, joints in json.loads(path.read_bytes()).items()
            for joint, (u, v) in joints.items()
        ]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EgolibError(f"{path}: not labels {{image: {{joint: [u, v]}}}} ({error})") from error
    for image, joint, *place in rows:
        if joint not in HEATMAP_JOINTS:
            known = ", ".join(HEATMAP_JOINTS)
            raise EgolibError(f"{path}: {image} has an unknown joint {joint!r}; known: {known}")
        if not np.isfinite(place).all():
            raise EgolibError(f"{path}: {joint} of {image} is not a finite place")
    if not rows:
        raise EgolibError(f"{path}: holds no labelled joint")
    return pd.DataFrame(rows, columns=["image", "joint", "u", "v"])
