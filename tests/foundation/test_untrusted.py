"""The one way in for files, values and names from outside."""

import contextlib
import json
import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import (
    check_file,
    file_name,
    is_plain,
    load_state,
    number_between,
    numbers,
    parse_json,
    read_bytes,
    shown,
)

PLAIN = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=8)
VALUES = st.recursive(
    PLAIN | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_json_is_read_as_python_reads_it(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_what_is_not_json_is_a_value_error(content):
    with contextlib.suppress(ValueError):
        parse_json(content)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "'a' occurs twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("9" * 401, "a number of 401 digits"),
        ('["\\ud800"]', "surrogates"),
        ("", "Expecting value"),
    ],
)
def test_json_that_python_alone_takes_or_dies_of(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


@given(
    st.lists(
        st.lists(st.integers(-(2**70), 2**70) | st.floats(), min_size=3, max_size=3), min_size=1
    )
)
def test_numbers_are_floats(rows):
    assert np.array_equal(numbers(rows), np.array(rows, np.float64), equal_nan=True)


@pytest.mark.parametrize(
    "value", ["12", True, None, [1, "2"], [1.5, False], [[1, 2], [3]], {"a": 1}, [10**400], [[]], "ab"]
)  # fmt: skip
def test_what_is_no_number(value):
    if value == [[]]:
        assert numbers(value).shape == (1, 0)
        return
    with pytest.raises(ValueError, match="holds a"):
        numbers(value)


@given(st.floats() | st.integers() | st.booleans() | st.text() | st.none())
def test_a_number_is_within_its_limits(value):
    is_number = (
        type(value) in (int, float) and not math.isnan(value)
        if type(value) is float
        else type(value) is int
    )
    if is_number and 0 <= value <= 10:
        assert number_between(value, 0, 10) == value
    else:
        with pytest.raises(ValueError, match="is not a number from 0 to 10"):
            number_between(value, 0, 10)


@given(st.text(max_size=30))
def test_a_name_of_a_folder_stays_one_name(name):
    refused = None
    with contextlib.suppress(EgolibError):
        refused = name
        assert file_name(name, "here") == name == os.path.basename(name)
        refused = None
        assert name not in (".", "..", "")
        assert not {*name} & {*"/\\{}%*?[]$'\"\n\r\0 "}
    if refused is not None:
        with pytest.raises(EgolibError, match=r"\Ahere: the name [^\n]*\Z"):
            file_name(name, "here")


@pytest.mark.parametrize(
    "name", ["..", ".", "...", "", "a/b", "a\\b", "published", "NUL", "a ", "-a", "x" * 101]
)
def test_names_that_are_refused(name):
    with pytest.raises(EgolibError, match="cannot be used"):
        file_name(name, "here")


@given(st.text(max_size=200))
def test_what_is_shown_fits_one_line(name):
    assert is_plain(shown(name))
    assert len(shown(name)) <= 81
    if is_plain(name) and len(name) <= 80:
        assert shown(name) == name


@pytest.mark.parametrize("read", [read_bytes, check_file])
def test_only_files_are_read(tmp_path, read):
    pipe, dangling, loop = (tmp_path / name for name in ("pipe", "dangling", "loop"))
    os.mkfifo(pipe)
    dangling.symlink_to("nowhere")
    loop.symlink_to("loop")
    (tmp_path / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    for path, reason in (
        (pipe, "not a file|a pipe or a device"),
        ("/dev/zero", "not a file|a pipe or a device"),
        (dangling, "no such file"),
        (loop, "cannot be read"),
        (tmp_path, "not a file|cannot be read"),
        (tmp_path / "pointer", "git lfs pull"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ):
        with pytest.raises(EgolibError, match=reason) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_a_large_file_is_not_read(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as stream:
        stream.truncate(1 << 40)  # of holes, on disk a few bytes
    with pytest.raises(EgolibError, match="at most 67,108,864 are read"):
        read_bytes(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1, 2", b"[1, 2]", b"null", b"[" * 10**5])
def test_a_damaged_file_of_our_own_is_set_aside_once(tmp_path, capsys, content):
    path = tmp_path / "durations.json"
    path.write_bytes(content)
    assert load_state(path) == {}
    line = capsys.readouterr().err
    assert line.startswith(f"{path}: damaged (")
    assert line.count("\n") == 1
    assert not path.exists()
    assert (tmp_path / "durations.json.damaged").read_bytes() == content
    assert load_state(path) == {}  # and says nothing any more
    assert not capsys.readouterr().err


def test_a_whole_file_of_our_own_is_read(tmp_path):
    path = tmp_path / "durations.json"
    path.write_text('{"render": 12.5}')
    assert load_state(path) == {"render": 12.5}
    with pytest.raises(KeyError):
        load_state(tmp_path / "missing", lambda content: content["stamp"])
