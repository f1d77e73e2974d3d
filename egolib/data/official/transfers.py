"""Jobs on large files, several at a time with a common progress bar, and a check of the free space."""

import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from egolib.foundation.errors import EgolibError, NoSpaceError
from egolib.foundation.progress import bytes_text, progress_bar


class _Stopped(Exception):
    """Ends a job when the run is interrupted."""


def run_each(work: Callable, items: Sequence, workers: int, total_bytes: int, desc: str) -> None:
    """Call `work(item, advance)` for each of `items`, `workers` at a time, in threads: jobs wait
    for the network or the disk, or run code that releases the GIL (zlib).

    `advance(n)` moves the common bar by n bytes. It also ends the job when the run is interrupted,
    so a job has to call it often.

    One item's EgolibError (or OSError) does not stop the others: it is shown at once, and all of
    them are raised as one EgolibError at the end. A full disk stops everything.
    """
    stop, lock, failures = threading.Event(), threading.Lock(), []
    bar = progress_bar(total=total_bytes, desc=desc, unit="B")

    def advance(count):
        if stop.is_set():
            raise _Stopped
        with lock:
            bar.update(count)

    pool = ThreadPoolExecutor(workers)
    try:
        for future in as_completed([pool.submit(work, item, advance) for item in items]):
            try:
                future.result()
            except NoSpaceError:
                raise
            except (EgolibError, OSError) as error:
                is_ours = isinstance(error, EgolibError)
                text = str(error) if is_ours else f"{error.filename or ''}: {error.strerror}"
                failures.append(text)
                if len(items) > 1:
                    bar.write(f"failed: {text}", file=sys.stderr)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        bar.close()
    if failures:
        head = [f"{len(failures)} of {len(items)} failed:"] if len(items) > 1 else []
        raise EgolibError("\n  ".join(head + failures))


def require_space(folder: Path, needed_bytes: int, remedy: str) -> None:
    """Make `folder`. Raises EgolibError when its disk has less than `needed_bytes` free."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EgolibError(f"{folder}: {error.strerror}; choose another folder") from error
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise EgolibError(
            f"{folder}: needs {bytes_text(needed_bytes)}, but the disk has {bytes_text(free)} "
            f"free; {remedy}"
        )
