import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from egolib.foundation.errors import EgolibError, NoSpaceError
from egolib.foundation.files import atomic_path, no_space_is_one_line, only_run, write_atomically


def test_a_failure_leaves_the_old_file_and_no_partial(tmp_path):
    path = tmp_path / "table.csv"
    write_atomically(path, "old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as partial:
        partial.write_text(f"ne{1 / 0}")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EgolibError, match="no space left") as caught:
        write_atomically(tmp_path / "frame.png", b"x")
    assert "frame.png" in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_really_full_device():
    with pytest.raises(EgolibError, match="/dev/full"), no_space_is_one_line("/dev/full"):
        Path("/dev/full").write_bytes(b"x" * 4096)


def test_two_runs_do_not_work_in_one_place(tmp_path):
    lock = tmp_path / "out" / ".lock"
    with only_run(lock), pytest.raises(EgolibError, match="another run"), only_run(lock):
        pass
    with pytest.raises(ZeroDivisionError), only_run(lock):
        _ = 1 / 0
    with only_run(lock):
        pass
    assert not list(lock.parent.iterdir())


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path):
    """And what another process, or another machine, is writing stays."""
    code = f"""
import os, signal
from egolib.foundation.files import atomic_path
with atomic_path({str(tmp_path / "table.csv")!r}) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = tmp_path.iterdir()
    mine = tmp_path / left.name.replace(left.name.split("-")[-2], str(os.getpid()))
    theirs = tmp_path / ".table.csv.partial-another.machine-1-1"
    mine.touch()
    theirs.touch()
    write_atomically(tmp_path / "other.txt", "whole")
    assert {*tmp_path.iterdir()} == {mine, theirs, tmp_path / "other.txt"}


def test_the_disk_that_is_full_is_named(tmp_path, monkeypatch):
    """TMPDIR, when the error names no file and that disk is the one without space."""
    usage = shutil.disk_usage(tmp_path)
    full = usage._replace(free=0)
    monkeypatch.setattr(tempfile, "tempdir", "/somewhere/tmp")
    for here, expected in ((full, "/somewhere/tmp .set TMPDIR"), (usage, str(tmp_path))):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, here=here: here)
        with pytest.raises(NoSpaceError, match=expected), no_space_is_one_line(tmp_path):
            raise OSError(errno.ENOSPC, "No space left on device")
