"""Tables of metrics (csv, md, tex), with published numbers beside measured ones.

The columns of a table are a MultiIndex of three levels: the source of a number ("measured on ...",
or literature.COLUMN_GROUP), the name of the method or measure, and the statistic (mean, low, high).
Measured and published numbers never share a column. The csv keeps mean and 95 % interval as numbers
below a header of three lines; md and tex print them as "mean [low, high]". Intervals come from
a bootstrap over whole sequences (metrics.py).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from egolib.config import METHOD_LABELS, Method
from egolib.evaluation import literature
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically
from egolib.metrics import bootstrap_interval, correct, neck_aligned_mpjpe_mm, pa_mpjpe_mm
from egolib.skeleton import (
    ACTIONS,
    BODY_GROUPS,
    JOINTS,
    UNKNOWN_ACTION,
    joint_indices,
    without_side,
)

DATA_TABLES = "data_"  # the names of tables about the data begin with this
PCK_THRESHOLD_MM = 150
_LEVELS = ("source", "name", "statistic")
_STATISTICS = ("mean", "low", "high")
_ROWS_OF_COUNTS = ("frames", "clusters (a character in a clip)", "side of the input (px)")
_ALL_JOINTS = slice(None)
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "†": r"\dag{}",
})  # fmt: skip
_PUBLISHED_IN_SUMMARY = ("xR-EgoPose dual branch", "lifting from ground-truth heatmaps")


def errors_mm(p: Any) -> np.ndarray:
    """Error of every joint of Predictions (N, 16), or of comparison.SeededPredictions (S, N,
    16)."""
    return p.errors_mm


def error_by_action(
    predictions: dict, data_label: str, of: Callable = errors_mm, names: dict = METHOD_LABELS
) -> pd.DataFrame:
    """MPJPE in mm by action. The row 'All' is the mean over all frames.

    Args:
        predictions: {Method: predictions.Predictions} for some or all methods, or {method:
            comparison.SeededPredictions}.
        data_label: the data that the methods were evaluated on.
        of: function from such predictions to the value of every joint that is averaged, (N, 16) or
            (S, N, 16). The table has published numbers only if this is the error.
        names: {key of predictions: its name in the table}; a key that is not in it is its own name.

    Returns a DataFrame with three-level columns (source, name, statistic); an action without frames
    is NaN.
    """
    unknown = any((p.action == UNKNOWN_ACTION).any() for p in predictions.values())
    actions = [*ACTIONS, UNKNOWN_ACTION] if unknown else ACTIONS
    rows = {name: name for name in actions} | {"All": _ALL_JOINTS}
    published = literature.quoted("by_action", "All", totals_alone=True)
    return table_of_rows(rows, predictions, data_label, of, names, published)


def error_by_joint(
    predictions: dict, data_label: str, of: Callable = errors_mm, names: dict = METHOD_LABELS
) -> pd.DataFrame:
    """Mean error in mm of each joint, of left and right joints together ('Arm, both sides'), and of
    all joints.

    Arguments and columns as in `error_by_action`. Published numbers do not distinguish the sides.
    """
    rows = {}
    for i, name in enumerate(JOINTS):
        rows[name] = [i]
        if name.startswith("Right"):
            rows[f"{without_side(name)}, both sides"] = joint_indices(
                [name.replace("Right", "Left"), name]
            )
    rows["All"] = _ALL_JOINTS
    published = literature.quoted("by_joint", "All")
    return table_of_rows(rows, predictions, data_label, of, names, published)


def error_by_body_group(
    predictions: dict, data_label: str, of: Callable = errors_mm, names: dict = METHOD_LABELS
) -> pd.DataFrame:
    """MPJPE in mm of upper, lower and full body; arguments and columns as in `error_by_action`."""
    rows = {group: joint_indices(joints) for group, joints in BODY_GROUPS.items()}
    published = literature.quoted("by_body_group", "Full body")
    return table_of_rows(rows, predictions, data_label, of, names, published)


def table_of_rows(rows, predictions, data_label, of, names, published=None):
    """Build a table of means over frames and joints. The other arguments and the columns are those
    of `error_by_action`.

    rows: {row: positions of its joints, or the action of its frames}. published: as in
    `build_table`; only used if `of` is `errors_mm`.
    """

    def measure(p):
        values = of(p)
        return {
            row: mean_of(values.mean(-1)[..., p.action == part], p.sequence[p.action == part])
            if isinstance(part, str)
            else mean_of(values[..., part].mean(-1), p.sequence)
            for row, part in rows.items()
        }

    published = published if of is errors_mm else None
    return build_table(predictions, data_label, measure, names, published)


def summary(predictions: dict, data_label: str) -> pd.DataFrame:
    """A table with one row per measure and one column per method; arguments and columns as in
    `error_by_action`.

    The 2D rows are NaN for the oracle, because its heatmaps are drawn from the labels. PCK and the
    share of 2D joints near the truth are percentages of joints.
    """

    def measure(p):
        poses = p.predicted_rel_m, p.true_rel_m
        in_3d = {
            "MPJPE (mm)": p.errors_mm.mean(-1),
            "MPJPE, necks aligned (mm)": neck_aligned_mpjpe_mm(*poses),
            "PA-MPJPE (mm)": pa_mpjpe_mm(*poses),
            f"PCK at {PCK_THRESHOLD_MM} mm (%)": correct(p.errors_mm, PCK_THRESHOLD_MM).mean(-1),
        }
        known = ~np.isnan(p.errors_px)
        errors_px, clusters = p.errors_px[known], p.sequence[np.nonzero(known)[0]]
        close = 100.0 * (errors_px <= p.image_px / 10)
        return {name: mean_of(values, p.sequence) for name, values in in_3d.items()} | {
            "2D error, median (px of the input)": np.median(errors_px) if known.any() else np.nan,
            "2D joints within a tenth of the image (%)": mean_of(close, clusters),
            "side of the input (px)": p.image_px,
            "frames": len(p),
            "clusters (a character in a clip)": len(np.unique(p.sequence)),
        }

    printed = {result.method: {"MPJPE (mm)": result.all} for result in literature.RESULTS}
    published = {method: printed[method] for method in _PUBLISHED_IN_SUMMARY}
    table = build_table(predictions, data_label, measure, published=published)
    in_2d = table.index.str.startswith("2D")
    table.loc[in_2d, table.columns.get_level_values("name") == Method.ORACLE.label] = np.nan
    return table


def mean_of(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval of values (N,) or (S, N), by a bootstrap over clusters (N,) -> (mean,
    low, high); all NaN if there are no values."""
    return bootstrap_interval(values, clusters) if len(clusters) else (np.nan,) * 3


