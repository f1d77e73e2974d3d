"""Two runs compared on the test frames that both predicted: a page of differences with intervals.

Errors are compared frame by frame, not by whether two intervals overlap.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.evaluation.analysis.answers import compared
from egolib.evaluation.analysis.components import best_model
from egolib.evaluation.predictions import Predictions
from egolib.experiments.manifest import read_manifest, run_sentence
from egolib.foundation.errors import EgolibError
from egolib.metrics import bootstrap_interval
from egolib.plots.style import ACCENT, DARK, LIGHT, StudyFigure, styled
from egolib.report.gallery import model_label
from egolib.report.layout import write_page
from egolib.report.tables import plain
from egolib.skeleton import ACTIONS, BODY_GROUPS, JOINTS, UNKNOWN_ACTION, joint_indices

_SAME_TRUTH_M = 0.001
_COLUMNS = ("a", "b", "b less a", "low", "high")


def write_comparison(run_a, run_b, out):
    """Write the page `out` -> its path. run_a, run_b: results folders of two finished runs.

    Raises EgolibError when a folder holds no finished run, and when they share no model or no test
    frames.
    """
    manifests = [read_manifest(run) for run in (run_a, run_b)]
    found = [_models(run) for run in (run_a, run_b)]
    names = [name for name in found[0] if name in found[1]]
    if not names:
        raise EgolibError(f"{run_b}: has no model in common with {run_a}; nothing to compare")
    pairs = {name: _aligned(*(models[name] for models in found), run_b) for name in names}
    chosen = best_model({name: pair[0] for name, pair in pairs.items()})
    tables = {name: difference_table(*pair) for name, pair in pairs.items()}
    total = tables[chosen].loc["All", ["b less a", "low", "high"]]
    return write_page(
        Path(out), "compare.html", title=f"{Path(run_a).name} and {Path(run_b).name}",
        runs=[(letter, str(run), run_sentence(m))
              for letter, run, m in zip("AB", (run_a, run_b), manifests, strict=True)],
        sentence=f"{model_label(chosen)}: B is {compared(*total, 'worse', 'better')} than A, on the "
        f"same {len(pairs[chosen][0]):,} test frames.",
        figure=_svg(difference_figure(tables[chosen])),
        settings=plain(_settings(*manifests)),
        tables=[(model_label(name), plain(table)) for name, table in tables.items()],
    )  # fmt: skip


def difference_table(a, b):
    """Errors of two Predictions of the same frames -> DataFrame, mm: a row "All", parts of the body,
    actions and joints; mean of a and of b, b less a, and the bounds of that difference."""
    errors = [p.errors_mm for p in (a, b)]
    everywhere = np.ones(len(a), bool)
    actions = [name for name in (*ACTIONS, UNKNOWN_ACTION) if (a.action == name).any()]
    groups = {
        "All": (everywhere, JOINTS),
        **{name: (everywhere, BODY_GROUPS[name]) for name in ("Upper body", "Lower body")},
        **{name: (a.action == name, JOINTS) for name in actions},
        **{name: (everywhere, [name]) for name in JOINTS},
    }
    rows = {}
    for name, (frames, joints) in groups.items():
        mine, other = (e[frames][:, joint_indices(joints)].mean(1) for e in errors)
        gap = bootstrap_interval(other - mine, a.sequence[frames])
        rows[name] = (mine.mean(), other.mean(), *gap)
    return pd.DataFrame.from_dict(rows, orient="index", columns=_COLUMNS)


@styled
def difference_figure(table):
    """By how much b is worse than a, a line a row of `difference_table`."""
    figure = StudyFigure(figsize=(7, 0.8 + 0.2 * len(table)))
    axes, places = figure.subplots(), np.arange(len(table))[::-1]
    axes.axvline(0, color="0.5", linewidth=0.8)
    axes.hlines(places, table.low, table.high, color=LIGHT, linewidth=2.4)
    sure = table.low * table.high > 0
    axes.scatter(table["b less a"], places, s=26, c=np.where(sure, ACCENT, DARK), zorder=3)
    axes.set_yticks(places, table.index)
    axes.set(xlabel="error of B less that of A (mm); left of 0: B is better", ylim=(-1, len(table)))
    axes.grid(axis="x", color="0.9")
    axes.set_title("95 % intervals over sequences; orange: zero lies outside", fontsize=8)
    return figure


def _models(run):
    paths = sorted((Path(run) / "predictions").glob("*.npz"))
    loaded = {path.stem: Predictions.load(path) for path in paths}
    return {name: p for name, p in loaded.items() if not np.isnan(p.predicted_rel_m).any()}


def _aligned(a, b, run_b):
    """Both Predictions cut down to the frames that both have, in one order."""
    _, in_a, in_b = np.intersect1d(a.image, b.image, return_indices=True)
    a, b = a.select(in_a), b.select(in_b)
    if not len(a) or np.abs(a.true_rel_m - b.true_rel_m).max() > _SAME_TRUTH_M:
        raise EgolibError(
            f"{run_b}: predicted other test frames than the run it is compared with; train both "
            "on the same data"
        )
    return a, b


def _settings(*manifests):
    """What differs between two manifests, a row a key."""
    keys = ("commit", "seed", "profile", "data", "versions", "hardware")
    flat = [pd.json_normalize({k: m.get(k) for k in keys}).T[0].astype(str) for m in manifests]
    both = pd.concat(flat, axis=1, keys=["A", "B"]).fillna("–")
    return both[both["A"] != both["B"]]


def _svg(figure):
    stream = io.StringIO()
    figure.savefig(stream, format="svg")
    text = stream.getvalue()
    return text[text.index("<svg") :]
