"""Work in other processes: results, errors, and their end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from egolib.foundation.errors import EgolibError
from egolib.foundation.processes import cores, run_in_processes

_base = 0


def begin(base):
    global _base
    _base = base


def add(number):
    if number == 13:
        raise OSError("thirteen")
    if number == 14:
        os.kill(os.getpid(), signal.SIGKILL)
    return _base + number


def test_every_job_is_done_after_the_start():
    done = run_in_processes(add, [1, 2, 3], 2, "here", begin, (10,))
    assert sorted(done) == [11, 12, 13]


def test_an_error_of_a_job_and_a_dead_process_are_told():
    with pytest.raises(OSError, match="thirteen"):
        list(run_in_processes(add, [13], 1, "here"))
    with pytest.raises(EgolibError, match="here: a process died"):
        list(run_in_processes(add, [14], 1, "here"))


def alive(pid):
    """Whether a process runs; a zombie, which nobody has waited for yet, does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_processes_end_with_their_killed_parent():
    code = (
        "import multiprocessing as m, time\n"
        "from egolib.foundation.processes import end_with_parent\n"
        "def wait():\n"
        "    end_with_parent()\n"
        "    time.sleep(60)\n"
        "child = m.get_context('fork').Process(target=wait); child.start()\n"
        "print(child.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


@pytest.mark.parametrize(
    ("allowed", "quota", "expected"),
    [(8, "max 100000", 8), (8, "150000 100000", 2), (1, "400000 100000", 1), (8, "nonsense", 8), (8, None, 8)],
)  # fmt: skip
def test_cores_are_those_of_the_cpuset_and_the_quota(monkeypatch, allowed, quota, expected):
    def read_text(path, *_, **__):
        if quota is None:
            raise FileNotFoundError(path)
        return quota

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(allowed)))
    monkeypatch.setattr(Path, "read_text", read_text)
    assert cores() == expected