def build_table(predictions, data_label, measure, names=METHOD_LABELS, published=None):
    """Build a table with a column for each of `predictions` and for each method in `published`.

    measure: function from one of the predictions to its rows, {row: (mean, low, high), or a
    number}. published: {method: {row: number}}.
    """
    source = f"measured on {data_label}"
    columns = {(source, names.get(key, key)): measure(p) for key, p in predictions.items()}
    for method, rows in (published or {}).items():
        columns[literature.COLUMN_GROUP, method] = rows
    return joined(columns)


def joined(columns):
    """{(source, name): {row: (mean, low, high), or a number}} -> DataFrame with three-level
    columns, NaN where a column has no such row."""
    parts = {}
    for key, rows in columns.items():
        rows = {row: dict(zip(_STATISTICS, np.atleast_1d(value), strict=False))
                for row, value in rows.items()}  # fmt: skip
        parts[key] = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
    return pd.concat(parts, axis=1, names=_LEVELS) if parts else pd.DataFrame()


def formatted(table: pd.DataFrame) -> pd.DataFrame:
    """A table of this module -> the same table as text, with two-level columns and cells such as
    "mean [low, high]".

    Numbers have one decimal, or two if they are below 1 and have no interval; counts (frames,
    sequences, side of the input) have none. † marks a footnote.
    """
    marked = {result.method for result in literature.RESULTS if result.footnote}

    def cell(name, mean, low, high):
        if np.isnan(mean):
            return "–"
        if np.isnan(low):
            return f"{mean:.0f}" if name in _ROWS_OF_COUNTS else f"{mean:.{1 if mean >= 1 else 2}f}"
        return f"{mean:.1f} [{low:.1f}, {high:.1f}]"

    columns, absent = {}, [np.nan] * len(table)
    for source, name in dict.fromkeys(table.columns.droplevel(2)):
        parts = [table.get((source, name, statistic), absent) for statistic in _STATISTICS]
        mark = " †" if name in marked else ""
        columns[source, name + mark] = [cell(*row) for row in zip(table.index, *parts, strict=True)]
    return pd.DataFrame(columns, index=table.index)


