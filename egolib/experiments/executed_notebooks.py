"""Executed notebooks for readers: solutions folded, links that lead somewhere, and small copies for the
repository's web page."""

import base64
import io
import os
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell
from PIL import Image

_LINK = re.compile(r"(\]\()([^)#:]+)(\))")


def small_copy(path: Path, sources: Path, folder: Path) -> nbformat.NotebookNode:
    """An executed notebook for the repository's web page: solutions are folded, links lead from
    `folder`, images are compressed, and what belongs to this run alone is left out (parameters, times,
    warnings, folders of this machine).

    sources: the folder in which the notebook was written, which its links are relative to.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    tagged = "injected-parameters"
    notebook.cells = [c for c in notebook.cells if tagged not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "markdown":
            cell.source = relinked(cell.source, sources, folder)
            continue
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        for output in cell.outputs:
            if "text" in output:
                output.text = output.text.replace(f"{sources.parent.resolve()}/", "")
            if "image/png" in output.get("data", {}):
                output.data = _smallest(output.data.pop("image/png"))
    return with_folded_solutions(notebook)


def _smallest(png):
    """An image (base64) as PNG with a palette or as JPEG, whichever is smaller -> {type: base64}."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    encoded = {}
    for kind, frame in (("png", image.quantize(128)), ("jpeg", image)):
        stream = io.BytesIO()
        frame.save(stream, kind, optimize=True, quality=80)
        encoded[f"image/{kind}"] = base64.b64encode(stream.getvalue()).decode()
    return dict([min(encoded.items(), key=lambda item: len(item[1]))])


def with_folded_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with each cell that has the tag `solution` as a Markdown cell, folded."""
    for place, cell in enumerate(notebook.cells):
        if "solution" in cell.metadata.get("tags", []):
            printed = "".join(output.get("text", "") for output in cell.outputs).strip()
            blocks = f"```python\n{cell.source}\n```", f"```text\n{printed}\n```" if printed else ""
            folded = "\n\n".join(["<details><summary>Solution</summary>", *blocks, "</details>"])
            notebook.cells[place] = new_markdown_cell(folded, id=cell.id)
    return notebook


def relinked(markdown: str, old_folder: Path, new_folder: Path) -> str:
    """Change relative links, so that they lead to the same file from `new_folder`, or to the figure of
    the same name below it."""

    def relink(match):
        link, figure = match[2], f"figures/{Path(match[2]).name}"
        target = (old_folder / link).resolve()
        if (new_folder / figure).is_file():
            link = figure
        elif target.exists():
            link = os.path.relpath(target, new_folder)
        return f"{match[1]}{link}{match[3]}"

    return _LINK.sub(relink, markdown)
