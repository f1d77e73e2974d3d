"""Count the lines of code of egolib and egosynth: no docstrings, no comments, no blank lines.

python benchmarks/code_lines.py
"""

import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
# What a reader has to know to follow one frame from its label file to an error in millimetres.
CORE = (
    "skeleton.py", "camera.py", "data/index.py", "data/labels.py", "data/images.py",
    "data/dataset.py", "data/augmentation.py", "models", "losses.py", "metrics.py", "training",
    "evaluation/inference.py", "evaluation/predictions.py",
)  # fmt: skip
_NOT_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source: str) -> int:
    """Number of lines of `source` that hold code. A string of several lines counts in full, unless
    it is a docstring."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def lines_of(package: str) -> Counter:
    """{entry of a package: its lines of code}."""
    counts, root = Counter(), REPOSITORY / package
    for path in root.rglob("*.py"):
        counts[path.relative_to(root).parts[0]] += code_lines(path.read_text())
    return counts


def core_files() -> list[Path]:
    """The files of the core of egolib."""
    root = REPOSITORY / "egolib"
    return sorted(
        path
        for name in CORE
        for path in ((root / name).rglob("*.py") if "." not in name else [root / name])
    )


def core_lines() -> int:
    """Lines of code of the core of egolib."""
    return sum(code_lines(path.read_text()) for path in core_files())


if __name__ == "__main__":
    for package in ("egolib", "egosynth"):
        counts = lines_of(package)
        for entry, count in sorted(counts.items()):
            print(f"{package}/{entry:<14} {count:6,}")
        print(f"{package + ', all':<21} {counts.total():6,}\n")
    print(f"{'core of egolib':<21} {core_lines():6,}")
