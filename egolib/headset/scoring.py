"""Score the 2D joints of poses.csv against a user's labels."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import number_between, numbers, parse_json, read_bytes, shown
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
    predicted), missing (labelled but without a prediction; each also counts as a miss). Labels of
    joints that have no 2D prediction, such as Head, are left out, and a line on stderr counts them.
    Raises EgolibError that names the file for another header, an unknown joint or malformed contents,
    ValueError for a threshold that is no number from 0 on.
    """
    number_between(threshold_px, 0, 1e6)
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
    content = read_bytes(path)
    try:
        rows = [
            (image, joint, *_place(place))
            for image, joints in parse_json(content).items()
            for joint, place in joints.items()
        ]
    except (ValueError, TypeError, AttributeError) as error:
        raise EgolibError(f"{path}: not labels {{image: {{joint: [u, v]}}}} ({error})") from error
    for image, joint, *place in rows:
        if joint not in JOINTS:
            known = ", ".join(JOINTS)
            where = f"{shown(image)} has an unknown joint {shown(joint)!r}"
            raise EgolibError(f"{path}: {where}; known: {known}")
        if not np.isfinite(place).all():
            raise EgolibError(f"{path}: {joint} of {shown(image)} is not a finite place")
    scored = [row for row in rows if row[1] in HEATMAP_JOINTS]
    if len(scored) < len(rows):
        left_out = sorted({row[1] for row in rows} - {*HEATMAP_JOINTS})
        what = f"{len(rows) - len(scored)} labels of {', '.join(left_out)} are left out"
        print(f"{path}: {what}, which has no 2D prediction", file=sys.stderr)
    if not scored:
        raise EgolibError(f"{path}: holds no labelled joint that can be scored")
    return pd.DataFrame(scored, columns=["image", "joint", "u", "v"])


def _place(value):
    place = numbers(value)
    if place.shape != (2,):
        raise ValueError(f"{shown(repr(value))} is not a place [u, v]")
    return place.tolist()
