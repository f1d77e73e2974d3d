"""All that a sweep has found so far, finished or not: tables, claims and figures below its results."""

import pandas as pd

from egolib.cost import full_size_costs
from egolib.drawing import save_figure
from egolib.files import write_atomically
from egolib.methods.claims import check_claims, claims_text, finding_about_the_published_row
from egolib.methods.comparison import TABLES, build_tables
from egolib.methods.methodplots import ablation_figure, method_bars
from egolib.ourplots import error_by_minutes
from egolib.results import save_table, write_table

ABLATION = "ablation_"  # how the names of their figures begin
FULL_SIZE = "methods_full_size"


def write_outcome(sweep):
    """Write what a sweep.Sweep has found so far below its results -> {name: table}.

    tables/: those of comparison.TABLES; FULL_SIZE, of cost.full_size_costs; `runs`, of `standing`;
    `claims`, of claims.check_claims, and as text with the finding about the published row. figures/:
    methods, error_by_minutes, and one an ablation. Raises EgolibError when no method is trained yet.
    """
    methods, states = sweep.methods(), sweep.states()
    folder, figures = sweep.results / "tables", sweep.results / "figures"
    tables = build_tables(methods, sweep.costs(methods), states, sweep.data_label)
    for name, table in tables.items():
        write_table(TABLES[name], table, folder, name)
    tables[FULL_SIZE] = save_table(full_size_costs().round(1), folder, FULL_SIZE)
    write_atomically(folder / "runs.csv", standing(sweep).to_csv(index_label="row"))
    claims = check_claims(methods, states)
    write_atomically(folder / "claims.csv", claims.to_csv(index_label="claim"))
    text = f"{claims_text(claims)}\n\n{finding_about_the_published_row()}\n"
    write_atomically(folder / "claims.md", text)
    save_figure(method_bars(methods, states), figures, "methods")
    if curves := sweep.learning_curves():
        save_figure(error_by_minutes(curves), figures, "error_by_minutes")
    for title, (key, _) in sweep.grid.ablations.items():
        if points := sweep.ablation(title):
            save_figure(ablation_figure(points, key), figures, f"{ABLATION}{title}")
    return tables


def standing(sweep):
    """How much of a sweep.Sweep is trained -> DataFrame, a row a variation: "part of" ("methods", or
    the ablations that it is a value of), "seeds trained", "seeds planned"."""
    rows = {}
    for name, variation in sweep.grid.variations.items():
        parts = ["methods"] * (name in sweep.grid.methods)
        parts += [t for t, (_, names) in sweep.grid.ablations.items() if name in names.values()]
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