def footnotes(table: pd.DataFrame) -> list[str]:
    """The sentences below a table: how its intervals are computed, how its errors are measured
    (`table.attrs["protocol"]`, if they are not position errors), the sources of published numbers,
    and `table.attrs["notes"]`."""
    return [
        literature.NOTES["tables"]["intervals"],
        table.attrs.get("protocol", literature.NOTES["tables"]["protocol"]),
        *literature.source_notes(table.columns.get_level_values(1)),
        *table.attrs.get("notes", ()),
    ]


TABLES = {
    "by_action": ("Mean error by action (mm)", error_by_action),
    "by_joint": ("Mean error by joint (mm)", error_by_joint),
    "by_body_group": ("Mean error by part of the body (mm)", error_by_body_group),
    "summary": ("Summary", summary),
}


def sources_as_markdown(title: str, table: pd.DataFrame) -> str:
    """A table of this module -> markdown: its title, and one table for each source of numbers. Rows
    that have no number from this source are left out."""
    text = formatted(table)
    parts = [f"**{title}**"]
    for group in dict.fromkeys(text.columns.get_level_values(0)):
        filled = text[group][(text[group] != "–").any(axis=1)]
        if not filled.empty:
            parts += [f"*{group}*", filled.to_markdown(disable_numparse=True)]
    return "\n\n".join(parts)


def as_markdown(title: str, table: pd.DataFrame) -> str:
    """A table of this module -> markdown: `sources_as_markdown`, followed by the footnotes."""
    notes = "".join(f"- {note}\n" for note in footnotes(table))
    return f"{sources_as_markdown(title, table)}\n\n{notes}"


def as_latex(title: str, table: pd.DataFrame) -> str:
    """A table of this module -> a tabular (packages booktabs, multirow) and its footnotes."""
    text = formatted(table).map(_latex)
    text.index = text.index.map(_latex)
    text.columns = text.columns.map(lambda column: tuple(map(_latex, column)))
    body = text.to_latex(multicolumn_format="c", column_format="l" + "r" * text.shape[1])
    notes = _latex(" ".join(footnotes(table))).replace("+-", r"$\pm$")
    return f"% {title}\n{body}\n\\par{{\\footnotesize {notes}}}\n"


def _latex(text):
    return text.translate(_LATEX)


def save_table(table: pd.DataFrame, folder: Path, name: str) -> pd.DataFrame:
    """Write a DataFrame that is not one of TABLES as `<folder>/<name>.csv` and `.md`. Returns the
    DataFrame, so that a notebook shows it. A table is published if its name begins with
    DATA_TABLES."""
    write_atomically(Path(folder) / f"{name}.csv", table.to_csv(index_label="row"))
    write_atomically(Path(folder) / f"{name}.md", table.to_markdown() + "\n")
    return table


def write_tables(predictions: dict, data_label: str, folder: Path) -> None:
    """Write `<folder>/{by_action,by_joint,by_body_group,summary}.{csv,md,tex}`. The
    predictions and data_label are those of `error_by_action`."""
    for name, (title, build) in TABLES.items():
        write_table(title, build(predictions, data_label), folder, name)


def write_table(title: str, table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table of this module as `<folder>/<name>.{csv,md,tex}`."""
    contents = {
        "csv": table.to_csv(float_format="%.4f", index_label="row"),
        "md": as_markdown(title, table),
        "tex": as_latex(title, table),
    }
    for suffix, content in contents.items():
        write_atomically(Path(folder) / f"{name}.{suffix}", content)


def read_table(path: Path) -> pd.DataFrame:
    """Read a csv that `write_table` wrote -> the DataFrame, without its attrs. Raises EgolibError
    if the file is missing or was written by an older version."""
    try:
        table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: missing; run the notebooks, or the sweep, again") from error
    if table.columns.names != [*_LEVELS]:
        raise EgolibError(f"{path}: not a table of this version; run the notebooks again")
    return table.rename_axis(index=None)
