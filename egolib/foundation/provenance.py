"""Digests of the code that an outcome depends on, derived from the source and not from a list.

A digest starts at entry functions and follows every name that their source uses, through imports, to
the functions, classes and constants of this project behind it. It changes when the code of one of
these changes. It does not change with docstrings, comments, layout, type annotations, the words of an
error or of a printed line, the names and places of modules, import statements, or the names of
functions, classes and module constants.

What the closure contains:

- A function, or a module-level name with all statements that bind or change it.
- A class: its fields and special methods, and each other method once its name occurs as an attribute,
  or as a string given to `getattr`, anywhere in the closure. A class with a base from another
  library is taken whole, because that library may call any of its methods.
- The statements of a module that bind no name, once anything of the module is in the closure.
- The content of a data file (.toml, .csv) beside a module whose name is in the closure as a string.
- The classes of this project that annotate a parameter or a field: their methods are called on what
  is passed. The annotation itself is not part of the digest.

The closure ends at code that is marked with `without_effect`, and at other libraries.
"""

import ast
import dis
import functools
import hashlib
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

PACKAGES = ("egolib", "egosynth")
# CPython 3.11 counts the depth of a syntax tree in one place for all threads: two that parse at once
# can end in "SystemError: AST constructor recursion depth mismatch".
_PARSING = threading.RLock()
_GLOBAL_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_T = TypeVar("_T")
_DATA_SUFFIXES = (".toml", ".csv")
_NO_EFFECT = "without effect"


def without_effect(marked: _T) -> _T:
    """Mark a function or class whose code cannot change a result, such as a progress bar: digests of
    code do not include it."""
    return marked


@without_effect
def code_digest(*entries: Callable) -> str:
    """Digest of all code of this project that functions or classes depend on, in hexadecimal."""
    functions = (getattr(entry, "__wrapped__", entry) for entry in entries)
    return closure(tuple(f"{f.__module__}:{f.__qualname__}" for f in functions)).digest


@without_effect
def digest_of_source(text: str) -> str:
    """Digest of Python source that belongs to no module, such as the cells of a notebook, and of all
    code of this project that it depends on."""
    return _installed().with_source("", text).closure_of_module("").digest


@functools.cache
def closure(entries: tuple[str, ...]) -> "Closure":
    """The Closure of entries, each "package.module:name"."""
    return _installed().closure(entries)


