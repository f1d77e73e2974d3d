"""An executed notebook, or a text in Markdown, as a page: formulas become MathML, so that no script
has to be fetched to typeset them."""

import os
import re
from pathlib import Path

import latex2mathml.converter
import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from pygments.formatters import HtmlFormatter

from egolib.report.layout import write_page

_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$(?!\s)([^$]+?)(?<!\s)\$(?!\d)")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_LINK = re.compile(r"(\]\()([^)#:]+)(\))")


def notebook_page(path, sources):
    """Write an executed notebook as a page beside it -> its path.

    sources: the folder in which the notebook was written, which its links are relative to.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(_relinked(cell.source, sources, path.parent))
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return _written(path.with_suffix(".html"), path.stem, body, "../index.html")


def markdown_page(path, source, title):
    """Write a Markdown file as the page `path`, its links kept -> path."""
    text = _relinked(source.read_text(), source.parent, path.parent)
    return _written(path, title, markdown2html(with_formulas(text)), "index.html")


def with_formulas(markdown):
    """Markdown with its $formulas$ and $$displayed formulas$$ as MathML; code stays as it is."""
    pieces = _CODE.split(markdown)
    pieces[::2] = [_FORMULA.sub(_mathml, piece) for piece in pieces[::2]]
    return "".join(pieces)


def _mathml(match):
    displayed, inline = match.groups()
    display = "block" if displayed else "inline"
    return latex2mathml.converter.convert((displayed or inline).strip(), display=display)


def _relinked(markdown, old_folder, new_folder):
    """Relative links that lead to a file are made to lead there from the page's folder, or to the
    figure of the same name there."""

    def turn(match):
        figure = Path("figures") / Path(match[2]).name
        if (Path(new_folder) / figure).is_file():
            return f"{match[1]}{figure}{match[3]}"
        target = (Path(old_folder) / match[2]).resolve()
        found = os.path.relpath(target, new_folder) if target.exists() else match[2]
        return f"{match[1]}{found}{match[3]}"

    return _LINK.sub(turn, markdown)


def _written(path, title, body, home):
    styles = [HtmlFormatter(style=s).get_style_defs(".highlight") for s in ("tango", "github-dark")]
    return write_page(path, "notebook.html", title=title, body=body, home=home, styles=styles)
