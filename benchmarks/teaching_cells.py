"""Seconds that the lessons of the notebooks cost: cells tagged `teaching` or `solution` of executed
notebooks, against those of all cells.

    python benchmarks/teaching_cells.py results/quick
"""

import sys
from pathlib import Path

import nbformat


def seconds_by_tag(path):
    """{"teaching", "solution", "all": seconds} of an executed notebook."""
    spent = {"teaching": 0.0, "solution": 0.0, "all": 0.0}
    for cell in nbformat.read(path, as_version=4).cells:
        duration = cell.metadata.get("papermill", {}).get("duration") or 0
        spent["all"] += duration
        for tag in set(cell.metadata.get("tags", [])) & spent.keys():
            spent[tag] += duration
    return spent


if __name__ == "__main__":
    lessons = 0.0
    for notebook in sorted(Path(sys.argv[1], "notebooks").glob("[0-9]*.ipynb")):
        spent = seconds_by_tag(notebook)
        lessons += spent["teaching"] + spent["solution"]
        print(f"{notebook.stem:24}", "  ".join(f"{k} {v:6.1f} s" for k, v in spent.items()))
    print(f"lessons and solutions together {lessons:.1f} s")
