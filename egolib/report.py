"""What made the results, in words, and the part of them that git keeps.

A results folder holds `manifest.json`, `tables/`, `figures/` and the executed notebooks of one
profile.
"""

import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import torch

from egolib import published
from egolib.errors import EgolibError
from egolib.files import write_atomically
from egolib.results import DATA_TABLES, TABLES

SHEET_FIGURE, SKELETON_FIGURE = "predictions", "which_joints_are_wrong"
README_START, README_END = "<!-- published:begin -->", "<!-- published:end -->"
_PACKAGES = (
    "egolib", "torch", "torchvision", "lightning", "numpy", "anny", "warp-lang",
    "opencv-python-headless",
)  # fmt: skip


def write_manifest(path, *, profile, seed, duration_s, data, frames, left_out, **entries):
    """Write manifest.json: what made these results.

    profile: config.Profile. duration_s: {step: seconds}. data: {split: fingerprint}. frames:
    {split: how many}. left_out: {split: {one of shards.LEFT_OUT: how many}}. `entries` are
    added as they come; commit, versions, hardware and date are found here. Returns the dict.
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

    def ask(*words):
        return subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return ask("rev-parse", "HEAD"), not ask("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return None, None


def versions():
    """{package: version, or None where it is not installed}, python included."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def hardware():
    """The machine: cpu model, cores this process may use, memory in GiB, gpu or None, bf16."""
    from egolib.fitting import training_precision  # Lightning takes seconds to import

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.is_file() else ():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "bf16": training_precision() == "bf16-mixed",
    }


def duration_text(seconds):
    """Seconds -> "45 s", "12 min" or "2 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def publish(results_dir, repository):
    """Copy the small tables (csv, md) and the PNG figures of a run to
    `<repository>/results/published/<profile>/`, and refresh the part of README.md between its
    two markers. Returns the folder.

    Raises EgolibError, before anything is written, when the results lack the manifest, a table
    or the README's figures, when they are of the profile `smoke`, or README.md lacks the markers.
    """
    results_dir, repository = Path(results_dir), Path(repository)
    manifest = read_manifest(results_dir)
    profile = manifest["profile"]["name"]
    if profile == "smoke":
        raise EgolibError(f"{results_dir}: the profile smoke only tests the code; publish another")
    table, _, _ = _read_table(results_dir, "by_body_group").partition("\n\n- ")
    files = [results_dir / "tables" / f"{name}.{ext}" for name in TABLES for ext in ("csv", "md")]
    files += sorted((results_dir / "tables").glob(f"{DATA_TABLES}*.[cm][sd]*"))
    files += sorted((results_dir / "figures").glob("*.png"))
    needed = [results_dir / "figures" / f"{n}.png" for n in (SHEET_FIGURE, SKELETON_FIGURE)]
    for path in [*files, *needed]:
        if not path.is_file():
            raise EgolibError(f"{path}: missing; run the notebooks before publishing")
    readme = repository / "README.md"
    before, after = _around_markers(readme)
    target = repository / "results" / "published" / profile
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        write_atomically(target / path.relative_to(results_dir), path.read_bytes())
    place = target.relative_to(repository).as_posix()
    parts = [
        README_START,
        f"![Test frames, true and predicted]({place}/figures/{SHEET_FIGURE}.png)",
        table,
        f"{run_sentence(manifest)} {origin_sentence(results_dir)} Sources and notes stand below "
        f"the [tables]({place}/tables): [summary]({place}/tables/summary.md), "
        f"[by action]({place}/tables/by_action.md), [by joint]({place}/tables/by_joint.md), "
        f"[by part of the body]({place}/tables/by_body_group.md).",
        f"![Mean error of each joint]({place}/figures/{SKELETON_FIGURE}.png)",
        README_END,
    ]
    write_atomically(readme, before + "\n\n".join(part.strip() for part in parts) + after)
    return target


def read_manifest(results_dir):
    """manifest.json of a results folder. Raises EgolibError for a folder without one."""
    path = results_dir / "manifest.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise EgolibError(f"{path}: missing; this is not the folder of a finished run") from error
    except ValueError as error:
        raise EgolibError(f"{path}: not json ({error}); run the study again") from error


def _read_table(results_dir, name):
    path = results_dir / "tables" / f"{name}.md"
    if not path.is_file():
        raise EgolibError(f"{path}: missing; run the notebook that analyses the errors")
    return path.read_text()


def _around_markers(readme):
    """The README's text before its first marker and after its second."""
    text = readme.read_text() if readme.is_file() else ""
    match = re.fullmatch(
        f"(.*){re.escape(README_START)}.*{re.escape(README_END)}(.*)", text, re.DOTALL
    )
    if not match or text.count(README_START) != 1 or text.count(README_END) != 1:
        raise EgolibError(f"{readme}: needs {README_START} and, below it, {README_END}, once each")
    return match.groups()


def run_sentence(manifest):
    """When, by what and on what a run was made, and how long it took."""
    machine = manifest["hardware"]
    gpu = machine["gpu"] or "no GPU"
    return (
        f"Run of {manifest['date'][:10]}, commit {(manifest['commit'] or 'unknown')[:7]}, "
        f"profile {manifest['profile']['name']}, "
        f"seed {manifest['seed']}, on {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gib']:.0f} GiB of memory and {gpu}; "
        f"it took {duration_text(sum(manifest['duration_s'].values()))}."
    )


def origin_sentence(results_dir):
    """What is measured here and what is quoted from others."""
    columns = pd.read_csv(results_dir / "tables" / "summary.csv", nrows=0).columns
    groups = dict.fromkeys(c.split(" | ")[0] for c in columns if " | " in c)
    measured = " and ".join(group for group in groups if group != published.COLUMN_GROUP)
    return (
        f"Numbers of this run are {measured}; those headed '{published.COLUMN_GROUP}' are quoted "
        "from their authors, who measured them on the full data set's official test split."
    )


def facts(manifest):
    """[(what, value)]: all that one needs to know to make the results again."""
    commit = manifest["commit"] or "not from a git work tree"
    state = {True: "", False: ", with uncommitted changes", None: ""}[manifest["clean_work_tree"]]
    machine, out = manifest["hardware"], manifest.get("left_out", {})
    left_out = "{excluded:,} excluded by the audit, {unpaired_images:,} pictures without labels, {unpaired_labels:,} labels without picture"
    return [
        ("code", commit + state),
        ("seed", manifest["seed"]),
        ("machine", f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']:.0f} GiB, "
                    f"{machine['gpu'] or 'no GPU'}, {'bf16' if machine['bf16'] else 'fp32'} in training"),
        *((f"frames, {split}", f"{n:,}") for split, n in manifest["frames"].items()),
        *((f"left out, {split}", left_out.format(**counts)) for split, counts in out.items()),
        *((f"data, {split}", digest) for split, digest in manifest["data"].items()),
        *((step, duration_text(s)) for step, s in manifest["duration_s"].items()),
        ("versions", ", ".join(f"{k} {v}" for k, v in manifest["versions"].items() if v)),
    ]  # fmt: skip
