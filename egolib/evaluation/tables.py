"""Metrics -> tables (csv, md, tex), published figures beside measured ones.

The columns of a table are a MultiIndex of three levels: the source of a number ("measured on ...",
or literature.COLUMN_GROUP), the name of the method or measure, and the statistic (mean, low, high).
Measured and published figures never share a column. The csv keeps mean and 95 % interval as numbers
below a header of three lines; md and tex print them as "mean [low, high]". Intervals resample whole
sequences (metrics).
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

DATA_TABLES = "data_"  # how the names of tables about the data begin
PCK_THRESHOLD_MM = 150
_LEVELS = ("source", "name", "statistic")
_STATISTICS = ("mean", "low", "high")
_COUNTS = ("frames", "clusters (a character in a clip)", "side of the input (px)")
_EVERY = slice(None)
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "†": r"\dag{}",
})  # fmt: skip
_SUMMARY_PUBLISHED = ("xR-EgoPose dual branch", "lifting from ground-truth heatmaps")


def errors_mm(p: Any) -> np.ndarray:
    """Error of every joint of Predictions (N, 16), or of comparison.SeededPredictions (S, N,
    16)."""
    return p.errors_mm


def error_by_action(
    predictions: dict, data_label: str, of: Callable = errors_mm, names: dict = METHOD_LABELS
) -> pd.DataFrame:
    """MPJPE in mm by action, every frame counted once in 'All' (the mean over frames).

    predictions: {Method: predictions.Predictions}, in part or whole, or {method:
    comparison.SeededPredictions}. data_label: what they were measured on. of: another number of
    every joint than its error, from such predictions -> (N, 16) or (S, N, 16); there are no
    published figures of it. names: {key: how it is called in the table}, others as they are.
    Returns a DataFrame with three-level columns (source, name, statistic); an action without frames
    is NaN.
    """
    unknown = any((p.action == UNKNOWN_ACTION).any() for p in predictions.values())
    actions = [*ACTIONS, UNKNOWN_ACTION] if unknown else ACTIONS
    rows = {name: name for name in actions} | {"All": _EVERY}
    published = literature.quoted("by_action", "All", totals_alone=True)
    return table_of_rows(rows, predictions, data_label, of, names, published)


def error_by_joint(
    predictions: dict, data_label: str, of: Callable = errors_mm, names: dict = METHOD_LABELS
) -> pd.DataFrame:
    """Mean error in mm of each joint, of left and right together ('Arm, both sides'), and of all.

    Arguments and columns as in `error_by_action`. Published figures know no sides.
    """
    rows = {}
    for i, name in enumerate(JOINTS):
        rows[name] = [i]
        if name.startswith("Right"):
            rows[f"{without_side(name)}, both sides"] = joint_indices(
                [name.replace("Right", "Left"), name]
            )
    rows["All"] = _EVERY
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
    """A table of means over frames and joints; arguments and columns as in `error_by_action`, and

    rows: {row: positions of its joints, or the action of its frames}. published: as in
    `build_table`, left out where the table is not one of errors.
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
    """One row a measure, one column a stage; arguments and columns as in `error_by_action`.

    2D rows are NaN for the oracle, whose heatmaps are drawn from the truth. PCK and 2D shares
    are in percent of joints.
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
    published = {method: printed[method] for method in _SUMMARY_PUBLISHED}
    table = build_table(predictions, data_label, measure, published=published)
    in_2d = table.index.str.startswith("2D")
    table.loc[in_2d, table.columns.get_level_values("name") == Method.ORACLE.label] = np.nan
    return table


def mean_of(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval of values (N,) or (S, N) in clusters (N,) -> (mean, low, high), NaN
    where there are none."""
    return bootstrap_interval(values, clusters) if len(clusters) else (np.nan,) * 3


def build_table(predictions, data_label, measure, names=METHOD_LABELS, published=None):
    """A table with a name for every one of `predictions`, with the rows {row: (mean, low, high), or
    a number} that `measure` returns of it, and one for every method of `published`, {method: {row:
    number}}."""
    source = f"measured on {data_label}"
    columns = {(source, names.get(key, key)): measure(p) for key, p in predictions.items()}
    for method, rows in (published or {}).items():
        columns[literature.COLUMN_GROUP, method] = rows
    return joined(columns)


def joined(columns):
    """{(source, name): {row: (mean, low, high), or a number}} -> DataFrame with three-level
    columns, NaN where a row lacks a column."""
    parts = {}
    for key, rows in columns.items():
        rows = {row: dict(zip(_STATISTICS, np.atleast_1d(value), strict=False))
                for row, value in rows.items()}  # fmt: skip
        parts[key] = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
    return pd.concat(parts, axis=1, names=_LEVELS) if parts else pd.DataFrame()


def formatted(table: pd.DataFrame) -> pd.DataFrame:
    """A table of this module -> the same as text: two-level columns, "mean [low, high]".

    One decimal; counts (frames, sequences, side of the input) have none. † marks a footnote.
    """
    marked = {result.method for result in literature.RESULTS if result.footnote}

    def cell(name, mean, low, high):
        if np.isnan(mean):
            return "–"
        if np.isnan(low):
            return f"{mean:.0f}" if name in _COUNTS else f"{mean:.{1 if mean >= 1 else 2}f}"
        return f"{mean:.1f} [{low:.1f}, {high:.1f}]"

    columns, absent = {}, [np.nan] * len(table)
    for source, name in dict.fromkeys(table.columns.droplevel(2)):
        parts = [table.get((source, name, statistic), absent) for statistic in _STATISTICS]
        mark = " †" if name in marked else ""
        columns[source, name + mark] = [cell(*row) for row in zip(table.index, *parts, strict=True)]
    return pd.DataFrame(columns, index=table.index)


def footnotes(table: pd.DataFrame) -> list[str]:
    """The sentences a table needs: how intervals are drawn, how errors are measured
    (`table.attrs["protocol"]` where they are none of positions), the source of what is quoted, and
    `table.attrs["notes"]`."""
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
    """A table of this module -> markdown: its title and a table for each source of its numbers
    without the rows that this source does not fill."""
    text = formatted(table)
    parts = [f"**{title}**"]
    for group in dict.fromkeys(text.columns.get_level_values(0)):
        filled = text[group][(text[group] != "–").any(axis=1)]
        if not filled.empty:
            parts += [f"*{group}*", filled.to_markdown(disable_numparse=True)]
    return "\n\n".join(parts)


def as_markdown(title: str, table: pd.DataFrame) -> str:
    """`sources_as_markdown` and the footnotes of a table."""
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
    """Write a DataFrame that is not one of TABLES as `<folder>/<name>.csv` and `.md`, and return it
    for the notebook to show; a name that begins with DATA_TABLES is published."""
    write_atomically(Path(folder) / f"{name}.csv", table.to_csv(index_label="row"))
    write_atomically(Path(folder) / f"{name}.md", table.to_markdown() + "\n")
    return table


def write_tables(predictions: dict, data_label: str, folder: Path) -> None:
    """Write `<folder>/{by_action,by_joint,by_body_group,summary}.{csv,md,tex}`; predictions and
    data_label as in `error_by_action`."""
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
    """The csv of `write_table` -> the DataFrame, its attrs aside. Raises EgolibError where it is
    missing, or was written by an older version."""
    try:
        table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: missing; run the notebooks, or the sweep, again") from error
    if table.columns.names != [*_LEVELS]:
        raise EgolibError(f"{path}: not a table of this version; run the notebooks again")
    return table.rename_axis(index=None)
