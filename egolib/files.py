"""Writing files so that a half-written one is never taken for a whole one; digests of code."""

import ast
import contextlib
import errno
import hashlib
import os
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from egolib.errors import EgolibError, NoSpaceError

# CPython 3.11 counts the depth of a syntax tree in one place for all threads: two that parse at once
# can end in "SystemError: AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


@contextlib.contextmanager
def no_space_is_one_line(path):
    """Turn "no space left" while writing `path` into a NoSpaceError that names it."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError(
                f"{path}: no space left on this disk; free some and run again"
            ) from error
        raise


@contextlib.contextmanager
def atomic_path(path):
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = f"{os.getpid()}-{threading.get_ident()}"
    partial = path.with_name(f".{path.name}.partial-{writer}")
    with no_space_is_one_line(path):
        try:
            yield partial
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def only_run(path):
    """Hold the lock file `path`, and remove it at the end; a killed run holds it no longer.

    Raises EgolibError when another run, of any machine that sees the file, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            try:
                yield
            finally:
                path.unlink()
    except Timeout as error:
        raise EgolibError(f"{path}: another run is at work here; wait until it ends") from error


def write_atomically(path, content):
    """Write `content` (bytes or str) to `path`, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def code_digest(paths):
    """Digest of what Python files do, in the order given: comments, docstrings and layout do not
    count, nor does the place where the files lie."""
    return hashlib.sha256("\0".join(map(_bare_code, paths)).encode()).hexdigest()


def _bare_code(path):
    source = Path(path).read_text()
    with _PARSING:
        tree = ast.parse(source)
    for node in ast.walk(tree):
        owner = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if owner and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
