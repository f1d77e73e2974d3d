"""What changed against the run of the same profile that the repository publishes."""

import pandas as pd

from egolib.evaluation import literature
from egolib.evaluation.tables import read_table
from egolib.experiments import manifest as manifests
from egolib.experiments.run import REPOSITORY
from egolib.report.tables import plain

_ROW = "MPJPE (mm)"


def changes(summary: pd.DataFrame, manifest: dict) -> dict:
    """Compare MPJPE of each method with the published run -> {"sentence", "table": for the template
    `table.html`, or None}.

    summary, manifest: those of the run. Runs on other data are not compared.
    """
    folder = REPOSITORY / "results" / "published" / manifest["profile"]["name"]
    if not (folder / "manifest.json").is_file():
        return {"sentence": "No run of this profile is published.", "table": None}
    published = manifests.read_manifest(folder)
    made = f"commit {(published['commit'] or 'unknown')[:7]} of {published['date'][:10]}"
    if published["data"]["test"] != manifest["data"]["test"]:
        sentence = (
            f"The published run ({made}) has other test frames, so its numbers do not compare."
        )
        return {"sentence": sentence, "table": None}
    tables = summary, read_table(folder / "tables" / "summary.csv")
    now, before = map(_errors, tables)
    both = now.join(before, lsuffix=", this run", rsuffix=", published", how="inner")
    if both.empty:
        return {"sentence": f"The published run ({made}) has other methods.", "table": None}
    less = both["mean, this run"] - both["mean, published"]
    apart = (both["low, this run"] > both["high, published"]) | (
        both["high, this run"] < both["low, published"]
    )
    sentence = (
        f"Against the published run ({made}), on the same test frames: "
        f"{'; '.join(f'{name} {change:+.1f} mm' for name, change in less.items())}. "
        + (f"Without overlap of the intervals: {', '.join(both.index[apart])}." if apart.any()
           else "The intervals of each method overlap.")
    )  # fmt: skip
    return {"sentence": sentence, "table": plain(both.assign(change=less))}


def _errors(summary):
    """MPJPE of each measured method, a row each: mean, low, high."""
    row = summary.loc[_ROW].drop(literature.COLUMN_GROUP, level="source", errors="ignore")
    return row.droplevel("source").unstack("statistic")[["mean", "low", "high"]]
