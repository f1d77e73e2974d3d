"""One self-contained page: what an audit found, where, and what to do about it."""

import datetime
import io

import jinja2

from egolib.audit.figures import defect_matrix, drift_paths, frames_kept, where_in_folders
from egolib.audit.tables import collect, write_tables
from egolib.drawing import styled
from egolib.files import write_atomically

_EXAMPLES = 8
_TEMPLATE = jinja2.Template(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of {{ name }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1060px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; margin-bottom: 0 } h2 { font-size: 1.2em; margin: 2em 0 .4em }
.lead { font-size: 1.15em } .note { color: #666; font-size: .9em }
table { border-collapse: collapse; font-size: .87em; width: 100% }
th, td { padding: .25em .6em; text-align: left; border-bottom: 1px solid #e3e3e3; vertical-align: top }
th { border-bottom: 2px solid #999 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
code { font-size: .95em } .excluded { color: #b03000; font-weight: 600 }
svg { max-width: 100%; height: auto } details td { font-family: ui-monospace, monospace }
</style></head><body>
<h1>Audit of {{ name }}</h1>
<p class="note">{{ tree }} &middot; {{ splits }} &middot; {{ date }}</p>
<p class="lead">{{ lead }}</p>
<p>{{ drift_note }}</p>
{% if defects|length %}
<h2>What was found</h2>
<table><tr><th>defect</th><th class="n">findings</th><th class="n">characters</th><th>what it means</th>
<th>consequence</th><th>what to do</th></tr>
{% for d in defects %}<tr><td><code>{{ d.Index }}</code></td><td class="n">{{ "{:,}".format(d.findings) }}</td>
<td class="n">{{ d.characters }}</td><td>{{ d.meaning }}</td>
<td{% if d.consequence == "excluded" %} class="excluded"{% endif %}>{{ d.consequence }}</td><td>{{ d.remedy }}</td></tr>
{% endfor %}</table>
<p class="note">Every finding, by folder and frame: <a href="findings.csv">findings.csv</a>. What training
leaves out: <a href="excluded.csv">excluded.csv</a>; delete a row to have its frame back.</p>
{% endif %}
{% for title, note, svg in figures %}<h2>{{ title }}</h2><p class="note">{{ note }}</p>{{ svg }}{% endfor %}
<h2>Characters</h2>
<table><tr>{% for c in summary.columns %}<th{% if not loop.index <= 2 %} class="n"{% endif %}>{{ c.replace("_", " ") }}</th>{% endfor %}</tr>
{% for row in summary.itertuples(index=False) %}<tr>{% for v in row %}<td{% if not loop.index <= 2 %} class="n"{% endif %}>{{ v }}</td>{% endfor %}</tr>
{% endfor %}</table>
<p class="note">frames: numbers with picture and labels. hand behind lens: label files with a hand behind the lens
plane, whose 2D label the lens model mirrors to the other side; no defect, and never a 2D target. residual px:
median distance of 2D labels from the projected 3D labels, native pixels.</p>
{% if examples|length %}<h2>Examples</h2>
{% for defect, rows in examples %}<details><summary><code>{{ defect }}</code>, {{ "{:,}".format(rows.total) }}</summary>
<table>{% for r in rows.first %}<tr><td>{{ r.folder }}</td><td class="n">{{ "" if r.number is none else r.number }}</td>
<td>{{ r.channel }}</td><td>{{ r.detail }}</td></tr>{% endfor %}</table></details>{% endfor %}{% endif %}
</body></html>
""",
    autoescape=True,
)


def write_audit(tree, out, splits, results):
    """Write tables and page below `out` -> tables.Audit. results as in tables.collect."""
    audit = collect(tree, out, splits, results)
    write_tables(audit)
    write_atomically(audit.page, _render(audit))
    return audit


def headline(audit):
    """What was found, in a sentence or two."""
    frames, left_out = int(audit.summary.frames.sum()), int(audit.summary.excluded.sum())
    if audit.findings.empty:
        return f"Nothing is wrong with these {frames:,} frames of {len(audit.summary)} characters."
    drifted = sum(s.drifted for found in audit.drift.values() for s in found.stretches)
    shifts = f" Labels have drifted against pictures in {drifted} stretches." if drifted else ""
    return (
        f"{len(audit.findings):,} findings of {len(audit.defects)} kinds in {frames:,} frames of "
        f"{len(audit.summary)} characters; {left_out:,} frames "
        f"({100 * left_out / max(frames, 1):.1f} %) are excluded.{shifts}"
    )


def _render(audit):
    figures = [
        ("Frames by character", "What training gets, and what it does not.", frames_kept(audit)),
        ("Who has what", "Findings by character and defect.", defect_matrix(audit)),
        ("Where", "One line a folder, from its first frame number to its last; the folders with most findings.", where_in_folders(audit)),
        ("Labels against pictures in time", "How many frames on the labels lie that fit the pictures best. Orange: with confidence, these frames are excluded; grey: not.", drift_paths(audit)),
    ]  # fmt: skip
    return _TEMPLATE.render(
        name=audit.tree.name,
        tree=audit.tree,
        splits=", ".join(audit.splits),
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        lead=headline(audit),
        drift_note=_drift_note(audit),
        defects=list(audit.defects.itertuples()),
        summary=audit.summary.fillna(""),
        figures=[(title, note, _svg(drawn)) for title, note, drawn in figures if drawn],
        examples=[(defect, _examples(rows)) for defect, rows in audit.findings.groupby("defect")],
    )


def _drift_note(audit):
    """How much it means that no drift was found."""
    if not audit.drift:
        return "Whether labels have drifted against the pictures in time was not looked for."
    shifts = [found.noticeable for found in audit.drift.values()]
    return (
        f"A slide of all labels by one frame would have been noticed in {shifts.count(1)} of "
        f"{len(shifts)} folders; none of any size in {shifts.count(None)}, which are too short or too "
        "still for this network."
    )


def _examples(rows):
    first = rows.head(_EXAMPLES).astype(object)
    first = first.where(first.notna(), None)
    return {"total": len(rows), "first": first.to_dict("records")}


@styled
def _svg(figure):
    stream = io.StringIO()
    figure.savefig(stream, format="svg", dpi=150)
    text = stream.getvalue()
    return jinja2.utils.markupsafe.Markup(text[text.index("<svg") :])
