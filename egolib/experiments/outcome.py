"""The outcome of a sweep, finished or not: its tables, claims and figures."""

import shutil
from dataclasses import dataclass

import pandas as pd

from egolib.evaluation import claims
from egolib.evaluation.ablations import ablated, ablations_text
from egolib.evaluation.comparison import TABLES, build_tables
from egolib.evaluation.tables import save_table, write_table
from egolib.experiments.sweep import Sweep
from egolib.foundation.files import write_atomically
from egolib.models.cost import full_size_costs
from egolib.plots.methods import ablation_figure, method_bars
from egolib.plots.ray_model import error_by_minutes
from egolib.plots.style import StudyFigure, save_figure

ABLATION = "ablation_"  # prefix of the names of their figures
ABLATIONS = "ablations"
FULL_SIZE = "methods_full_size"


@dataclass(frozen=True)
class Outcome:
    """Tables and figures by name, and claims and ablations as sentences, a line each."""

    tables: dict[str, pd.DataFrame]
    figures: dict[str, StudyFigure]
    claims: str
    ablations: str


def write_outcome(sweep: Sweep) -> Outcome:
    """Write the present outcome of a sweep below its results, in place of an earlier one.

    tables/: those of comparison.TABLES; FULL_SIZE, of cost.full_size_costs; `runs`, of `standing`;
    ABLATIONS, also as text; `claims`, also as text, with the costs of the ray model and the finding
    about the published row. figures/: methods, error_by_minutes, and one for each ablation. Raises
    EgolibError when no method is trained yet.
    """
    methods, states, curves = sweep.methods(), sweep.states(), sweep.learning_curves()
    costs = sweep.costs(methods)
    tables = build_tables(methods, costs, states, sweep.data_label)
    full_size = full_size_costs().round(1)
    checked = claims.check_claims(methods, states)
    sentences = [*claims.ray_model_costs(costs), *claims.at_equal_minutes(curves)]
    claims_text = "\n".join([claims.claims_text(checked), *sentences])
    points = {title: runs for title in sweep.grid.ablations if (runs := sweep.ablation(title))}
    ablations = ablated(sweep.grid, points)
    ablation_sentences = ablations_text(ablations)
    figures = {"methods": method_bars(methods, states)}
    if curves:
        figures["error_by_minutes"] = error_by_minutes(curves)
    for title, predictions in points.items():
        figures[ABLATION + title] = ablation_figure(predictions, ablations.loc[[title]])

    folder = sweep.results / "tables"
    for stale in (folder, sweep.results / "figures"):
        shutil.rmtree(stale, ignore_errors=True)
    for name, table in tables.items():
        write_table(TABLES[name], table, folder, name)
    save_table(full_size, folder, FULL_SIZE)
    contents = {
        "runs.csv": standing(sweep).to_csv(index_label="row"),
        "claims.csv": checked.to_csv(index_label="claim"),
        "claims.md": f"{_bullets(claims_text)}\n{claims.finding_about_the_published_row()}\n",
        f"{ABLATIONS}.csv": ablations.round(2).to_csv(),
        f"{ABLATIONS}.md": _bullets(ablation_sentences),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
    for name, figure in figures.items():
        save_figure(figure, sweep.results / "figures", name)
    tables |= {FULL_SIZE: full_size, ABLATIONS: ablations}
    return Outcome(tables, figures, claims_text, ablation_sentences)


def _bullets(sentences):
    """Lines as a list in Markdown."""
    return "".join(f"- {line}\n" for line in sentences.splitlines())


def standing(sweep: Sweep) -> pd.DataFrame:
    """How many seeds of a sweep are trained, a row a variation.

    Columns: "part of" ("methods", and the ablations in which it is a value), "seeds trained", "seeds
    planned".
    """
    rows = {}
    for name, variation in sweep.grid.variations.items():
        parts = ["methods"] * (name in sweep.grid.methods)
        parts += [t for t, a in sweep.grid.ablations.items() if name in a.names.values()]
        rows[name] = (", ".join(parts), len(sweep.seeds(name)), len(variation.seeds))
    columns = ["part of", "seeds trained", "seeds planned"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def unfinished(sweep: Sweep) -> list[str]:
    """Sentences about the runs of a sweep that are missing, a summary first; [] where none is."""
    runs = standing(sweep)
    trained, planned = runs["seeds trained"], runs["seeds planned"]
    if (trained == planned).all():
        return []
    none = runs.index[trained == 0]
    some = runs[(trained > 0) & (trained < planned)]
    some = [f"{name} ({n} of {of} seeds)" for name, _, n, of in some.itertuples(name=None)]
    sentences = [f"Not finished: {trained.sum()} of {planned.sum()} runs are trained."]
    sentences += [f"In part: {', '.join(some)}."] * bool(some)
    return sentences + [f"Not yet: {', '.join(none)}."] * bool(len(none))
