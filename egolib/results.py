"""Metrics -> tables (csv, md, tex), published figures beside measured ones.

A table has three-level columns (where the number comes from, who, which number): measured and
published figures never share a column. The csv keeps mean and 95 % interval as numbers; md and
tex print them as "mean [low, high]". Intervals resample whole sequences (metrics).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from egolib import published
from egolib.files import write_atomically
from egolib.metrics import bootstrap_interval, correct, neck_aligned_mpjpe_mm, pa_mpjpe_mm
from egolib.skeleton import ACTIONS, BODY_GROUPS, JOINTS, UNKNOWN_ACTION, joint_indices

STAGES = {
    "oracle": "lifted from ground-truth heatmaps",
    "before": "before fine-tuning",
    "after": "after fine-tuning",
    "ours": "ours, one picture",
    "window": "ours, five frames",
}
DATA_TABLES = "data_"  # how the names of tables about the data begin
PCK_THRESHOLD_MM = 150
_STATISTICS = ("mean", "low", "high")
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


def error_by_action(predictions, data_label, of=errors_mm, names=STAGES):
    """MPJPE in mm by action, every frame counted once in 'All' (the mean over frames).

    predictions: {key of STAGES: predictions.Predictions}, in part or whole, or {method:
    comparison.SeededPredictions}. data_label: what they were measured on. of: another number of every
    joint than its error, from such predictions -> (N, 16) or (S, N, 16); there are no published
    figures of it. names: {key: how it is called in the table}, others as they are. Returns a DataFrame
    with three-level columns (source, who, statistic); an action without frames is NaN.
    """
    unknown = any((p.action == UNKNOWN_ACTION).any() for p in predictions.values())
    actions = [*ACTIONS, UNKNOWN_ACTION] if unknown else [*ACTIONS]

    def measure(p):
        values = of(p).mean(-1)
        rows = {name: _interval(p, values, p.action == name) for name in actions}
        return {**rows, "All": _interval(p, values)}

    def quote(result):
        return {**result.by_action, "All": result.all}

    return _table(predictions, data_label, measure, quote, of, names)


def error_by_joint(predictions, data_label, of=errors_mm, names=STAGES):
    """Mean error in mm of each joint, of left and right together ('Arm, both sides'), and of all.

    Arguments and columns as in `error_by_action`. Published figures know no sides.
    """

    def measure(p):
        values = of(p)
        rows = {}
        for i, name in enumerate(JOINTS):
            rows[name] = _interval(p, values[..., i])
            if name.startswith("Right"):
                sides = values[..., joint_indices([name.replace("Right", "Left"), name])]
                rows[_both(name.removeprefix("Right"))] = _interval(p, sides.mean(-1))
        return {**rows, "All": _interval(p, values.mean(-1))}

    def quote(result):
        rows = {n if n in JOINTS else _both(n): v for n, v in result.by_joint.items()}
        return rows and {**rows, "All": result.all}

    return _table(predictions, data_label, measure, quote, of, names)


def error_by_body_group(predictions, data_label, of=errors_mm, names=STAGES):
    """MPJPE in mm of upper, lower and full body; arguments and columns as in `error_by_action`."""

    def measure(p):
        values = of(p)
        return {
            group: _interval(p, values[..., joint_indices(names)].mean(-1))
            for group, names in BODY_GROUPS.items()
        }

    def quote(result):
        return result.by_body_group and {**result.by_body_group, "Full body": result.all}

    return _table(predictions, data_label, measure, quote, of, names)


def summary(predictions, data_label):
    """One row a measure, one column a stage; arguments and columns as in `error_by_action`.

    2D rows are NaN for the oracle, whose heatmaps are drawn from the truth. PCK and 2D shares
    are in percent of joints.
    """

    def measure(p, stage):
        errors = p.errors_mm
        rows = {
            "MPJPE (mm)": _interval(p, errors.mean(-1)),
            "MPJPE, necks aligned (mm)": _interval(
                p, neck_aligned_mpjpe_mm(p.predicted_m, p.truth_m)
            ),
            "PA-MPJPE (mm)": _interval(p, pa_mpjpe_mm(p.predicted_m, p.truth_m)),
            f"PCK at {PCK_THRESHOLD_MM} mm (%)": _interval(
                p, correct(errors, PCK_THRESHOLD_MM).mean(-1)
            ),
        }
        known = ~np.isnan(p.errors_px) & (stage != "oracle")
        near = 100.0 * (p.errors_px <= p.image_px / 10)[known]
        frames = np.nonzero(known)[0]
        median = np.median(p.errors_px[known]) if known.any() else np.nan
        return {
            **rows,
            "2D error, median (px of the input)": (median, np.nan, np.nan),
            "2D joints within a tenth of the picture (%)": _mean(near, p.sequence[frames]),
            "side of the input (px)": (p.image_px, np.nan, np.nan),
            "frames": (len(p), np.nan, np.nan),
            "clusters (a character in a clip)": (len(np.unique(p.sequence)), np.nan, np.nan),
        }

    def quote(result):
        return {"MPJPE (mm)": result.all} if result.method in _SUMMARY_PUBLISHED else {}

    return _table(predictions, data_label, measure, quote, with_stage=True)


def _both(name):
    return f"{name}, both sides"


def _mean(values, clusters):
    return bootstrap_interval(values, clusters) if len(clusters) else (np.nan,) * 3


def _interval(p, values, keep=slice(None)):
    return _mean(values[..., keep], p.sequence[keep])


def _table(predictions, data_label, measure, quote, of=errors_mm, names=STAGES, with_stage=False):
    """Columns of every stage by `measure`, and, where it is `of` errors, as what others published, of
    every published result that `quote` can fill."""
    columns = {}
    for key, p in predictions.items():
        rows = measure(p, key) if with_stage else measure(p)
        for i, statistic in enumerate(_STATISTICS):
            column = (f"measured on {data_label}", names.get(key, key), statistic)
            columns[column] = {name: float(values[i]) for name, values in rows.items()}
    index = list(rows)
    for result in published.RESULTS if of is errors_mm else ():
        if values := quote(result):
            columns[published.COLUMN_GROUP, result.method, "mean"] = values
    return pd.DataFrame(columns, index=index)


def formatted(table):
    """A table of this module -> the same as text: two-level columns, "mean [low, high]".

    One decimal; counts (frames, sequences, side of the input) have none. † marks a footnote.
    """
    marked = {result.method for result in published.RESULTS if result.footnote}
    wholes = ("frames", "clusters (a character in a clip)", "side of the input (px)")

    def cell(name, mean, low, high):
        if np.isnan(mean):
            return "–"
        if np.isnan(low):
            return f"{mean:.0f}" if name in wholes else f"{mean:.{1 if mean >= 1 else 2}f}"
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
        *published.source_notes(table.columns.get_level_values(1)),
        *table.attrs.get("notes", ()),
    ]


TABLES = {
    "by_action": ("Mean error by action (mm)", error_by_action),
    "by_joint": ("Mean error by joint (mm)", error_by_joint),
    "by_body_group": ("Mean error by part of the body (mm)", error_by_body_group),
    "summary": ("Summary", summary),
}


def as_markdown(title, table):
    """A table of this module -> markdown: its title, a table for each source of its numbers without
    the rows that this source does not fill, its footnotes."""
    text = formatted(table)
    parts = [f"**{title}**"]
    for group in dict.fromkeys(text.columns.get_level_values(0)):
        filled = text[group][(text[group] != "–").any(axis=1)]
        if not filled.empty:
            parts += [f"*{group}*", filled.to_markdown(disable_numparse=True)]
    parts.append("\n".join(f"- {note}" for note in footnotes(table)))
    return "\n\n".join(parts) + "\n"


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
    """Write `<folder>/{by_action,by_joint,by_body_group,summary}.{csv,md,tex}`.

    predictions and data_label as in `error_by_action`. Returns the paths.
    """
    return [
        path
        for name, (title, build) in TABLES.items()
        for path in write_table(title, build(predictions, data_label), folder, name)
    ]


def write_table(title, table, folder, name):
    """Write a table of this module as `<folder>/<name>.{csv,md,tex}` -> the paths."""
    flat = table.set_axis([" | ".join(column) for column in table.columns], axis=1)
    contents = {
        "csv": flat.to_csv(float_format="%.4f", index_label="row"),
        "md": as_markdown(title, table),
        "tex": as_latex(title, table),
    }
    paths = [Path(folder) / f"{name}.{suffix}" for suffix in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_atomically(path, content)
    return paths
