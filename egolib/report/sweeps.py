"""The report of a sweep, finished or not: methods side by side, claims and ablations, made from the
files that the sweep left."""

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


def write_sweep_report(results_dir: str | Path) -> Path:
    """Write `<results_dir>/index.html` from the manifest and the files of experiments.outcome -> its
    path. Raises EgolibError when one of them is missing."""
    results = Path(results_dir)
    manifest = read_manifest(results)
    folder, figures = results / "tables", figures_of(results)
    for name in ("methods", *_PLAIN_TABLES):
        if not (folder / f"{name}.csv").is_file():
            raise EgolibError(f"{folder / name}.csv: missing; run `egolib sweep --no-training`")
    runs, claims, ablated, full_size = (
        pd.read_csv(folder / f"{name}.csv", index_col=0) for name in _PLAIN_TABLES
    )
    written = [name for name in TABLES if (folder / f"{name}.csv").is_file()]
    tables = {name: read_table(folder / f"{name}.csv") for name in written}
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
        tables=[(TABLES[name], with_sources(t), footnotes(t)) for name, t in tables.items()],
        runs=plain(runs),
        full_size=plain(full_size),
        **how_made(results, manifest),
    )


def _tiles(methods, runs, manifest):
    """[(number, its bounds, its name)]: the method with the least error, without the oracle, and how
    much was done."""
    measured = methods.columns[0][0]
    error = methods[measured, "MPJPE (mm)", "mean"]
    best = error.drop("oracle", errors="ignore").idxmin() if len(error) > 1 else error.idxmin()
    text = formatted(methods)[measured, "MPJPE (mm)"][best]
    return [
        (*text.partition(" ")[::2], f"MPJPE (mm), {best}"),
        (f"{runs['seeds trained'].sum()}", f"of {runs['seeds planned'].sum()}", "runs trained"),
        (f"{manifest['frames'].get('test', 0):,}", "", "test frames"),
        (duration_text(sum(manifest["duration_s"].values())), "", "for all that is done"),
    ]


def _claims(claims):
    """The table of claims.check_claims for the template `table.html`."""
    cells = {
        "verdict": claims.verdict,
        "difference (mm)": [
            f"{row.difference_mm:z.1f} [{row.low:z.1f}, {row.high:z.1f}]"
            for row in claims.itertuples()
        ],
        "draws of this sign (%)": claims.confidence.map("{:.1f}".format),
        "claimed smaller / larger": [
            ratio_text(row) + aim_text(claim, row) for claim, row in claims.iterrows()
        ],
        "seeds": claims.seeds.astype(str),
    }
    sorted_by = claims[["verdict", "difference_mm", "confidence", "ratio", "seeds"]]
    return sortable(pd.DataFrame(cells, claims.index), sorted_by)
