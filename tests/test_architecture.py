"""The rooms and the direction of the flow, as `egolib/__init__.py` draws them."""

import ast
import json
import re
from pathlib import Path

import egolib

ROOT = Path(__file__).parents[1]
FREE = ["errors", "config", "files", "progress", "processes", "cluster"]
FLOW = re.findall(r"^    (\w+)  ", egolib.__doc__, re.MULTILINE)


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("egolib."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "egolib":
            yield from (alias.name for alias in node.names)


def test_the_map_names_every_module():
    modules = {path.stem for path in (ROOT / "egolib").glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in (ROOT / "egolib").glob("*/__init__.py")}
    assert sorted([*FREE, *FLOW]) == sorted(modules | packages)


def test_a_module_imports_only_from_modules_before_it():
    for path in (ROOT / "egolib").rglob("*.py"):
        room = path.relative_to(ROOT / "egolib").parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        allowed = FREE if room in FREE else [*FREE, *FLOW[: FLOW.index(room) + 1]]
        for module in imported_modules(path):
            assert module in allowed, f"{path.name} imports {module}"


def test_notebooks_hold_no_outputs_no_definitions_and_short_cells():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert not any(cell.get("outputs") for cell in cells), path.name
        for source in code:
            assert source.count("\n") < 25, path.name
            assert not re.search(r"^\s*(def|class) ", source, re.MULTILINE), path.name
        tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
        names = re.findall(r"^(\w+) = ", "".join(tagged[0]["source"]), re.MULTILINE)
        assert names == ["profile", "seed", "data", "results"], path.name


def test_no_file_is_unpickled():
    for path in (ROOT / "egolib").rglob("*.py"):
        text = path.read_text()
        assert "import pickle" not in text
        calls = re.findall(r"torch\.load\([^)]*\)", text)
        assert all("weights_only=True" in call for call in calls), path.name
