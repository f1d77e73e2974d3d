"""Several methods on the same test frames, each trained from several seeds -> tables.

The tables are those of tables.py with a column a method, and further ones: seen and hidden
joints, cost, rotations.
"""

import operator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from egolib.data.visibility import BEHIND, HIDDEN_BY_THINGS, HIDDEN_BY_WEARER, OUTSIDE, SEEN
from egolib.evaluation import literature
from egolib.evaluation import tables as run_tables
from egolib.evaluation.predictions import Predictions
from egolib.foundation.errors import EgolibError
from egolib.metrics import area, correct, neck_aligned_mpjpe_mm, pa_joint_errors_mm
from egolib.models.cost import cost_of
from egolib.skeleton import JOINTS

# What the paper prints about each of our methods.
PUBLISHED = {name: result.method for result in literature.RESULTS for name in result.beside}
VISIBILITY = {
    "seen": (SEEN,),
    "hidden": (HIDDEN_BY_WEARER, HIDDEN_BY_THINGS),
    "outside the image": (OUTSIDE, BEHIND),
}


@dataclass(frozen=True)
class SeededPredictions:
    """Predictions of S runs of one method, {seed: Predictions}, for the same N test frames.

    Raises EgolibError when they are not the same frames.
    """

    runs: dict[int, Predictions]

    def __post_init__(self):
        first, *others = self.runs.values()
        if any(not np.array_equal(first.image, other.image) for other in others):
            raise EgolibError("runs on different test frames cannot be compared; train them again")

    def _stacked(self, measure):
        """What `measure` returns of the Predictions of each run, stacked (S, ...)."""
        return np.stack([measure(run) for run in self.runs.values()])

    @property
    def action(self):
        """Action of every frame (N,)."""
        return next(iter(self.runs.values())).action

    @cached_property
    def sequence(self):
        """Cluster of every frame (N,), as Predictions has it."""
        return next(iter(self.runs.values())).sequence

    @property
    def clusters(self):
        """Cluster of every joint of every frame (N, 16)."""
        return np.broadcast_to(self.sequence[:, None], self.errors_mm.shape[1:])

    @cached_property
    def errors_mm(self):
        """Error of every joint (S, N, 16)."""
        return self._stacked(lambda p: p.errors_mm)

    @cached_property
    def pa_errors_mm(self):
        """Error of every joint after the best similarity (S, N, 16)."""
        return self._stacked(lambda p: pa_joint_errors_mm(p.predicted_rel_m, p.true_rel_m))

    @cached_property
    def neck_aligned_mm(self):
        """MPJPE of every frame after both necks are moved to the origin (S, N)."""
        return self._stacked(lambda p: neck_aligned_mpjpe_mm(p.predicted_rel_m, p.true_rel_m))

    @property
    def rotation_errors_deg(self):
        """Geodesic error of every joint (S, N, 16), or (S, 0, 16) where no rotations are
        predicted."""
        return self._stacked(lambda p: p.rotation_errors_deg)

    def where(self, keep):
        """Errors of the joints where `keep`, broadcast to (N, 16), is True -> ((S, M) mm, cluster
        of each (M,))."""
        keep = np.broadcast_to(keep, self.errors_mm.shape[1:])
        return self.errors_mm[:, keep], self.clusters[keep]


_ALIGNED = "MPJPE, necks aligned (mm)"
# {what the names of its tables end in: (what it is, its unit, that of every joint (S, N, 16))}
_LIMIT_MM = run_tables.PCK_THRESHOLD_MM
MEASURES = {
    "": ("MPJPE", "mm", run_tables.errors_mm),
    "_pa": ("PA-MPJPE", "mm", lambda p: p.pa_errors_mm),
    "_pck": (f"PCK at {_LIMIT_MM} mm", "%", lambda p: correct(p.errors_mm, _LIMIT_MM)),
    "_auc": (f"AUC, 0 to {_LIMIT_MM} mm", "%", lambda p: area(p.errors_mm, _LIMIT_MM)),
}
MORE_MEASURES = tuple(suffix for suffix in MEASURES if suffix)


def summary(methods: dict, cost: pd.DataFrame, data_label: str) -> pd.DataFrame:
    """A row a method: errors with intervals, what one image costs, and the published MPJPE.

    methods: {name: SeededPredictions}. cost: DataFrame, a row a name, a column a number ("ms an
    image", ...). Columns as in tables.py, with the measure where its tables have the method.
    """
    source = f"measured on {data_label}"
    columns = {
        (source, f"{what} ({unit})"): {
            name: run_tables.mean_of(of(p).mean(-1), p.sequence) for name, p in methods.items()
        }
        for what, unit, of in MEASURES.values()
    }
    columns[source, _ALIGNED] = {
        name: run_tables.mean_of(p.neck_aligned_mm, p.sequence) for name, p in methods.items()
    }
    printed = {result.method: result.all for result in literature.RESULTS}
    quoted = {name: printed[PUBLISHED[name]] for name in methods if name in PUBLISHED}
    if quoted:
        columns[literature.COLUMN_GROUP, "MPJPE (mm)"] = quoted
    columns |= {("what it costs", what): cost[what].loc[list(methods)].to_dict() for what in cost}
    table = run_tables.joined(columns)
    table.attrs = attributes("methods", table, {name: len(p.runs) for name, p in methods.items()})
    return table


