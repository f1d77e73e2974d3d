"""The packages and the direction of the flow, as `egolib/__init__.py` draws them."""

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import egolib

ROOT = Path(__file__).parents[1]
FLOW = re.findall(r"^    (\w+)  ", egolib.__doc__, re.MULTILINE)
SEAM = "egolib.data.miniature"
SOURCES = sorted(path for name in ("egolib", "egosynth") for path in (ROOT / name).rglob("*.py"))


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in SOURCES}


def imported_modules(path):
    """Names of the project's modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner & MODULES.keys() or {node.module}


IMPORTS = {name: set(imported_modules(path)) for name, path in MODULES.items()}


def entry(module):
    return module.split(".")[1] if "." in module else module


def test_the_map_names_every_entry_and_fits_on_a_screen():
    entries = {path.stem for path in (ROOT / "egolib").glob("*.py")} - {"__init__"}
    entries |= {path.parent.name for path in (ROOT / "egolib").glob("*/__init__.py")}
    assert sorted(FLOW) == sorted(entries)
    assert len(FLOW) <= 17
    assert egolib.__doc__.count("\n") < 40


def test_a_module_imports_only_from_entries_before_it():
    for module, imports in IMPORTS.items():
        if module.startswith("egolib."):
            allowed = ["egolib", *FLOW[: FLOW.index(entry(module)) + 1]]
            for other in imports:
                assert other.startswith("egosynth") or entry(other) in allowed, (module, other)


def test_no_modules_import_each_other_in_a_circle():
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            path.append(module)
            for other in sorted(IMPORTS[module]):
                visit(other)
            path.pop()
            done.add(module)

    for module in sorted(MODULES):
        visit(module)


def test_the_data_engine_knows_skeleton_camera_and_foundation_only():
    used = defaultdict(set)
    for module, imports in IMPORTS.items():
        for other in imports:
            if module.startswith("egosynth") and other.startswith("egolib"):
                used[entry(other)].add(module)
            if module.startswith("egolib") and other.startswith("egosynth"):
                assert module == SEAM, f"{module} imports {other}"
    assert used.keys() <= {"skeleton", "camera", "foundation"}


def test_without_the_data_engine_everything_else_can_be_imported():
    program = f"""
import importlib, sys
for absent in ("egosynth", "warp", "anny"):
    sys.modules[absent] = None
for name in {sorted(m for m in MODULES if m.startswith("egolib") and "__main__" not in m)}:
    importlib.import_module(name)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_holds_no_outputs_and_short_cells(path):
    cells = json.loads(path.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell.get("outputs") for cell in cells)
    assert all(source.count("\n") < 32 for source in code)
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    names = re.findall(r"^(\w+) = ", "".join(tagged[0]["source"]), re.MULTILINE)
    settings = [] if path.stem.startswith("07") else ["overrides"]  # a sweep's grid has its own
    assert names == ["profile", "seed", "data", "results", *settings]


@pytest.mark.parametrize("path", NOTEBOOKS[:-1], ids=lambda p: p.stem)
def test_a_notebook_asks_explains_and_ends_with_exercises_whose_solutions_are_folded(path):
    cells = json.loads(path.read_text())["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    assert "**The question.**" in texts[0]
    assert "**The idea.**" in texts[0]
    exercises = texts.index(next(text for text in texts if text.startswith("## Exercises")))
    assert exercises > texts.index("## Conclusion")
    solutions = [i for i, c in enumerate(cells) if "solution" in c["metadata"].get("tags", [])]
    assert len(solutions) >= 2
    assert all(
        i > exercises and cells[i]["metadata"]["jupyter"]["source_hidden"] for i in solutions
    )
    asked = [i for i, text in enumerate(texts) if "### Exercise" in text]
    assert [i + 1 for i in asked] == solutions


def test_no_file_is_unpickled():
    for path in SOURCES:
        text = path.read_text()
        assert "import pickle" not in text
        calls = re.findall(r"torch\.load\([^)]*\)", text)
        assert all("weights_only=True" in call for call in calls), path.name
