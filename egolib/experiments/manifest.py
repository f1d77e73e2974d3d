"""What made the results, kept in a manifest, and in words.

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
from pathlib import Path

import torch

from egolib.evaluation import literature
from egolib.evaluation.tables import read_table
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import write_atomically

SHEET_FIGURE, SKELETON_FIGURE = "predictions", "which_joints_are_wrong"
_PACKAGES = (
    "egolib", "torch", "torchvision", "lightning", "numpy", "anny", "warp-lang",
    "opencv-python-headless",
)  # fmt: skip


def write_manifest(path, *, profile, seed, duration_s, data, frames, left_out, **entries):
    """Write manifest.json: what made these results.

    profile: config.Profile. seed: a number, or a sweep's list of them. duration_s: {step: seconds}.
    data: {split: fingerprint}. frames: {split: how many}. left_out: {split: {one of
    shards.LEFT_OUT: how many}}. `entries` are added as they come; commit, versions, hardware and
    date are found here. Returns the dict.
    """
    commit, clean = git_state(Path(__file__).parent)
    manifest = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "clean_work_tree": clean,
        "profile": dataclasses.asdict(profile),
        "seed": seed,
        "duration_s": duration_s,
        "data": data,
        "frames": frames,
        "left_out": left_out,
        "versions": versions(),
        "hardware": hardware(),
        **entries,
    }
    write_atomically(path, json.dumps(manifest, indent=1) + "\n")
    return manifest


def git_state(folder):
    """(commit, whether the work tree is clean) of `folder`, or (None, None) outside git."""

    asked = (["rev-parse", "HEAD"], ["status", "--porcelain"])
    try:
        commit, changes = (
            subprocess.check_output(
                ["git", "-C", folder, *words], text=True, stderr=subprocess.DEVNULL
            )
            for words in asked
        )
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return commit.strip(), not changes


def versions():
    """{package: version, or None where it is not installed}, python included."""
    found = {"python": platform.python_version(), **dict.fromkeys(_PACKAGES)}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def hardware():
    """The machine: cpu model, cores this process may use, memory in GiB, gpu or None, bf16."""
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


def machine_text(machine):
    """`hardware` in words."""
    precision = "bf16" if machine["bf16"] else "fp32"
    return (
        f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']:.0f} GiB of memory, "
        f"{machine['gpu'] or 'no GPU'}, {precision} in training"
    )


def _machines(manifest):
    """What the results come from: of a sweep, every machine that did something."""
    return manifest.get("machines") or [machine_text(manifest["hardware"])]


def duration_text(seconds):
    """Seconds -> "45 s", "12 min" or "2 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def read_manifest(results_dir):
    """manifest.json of a results folder. Raises EgolibError for a folder without one."""
    path = results_dir / "manifest.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: missing; this is not the folder of a finished run") from error
    except ValueError as error:
        raise EgolibError(f"{path}: not json ({error}); run the study again") from error


def run_sentence(manifest):
    """When, by what and on what a run was made, and how long it took."""
    state, seeds = _uncommitted(manifest), _seeds(manifest)
    return (
        f"Run of {manifest['date'][:10]}, commit {(manifest['commit'] or 'unknown')[:7]}{state}, "
        f"profile {manifest['profile']['name']}, seed{'s' * (',' in seeds)} {seeds}, "
        f"on {'; and on '.join(_machines(manifest))}; "
        f"it took {duration_text(sum(manifest['duration_s'].values()))}."
    )


def _uncommitted(manifest):
    return " with uncommitted changes" if manifest["clean_work_tree"] is False else ""


def _seeds(manifest):
    """ "0", or of a sweep "0, 1, 2"."""
    return str(manifest["seed"]).strip("[]")


def origin_sentence(results_dir):
    """What is measured here and what is quoted from others: of a run, or of a sweep."""
    names = ("summary.csv", "methods_by_joint.csv")
    tables = [results_dir / "tables" / name for name in names]
    table = read_table(next(filter(Path.is_file, tables), tables[0]))
    groups = table.columns.unique("source").drop(literature.COLUMN_GROUP, errors="ignore")
    return (
        f"Numbers of this run are {' and '.join(groups)}; those headed '{literature.COLUMN_GROUP}' are "
        "quoted from their authors, who measured them on the full data set's official test split."
    )


def facts(manifest):
    """[(what, value)]: all that one needs to know to make the results again."""
    left_out = (
        "{excluded:,} excluded by the audit, {unpaired_images:,} images without labels, "
        "{unpaired_labels:,} labels without image"
    )
    counts = manifest.get("left_out", {}).items()
    return [
        ("code", (manifest["commit"] or "not from a git work tree") + _uncommitted(manifest)),
        ("seed", _seeds(manifest)),
        *(("machine", text) for text in _machines(manifest)),
        *((f"frames, {split}", f"{n:,}") for split, n in manifest["frames"].items()),
        *((f"left out, {split}", left_out.format(**found)) for split, found in counts),
        *((f"data, {split}", digest) for split, digest in manifest["data"].items()),
        *((step, duration_text(s)) for step, s in manifest["duration_s"].items()),
        ("versions", ", ".join(f"{k} {v}" for k, v in manifest["versions"].items() if v)),
    ]
