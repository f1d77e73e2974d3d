"""Work in processes of this machine that end with it."""

import contextlib
import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from egolib.foundation.errors import EgolibError
from egolib.foundation.provenance import without_effect


@without_effect
def cores() -> int:
    """How many cores this process may use: those of the machine, of its cpuset, or of the quota that its
    container has, whichever is least."""
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    with contextlib.suppress(OSError, ValueError):  # another system, or no quota ("max")
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, math.ceil(int(quota) / int(period)))
    return max(1, count)


@without_effect
def run_in_processes(
    work: Callable[[Any], Any], jobs: Iterable[Any], workers: int, source: Path | str,
    start: Callable[..., Any] | None = None, arguments: tuple = (),
) -> Iterator[Any]:  # fmt: skip
    """Yield `work(job)` of each of `jobs` as it is done, by `workers` processes.

    Each begins with `start(*arguments)` and ends when this process ends, is interrupted, or stops
    reading results. An exception of a job is raised here and ends them all. Raises EgolibError, naming `source`,
    when one of them died.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _enter, (start, arguments))
    try:
        for future in as_completed([pool.submit(work, job) for job in jobs]):
            yield future.result()
    except BrokenProcessPool as error:
        raise EgolibError(
            f"{source}: a process died (out of memory?); run again to resume, with fewer workers"
        ) from error
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def end_with_parent() -> None:
    """From now on this process ends when the one that started it is killed."""

    def wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _enter(start, arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent alone answers Ctrl-C
    end_with_parent()
    if start:
        start(*arguments)