def error_by_visibility(methods, states, data_label, of=run_tables.errors_mm):
    """Mean error in mm, or what `of` returns, of seen and hidden joints and of those outside the
    image.

    states: (N, 16), visibility.STATES of every joint of the test frames. Rows without joints are
    NaN. Columns as in tables.py.
    """

    def measure(p):
        masks = {name: np.isin(states, kinds) for name, kinds in VISIBILITY.items()}
        return {
            f"{name} ({keep.sum()} joints)": run_tables.mean_of(of(p)[:, keep], p.clusters[keep])
            for name, keep in masks.items()
        }

    return run_tables.build_table(methods, data_label, measure, names={})


def rotation_errors(methods: dict, data_label: str) -> pd.DataFrame:
    """Mean geodesic error in degrees of each joint and of all, of the methods that predict
    rotations; empty where none does. Columns as in tables.py."""

    rotating = {name: p for name, p in methods.items() if p.rotation_errors_deg.size}
    rows = {name: [i] for i, name in enumerate(JOINTS)} | {"All": slice(None)}
    of = operator.attrgetter("rotation_errors_deg")
    table = run_tables.table_of_rows(rows, rotating, data_label, of, names={})
    table.attrs = attributes("methods_rotations", table)
    return table


def attributes(name: str, table: pd.DataFrame, seeds: Any = None) -> dict:
    """The `attrs` of one of TABLES for run_tables.footnotes: {"notes": [str], "protocol": str}, each
    only where the table has one of its own.

    seeds: of the table "methods", {method: number of seeds that it was trained from}.
    """
    sentences = literature.NOTES["methods"]
    if name == "methods_rotations":
        rotations = literature.NOTES["rotations"]
        return {"protocol": rotations["protocol"], "notes": [rotations["convention"]]}
    if name != "methods":
        return {}
    notes, methods = [], list(table.index)
    if "training (min)" in table.columns.get_level_values("name"):
        listed = ", ".join(f"{method} {seeds[method]}" for method in methods)
        notes += [sentences["seeds"].format(seeds=listed), sentences["training"]]
    notes += [sentences["aligned"], sentences["cost"]]
    if {"dual", "end_to_end"} <= set(methods):
        notes.append(sentences["dual"])
    dual = [method for method in methods if PUBLISHED.get(method) == PUBLISHED["dual"]]
    published = [PUBLISHED.get(method) for method in methods]
    return {"notes": notes + literature.source_notes(published, mark=f"{' and '.join(dual)}:")}


_GROUPS = {"action": "action", "joint": "joint", "body_group": "part of the body",
           "visibility": "whether the joint is seen"}  # fmt: skip
TABLES = {
    "methods": "Methods side by side",
    **{
        f"methods_by_{group}{suffix}": f"{what} by {title} ({unit})"
        for suffix, (what, unit, _) in MEASURES.items()
        for group, title in _GROUPS.items()
    },
    "methods_rotations": "Rotations: mean geodesic error (degrees)",
}


def build_tables(methods, cost, states, data_label):
    """{key of TABLES: DataFrame}, those that are not empty: arguments as in `summary` and
    `error_by_visibility`; states None where they are not known."""
    tables = {
        "methods": summary(methods, cost, data_label),
        "methods_rotations": rotation_errors(methods, data_label),
    }
    for suffix, (_, _, of) in MEASURES.items():
        arguments = (methods, data_label, of, {})
        tables["methods_by_action" + suffix] = run_tables.error_by_action(*arguments)
        tables["methods_by_joint" + suffix] = run_tables.error_by_joint(*arguments)
        tables["methods_by_body_group" + suffix] = run_tables.error_by_body_group(*arguments)
        if states is not None:
            by_visibility = error_by_visibility(methods, states, data_label, of)
            tables["methods_by_visibility" + suffix] = by_visibility
    return {name: tables[name] for name in TABLES if name in tables and not tables[name].empty}


def tables_of_one(name, predictions, spec, states, data_label):
    """All tables of a single network -> {name of a file: (title, DataFrame)}.

    name: what it is called in them. predictions: its Predictions, spec: its NetworkSpec; the others
    as in `build_tables`.
    """
    measured = {name: SeededPredictions({0: predictions})}
    cost = pd.DataFrame({name: cost_of(spec)}).T
    tables = build_tables(measured, cost, states, data_label)
    named = {"costs": ("Measures and costs", tables.pop("methods"))}
    for key, table in tables.items():
        named[key.removeprefix("methods_")] = TABLES[key], table
    return named
