"""Digests of code change with what an outcome depends on, and with nothing else."""

import ast
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from egolib.audit import character
from egolib.config import override
from egolib.data.index import index_tree
from egolib.data.visibility import known_states
from egolib.evaluation import detections
from egolib.evaluation.inference import predict_split
from egolib.foundation.provenance import Sources, closure, code_digest, digest_of_source
from egolib.headset.deploy import exporting
from egolib.training import train as training
from egolib.training.train import StageInputs
from egosynth.tree import render_tree

ROOT = Path(__file__).parents[2]
STAGES = ("heatmaps", "lifter", "end_to_end", "ray_model")

MAIN = """
import numpy as np
from egolib.parts import SCALE, Shape, helper

LIMIT = 3
LIMIT += 1


def entry(x):
    '''Adds.'''
    if x > LIMIT:
        raise ValueError(f"too large: {x}")
    print("working")
    return helper(np.abs(x)) * SCALE + Shape(x).area()
"""
PARTS = """
from egolib.deep import BASE as SCALE


def helper(x):
    return x + 1


def unused(x):
    return x + 7


class Shape:
    side = 2

    def __init__(self, x):
        self.x = x

    def area(self):
        return self.x * self.side

    def outline(self):
        return 4 * self.x
"""
DEEP = "BASE = 10\nOTHER = 20\n"


@pytest.fixture
def digest_of(tmp_path):
    """Digest of `entry` of a small package, with changes {file: {old: new}}."""

    def digest(changes=(), entry="egolib.main:entry", **files):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        texts = {"__init__": "", "main": MAIN, "parts": PARTS, "deep": DEEP, **files}
        for name, text in texts.items():
            for old, new in dict(changes).get(name, {}).items():
                assert old in text
                text = text.replace(old, new)
            path = root / "egolib" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Sources(root).closure([entry]).digest

    return digest


@pytest.mark.parametrize(
    "changes",
    [
        {"main": {"LIMIT = 3": "LIMIT = 4"}},
        {"main": {"LIMIT += 1": "LIMIT += 2"}},
        {"main": {"LIMIT += 1": "LIMIT *= 1"}},
        {"main": {"np.abs": "np.square"}},
        {"main": {"ValueError": "KeyError"}},
        {"parts": {"x + 1": "x + 2"}},
        {"parts": {"side = 2": "side = 3"}},
        {"parts": {"self.x = x": "self.x = -x"}},
        {"parts": {"self.x * self.side": "self.x / self.side"}},
        {"parts": {"BASE as SCALE": "OTHER as SCALE"}},
        {"deep": {"BASE = 10": "BASE = 11"}},
        {"deep": {"OTHER = 20": "OTHER = 20\nprint.__self__.x = BASE"}},
    ],
    ids=str,
)
def test_a_change_of_what_the_entry_does_changes_the_digest(digest_of, changes):
    assert digest_of(changes) != digest_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"main": {"'''Adds.'''": "'''Sums.'''\n    # why"}},
        {"main": {"too large": "out of range"}},
        {"main": {'print("working")': 'print("at work", x)'}},
        {"main": {"import numpy as np": "import numpy", "np.abs": "numpy.abs"}},
        {"main": {"entry(x):": "entry(x: int) -> float:"}},
        {"main": {"LIMIT": "MOST"}},
        {"main": {"helper": "plus_one"}, "parts": {"helper": "plus_one"}},
        {"main": {"SCALE, ": "", "LIMIT = 3": "from egolib.deep import BASE as SCALE\nLIMIT = 3"}},
        {"parts": {"x + 7": "x + 8"}},
        {"parts": {"4 * self.x": "8 * self.x"}},
        {"deep": {"OTHER = 20": "OTHER = 30"}},
    ],
    ids=str,
)
def test_words_names_and_what_is_not_used_leave_the_digest(digest_of, changes):
    assert digest_of(changes) == digest_of()


def test_a_file_that_moves_leaves_the_digest(digest_of):
    moved = {"egolib.parts": "egolib.elsewhere"}
    assert digest_of({"main": moved}, elsewhere=PARTS, parts="") == digest_of()


def test_a_function_that_moves_leaves_the_digest(digest_of):
    helper = "def helper(x):\n    return x + 1\n"
    changes = {
        "main": {"Shape, helper": "Shape\nfrom egolib.deep import helper"},
        "parts": {helper: ""},
    }
    assert digest_of(changes, deep=DEEP + helper) == digest_of()


def test_a_name_that_a_package_hands_on_is_followed(digest_of):
    through = {"main": {"egolib.parts": "egolib"}}
    init = "from egolib.parts import SCALE, Shape, helper\n"
    assert digest_of(through, __init__=init) == digest_of()
    changed = {**through, "parts": {"x + 1": "x + 2"}}
    assert digest_of(changed, __init__=init) != digest_of()


