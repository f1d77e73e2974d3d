"""The notebooks, headless: papermill runs each once, and again only when something it depends on
has changed. What it leaves is whole: a notebook is executed under another name, checked, renamed.
"""

import hashlib
import json
import os
import sys
import time

import papermill as pm
from papermill.exceptions import PapermillExecutionError

from egolib.errors import EgolibError
from egolib.files import write_atomically
from egolib.progress import HEADLESS_VARIABLE
from egolib.report import write_index_page, write_manifest
from egolib.skeleton import SPLIT_FOLDERS
from egolib.study import REPOSITORY

NOTEBOOKS = REPOSITORY / "notebooks"


def notebook_paths():
    """The notebooks in the order in which they build on each other."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def run_study(study):
    """Render, run every notebook that is not done, write manifest and index -> path of the index.

    {step: seconds} is kept in durations.json as steps end; a skipped step keeps its old time.
    """
    durations_path = study.results / "durations.json"
    durations = json.loads(durations_path.read_text()) if durations_path.is_file() else {}

    def keep(step, seconds):
        durations[step] = round(seconds, 1)
        write_atomically(durations_path, json.dumps(durations, indent=1))

    if study.renders:
        started = time.perf_counter()
        try:
            study.prepare_data()
        finally:
            keep("render", durations.get("render", 0) + time.perf_counter() - started)
    data = {split: study.index(split).fingerprint for split in SPLIT_FOLDERS}
    stamp = _digest([_library_digest(), *data.values()])
    for notebook in notebook_paths():
        stamp = _digest([stamp, notebook.read_text(), repr(_parameters(study))])
        seconds = _run_notebook(notebook, study, stamp)
        if seconds is not None:
            keep(notebook.stem, seconds)
    write_manifest(
        study.results / "manifest.json",
        profile=study.profile, seed=study.seed, duration_s=durations, data=data,
        frames={split: len(study.index(split)) for split in SPLIT_FOLDERS},
        data_folder=str(study.tree),
    )  # fmt: skip
    return write_index_page(study.results)


def _parameters(study):
    return {
        "profile": study.profile_argument,
        "seed": study.seed,
        "data": "" if study.renders else str(study.tree),
        "results": str(study.results),
    }


def _run_notebook(notebook, study, stamp):
    """Execute one notebook unless its stamp says it is done -> seconds, or None when skipped."""
    folder = study.results / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    output, partial = folder / notebook.name, folder / f"{notebook.stem}.partial.ipynb"
    stamp_path = folder / f".{notebook.stem}.stamp"
    if output.is_file() and stamp_path.is_file() and stamp_path.read_text() == stamp:
        print(f"{notebook.name}: done before, skipped", flush=True)
        return None
    print(f"{notebook.name}: running", flush=True)
    parameters = _parameters(study)
    unknown = parameters.keys() - pm.inspect_notebook(notebook).keys()
    if unknown:
        raise EgolibError(f"{notebook}: its parameters cell lacks {', '.join(sorted(unknown))}")
    started = time.perf_counter()
    os.environ[HEADLESS_VARIABLE] = "1"
    try:
        executed = pm.execute_notebook(
            notebook, partial, parameters, kernel_name="python3", cwd=NOTEBOOKS,
            progress_bar=False, stdout_file=sys.stdout, stderr_file=sys.stderr,
        )  # fmt: skip
    except PapermillExecutionError as error:
        where = f"{notebook.name}, cell {error.exec_count}"
        if error.ename == EgolibError.__name__:
            raise EgolibError(f"{error.evalue} ({where})") from error
        raise RuntimeError(f"{where}: {error.ename}: {error.evalue}; see {partial}") from error
    finally:
        del os.environ[HEADLESS_VARIABLE]
    # A cell that calls sys.exit(0) ends papermill without an error and skips the rest.
    for cell in executed.cells:
        if cell.cell_type == "code" and cell.metadata.papermill.get("status") != "completed":
            raise EgolibError(f"{notebook}: a cell did not complete; see {partial}")
    os.replace(partial, output)
    write_atomically(stamp_path, stamp)
    return time.perf_counter() - started


def _library_digest():
    sources = sorted((REPOSITORY / "egolib").rglob("*.py"))
    return _digest([path.read_text() for path in sources])


def _digest(parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
