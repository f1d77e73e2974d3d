"""What papermill leaves of a notebook, without running its cells."""

import nbformat


def completed(notebook, partial):
    """The notebook `notebook` with every cell marked as completed; the file `partial` is there too."""
    partial.touch()
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        cell.metadata.papermill = {"status": "completed"}
    return content