def test_methods_are_followed_when_something_calls_them_by_name(digest_of):
    body = (
        "from egolib.parts import Shape\n\ndef entry(shape: Shape):\n    return shape.outline()\n"
    )
    changed = {"parts": {"4 * self.x": "8 * self.x"}}
    unused = {"parts": {"self.x * self.side": "self.x / self.side"}}
    assert digest_of(changed, main=body) != digest_of(main=body) == digest_of(unused, main=body)
    by_string = body.replace("shape.outline()", "getattr(shape, 'outline')()")
    assert digest_of(changed, main=by_string) != digest_of(main=by_string)


def test_a_class_with_a_foreign_base_is_taken_whole(digest_of):
    foreign = PARTS.replace("class Shape:", "import torch\n\nclass Shape(torch.nn.Module):")
    changed = {"parts": {"4 * self.x": "8 * self.x"}}
    assert digest_of(changed, parts=foreign) != digest_of(parts=foreign)


def test_what_is_marked_as_without_effect_does_not_count(digest_of):
    marked = PARTS.replace("def helper", "@without_effect\ndef helper")
    assert digest_of({"parts": {"x + 1": "x + 2"}}, parts=marked) == digest_of(parts=marked)


def test_a_data_file_counts_where_the_code_names_it(digest_of, tmp_path):
    body = "from egolib.parts import helper\nNAME = 'table.csv'\n\ndef entry(x):\n    return NAME\n"
    without = digest_of(main=body)
    found = []
    for content in ("1", "2"):
        root = tmp_path / f"root{content}" / "egolib"
        root.mkdir(parents=True)
        (root / "main.py").write_text(body)
        (root / "table.csv").write_text(content)
        found.append(Sources(root.parent).closure(["egolib.main:entry"]).digest)
    assert len({without, *found}) == 3


def test_source_of_no_module_counts_with_what_it_uses():
    cells = "from egolib.losses import pose_loss\nprint('a loss')\nloss = pose_loss(1, 2)\n"
    assert digest_of_source(cells) == digest_of_source(cells.replace("a loss", "the loss"))
    assert digest_of_source(cells) != digest_of_source(cells.replace("1, 2", "1, 3"))
    assert digest_of_source(cells) != digest_of_source(cells.replace("pose_loss", "limb_length"))


def test_threads_that_ask_for_digests_at_once_parse_one_after_another(tmp_path, monkeypatch):
    parse, at_work = ast.parse, threading.Semaphore(1)
    (tmp_path / "egolib").mkdir()
    (tmp_path / "egolib" / "code.py").write_text("x = 1\n")

    def parse_alone(*source):
        assert at_work.acquire(blocking=False), "two threads parse at once"
        time.sleep(0.01)
        at_work.release()
        return parse(*source)

    monkeypatch.setattr(ast, "parse", parse_alone)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: Sources(tmp_path).closure(["egolib.code:x"]).digest, range(8))
        assert len(set(found)) == 1


# What outcomes depend on, from the entry functions that their digests are taken of.
def _names(*functions):
    return tuple(f"{f.__module__}:{f.__qualname__}" for f in functions)


TRAINING = {
    stage: _names(training._train, training._PREPARE[stage])
    for stage in ("heatmaps", "lifter", "ray_model")
}
TRAINING["end_to_end"] = _names(
    training._train, *(training._PREPARE[stage] for stage in ("heatmaps", "lifter", "end_to_end"))
)
ENTRIES = {
    **TRAINING,
    "tree": _names(render_tree),
    "detections": _names(detections.detect),
    "predictions": _names(predict_split),
    "audit": _names(character._audit),
    "visibility": _names(known_states),
    "export": _names(exporting.export_onnx, exporting.quantise_onnx),
}


@pytest.fixture(scope="module")
def sources():
    found = Sources(ROOT)
    for entries in ENTRIES.values():
        found.closure(entries)
    return found


def changed_outcomes(sources, module, text):
    """Names of ENTRIES whose digest changes when `text` is the source of a module."""
    changed = sources.with_source(module, text)
    return {
        name
        for name, entries in ENTRIES.items()
        if changed.closure(entries).digest != sources.closure(entries).digest
    }


def test_the_digests_of_training_are_those_of_their_closures():
    for stage in STAGES:
        assert training.training_code_digest(stage) == closure(TRAINING[stage]).digest
    assert code_digest(render_tree) == closure(ENTRIES["tree"]).digest


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("losses", "LAMBDA_POSE = 0.1", "LAMBDA_POSE = 0.2", {"lifter", "end_to_end"}),
        ("skeleton", '("Neck", "LeftUpLeg")', '("Head", "LeftUpLeg")', {"lifter", "end_to_end", "audit"}),
        ("losses", "EXPECTED_ERROR_WEIGHT = 0.01", "EXPECTED_ERROR_WEIGHT = 0.02", {"ray_model"}),
        ("data.augmentation", "MAX_TURN_DEGREES = 8", "MAX_TURN_DEGREES = 9", set(STAGES)),
        ("models.quantisation", "_LEVELS = 127", "_LEVELS = 63", set()),
        ("experiments.run", 'f"the miniature in', 'f"the rendered data in', set()),
        ("foundation.progress", "mininterval=10", "mininterval=11", set()),
        ("foundation.files", ".partial-", ".half-", set()),
        ("training.train", "method rotation learns", "method rotation needs", set()),
    ],
)  # fmt: skip
def test_a_changed_constant_changes_the_digests_that_it_should(sources, module, old, new, expected):
    text = sources.path(f"egolib.{module}").read_text()
    assert text.count(old) == 1
    assert changed_outcomes(sources, f"egolib.{module}", text.replace(old, new)) == expected


