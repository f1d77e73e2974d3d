"""All that a sweep has found so far, finished or not: tables, claims and figures below its results."""

import shutil
from dataclasses import dataclass

import pandas as pd

from egolib.evaluation import claims
from egolib.evaluation.ablations import ablated, ablations_text
from egolib.evaluation.comparison import TABLES, build_tables
from egolib.evaluation.tables import save_table, write_table
from egolib.foundation.files import write_atomically
from egolib.models.cost import full_size_costs
from egolib.plots.methods import ablation_figure, method_bars
from egolib.plots.ray_model import error_by_minutes
from egolib.plots.style import save_figure

ABLATION = "ablation_"  # how the names of their figures begin
ABLATIONS = "ablations"
FULL_SIZE = "methods_full_size"


@dataclass(frozen=True)
class Outcome:
    """{name: DataFrame}, {name: StudyFigure}, and claims and ablations as sentences."""

    tables: dict
    figures: dict
    claims: str
    ablations: str


def write_outcome(sweep):
    """Write what a sweep.Sweep has found so far below its results, in place of what an earlier call
    left there -> Outcome.

    tables/: those of comparison.TABLES; FULL_SIZE, of cost.full_size_costs; `runs`, of `standing`;
    ABLATIONS, of `ablated`, and as text; `claims`, of claims.check_claims, and as text with what the
    ray model costs and the finding about the published row. figures/: methods, error_by_minutes, and one
    an ablation. Raises EgolibError when no method is trained yet.
    """
    methods, states, curves = sweep.methods(), sweep.states(), sweep.learning_curves()
    costs = sweep.costs(methods)
    tables = build_tables(methods, costs, states, sweep.data_label)
    full_size = full_size_costs().round(1)
    checked = claims.check_claims(methods, states)
    sentences = [*claims.ray_model_costs(costs), *claims.at_equal_minutes(curves)]
    text = "\n".join([claims.claims_text(checked), *sentences])
    points = {title: found for title in sweep.grid.ablations if (found := sweep.ablation(title))}
    ablations = ablated(sweep.grid, points)
    told = ablations_text(ablations)
    figures = {"methods": method_bars(methods, states)}
    if curves:
        figures["error_by_minutes"] = error_by_minutes(curves)
    for title, found in points.items():
        figures[ABLATION + title] = ablation_figure(found, ablations.loc[[title]])

    folder = sweep.results / "tables"
    for stale in (folder, sweep.results / "figures"):
        shutil.rmtree(stale, ignore_errors=True)
    for name, table in tables.items():
        write_table(TABLES[name], table, folder, name)
    save_table(full_size, folder, FULL_SIZE)
    contents = {
        "runs.csv": standing(sweep).to_csv(index_label="row"),
        "claims.csv": checked.to_csv(index_label="claim"),
        "claims.md": f"{_bullets(text)}\n{claims.finding_about_the_published_row()}\n",
        f"{ABLATIONS}.csv": ablations.round(2).to_csv(),
        f"{ABLATIONS}.md": _bullets(told),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
    for name, figure in figures.items():
        save_figure(figure, sweep.results / "figures", name)
    return Outcome(tables | {FULL_SIZE: full_size, ABLATIONS: ablations}, figures, text, told)


def _bullets(sentences):
    """Lines -> a list in markdown."""
    return "".join(f"- {line}\n" for line in sentences.splitlines())


def standing(sweep):
    """How much of a sweep.Sweep is trained -> DataFrame, a row a variation: "part of" ("methods", or
    the ablations that it is a value of), "seeds trained", "seeds planned"."""
    rows = {}
    for name, variation in sweep.grid.variations.items():
        parts = ["methods"] * (name in sweep.grid.methods)
        parts += [t for t, a in sweep.grid.ablations.items() if name in a.names.values()]
        rows[name] = {
            "part of": ", ".join(parts),
            "seeds trained": len(sweep.seeds(name)),
            "seeds planned": len(variation.seeds),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def unfinished(sweep):
    """What is missing of a sweep.Sweep, in sentences, the first of which sums it up; [] where nothing
    is."""
    runs = standing(sweep)
    trained, planned = runs["seeds trained"], runs["seeds planned"]
    if (trained == planned).all():
        return []
    none = runs.index[trained == 0]
    some = runs[(trained > 0) & (trained < planned)]
    some = [f"{name} ({n} of {of} seeds)" for name, _, n, of in some.itertuples(name=None)]
    parts = [f"Not finished: {trained.sum()} of {planned.sum()} runs are trained."]
    parts += [f"In part: {', '.join(some)}."] * bool(some)
    parts += [f"Not yet: {', '.join(none)}."] * bool(len(none))
    return parts