@functools.cache
def _installed() -> "Sources":
    return Sources(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class Closure:
    """`definitions`: "module:name" or "module:Class.method" of all that a digest covers."""

    digest: str
    definitions: tuple[str, ...]


@dataclass(frozen=True)
class _Definition:
    """`text`: normalised source, in which the k-th of `references` (module, name) is written as
    `ref_k`. `types`: what annotates its parameters and fields. `mentions`: attribute
    names, any of which may be a method's. `members`: methods of a class that are in the closure only
    when they are mentioned."""

    key: tuple[str, str]
    text: str
    references: Iterable[tuple[str, str]] = ()
    types: Sequence[tuple[str, str]] = ()
    mentions: Sequence[str] = ()
    members: dict[str, "_Definition"] = field(default_factory=dict)


class Sources:
    """The project's modules below a folder, parsed when they are first needed."""

    def __init__(self, root: Path, unchanged: "Sources | None" = None):
        self.root, self.unchanged = Path(root), unchanged
        self.modules: dict[str, _Module | None] = {}

    def with_source(self, name: str, text: str) -> "Sources":
        """The same modules, but with `text` as the source of the module `name`."""
        changed = Sources(self.root, self)
        with _PARSING:
            changed.modules[name] = _Module(changed, name, text)
        return changed

    def module(self, name: str) -> "_Module | None":
        """A module of the project by its dotted name, or None for any other."""
        if name not in self.modules and self.unchanged:
            return self.unchanged.module(name)  # parsed once, whatever else is changed
        if name not in self.modules:
            path = self.path(name)
            self.modules[name] = path and _Module(self, name, path.read_text(encoding="utf-8"))
        return self.modules[name]

    def path(self, name: str) -> Path | None:
        """The file of a module of the project; None where there is none."""
        if name.partition(".")[0] not in PACKAGES:
            return None
        place = self.root.joinpath(*name.split("."))
        return next(filter(Path.is_file, (place.with_suffix(".py"), place / "__init__.py")), None)

    def closure(self, entries: Iterable[str]) -> Closure:
        """The Closure of entries, each "package.module:name"."""
        with _PARSING:
            return self.walk([tuple(entry.split(":")) for entry in entries])

    def closure_of_module(self, name: str) -> Closure:
        """The Closure of everything at the top level of a module."""
        with _PARSING:
            module = self.module(name)
            keys = [*module.statements, ""] if module.loose else module.statements
            return self.walk([(name, key) for key in keys])

    def walk(self, entries: list[tuple[str, str]]) -> Closure:
        """Follow references from `entries` (module, name), breadth first, numbering definitions as
        they come."""
        numbers: dict[tuple[str, str], int] = {}
        queue, types, lines, covered, classes = deque(), deque(), [], [], []
        mentioned = set()

        def reach(key: tuple[str, str]) -> int:
            definition = self.module(key[0]).definition(key[1])
            if definition.key not in numbers:
                numbers[definition.key] = len(numbers)
                queue.append(definition)
            return numbers[definition.key]

        for entry in entries:
            reach(entry)
        while queue or types:
            if not queue:  # last, so that an annotation of what is reached anyway changes nothing
                reach(types.popleft())
                continue
            definition = queue.popleft()
            types.extend(definition.types)
            if definition.text != _NO_EFFECT:
                covered.append(":".join(definition.key))
            references = [reach(reference) for reference in definition.references]
            lines.append(f"{definition.text}\0{references}")
            if self.module(definition.key[0]).loose:
                reach((definition.key[0], ""))
            for name, member in definition.members.items():
                if name in mentioned:
                    reach(member.key)
            if definition.members:
                classes.append(definition)
            for name in definition.mentions:
                for owner in classes if name not in mentioned else ():
                    if name in owner.members:
                        reach(owner.members[name].key)
                mentioned.add(name)
        digest = hashlib.sha256("\0\0".join(lines).encode()).hexdigest()
        return Closure(digest, tuple(sorted(covered)))


class _Module:
    """One parsed file: what its top-level names stand for."""

    def __init__(self, sources: Sources, name: str, text: str):
        self.sources, self.name = sources, name
        self.imports: dict[str, tuple[str, str]] = {}  # local name: (module, name in it or "")
        self.statements: dict[str, list[ast.stmt]] = defaultdict(list)
        self.loose: list[ast.stmt] = []
        self.known: dict[str, _Definition] = {}
        for node in ast.parse(text).body:
            imports = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            if not isinstance(node, _Function | ast.ClassDef):
                for statement in imports:
                    self.imports |= _imported(statement)
            if isinstance(node, ast.Import | ast.ImportFrom) or _is_string(node):
                continue
            names = _changed_names(node, self.statements)
            for changed in names:
                self.statements[changed].append(node)
            if not names and not imports:
                self.loose.append(node)

    def definition(self, name: str) -> _Definition:
        """What a top-level name, or "Class.method", stands for, or with "" the statements that bind
        no name. Raises KeyError for an unknown name."""
        if name not in self.known:
            owner, _, member = name.partition(".")
            if member:
                owning = self.definition(owner)
                self.known[name] = owning.members.get(member, owning)
            elif not owner or owner in self.statements:
                nodes = self.statements[name] if name else self.loose
                self.known[name] = self._define(name, nodes)
            else:
                raise KeyError(f"{self.name}: defines no {name}")
        return self.known[name]

    def resolve(self, name: str) -> tuple[str, str] | None:
        """A top-level name -> (module, name) where it is defined, (module, "") for a module; None for
        one that is neither defined nor imported here. Of other libraries, as it is imported."""
        if name in self.statements:
            return self.name, name
        return self._origin(*self.imports[name]) if name in self.imports else None

    def _origin(self, module_name: str, name: str) -> tuple[str, str]:
        module = self.sources.module(module_name)
        if module is None or not name:
            return module_name, name
        if self.sources.path(f"{module_name}.{name}"):
            return f"{module_name}.{name}", ""
        return module.resolve(name) or (module_name, name)

    def is_open(self, node: ast.ClassDef) -> bool:
        """Whether a class has an ancestor of another library."""
        for base in node.bases:
            found = self.resolve(base.id) if isinstance(base, ast.Name) else None
            module = found and self.sources.module(found[0])
            if not (module and found[1]):
                return True
            parents = [n for n in module.statements[found[1]] if isinstance(n, ast.ClassDef)]
            if any(map(module.is_open, parents)):
                return True
        return False

    def _define(self, name: str, nodes: list[ast.stmt], owner: str = "") -> _Definition:
        key = (self.name, f"{owner}.{name}" if owner else name)
        marks = [mark for node in nodes for mark in getattr(node, "decorator_list", [])]
        if without_effect.__name__ in map(ast.unparse, marks):
            return _Definition(key, _NO_EFFECT)
        members, parts = {}, []
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not owner and not self.is_open(node):
                methods = [n for n in node.body if isinstance(n, _Function)]
                methods = [n for n in methods if not re.fullmatch("__.*__", n.name)]
                for method in methods:
                    same = [n for n in methods if n.name == method.name]  # a property, its setter
                    members[method.name] = self._define(method.name, same, name)
                rest = [n for n in node.body if n not in methods] or [ast.Pass()]
                node = ast.ClassDef(node.name, node.bases, node.keywords, rest, node.decorator_list)
            parts.append(node)
        reader = _Normaliser(self, _global_names(parts))
        # A copy: the tree is read again for members and by other definitions.
        copies = [ast.parse(ast.unparse(ast.fix_missing_locations(n))).body[0] for n in parts]
        text = "\n".join(ast.unparse(ast.fix_missing_locations(reader.visit(n))) for n in copies)
        text = text.replace(f"def {name}(", "def _(").replace(f"class {name}", "class _", 1)
        if not owner and name and not isinstance(nodes[0], _Function | ast.ClassDef):
            text = text.removeprefix(name)
        return _Definition(key, text, reader.references, reader.types, reader.mentions, members)


class _Normaliser(ast.NodeTransformer):
    """Rewrites a definition so that only what it does is left, and collects what it refers to."""

    def __init__(self, module: _Module, global_names: set[str]):
        self.module, self.names = module, global_names
        self.local_imports: dict[str, tuple[str, str]] = {}
        self.references: dict[tuple[str, str], int] = {}  # and their numbers
        self.types: list[tuple[str, str]] = []
        self.mentions: list[str] = []

    def _target(self, node: ast.expr) -> tuple[str, str] | None:
        """What a name or a chain of attributes refers to at the top level of some module."""
        if isinstance(node, ast.Name):
            if node.id in self.local_imports:
                return self.module._origin(*self.local_imports[node.id])
            return self.module.resolve(node.id) if node.id in self.names else None
        if isinstance(node, ast.Attribute):
            found = self._target(node.value)
            if found and not found[1]:
                return self.module._origin(found[0], node.attr)
            if found and not self.module.sources.module(found[0]):
                return found[0], f"{found[1]}.{node.attr}"
        return None

    def _replace(self, node: ast.expr) -> ast.expr | None:
        found = self._target(node)
        if found is None:
            return None
        module = self.module.sources.module(found[0])
        if module is None:
            return ast.Name(".".join(filter(None, found)).replace(".", "·"), ast.Load())
        if not found[1]:  # a module used as a value: anything of it may be used
            for name in module.statements:
                self._refer((found[0], name))
            return ast.Name("module", ast.Load())
        if found[1].partition(".")[0] not in module.statements:
            return None
        return ast.Name(f"ref_{self._refer(found)}", ast.Load())

    def _refer(self, reference: tuple[str, str]) -> int:
        return self.references.setdefault(reference, len(self.references))

    def visit_Name(self, node):
        return self._replace(node) or node

    def visit_Attribute(self, node):
        if replaced := self._replace(node):
            return replaced
        self.mentions.append(node.attr)
        return self.generic_visit(node)

    def visit_Call(self, node):
        if ast.unparse(node.func).rpartition(".")[2] in ("getattr", "methodcaller", "attrgetter"):
            strings = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            self.mentions += [value for value in strings if isinstance(value, str)]
        return self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, str) and node.value.endswith(_DATA_SUFFIXES):
            path = self.module.sources.path(self.module.name)
            data = path and path.parent / node.value
            if data and data.is_file():
                return ast.Constant(hashlib.sha256(data.read_bytes()).hexdigest())
        return node

    def visit_Import(self, node):
        self.local_imports |= _imported(node)
        return ast.Pass()

    visit_ImportFrom = visit_Import

    def visit_ClassDef(self, node):
        if _is_string(node.body[0]):
            node.body = node.body[1:] or [ast.Pass()]
        node.returns = None
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef

    def visit_arg(self, node):
        self._note_types(node.annotation)
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        self._note_types(node.annotation)
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)

    def _note_types(self, annotation):
        for name in ast.walk(annotation) if annotation else ():
            found = self.module.resolve(name.id) if isinstance(name, ast.Name) else None
            module = found and self.module.sources.module(found[0])
            if module and found[1] in module.statements:
                self.types.append(found)

    def visit_Raise(self, node):
        """The words of an error do not count, its type does."""
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.Raise(raised and self.visit(raised), None)

    def visit_Assert(self, node):
        return ast.Assert(self.visit(node.test), None)

    def visit_Expr(self, node):
        called = ast.unparse(getattr(node.value, "func", ast.Pass()))
        if _is_string(node) or called in ("print", "warnings.warn"):
            return ast.Pass()
        return self.generic_visit(node)


