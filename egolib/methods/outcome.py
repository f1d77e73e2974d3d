"""All that a sweep has found so far, finished or not: tables, claims and figures below its results."""

from dataclasses import dataclass

import pandas as pd

from egolib.cost import full_size_costs
from egolib.drawing import save_figure
from egolib.files import write_atomically
from egolib.methods.ablations import ablated, ablations_text
from egolib.methods.claims import (
    at_equal_minutes,
    check_claims,
    claims_text,
    finding_about_the_published_row,
    what_ours_costs,
)
from egolib.methods.comparison import TABLES, build_tables
from egolib.methods.methodplots import ablation_figure, method_bars
from egolib.ourplots import error_by_minutes
from egolib.results import save_table, write_table

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
    """Write what a sweep.Sweep has found so far below its results -> Outcome.

    tables/: those of comparison.TABLES; FULL_SIZE, of cost.full_size_costs; `runs`, of `standing`;
    ABLATIONS, of `ablated`, and as text; `claims`, of claims.check_claims, and as text with what our
    model costs and the finding about the published row. figures/: methods, error_by_minutes, and one
    an ablation. What an earlier call left and this one cannot tell is removed. Raises EgolibError
    when no method is trained yet.
    """
    methods, states, curves = sweep.methods(), sweep.states(), sweep.learning_curves()
    folder, costs = sweep.results / "tables", sweep.costs(methods)
    tables = build_tables(methods, costs, states, sweep.data_label)
    for name, table in tables.items():
        write_table(TABLES[name], table, folder, name)
    tables[FULL_SIZE] = save_table(full_size_costs().round(1), folder, FULL_SIZE)
    write_atomically(folder / "runs.csv", standing(sweep).to_csv(index_label="row"))
    claims = check_claims(methods, states)
    write_atomically(folder / "claims.csv", claims.to_csv(index_label="claim"))
    text = "\n".join([claims_text(claims), *what_ours_costs(costs), *at_equal_minutes(curves)])
    claims_md = f"{_bullets(text)}\n{finding_about_the_published_row()}\n"
    write_atomically(folder / "claims.md", claims_md)
    figures = {"methods": method_bars(methods, states)}
    if curves:
        figures["error_by_minutes"] = error_by_minutes(curves)
    points = {title: sweep.ablation(title) for title in sweep.grid.ablations}
    points = {title: found for title, found in points.items() if found}
    tables[ABLATIONS] = ablated(sweep.grid, points)
    rounded = tables[ABLATIONS].round(2).to_csv(index_label="ablation")
    write_atomically(folder / f"{ABLATIONS}.csv", rounded)
    told = ablations_text(tables[ABLATIONS])
    write_atomically(folder / f"{ABLATIONS}.md", _bullets(told))
    for title, found in points.items():
        figures[ABLATION + title] = ablation_figure(found, tables[ABLATIONS].loc[[title]])
    for name, figure in figures.items():
        save_figure(figure, sweep.results / "figures", name)
    _remove_stale(folder, TABLES.keys() - tables.keys())
    _remove_stale(sweep.results / "figures", _known_figures(sweep) - figures.keys())
    return Outcome(tables, figures, text, told)


def _bullets(sentences):
    """Lines -> a list in markdown."""
    return "".join(f"- {line}\n" for line in sentences.splitlines())


def _known_figures(sweep):
    """Names of the figures that `write_outcome` writes, and wrote for ablations that the grid had."""
    drawn = (sweep.results / "figures").glob(f"{ABLATION}*.png")
    return {"error_by_minutes", *(path.stem for path in drawn)}


def _remove_stale(folder, names):
    """Remove what an earlier call left under these names, and this one cannot tell any more."""
    for name in names:
        for path in folder.glob(f"{name}.*"):
            path.unlink()


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
    none = [name for name in runs.index if not trained[name]]
    some = [f"{name} ({trained[name]} of {planned[name]} seeds)"
            for name in runs.index if 0 < trained[name] < planned[name]]  # fmt: skip
    parts = [f"Not finished: {trained.sum()} of {planned.sum()} runs are trained."]
    parts += [f"In part: {', '.join(some)}."] * bool(some)
    parts += [f"Not yet: {', '.join(none)}."] * bool(none)
    return parts
