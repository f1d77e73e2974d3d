"""The report of a run: a first page with the numbers and figures that matter, and a chapter for each of
where it fails and why, tables, data, training and how to reproduce it, made from the files that the run
left."""

import shutil
from pathlib import Path

import pandas as pd
from PIL import Image

from egolib.config import Method
from egolib.data.exclusions import excluded_path
from egolib.data.visibility import joint_states
from egolib.evaluation import literature
from egolib.evaluation.analysis.answers import ANSWERS_FILE
from egolib.evaluation.tables import TABLES, footnotes, formatted, read_table
from egolib.experiments import manifest as manifests
from egolib.experiments.publishing import RUN
from egolib.experiments.run import REPOSITORY, Study
from egolib.foundation.untrusted import load_state
from egolib.report.changes import changes
from egolib.report.explore import PAGES, write_pages
from egolib.report.layout import write_page
from egolib.report.notebook import markdown_page, notebook_page
from egolib.report.tables import plain, with_sources

_CSS_DPI = 110
_DATA_FIGURES = ("data_", "where_joints_are")
# {row of the summary: what it means}
_TILES = {
    "MPJPE (mm)": "the mean distance of a joint from its true place",
    "PA-MPJPE (mm)": "the same, after the pose is moved, turned and scaled to fit best",
    "PCK at 150 mm (%)": "the share of joints that are within 150 mm",
}
# {file: (heading, what it holds)}
CHAPTERS = {
    "errors": ("Where and why", "Each question of the error analysis with its answer and figures"),
    "tables": ("Tables", "Errors by action, joint and part of the body, beside published ones"),
    "data": ("Data", "What the images show, and what hides the joints"),
    "training": ("Training", "Curves of every stage, and the figures of the lessons"),
    "reproduce": ("Reproduce", "Code, data, machine and command of this run; its notebooks"),
}
# Answers whose figures are on the first page.
_LEADING_ANSWERS = ("which_joints_are_wrong", "what_is_the_error_made_of")


def write_study_pages(study: Study) -> None:
    """Write the interactive pages, executed notebooks, data card and audit of a finished study as pages
    below its results. Takes seconds for a pack or a miniature; it reads at most
    gallery.MOST_FRAMES images."""
    results, index = study.results, study.index("test")
    write_pages(index, study.models(), joint_states(index), results / "pages")
    for path in _notebooks(results):
        notebook_page(path, REPOSITORY / "notebooks")
    if study.renders:
        card = REPOSITORY / "data" / "README.md"
        markdown_page(results / "data_card.html", card, "Data card: the miniature")
    audit = excluded_path(study.source or study.tree).parent
    if (audit / "index.html").is_file():
        shutil.copytree(audit, results / "audit", dirs_exist_ok=True)


def write_report(results_dir: str | Path) -> Path:
    """Write `<results_dir>/index.html` and its CHAPTERS -> path of the first. Raises EgolibError when the
    manifest or a table is missing."""
    results = Path(results_dir)
    manifest = manifests.read_manifest(results)
    figures, answers = figures_of(results), _answers(results)
    summary_first = sorted(TABLES, key=lambda name: name != "summary")
    tables = {name: read_table(results / "tables" / f"{name}.csv") for name in summary_first}
    ((lead, lead_caption),) = RUN.figure.items()
    used = {lead}.union(*(answer["figures"] for answer in answers.values()))
    data = {name for name in figures.keys() - used if name.startswith(_DATA_FIGURES)}
    leads = {lead: f"{lead_caption}: on the image, and from front and side."}
    leads |= {name: answers[name]["sentence"] for name in _LEADING_ANSWERS if name in answers}
    values = {
        "chapters": CHAPTERS,
        "tiles": _tiles(tables["summary"]),
        "leads": [(figures[name], text) for name, text in leads.items() if name in figures],
        "changes": changes(tables["summary"], manifest),
        "answers": answers,
        "figures": figures,
        "pages": {f"pages/{name}.html": texts for name, texts in PAGES.items()},
        "tables": [(TABLES[name][0], with_sources(table)) for name, table in tables.items()],
        "notes": footnotes(pd.concat(list(tables.values()), axis=1)),
        "read_table": lambda name: plain(_table(results / name)),
        "training": sorted(figures.keys() - used - data),
        "data": sorted(data),
        "exists": lambda name: (results / name).is_file(),
        **how_made(results, manifest),
    }
    for name, (title, _) in CHAPTERS.items():
        write_page(results / f"{name}.html", f"{name}.html", chapter=name, title=title, **values)
    title = f"Results of the profile {manifest['profile']['name']}"
    return write_page(results / "index.html", "report.html", chapter="", title=title, **values)


def _table(path):
    """A csv whose first columns, up to the first of numbers, name the row."""
    table = pd.read_csv(path)
    names = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    names = names[:2] if names[:2] == list(table.columns[:2]) else names[:1]
    rows = table[names].astype(str).agg(", ".join, axis=1) if names else table.index.astype(str)
    return table.drop(columns=[*names, "image"], errors="ignore").set_index(rows)


def _answers(results):
    """The answers that answers.Answer.keep wrote, {name: entries of its JSON}, each with "table": the
    path of its table, or ""."""
    path = results / "tables" / ANSWERS_FILE
    answers = load_state(path)
    for name, answer in answers.items():
        table = f"tables/{name}.csv"
        answer["table"] = table if (results / table).is_file() else ""
    return answers


def figures_of(results: Path) -> dict[str, dict]:
    """Path and size of every figure for the template `figure.html`, at the scale at which its letters
    are as large as those of the page."""
    figures = {}
    for path in sorted((results / "figures").glob("*.png")):
        with Image.open(path) as image:
            scale = _CSS_DPI / image.info.get("dpi", (150,))[0]
            width, height = (round(side * scale) for side in image.size)
        figures[path.stem] = {"path": f"figures/{path.name}", "width": width, "height": height}
    return figures


def how_made(results: Path, manifest: dict) -> dict:
    """The values that every report needs: sentences about the run, and command, commit, facts and
    executed notebooks for the template `made.html`."""
    return {
        "run": manifests.run_sentence(manifest),
        "origin": manifests.origin_sentence(results),
        "notebooks": [
            (p.stem, p.with_suffix(".html").is_file(), p.relative_to(results).as_posix())
            for p in _notebooks(results)
        ],
        "command": manifest.get("command"),
        "commit": manifest["commit"],
        "facts": manifests.facts(manifest),
    }


def _tiles(summary):
    """[(number, its bounds, its name)] of the model with the least error, without the oracle."""
    error = summary.loc["MPJPE (mm)"].xs("mean", level="statistic")
    error = error.drop(literature.COLUMN_GROUP, errors="ignore")
    oracle = error.index.get_level_values("name") == Method.ORACLE.label
    best = (error if oracle.all() else error[~oracle]).idxmin()
    text = formatted(summary)[best]
    return [(*text[row].partition(" ")[::2], f"{row}, {best[1]}: {meaning}")
            for row, meaning in _TILES.items()]  # fmt: skip


def _notebooks(results):
    return sorted((results / "notebooks").glob("[0-9]*.ipynb"))
