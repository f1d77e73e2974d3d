"""An executed notebook, or a Markdown text, as a page: formulas become MathML, so that the page needs no
script to typeset them."""

import re
from pathlib import Path

import latex2mathml.converter
import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from pygments.formatters import HtmlFormatter

from egolib.experiments.executed_notebooks import relinked, with_folded_solutions
from egolib.report.layout import write_page

_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$(?!\s)([^$]+?)(?<!\s)\$(?!\d)")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def notebook_page(path: Path, sources: Path) -> Path:
    """Write an executed notebook as a page beside it -> its path.

    sources: the folder in which the notebook was written, which its links are relative to.
    """
    notebook = with_folded_solutions(nbformat.read(path, as_version=4))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(relinked(cell.source, sources, path.parent))
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return _written(path.with_suffix(".html"), path.stem, body, "../index.html")


def markdown_page(path: Path, source: Path, title: str) -> Path:
    """Write the Markdown file `source` as the page `path` -> path. Its links lead where they did."""
    text = relinked(source.read_text(), source.parent, path.parent)
    return _written(path, title, markdown2html(with_formulas(text)), "index.html")


def with_formulas(markdown: str) -> str:
    """Markdown with its $formulas$ and $$displayed formulas$$ as MathML; code is not changed."""
    pieces = _CODE.split(markdown)
    pieces[::2] = [_FORMULA.sub(_mathml, piece) for piece in pieces[::2]]
    return "".join(pieces)


def _mathml(match):
    displayed, inline = match.groups()
    display = "block" if displayed else "inline"
    return latex2mathml.converter.convert((displayed or inline).strip(), display=display)


def _written(path, title, body, home):
    styles = [HtmlFormatter(style=s).get_style_defs(".highlight") for s in ("tango", "github-dark")]
    return write_page(path, "notebook.html", title=title, body=body, home=home, styles=styles)
