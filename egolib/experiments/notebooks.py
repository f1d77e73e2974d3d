"""Execute the notebooks with papermill: each one again only when something that it depends on has
changed. A notebook is executed under a temporary name, checked and renamed, so that a file with the
final name is complete.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shlex
import sys
import time
from pathlib import Path

import nbformat
import papermill as pm
from nbclient.exceptions import DeadKernelError
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from papermill.exceptions import PapermillExecutionError

from egolib.audit import headline
from egolib.data.packing import pack_tree
from egolib.data.shards import LEFT_OUT
from egolib.experiments.manifest import write_manifest
from egolib.experiments.outcome import unfinished
from egolib.experiments.run import REPOSITORY, Study
from egolib.experiments.sweep import Sweep
from egolib.foundation.errors import EgolibError, is_ours, is_path_error
from egolib.foundation.files import no_space_is_one_line, write_atomically
from egolib.foundation.progress import HEADLESS_VARIABLE
from egolib.foundation.provenance import code_digest, digest_of_source
from egolib.foundation.untrusted import load_state
from egolib.models.checkpoints import BUILDERS, SHIPPED
from egolib.skeleton import SPLIT_FOLDERS

NOTEBOOKS = REPOSITORY / "notebooks"
COMPARISON = "07_compare_methods.ipynb"
DURATIONS = "durations.json"


def notebook_paths() -> list[Path]:
    """The notebooks of a study in the order in which they build on each other. The comparison of
    methods belongs to a sweep instead (`run_comparison`)."""
    return [p for p in sorted(NOTEBOOKS.glob("[0-9][0-9]*_*.ipynb")) if p.name != COMPARISON]


def run_comparison(sweep: Sweep, grid: str) -> Path:
    """Execute the notebook that compares the trained methods of a sweep and write the manifest ->
    path of the executed notebook. grid: the argument with which `open_sweep` opened it."""
    study = dataclasses.replace(sweep.any_study, results=sweep.results, profile_argument=grid)
    with no_space_is_one_line(sweep.results):
        executed = _execute(NOTEBOOKS / COMPARISON, study)
        data = [] if sweep.renders else ["--data", str(sweep.tree)]
        write_manifest(
            sweep.results / "manifest.json",
            profile=sweep.grid.base,
            seed=sorted({seed for name in sweep.grid.variations for seed in sweep.seeds(name)}),
            duration_s=sweep.durations(),
            **_data_entries(study),
            machines=sweep.machines(),
            grid=sweep.grid.name,
            unfinished=unfinished(sweep),
            command=shlex.join(["egolib", "sweep", grid, *data]),
        )
        return executed


def run_study(study: Study) -> None:
    """Render the miniature, or audit and pack the given data; run every notebook that is not done; write
    the manifest.

    durations.json holds {step: seconds}: the time spent on each step in this results folder,
    interrupted and repeated runs included.
    """
    if study.renders:
        with _timed(study, "render"):
            study.prepare_data()
    else:
        with _timed(study, "audit"):
            audit = study.audit()
        print(headline(audit) if audit else f"{study.tree}: packed without an audit", flush=True)
    if study.source:
        with _timed(study, "pack"):
            pack_tree(study.source, study.tree, px=study.profile.heatmaps.image_px)
    entries = _data_entries(study)
    weights = SHIPPED.read_bytes() if SHIPPED.is_file() else b""  # a notebook runs that network
    state = _digest([_digest([weights]), repr(study.profile), *entries["data"].values()])
    for notebook in notebook_paths():
        code = code_of_notebook(notebook)
        state = _digest([state, notebook.read_text(), code, repr(_parameters(study))])
        stamp = study.results / "notebooks" / f".{notebook.stem}.stamp.json"
        if _is_done(stamp, state, study.results):
            print(f"{notebook.name}: done before, skipped", flush=True)
            continue
        print(f"{notebook.name}: running", flush=True)
        with _timed(study, notebook.stem), no_space_is_one_line(study.results):
            started = time.time()
            _execute(notebook, study)
            _leave_stamp(stamp, state, study.results, started)
    command = ["./run_all.sh", "--profile", study.profile_argument, "--seed", str(study.seed)]
    if study.overrides:
        command += ["--overrides", json.dumps(study.overrides)]
    if study.source:
        command += ["--data", str(study.source), "--pack", str(study.tree)]
    elif not study.renders:
        command += ["--data", str(study.tree)]
    write_manifest(
        study.results / "manifest.json",
        profile=study.profile,
        seed=study.seed,
        duration_s=load_state(study.results / DURATIONS),
        **entries,
        data_folder=str(study.tree),
        command=shlex.join(command),
    )


def _data_entries(study):
    """The entries of a manifest about the data: fingerprints, numbers of frames, and what was left
    out."""
    indices = {split: study.index(split) for split in SPLIT_FOLDERS}
    return {
        "data": {split: index.fingerprint for split, index in indices.items()},
        "frames": {split: len(index) for split, index in indices.items()},
        "left_out": {s: {k: getattr(index, k) for k in LEFT_OUT} for s, index in indices.items()},
    }


@contextlib.contextmanager
def _timed(study, step):
    """Add the duration of the block to that of the step in durations.json."""
    path = study.results / DURATIONS
    started = time.perf_counter()
    try:
        yield
    finally:
        durations = load_state(path, _as_seconds)
        durations[step] = round(durations.get(step, 0) + time.perf_counter() - started, 1)
        write_atomically(path, json.dumps(durations, indent=1))


def _as_seconds(content):
    return {step: float(seconds) for step, seconds in dict(content).items()}


def _parameters(study):
    """The parameters of the first cell of every notebook."""
    overrides = {"overrides": study.overrides} if study.overrides else {}
    return {
        "profile": study.profile_argument,
        "seed": study.seed,
        "data": "" if study.renders else str(study.tree),
        "results": str(study.results),
        **overrides,
    }


def _is_done(stamp, state, results):
    """Whether the notebook ran in this state, and all files that it wrote are still there."""
    stamped, wrote = load_state(stamp, _as_stamp)
    return stamped == state and all((results / name).is_file() for name in wrote)


def _as_stamp(content):
    """(state, files) of the content of a stamp; ("", []) of {}, which is no stamp."""
    content = dict(content) or {"stamp": "", "wrote": []}
    return content["stamp"], [str(name) for name in content["wrote"]]


def _leave_stamp(stamp, state, results, started):
    """Record the state in which a notebook was executed, and the files newer than its start."""
    wrote = []
    for path in results.rglob("*.*"):
        # A file that another process removes meanwhile was a temporary one.
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime >= started:
                wrote.append(str(path.relative_to(results)))
    write_atomically(stamp, json.dumps({"stamp": state, "wrote": sorted(wrote)}, indent=1))


def _execute(notebook, study):
    """Execute one notebook, check that every cell completed, and rename it -> path of the result."""
    output = study.results / "notebooks" / notebook.name
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial.ipynb")
    parameters = _parameters(study)
    if unknown := parameters.keys() - pm.inspect_notebook(_literal(notebook)).keys():
        raise EgolibError(f"{notebook}: its parameters cell lacks {', '.join(sorted(unknown))}")
    os.environ[HEADLESS_VARIABLE] = "1"
    try:
        executed = pm.execute_notebook(
            _literal(notebook), _literal(partial), parameters, kernel_name="python3", cwd=NOTEBOOKS,
            progress_bar=False, stdout_file=sys.stdout, stderr_file=sys.stderr,
        )  # fmt: skip
    except PapermillExecutionError as error:
        where = f"{notebook.name}, cell {error.exec_count}"
        if is_ours(error.ename) or (is_path_error(error.ename) and "[Errno" in error.evalue):
            raise EgolibError(f"{error.evalue} ({where})") from error
        raise RuntimeError(f"{where}: {error.ename}: {error.evalue}; see {partial}") from error
    except DeadKernelError as error:
        raise EgolibError(
            f"{notebook.name}: its process was killed, probably because the memory was full; run again "
            "to go on from here, with other programs closed or a smaller profile"
        ) from error
    finally:
        del os.environ[HEADLESS_VARIABLE]
    # A cell that calls sys.exit(0) ends papermill without an error and skips the rest.
    for cell in executed.cells:
        if cell.cell_type == "code" and cell.metadata.papermill.get("status") != "completed":
            raise EgolibError(f"{notebook}: a cell did not complete; see {partial}")
    # One line for each progress bar, not one for each time it was drawn.
    executed, _ = CoalesceStreamsPreprocessor().preprocess(executed, {})
    write_atomically(output, nbformat.writes(executed))
    partial.unlink()
    return output


def _literal(path):
    """A path as papermill takes it: it fills in what stands in braces, as `str.format` does."""
    return str(path).replace("{", "{{").replace("}", "}}")


def code_of_notebook(path: Path) -> str:
    """Digest of the library's code that the cells of a notebook depend on, and of all networks that
    they may load."""
    cells = nbformat.read(path, as_version=4).cells
    source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return _digest([digest_of_source(source), code_digest(*BUILDERS.values())])


def _digest(parts):
    """Digest of several parts, each text or bytes."""
    encoded = (part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.sha256(b"\0".join(encoded)).hexdigest()
