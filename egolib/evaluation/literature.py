"""Errors that others published, in millimetres, each with its source.

The numbers are in literature.toml. All of them hold for the full data set's official test split and
the data set's protocol (metrics.joint_errors_mm); none was measured here, and none may share a
column with a measurement.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from egolib.config import read_toml

COLUMN_GROUP = "published, full data set"
NOTES = read_toml(Path(__file__).with_name("notes.toml"))  # the sentences below all tables


@dataclass(frozen=True)
class PublishedResult:
    """What one source prints about one method (mm). What it does not print is left out.

    by_action, by_body_group, by_joint: {row of the table of that name in tables.py: error},
    by_joint only the means of left and right. beside: the methods of this study that it is compared
    with.
    """

    method: str
    source: str
    all: float
    beside: tuple[str, ...] = ()
    by_action: dict[str, float] = field(default_factory=dict)
    by_body_group: dict[str, float] = field(default_factory=dict)
    by_joint: dict[str, float] = field(default_factory=dict)
    footnote: str = ""


_FILE = read_toml(Path(__file__).with_name("literature.toml"))
# Frames of the official test split by action.
TEST_FRAMES = dict(zip(_FILE["rows"]["by_action"], _FILE["test_frames"], strict=True))
RESULTS = tuple(
    PublishedResult(**result | {group: dict(zip(rows, result[group], strict=True))
                                for group, rows in _FILE["rows"].items() if group in result})
    for result in _FILE["results"]
)  # fmt: skip


def quoted(group: str, total: str, totals_alone: bool = False) -> dict[str, dict[str, float]]:
    """{method: {row: error}} of all results that print `group` ("by_action", "by_joint" or
    "by_body_group"), with the error of all under the name `total`. totals_alone: also of those that
    print nothing else."""
    rows = {result.method: {**getattr(result, group), total: result.all} for result in RESULTS}
    return {method: row for method, row in rows.items() if totals_alone or len(row) > 1}


def source_notes(methods: Iterable[str], mark: str = "†") -> list[str]:
    """The sentences that published results of `methods` need beside them; [] if there are none.
    mark: what a footnote begins with."""
    results = [result for result in RESULTS if result.method in set(methods)]
    sources = {}
    for result in results:
        sources.setdefault(result.source, []).append(result.method)
    listed = "; ".join(f"{', '.join(names)}: {text}" for text, names in sources.items())
    notes = [NOTES["tables"]["published"], f"Sources. {listed}."] if results else []
    return notes + [f"{mark} {result.footnote}" for result in results if result.footnote]


def totals_of_rows() -> pd.DataFrame:
    """Do the published rows give their own totals? A row a method whose actions are printed, in mm:
    the printed total, the actions weighted by TEST_FRAMES, the mean of upper and lower body (NaN
    where not printed), and how far each of the two is from the printed total."""
    frames = pd.Series(TEST_FRAMES)
    rows = {}
    for result in RESULTS:
        if result.by_action:
            weighted = (pd.Series(result.by_action) * frames).sum() / frames.sum()
            halves = pd.Series(result.by_body_group, dtype=float).mean()
            rows[result.method] = (result.all, weighted, halves)
    columns = ["printed total", "actions, weighted", "mean of the halves"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table["actions off by"] = table["actions, weighted"] - table["printed total"]
    table["halves off by"] = table["mean of the halves"] - table["printed total"]
    return table
