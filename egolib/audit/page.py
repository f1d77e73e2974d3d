"""The page of an audit, one self-contained html file: findings, figures and remedies."""

import datetime

import jinja2

from egolib.audit.figures import defect_matrix, drift_paths, frames_kept, where_in_folders
from egolib.audit.tables import Audit, collect, write_tables
from egolib.foundation.files import write_atomically
from egolib.plots.style import as_svg

_ENVIRONMENT = jinja2.Environment(loader=jinja2.PackageLoader("egolib.audit"), autoescape=True)


def write_audit(tree, out, splits, results):
    """Write tables and page below `out` -> tables.Audit. results as in tables.collect."""
    audit = collect(tree, out, splits, results)
    write_tables(audit)
    write_atomically(audit.page, _render(audit))
    return audit


def headline(audit: Audit) -> str:
    """The outcome of an audit in a sentence or two."""
    frames, left_out = int(audit.summary.frames.sum()), int(audit.summary.excluded.sum())
    if audit.findings.empty:
        return f"Nothing is wrong with these {frames:,} frames of {len(audit.summary)} characters."
    drifted = sum(s.drifted for found in audit.drift.values() for s in found.stretches)
    shifts = f" Labels have drifted against images in {drifted} stretches." if drifted else ""
    return (
        f"{len(audit.findings):,} findings of {len(audit.defects)} kinds in {frames:,} frames of "
        f"{len(audit.summary)} characters; {left_out:,} frames "
        f"({100 * left_out / max(frames, 1):.1f} %) are excluded.{shifts}"
    )


def _render(audit):
    figures = (frames_kept, defect_matrix, where_in_folders, drift_paths)
    return _ENVIRONMENT.get_template("audit.html").render(
        audit=audit,
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        headline=headline(audit),
        noticeable=[found.noticeable for found in audit.drift.values()],
        findings=audit.findings.astype(object).where(audit.findings.notna(), ""),
        summary=audit.summary.fillna(""),
        **{draw.__name__: _svg(draw(audit), draw.__name__) for draw in figures},
    )


def _svg(figure, name):
    return None if figure is None else jinja2.utils.markupsafe.Markup(as_svg(figure, name))
