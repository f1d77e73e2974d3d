"""Digests of the code that an outcome depends on, derived from the source and not from a list.

A digest starts at entry functions and follows every name that their source uses, through imports, to
the functions, classes and constants of this project behind it. It changes when the code of one of
these changes. It does not change with docstrings, comments, layout, type annotations, the words of an
error or of a printed line, the names and places of modules, import statements, or the names of
functions, classes and module constants.

What the closure contains:

- A function, or a module-level name with all statements that bind or change it.
- A class: its fields and special methods, and each other method once its name occurs as an attribute,
  or as a string given to `getattr`, anywhere in the closure. A class with a base from another library is taken whole,
  because that library may call any of its methods.
- The statements of a module that bind no name, once anything of the module is in the closure.
- The classes of this project that annotate a parameter or a field: their methods are called on what
  is passed. The annotation itself is not part of the digest.

The closure ends at code that is marked with `without_effect`, and at other libraries.
"""

import ast
import dis
import functools
import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
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
_NO_EFFECT = "without effect"


def without_effect(marked: _T) -> _T:
    """Mark a function or class whose code cannot change a result, such as a progress bar: digests of
    code do not include it."""
    return marked


@without_effect
def code_digest(*entries: Callable) -> str:
    """Digest of all code of this project that functions or classes depend on, in hexadecimal."""
    names = []
    for entry in entries:
        function = getattr(entry, "__wrapped__", entry)
        names.append(f"{function.__module__}:{function.__qualname__}")
    return closure(tuple(names)).digest


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
    references: tuple[tuple[str, str], ...]
    types: tuple[tuple[str, str], ...]
    mentions: tuple[str, ...]
    members: dict[str, "_Definition"] = field(default_factory=dict)


class Sources:
    """The project's modules below a folder, parsed when they are first needed."""

    def __init__(self, root: Path):
        self.root = Path(root)
        self.modules: dict[str, _Module | None] = {}

    def with_source(self, name: str, text: str) -> "Sources":
        """The same modules, but with `text` as the source of the module `name`."""
        changed = Sources(self.root)
        with _PARSING:
            changed.modules = {**self.modules, name: _Module(changed, name, text)}
        return changed

    def module(self, name: str) -> "_Module | None":
        """A module of the project by its dotted name, or None for any other."""
        if name not in self.modules:
            path = self.path(name)
            self.modules[name] = path and _Module(self, name, path.read_text(encoding="utf-8"))
        return self.modules[name]

    def path(self, name: str) -> Path | None:
        """The file of a module of the project; None where there is none."""
        if name.partition(".")[0] not in PACKAGES:
            return None
        place = self.root.joinpath(*name.split("."))
        found = [p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()]
        return found[0] if found else None

    def closure(self, entries: Iterable[str]) -> Closure:
        """The Closure of entries, each "package.module:name"."""
        with _PARSING:
            return self.walk([tuple(entry.split(":")) for entry in entries])

    def closure_of_module(self, name: str) -> Closure:
        """The Closure of everything at the top level of a module."""
        with _PARSING:
            return self.walk(self.module(name).everything())

    def walk(self, entries: list[tuple[str, str] | _Definition]) -> Closure:
        """Follow references from `entries`, breadth first, numbering definitions as they come."""
        numbers, lines, covered, queue, types = {}, [], [], [], []
        classes, mentioned, entered = [], set(), set()

        def reach(entry):
            definition = entry
            if not isinstance(entry, _Definition):
                definition = self.module(entry[0]).definition(entry[1])
            if definition.key not in numbers:
                numbers[definition.key] = len(numbers)
                queue.append(definition)
            return numbers[definition.key]

        for entry in entries:
            reach(entry)
        while queue or types:
            if not queue:  # last, so that an annotation of what is reached anyway changes nothing
                reach(types.pop(0))
                continue
            definition = queue.pop(0)
            types += definition.types
            if definition.text != _NO_EFFECT:
                covered.append(":".join(definition.key))
            references = [reach(reference) for reference in definition.references]
            lines.append(f"{definition.text}\0{references}")
            module_name = definition.key[0]
            if module_name and module_name not in entered:
                entered.add(module_name)
                for effect in self.module(module_name).effects():
                    reach(effect)
            if definition.members:
                classes.append(definition)
                for name in definition.members:
                    if name in mentioned:
                        reach(definition.members[name])
            for name in definition.mentions:
                if name not in mentioned:
                    mentioned.add(name)
                    for owner in classes:
                        if name in owner.members:
                            reach(owner.members[name])
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
            names = _bound_names(node)
            if not isinstance(node, _Function | ast.ClassDef):
                for each in imports:
                    self.imports |= _imported(each)
            if isinstance(node, ast.Import | ast.ImportFrom) or _is_string(node):
                continue
            # A change of another module's object, `torch.backends.x = 1`, is an effect.
            names = [bound for bound in names if bound in self.statements or _binds(node, bound)]
            for bound in names:
                self.statements[bound].append(node)
            if not names and not imports:
                self.loose.append(node)

    def definition(self, name: str) -> _Definition:
        """What a top-level name, or "Class.method", stands for. Raises KeyError for an unknown one."""
        if name not in self.known:
            owner, _, member = name.partition(".")
            if member:
                whole = self.definition(owner)
                self.known[name] = whole.members.get(member, whole)
            elif owner in self.statements:
                self.known[name] = self._define(name, self.statements[name])
            else:
                raise KeyError(f"{self.name}: defines no {name}")
        return self.known[name]

    def effects(self) -> list[_Definition]:
        """The statements that bind no name, as one definition; [] where there are none."""
        if self.loose and "" not in self.known:
            self.known[""] = self._define("", self.loose)
        return [self.known[""]] if self.loose else []

    def everything(self) -> list[_Definition]:
        """All names and effects, of source that is an entry as a whole."""
        return [*map(self.definition, self.statements), *self.effects()]

    def resolve(self, name: str) -> tuple[str, str] | None:
        """A top-level name -> (module, name) where it is defined, (module, "") for a module; None for
        one that is neither defined nor imported here. Of other libraries, as it is imported."""
        if name in self.statements:
            return self.name, name
        if name not in self.imports:
            return None
        return self._origin(*self.imports[name])

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
        if any(_is_without_effect(node) for node in nodes):
            return _Definition(key, _NO_EFFECT, (), (), ())
        members, kept = {}, []
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not owner and not self.is_open(node):
                own = [n for n in node.body if isinstance(n, _Function) and not _is_special(n.name)]
                for method in own:
                    same = [n for n in own if n.name == method.name]  # a property and its setter
                    members[method.name] = self._define(method.name, same, name)
                rest = [n for n in node.body if n not in own] or [ast.Pass()]
                node = ast.ClassDef(node.name, node.bases, node.keywords, rest, node.decorator_list)
            kept.append(node)
        reader = _Normaliser(self, _global_names(kept))
        # A copy: the tree is read again for members and by other definitions.
        copies = [ast.parse(ast.unparse(ast.fix_missing_locations(n))).body[0] for n in kept]
        text = "\n".join(ast.unparse(ast.fix_missing_locations(reader.visit(n))) for n in copies)
        text = text.replace(f"def {name}(", "def _(").replace(f"class {name}", "class _", 1)
        if not owner and name and not isinstance(nodes[0], _Function | ast.ClassDef):
            text = text.removeprefix(name)
        found = map(tuple, (reader.references, reader.types, reader.mentions))
        return _Definition(key, text, *found, members)