def numbers(sources, module):
    """{top-level name: source in which its first number is another} of a module of the project."""
    text = sources.path(module).read_text()
    lines, changed = text.splitlines(keepends=True), {}
    for node in ast.parse(text).body:
        target = getattr(node, "targets", [None])[0]
        name = getattr(node, "name", None) or getattr(target, "id", "")
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and type(each.value) in (int, float) and name:
                row, line = each.lineno - 1, lines[each.lineno - 1].encode()
                line = line[: each.col_offset] + b"987" + line[each.end_col_offset :]
                changed[name] = "".join([*lines[:row], line.decode(), *lines[row + 1 :]])
                break
    return changed


def test_in_every_file_a_changed_number_changes_the_digests_that_cover_it(sources):
    covered = {name: set(sources.closure(entries).definitions) for name, entries in ENTRIES.items()}
    modules = {definition.partition(":")[0] for of in covered.values() for definition in of}
    checked = 0
    for module in sorted(modules):
        for name, text in numbers(sources, module).items():
            expected = {outcome for outcome, of in covered.items() if f"{module}:{name}" in of}
            found = changed_outcomes(sources, module, text)
            # A class is covered where one of its methods is; the number may be in another one.
            assert found == expected or (name[0].isupper() and found < expected), (module, name)
            checked += len(found) > 0
            if found:
                break
    assert checked > 60


def notebook_digests(sources):
    """{name: digest of the code that the cells of a notebook depend on}."""
    digests = {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        digests[path.stem] = sources.with_source("", source).closure_of_module("").digest
    return digests


@pytest.fixture(scope="module")
def unchanged_notebooks(sources):
    return notebook_digests(sources)


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("plots.ray_model", "#dbe4f3", "#dbe4f4", {"04b_train_ray_model"}),
        ("report.overview", "_CSS_DPI = 110", "_CSS_DPI = 120", set()),
        ("experiments.run", "not trained yet; run its notebook", "not there yet", set()),
    ],
)
def test_a_change_makes_only_those_notebooks_stale_that_show_it(
    sources, unchanged_notebooks, module, old, new, expected
):
    module = f"egolib.{module}"
    text = sources.path(module).read_text()
    assert text.count(old) == 1
    changed = notebook_digests(sources.with_source(module, text.replace(old, new)))
    stale = {name for name, digest in unchanged_notebooks.items() if changed[name] != digest}
    assert stale == expected


def functions_called(function, *arguments):
    """{"module:qualified name"} of all functions of egolib that a call runs, in any thread."""
    called = set()

    def note(frame, event, _):
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("egolib."):
            called.add(f"{module}:{frame.f_code.co_qualname}")

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return called


def not_covered(called, covered):
    """Those of the functions that belong to no covered definition."""
    left = set()
    for name in called:
        module, _, path = name.partition(":")
        outer = path.split(".<")[0]
        generated = outer == "__create_fn__"  # of a dataclass
        names = {f"{module}:{outer}", f"{module}:{outer.partition('.')[0]}"}
        if not generated and not names & covered:
            left.add(name)
    return left


def test_every_function_that_a_training_runs_is_covered_by_its_digest(
    shared_toy_tree, toy_profile, tmp_path
):
    once = {stage: {"epochs": 1} for stage in STAGES}
    profile = override(toy_profile, once, "test")
    pair = [index_tree(shared_toy_tree, split) for split in ("train", "val")]
    inputs = StageInputs(profile, *pair, tmp_path, 0, tmp_path / "heatmaps.safetensors")
    # These are marked as without effect, or are called by what is.
    outside = {
        f"egolib.{name}"
        for name in (
            "models.checkpoints:save_network", "models.checkpoints:build_network",
            "foundation.files:write_atomically", "foundation.files:_remove_leftovers",
            "foundation.untrusted:read_bytes", "foundation.untrusted:check_file",
            "foundation.untrusted:number_between", "foundation.untrusted:shown",
            "models.checkpoints:_checked_spec", "models.checkpoints:check_weights",
            "models.checkpoints:_names",
            "foundation.files:atomic_path", "foundation.files:no_space_is_one_line",
            "foundation.progress:progress_bar",
            "foundation.progress:_is_live", "foundation.provenance:code_digest",
            "training.train:training_code_digest",
        )
    }  # fmt: skip
    for stage in STAGES:
        called = functions_called(
            training._train, stage, training._PREPARE[stage], inputs, False, 1, 1
        )
        assert not not_covered(called, {*closure(TRAINING[stage]).definitions, *outside})
        assert len(called) > 20
