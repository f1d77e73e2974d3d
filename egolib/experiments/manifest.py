"""The manifest of a results folder: what the results were made from, as a file and in words.

A results folder holds `manifest.json`, `tables/`, `figures/` and the executed notebooks of one
profile.
"""

import contextlib
import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from functools import partial
from pathlib import Path

import torch

from egolib.config import Profile
from egolib.evaluation import literature
from egolib.evaluation.tables import read_table
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically
from egolib.foundation.untrusted import load_json

_PACKAGES = (
    "egolib", "torch", "torchvision", "lightning", "numpy", "anny", "warp-lang",
    "opencv-python-headless",
)  # fmt: skip


def write_manifest(path: Path, *, profile: Profile, **entries) -> None:
    """Write manifest.json: date, commit, versions, hardware, profile, and the given entries.

    Every manifest has the entries seed (a number, or a list of them for a sweep), duration_s
    {step: seconds}, data {split: fingerprint}, frames {split: number} and left_out {split: {one of
    shards.LEFT_OUT: number}}.
    """
    commit, is_clean = git_state(Path(__file__).parent)
    manifest = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "clean_work_tree": is_clean,
        "profile": dataclasses.asdict(profile),
        "versions": versions(),
        "hardware": hardware(),
        **entries,
    }
    write_atomically(path, json.dumps(manifest, indent=1) + "\n")


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """(commit, whether the work tree is clean) of `folder`, or (None, None) outside git."""
    git = partial(subprocess.check_output, cwd=folder, text=True, stderr=subprocess.DEVNULL)
    try:
        commit = git(["git", "rev-parse", "HEAD"]).strip()
        return commit, not git(["git", "status", "--porcelain"])
    except (OSError, subprocess.CalledProcessError):
        return None, None


def versions() -> dict[str, str | None]:
    """{package: its version, or None where it is not installed}, and the version of Python."""
    installed = {"python": platform.python_version(), **dict.fromkeys(_PACKAGES)}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed[name] = importlib.metadata.version(name)
    return installed


def hardware() -> dict:
    """This machine: cpu model, cores that this process may use, memory in GiB, gpu or None, and whether
    training uses bf16."""
    from egolib.training.fit import training_precision  # Lightning takes seconds to import

    info = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*: (.*)", info.read_text(), re.M) if info.is_file() else None
    return {
        "cpu": model[1].strip() if model else platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "bf16": training_precision() == "bf16-mixed",
    }


def machine_text(machine: dict) -> str:
    """`hardware` in words."""
    precision = "bf16" if machine["bf16"] else "fp32"
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']:.0f} GiB of memory, "
        f"{machine['gpu'] or 'no GPU'}, {precision} in training"
    )


def duration_text(seconds: float) -> str:
    """Seconds as "45 s", "12 min" or "2 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def read_manifest(results_dir: Path) -> dict:
    """The manifest of a results folder. Raises EgolibError where there is none."""
    path = results_dir / "manifest.json"
    if not path.is_file():
        raise EgolibError(f"{path}: missing; this is not the folder of a finished run")
    return load_json(path, remedy="run the study again")


def _in_words(manifest):
    """Parts of sentences: (state of the work tree, seeds, descriptions of the machines)."""
    state = " with uncommitted changes" if manifest["clean_work_tree"] is False else ""
    machines = manifest.get("machines") or [machine_text(manifest["hardware"])]
    return state, str(manifest["seed"]).strip("[]"), machines


def run_sentence(manifest: dict) -> str:
    """When, from which code and on which machine a run was made, and how long it took."""
    state, seeds, machines = _in_words(manifest)
    return (
        f"Run of {manifest['date'][:10]}, commit {(manifest['commit'] or 'unknown')[:7]}{state}, "
        f"profile {manifest['profile']['name']}, seed{'s' * (',' in seeds)} {seeds}, "
        f"on {'; and on '.join(machines)}; "
        f"it took {duration_text(sum(manifest['duration_s'].values()))}."
    )


def origin_sentence(results_dir: Path) -> str:
    """Which numbers of a run or a sweep were measured, and which are quoted from others."""
    names = ("summary.csv", "methods_by_joint.csv")
    tables = [results_dir / "tables" / name for name in names]
    table = read_table(next(filter(Path.is_file, tables), tables[0]))
    groups = table.columns.unique("source").drop(literature.COLUMN_GROUP, errors="ignore")
    return (
        f"Numbers of this run are {' and '.join(groups)}; those headed '{literature.COLUMN_GROUP}' are "
        "quoted from their authors, who measured them on the full data set's official test split."
    )


def facts(manifest: dict) -> list[tuple[str, str]]:
    """[(name, value)] of everything that is needed to make the results again."""
    state, seeds, machines = _in_words(manifest)
    left_out = (
        "{excluded:,} excluded by the audit, {unpaired_images:,} images without labels, "
        "{unpaired_labels:,} labels without image"
    )
    counts = manifest.get("left_out", {}).items()
    return [
        ("code", (manifest["commit"] or "not from a git work tree") + state),
        ("seed", seeds),
        *(("machine", text) for text in machines),
        *((f"frames, {split}", f"{n:,}") for split, n in manifest["frames"].items()),
        *((f"left out, {split}", left_out.format(**numbers)) for split, numbers in counts),
        *((f"data, {split}", digest) for split, digest in manifest["data"].items()),
        *((step, duration_text(s)) for step, s in manifest["duration_s"].items()),
        ("versions", ", ".join(f"{k} {v}" for k, v in manifest["versions"].items() if v)),
    ]