class _Normaliser(ast.NodeTransformer):
    """Rewrites a definition so that only what it does is left, and collects what it refers to."""

    def __init__(self, module: _Module, global_names: set[str]):
        self.module, self.names = module, global_names
        self.local_imports: dict[str, tuple[str, str]] = {}
        self.references: list[tuple[str, str]] = []
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
            name = ".".join(part for part in found if part)
            return ast.Name(name.replace(".", "·"), ast.Load())
        if not found[1]:  # a module used as a value: anything of it may be used
            for name in module.statements:
                self._refer((found[0], name))
            return ast.Name("module", ast.Load())
        if found[1].partition(".")[0] not in module.statements:
            return None
        return ast.Name(f"ref_{self._refer(found)}", ast.Load())

    def _refer(self, reference: tuple[str, str]) -> int:
        if reference not in self.references:
            self.references.append(reference)
        return self.references.index(reference)

    def visit_Name(self, node):
        return self._replace(node) or node

    def visit_Attribute(self, node):
        replaced = self._replace(node)
        if replaced:
            return replaced
        self.mentions.append(node.attr)
        return self.generic_visit(node)

    def visit_Call(self, node):
        if ast.unparse(node.func).rpartition(".")[2] in ("getattr", "methodcaller", "attrgetter"):
            strings = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            self.mentions += [value for value in strings if isinstance(value, str)]
        return self.generic_visit(node)

    def visit_Import(self, node):
        self.local_imports |= _imported(node)
        return ast.Pass()

    visit_ImportFrom = visit_Import

    def visit_FunctionDef(self, node):
        _drop_docstring(node)
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        _drop_docstring(node)
        return self.generic_visit(node)

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
        call = node.value
        if _is_string(node) or (
            isinstance(call, ast.Call) and ast.unparse(call.func) in ("print", "warnings.warn")
        ):
            return ast.Pass()
        return self.generic_visit(node)


def _bound_names(node: ast.stmt) -> list[str]:
    """The top-level names that a statement binds or changes, in order."""
    if isinstance(node, _Function | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return list(dict.fromkeys(name for target in targets for name in _roots(target)))
    if isinstance(node, ast.Expr):
        return []
    stored = [
        *(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)),
        *(n.name for n in ast.walk(node) if isinstance(n, _Function | ast.ClassDef)),
    ]
    return list(dict.fromkeys(stored))


def _binds(node: ast.stmt, name: str) -> bool:
    """Whether a statement binds a top-level name, and does not only change what it stands for."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        stored = [
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        ]
        return name in stored
    return True


def _roots(target: ast.expr) -> list[str]:
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


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_without_effect(node: ast.stmt) -> bool:
    marks = map(ast.unparse, getattr(node, "decorator_list", []))
    return without_effect.__name__ in marks


def _drop_docstring(node) -> None:
    if _is_string(node.body[0]):
        node.body = node.body[1:] or [ast.Pass()]