def _changed_names(node: ast.stmt, known: Container[str]) -> list[str]:
    """The top-level names that a statement binds, and those of the `known` ones that it changes, in
    order. A change of another module's object, `torch.backends.x = 1`, is an effect."""
    if isinstance(node, _Function | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Expr):
        return []
    inner = list(ast.walk(node))
    names = [n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        roots = [name for target in targets for name in _roots(target)]
        names = [name for name in roots if name in known or name in names]
    else:
        names += [n.name for n in inner if isinstance(n, _Function | ast.ClassDef)]
    return list(dict.fromkeys(names))


def _roots(target: ast.expr) -> list[str]:
    """Names at the root of what is assigned to: x of `x`, `x.y`, `x[0]` and `(x, *_)`."""
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Tuple | ast.List):
        return [name for element in target.elts for name in _roots(element)]
    return _roots(target.value) if hasattr(target, "value") else []


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
    """{local name: (module, name in it, or "")} of an import statement."""
    if isinstance(node, ast.ImportFrom):
        return {a.asname or a.name: (node.module or "", a.name) for a in node.names}
    return {
        a.asname or a.name.partition(".")[0]: (a.name if a.asname else a.name.partition(".")[0], "")
        for a in node.names
    }


def _global_names(nodes: list[ast.stmt]) -> set[str]:
    """Names that statements read from the module's top level, as the compiler sees them."""
    tree = ast.fix_missing_locations(ast.Module(nodes, []))
    codes, names = [compile(tree, "", "exec", dont_inherit=True)], set()
    for code in codes:
        names |= {i.argval for i in dis.get_instructions(code) if i.opname in _GLOBAL_LOADS}
        codes += [const for const in code.co_consts if hasattr(const, "co_consts")]
    return names


def _is_string(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
