"""Two runs compared on the test frames that both predicted: a page of differences with intervals.

Errors are compared frame by frame, not by whether two intervals overlap.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from egolib.config import METHOD_LABELS
from egolib.evaluation.analysis.answers import compared
from egolib.evaluation.analysis.components import best_model
from egolib.evaluation.predictions import Predictions
from egolib.experiments.manifest import read_manifest, run_sentence
from egolib.foundation.errors import EgolibError
from egolib.metrics import bootstrap_interval
from egolib.plots.style import ACCENT, DARK, LIGHT, StudyFigure, as_svg, styled
from egolib.report.layout import write_page
from egolib.report.tables import plain
from egolib.skeleton import ACTIONS, BODY_GROUPS, JOINTS, UNKNOWN_ACTION, joint_indices

_SAME_TRUTH_M = 0.001
_COLUMNS = ("a", "b", "b less a", "low", "high")
_SETTINGS = ("commit", "seed", "profile", "data", "versions", "hardware")


def write_comparison(run_a: Path, run_b: Path, out: Path) -> Path:
    """Write the page `out` -> its path. run_a, run_b: results folders of two finished runs.

    Raises EgolibError when a folder holds no finished run, and when the runs share no model or no test
    frames.
    """
    runs = {"A": Path(run_a), "B": Path(run_b)}
    manifests = {letter: read_manifest(run) for letter, run in runs.items()}
    models_a, models_b = (_models(run) for run in runs.values())
    names = [name for name in models_a if name in models_b]
    if not names:
        raise EgolibError(f"{run_b}: has no model in common with {run_a}; nothing to compare")
    pairs = {name: _aligned(models_a[name], models_b[name], run_b) for name in names}
    chosen = best_model({name: pair[0] for name, pair in pairs.items()})
    tables = {name: difference_table(*pair) for name, pair in pairs.items()}
    total = tables[chosen].loc["All", ["b less a", "low", "high"]]
    labels = {name: METHOD_LABELS.get(name, name) for name in names}
    settings = {
        letter: pd.json_normalize({key: m.get(key) for key in _SETTINGS}).T[0].astype(str)
        for letter, m in manifests.items()
    }
    settings = pd.concat(settings, axis=1).fillna("–")
    return write_page(
        Path(out), "compare.html", title=" and ".join(run.name for run in runs.values()),
        runs=[(letter, run, run_sentence(manifests[letter])) for letter, run in runs.items()],
        sentence=f"{labels[chosen]}: B is {compared(*total, 'worse', 'better')} than A, on the "
        f"same {len(pairs[chosen][0]):,} test frames.",
        figure=as_svg(difference_figure(tables[chosen]), "differences"),
        settings=plain(settings[settings["A"] != settings["B"]]),
        tables=[(labels[name], plain(table)) for name, table in tables.items()],
    )  # fmt: skip


def difference_table(a: Predictions, b: Predictions) -> pd.DataFrame:
    """Errors of two models on the same frames in mm, for all frames, parts of the body, actions and
    joints, a row each. Columns: the means of a and of b, b less a, and the bounds of that difference."""
    actions = [name for name in (*ACTIONS, UNKNOWN_ACTION) if (a.action == name).any()]
    groups = {
        "All": (slice(None), JOINTS),
        **{name: (slice(None), BODY_GROUPS[name]) for name in ("Upper body", "Lower body")},
        **{name: (a.action == name, JOINTS) for name in actions},
        **{name: (slice(None), [name]) for name in JOINTS},
    }
    rows = {}
    for name, (frames, joints) in groups.items():
        of_a, of_b = (p.errors_mm[frames][:, joint_indices(joints)].mean(1) for p in (a, b))
        difference = bootstrap_interval(of_b - of_a, a.sequence[frames])
        rows[name] = (of_a.mean(), of_b.mean(), *difference)
    return pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS)


@styled
def difference_figure(table: pd.DataFrame) -> StudyFigure:
    """The differences of `difference_table` with their intervals, a line each."""
    figure = StudyFigure(figsize=(7, 0.8 + 0.2 * len(table)))
    axes, places = figure.subplots(), np.arange(len(table))[::-1]
    axes.axvline(0, color="0.5", linewidth=0.8)
    axes.hlines(places, table.low, table.high, color=LIGHT, linewidth=2.4)
    excludes_0 = table.low * table.high > 0
    colours = np.where(excludes_0, ACCENT, DARK)
    axes.scatter(table["b less a"], places, s=26, c=colours, zorder=3)
    axes.set_yticks(places, table.index)
    axes.set(xlabel="error of B less that of A (mm); left of 0: B is better", ylim=(-1, len(table)))
    axes.grid(axis="x", color="0.9")
    axes.set_title("95 % intervals over sequences; orange: zero lies outside", fontsize=8)
    return figure


def _models(run):
    """{name: Predictions} of a run, without those of networks that predict no pose."""
    models = {p.stem: Predictions.load(p) for p in sorted((run / "predictions").glob("*.npz"))}
    return {name: p for name, p in models.items() if not np.isnan(p.predicted_rel_m).any()}


def _aligned(a, b, run_b):
    """Both Predictions, restricted to the frames of both, in one order."""
    _, in_a, in_b = np.intersect1d(a.image, b.image, return_indices=True)
    a, b = a.select(in_a), b.select(in_b)
    if not len(a) or np.abs(a.true_rel_m - b.true_rel_m).max() > _SAME_TRUTH_M:
        raise EgolibError(
            f"{run_b}: predicted other test frames than the run it is compared with; train both "
            "on the same data"
        )
    return a, b
