"""Large files moved several at a time: one bar of bytes, and a look at the disk beforehand."""

import multiprocessing
import shutil
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from egolib.errors import EgolibError, NoSpaceError
from egolib.progress import bytes_text, progress_bar


class _Stopped(Exception):
    """Raised inside a job when the run ends early."""


def run_each(work, items, workers, total_bytes, desc):
    """Call `work(item, advance)` for each of `items`, `workers` at a time, in threads.

    `advance(n)` moves the common bar by n bytes; it is also where a job ends when the run is
    interrupted, so a job calls it often.

    One item's EgolibError (or OSError) does not stop the others: it is shown at once, and all of them are
    raised as one EgolibError at the end. A full disk stops everything.
    """
    stop, lock, failures = threading.Event(), threading.Lock(), []
    bar = progress_bar(total=total_bytes, desc=desc, unit="B")

    def advance(count):
        if stop.is_set():
            raise _Stopped
        with lock:
            bar.update(count)

    def fail(message):
        failures.append(message)
        if len(items) > 1:
            bar.write(f"failed: {message}", file=sys.stderr)

    pool = ThreadPoolExecutor(workers)
    try:
        for future in as_completed([pool.submit(work, item, advance) for item in items]):
            try:
                future.result()
            except NoSpaceError:
                raise
            except EgolibError as error:
                fail(str(error))
            except OSError as error:
                fail(f"{error.filename or ''}: {error.strerror or error}")
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        bar.close()
    if failures:
        head = [f"{len(failures)} of {len(items)} failed:"] if len(items) > 1 else []
        raise EgolibError("\n  ".join(head + failures))


def in_process(work, *arguments, advance):
    """Call `work(*arguments, advance)` in a process of its own, for jobs that compute; it ends
    when `advance` raises here, and at its next call of it when this process is killed.

    Raises the EgolibError or OSError that ended `work`, and EgolibError when the process died.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(there, work, arguments), daemon=True)
    process.start()
    there.close()
    try:
        while (message := here.recv()) is not None:
            if isinstance(message, Exception):
                raise message
            advance(message)
    except EOFError as error:
        raise EgolibError(
            f"{arguments[0]}: its process died (out of memory?); run again with fewer workers"
        ) from error
    finally:
        process.terminate()
        process.join()


def _report(pipe, work, arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers Ctrl-C
    try:
        work(*arguments, pipe.send)
        pipe.send(None)
    except (EgolibError, OSError) as error:
        pipe.send(error)


def require_space(folder, needed_bytes, remedy):
    """Make `folder`; raise EgolibError when its disk has less than `needed_bytes` free."""
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
