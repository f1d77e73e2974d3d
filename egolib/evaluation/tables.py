"""Metrics -> tables (csv, md, tex), published figures beside measured ones.

The columns of a table are a MultiIndex of three levels: the source of a number ("measured on ...",
or literature.COLUMN_GROUP), the name of the method or measure, and the statistic (mean, low, high).
Measured and published figures never share a column. The csv keeps mean and 95 % interval as numbers
below a header of three lines; md and tex print them as "mean [low, high]". Intervals resample whole
sequences (metrics).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from egolib.config import METHOD_LABELS, Method
from egolib.evaluation import literature
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically
from egolib.metrics import bootstrap_interval, correct, neck_aligned_mpjpe_mm, pa_mpjpe_mm
from egolib.skeleton import ACTIONS, BODY_GROUPS, JOINTS, UNKNOWN_ACTION, joint_indices

DATA_TABLES = "data_"  # how the names of tables about the data begin
PCK_THRESHOLD_MM = 150
_LEVELS = ("source", "name", "statistic")
_STATISTICS = ("mean", "low", "high")
_NO_INTERVAL = (np.nan, np.nan)
_COUNTS = ("frames", "clusters (a character in a clip)", "side of the input (px)")
_INTERVALS = (
    "Intervals: 95 %, by resampling clusters (a character in a clip, all environments) and, where a "
    "method was trained from several seeds, its runs."
)
_PROTOCOL = (
    "Protocol: truth moved to its neck, prediction as it comes, no Procrustes; of PA-MPJPE alone: after "
    "the rotation, scale and shift that fit best (Procrustes)."
)
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "†": r"\dag{}",
})  # fmt: skip
_SUMMARY_PUBLISHED = ("xR-EgoPose dual branch", "lifting from ground-truth heatmaps")


def errors_mm(p):
    """Error of every joint of Predictions (N, 16), or of comparison.SeededPredictions (S, N, 16)."""
    return p.errors_mm


def error_by_action(predictions, data_label, of=errors_mm, names=METHOD_LABELS):
    """MPJPE in mm by action, every frame counted once in 'All' (the mean over frames).

    predictions: {Method: predictions.Predictions}, in part or whole, or {method:
    comparison.SeededPredictions}. data_label: what they were measured on. of: another number of every
    joint than its error, from such predictions -> (N, 16) or (S, N, 16); there are no published
    figures of it. names: {key: how it is called in the table}, others as they are. Returns a DataFrame
    with three-level columns (source, name, statistic); an action without frames is NaN.
    """
    unknown = any((p.action == UNKNOWN_ACTION).any() for p in predictions.values())
    actions = [*ACTIONS, UNKNOWN_ACTION] if unknown else ACTIONS

    def measure(p):
        values = of(p).mean(-1)
        rows = {name: _of_frames(p, values, p.action == name) for name in actions}
        return {**rows, "All": _of_frames(p, values)}

    def quote(result):
        return {**result.by_action, "All": result.all}

    return build_table(predictions, data_label, measure, of, names, quote)


def error_by_joint(predictions, data_label, of=errors_mm, names=METHOD_LABELS):
    """Mean error in mm of each joint, of left and right together ('Arm, both sides'), and of all.

    Arguments and columns as in `error_by_action`. Published figures know no sides.
    """

    def measure(p):
        values = of(p)
        rows = {}
        for i, name in enumerate(JOINTS):
            rows[name] = _of_frames(p, values[..., i])
            if name.startswith("Right"):
                sides = values[..., joint_indices([name.replace("Right", "Left"), name])]
                rows[f"{name[5:]}, both sides"] = _of_frames(p, sides.mean(-1))
        return {**rows, "All": _of_frames(p, values.mean(-1))}

    def quote(result):
        rows = {n if n in JOINTS else f"{n}, both sides": v for n, v in result.by_joint.items()}
        return rows and {**rows, "All": result.all}

    return build_table(predictions, data_label, measure, of, names, quote)


def error_by_body_group(predictions, data_label, of=errors_mm, names=METHOD_LABELS):
    """MPJPE in mm of upper, lower and full body; arguments and columns as in `error_by_action`."""

    def measure(p):
        values = of(p)
        return {
            group: _of_frames(p, values[..., joint_indices(joints)].mean(-1))
            for group, joints in BODY_GROUPS.items()
        }

    def quote(result):
        return result.by_body_group and {**result.by_body_group, "Full body": result.all}

    return build_table(predictions, data_label, measure, of, names, quote)


def summary(predictions, data_label):
    """One row a measure, one column a stage; arguments and columns as in `error_by_action`.

    2D rows are NaN for the oracle, whose heatmaps are drawn from the truth. PCK and 2D shares
    are in percent of joints.
    """

    def measure(p):
        necks_aligned_mm = neck_aligned_mpjpe_mm(p.predicted_rel_m, p.true_rel_m)
        known = ~np.isnan(p.errors_px)
        errors_px, frames = p.errors_px[known], np.nonzero(known)[0]
        median_px = np.median(errors_px) if known.any() else np.nan
        return {
            "MPJPE (mm)": _of_frames(p, p.errors_mm.mean(-1)),
            "MPJPE, necks aligned (mm)": _of_frames(p, necks_aligned_mm),
            "PA-MPJPE (mm)": _of_frames(p, pa_mpjpe_mm(p.predicted_rel_m, p.true_rel_m)),
            f"PCK at {PCK_THRESHOLD_MM} mm (%)": _of_frames(
                p, correct(p.errors_mm, PCK_THRESHOLD_MM).mean(-1)
            ),
            "2D error, median (px of the input)": (median_px, *_NO_INTERVAL),
            "2D joints within a tenth of the image (%)": mean_of(
                100.0 * (errors_px <= p.image_px / 10), p.sequence[frames]
            ),
            "side of the input (px)": (p.image_px, *_NO_INTERVAL),
            "frames": (len(p), *_NO_INTERVAL),
            "clusters (a character in a clip)": (len(np.unique(p.sequence)), *_NO_INTERVAL),
        }

    def quote(result):
        return {"MPJPE (mm)": result.all} if result.method in _SUMMARY_PUBLISHED else {}

    table = build_table(predictions, data_label, measure, quote=quote)
    in_2d = table.index.str.startswith("2D")
    table.loc[in_2d, table.columns.get_level_values("name") == Method.ORACLE.label] = np.nan
    return table


def mean_of(values, clusters):
    """Mean and 95 % interval of values (N,) or (S, N) in clusters (N,) -> (mean, low, high), NaN where
    there are none."""
    return bootstrap_interval(values, clusters) if len(clusters) else (np.nan, *_NO_INTERVAL)


def _of_frames(p, values, keep=slice(None)):
    return mean_of(values[..., keep], p.sequence[keep])


def build_table(predictions, data_label, measure, of=errors_mm, names=METHOD_LABELS, quote=None):
    """A table with a name for every one of `predictions`, {row: (mean, low, high)} as `measure` returns
    it; and, if it is `of` errors, for every published result, {row: number} as `quote` returns it,
    where that is not empty."""
    source = f"measured on {data_label}"
    columns = {(source, names.get(key, key)): measure(p) for key, p in predictions.items()}
    for result in literature.RESULTS if quote and of is errors_mm else ():
        if values := quote(result):
            columns[literature.COLUMN_GROUP, result.method] = values
    return joined(columns)


def joined(columns):
    """{(source, name): {row: (mean, low, high), or a number}} -> DataFrame with three-level columns,
    NaN where a row lacks a column."""
    parts = {}
    for key, rows in columns.items():
        part = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
        parts[key] = part.set_axis(_STATISTICS[: part.shape[1]], axis=1)
    return pd.concat(parts, axis=1, names=_LEVELS) if parts else pd.DataFrame()


def formatted(table):
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
    for group, who in dict.fromkeys(table.columns.droplevel(2)):
        parts = [table.get((group, who, statistic), absent) for statistic in _STATISTICS]
        mark = " †" if who in marked else ""
        columns[group, who + mark] = [cell(*row) for row in zip(table.index, *parts, strict=True)]
    return pd.DataFrame(columns, index=table.index)


def footnotes(table):
    """The sentences a table needs: how intervals are drawn, how errors are measured
    (`table.attrs["protocol"]` where they are none of positions), the source of what is quoted, and
    `table.attrs["notes"]`."""
    return [
        _INTERVALS,
        table.attrs.get("protocol", _PROTOCOL),
        *literature.source_notes(table.columns.get_level_values(1)),
        *table.attrs.get("notes", ()),
    ]


TABLES = {
    "by_action": ("Mean error by action (mm)", error_by_action),
    "by_joint": ("Mean error by joint (mm)", error_by_joint),
    "by_body_group": ("Mean error by part of the body (mm)", error_by_body_group),
    "summary": ("Summary", summary),
}


def sources_as_markdown(title, table):
    """A table of this module -> markdown: its title and a table for each source of its numbers without
    the rows that this source does not fill."""
    text = formatted(table)
    parts = [f"**{title}**"]
    for group in dict.fromkeys(text.columns.get_level_values(0)):
        filled = text[group][(text[group] != "–").any(axis=1)]
        if not filled.empty:
            parts += [f"*{group}*", filled.to_markdown(disable_numparse=True)]
    return "\n\n".join(parts)


def as_markdown(title, table):
    """`sources_as_markdown` and the footnotes of a table."""
    notes = "".join(f"- {note}\n" for note in footnotes(table))
    return f"{sources_as_markdown(title, table)}\n\n{notes}"


def as_latex(title, table):
    """A table of this module -> a tabular (packages booktabs, multirow) and its footnotes."""
    text = formatted(table).map(_latex)
    text.index = text.index.map(_latex)
    text.columns = text.columns.map(lambda column: tuple(map(_latex, column)))
    body = text.to_latex(multicolumn_format="c", column_format="l" + "r" * text.shape[1])
    notes = _latex(" ".join(footnotes(table))).replace("+-", r"$\pm$")
    return f"% {title}\n{body}\n\\par{{\\footnotesize {notes}}}\n"


def _latex(text):
    return text.translate(_LATEX)


def save_table(table, folder, name):
    """Write a DataFrame that is not one of TABLES as `<folder>/<name>.csv` and `.md`, and return it
    for the notebook to show; a name that begins with DATA_TABLES is published."""
    write_atomically(Path(folder) / f"{name}.csv", table.to_csv(index_label="row"))
    write_atomically(Path(folder) / f"{name}.md", table.to_markdown() + "\n")
    return table


def write_tables(predictions, data_label, folder):
    """Write `<folder>/{by_action,by_joint,by_body_group,summary}.{csv,md,tex}`; predictions and
    data_label as in `error_by_action`."""
    for name, (title, build) in TABLES.items():
        write_table(title, build(predictions, data_label), folder, name)


def write_table(title, table, folder, name):
    """Write a table of this module as `<folder>/<name>.{csv,md,tex}`."""
    contents = {
        "csv": table.to_csv(float_format="%.4f", index_label="row"),
        "md": as_markdown(title, table),
        "tex": as_latex(title, table),
    }
    for suffix, content in contents.items():
        write_atomically(Path(folder) / f"{name}.{suffix}", content)


def read_table(path):
    """The csv of `write_table` -> the DataFrame, its attrs aside. Raises EgolibError where it is
    missing, or was written by an older version."""
    try:
        table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: missing; run the notebooks, or the sweep, again") from error
    if table.columns.names != [*_LEVELS]:
        raise EgolibError(f"{path}: not a table of this version; run the notebooks again")
    return table.rename_axis(index=None)
