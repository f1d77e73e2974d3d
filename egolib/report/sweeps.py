"""The report of a sweep, finished or not: methods side by side, claims, ablations, made from the files
that the sweep left."""

from pathlib import Path

import pandas as pd

from egolib.evaluation.claims import aim_text, finding_about_the_published_row, ratio_text
from egolib.evaluation.comparison import TABLES, attributes
from egolib.evaluation.tables import footnotes, formatted, read_table
from egolib.experiments.manifest import duration_text, read_manifest
from egolib.experiments.outcome import ABLATION, ABLATIONS, FULL_SIZE
from egolib.foundation.errors import EgolibError
from egolib.report.layout import write_page
from egolib.report.overview import figures_of, how_made
from egolib.report.tables import plain, sortable, with_sources

_PLAIN_TABLES = ("runs", "claims", ABLATIONS, FULL_SIZE)


def write_sweep_report(results_dir):
    """Write `<results_dir>/index.html` from what experiments.outcome and the manifest hold -> its path.
    Raises EgolibError when one of them is missing."""
    results = Path(results_dir)
    manifest = read_manifest(results)
    folder, figures = results / "tables", figures_of(results)
    for name in ("methods", *_PLAIN_TABLES):
        if not (folder / f"{name}.csv").is_file():
            raise EgolibError(f"{folder / name}.csv: missing; run `egolib sweep --no-training`")
    runs, claims, ablated, full_size = (
        pd.read_csv(folder / f"{name}.csv", index_col=0) for name in _PLAIN_TABLES
    )
    found = [name for name in TABLES if (folder / f"{name}.csv").is_file()]
    tables = {name: read_table(folder / f"{name}.csv") for name in found}
    for name, table in tables.items():
        table.attrs = attributes(name, table, runs["seeds trained"])
    return write_page(
        results / "index.html",
        "sweep.html",
        title=f"Methods compared: {manifest['grid']}",
        warning=" ".join(manifest["unfinished"]),
        tiles=_tiles(tables["methods"], runs, manifest),
        lead=figures.get("methods"),
        claims=_claims(claims),
        finding=finding_about_the_published_row(),
        minutes=figures.get("error_by_minutes"),
        ablations={
            title.replace("_", " "): figures[ABLATION + title]
            for title in ablated.index.unique()
            if ABLATION + title in figures
        },
        ablated=plain(ablated),
        tables=[
            {"title": TABLES[name], "content": with_sources(table), "notes": footnotes(table)}
            for name, table in tables.items()
        ],
        runs=plain(runs),
        full_size=plain(full_size),
        **how_made(results, manifest),
    )


def _tiles(methods, runs, manifest):
    """[(number, its bounds, what it is)]: the method with the least error, the oracle aside, and how
    much was done."""
    measured = methods.columns[0][0]
    error = methods[measured, "MPJPE (mm)", "mean"]
    best = error.drop("oracle", errors="ignore").idxmin() if len(error) > 1 else error.idxmin()
    text = formatted(methods)[measured, "MPJPE (mm)"][best]
    return [
        (*text.partition(" ")[::2], f"MPJPE (mm), {best}"),
        (f"{runs['seeds trained'].sum()}", f"of {runs['seeds planned'].sum()}", "runs trained"),
        (f"{manifest['frames']['test']:,}", "", "test frames"),
        (duration_text(sum(manifest["duration_s"].values())), "", "for all that is done"),
    ]


def _claims(claims):
    """claims.check_claims -> what the template `table.html` shows."""
    sorted_by = ["verdict", "difference_mm", "confidence", "ratio", "seeds"]
    heads = [
        "verdict",
        "difference (mm)",
        "draws of this sign (%)",
        "claimed smaller / larger",
        "seeds",
    ]
    text = [
        (
            row.verdict,
            f"{row.difference_mm:z.1f} [{row.low:z.1f}, {row.high:z.1f}]",
            f"{row.confidence:.1f}",
            ratio_text(row) + aim_text(claim, row),
            f"{row.seeds}",
        )
        for claim, row in claims.iterrows()
    ]
    return sortable(pd.DataFrame(text, claims.index, heads), claims[sorted_by])
