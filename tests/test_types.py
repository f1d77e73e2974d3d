"""The type checker covers the core, passes on it, and reports errors planted in each of its files."""

import ast
import json
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COUNT = runpy.run_path(str(ROOT / "benchmarks" / "code_lines.py"))
FILES = [path.relative_to(ROOT).as_posix() for path in COUNT["core_files"]()]


def errors(root):
    """Run pyrefly on the project in `root` -> ({(file, kind of error)}, exit code)."""
    command = [
        sys.executable, "-m", "pyrefly", "check", "--config", root / "pyproject.toml",
        "--python-interpreter-path", sys.executable, "--output-format", "json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.stdout, done.stderr
    reported = json.loads(done.stdout)["errors"]
    return {
        ((root / e["path"]).relative_to(root).as_posix(), e["name"]) for e in reported
    }, done.returncode


def functions(tree):
    """The public functions and methods of a file that return a value of a known type."""
    for node in ast.walk(tree):
        is_public = isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if is_public and node.returns and ast.unparse(node.returns) not in ("None", "Any"):
            yield node


def wrong_return(function):
    function.returns = ast.Name("slice")


def no_return(function):
    function.returns = None


def no_parameters(function):
    for argument in function.args.args:
        argument.annotation = None


PLANTED = {
    wrong_return: "bad-return",
    no_return: "unannotated-return",
    no_parameters: "implicit-any-parameter",
}


def test_the_checker_covers_the_core():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyrefly"]
    assert settings["project-includes"] == [f"egolib/{name}" for name in COUNT["CORE"]]


def test_the_core_passes():
    assert errors(ROOT) == (set(), 0)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_error_is_reported_in_every_file(tmp_path, plant):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "egolib", tmp_path / "egolib", ignore=shutil.ignore_patterns("weights"))
    planted = set()
    for name in FILES:
        tree = ast.parse((tmp_path / name).read_text())
        for function in functions(tree):
            plant(function)
            planted.add((name, PLANTED[plant]))
        (tmp_path / name).write_text(ast.unparse(tree))
    assert len(planted) > 20
    reported, code = errors(tmp_path)
    assert planted <= reported
    assert code != 0
