"""The audit of a whole tree: characters in parallel, then a network over their pictures."""

import os
from pathlib import Path

from egolib.audit.character import audit_character
from egolib.audit.defects import Finding
from egolib.audit.page import write_audit
from egolib.errors import EgolibError
from egolib.exclusions import AUDIT_FOLDER, place_beside
from egolib.processes import run_in_processes
from egolib.progress import progress_bar
from egolib.skeleton import SPLIT_FOLDERS

_KEPT = "characters"


def audit_tree(tree, out=None, network=None, workers=None, splits=tuple(SPLIT_FOLDERS)):
    """Audit the `splits` of a tree -> egolib.audit.page.Audit; its files are written below `out`.

    out: default the folder `audit` of the tree, or of the user's cache when the tree cannot be
    written; training reads the exclusion list there, and only there. network: path of a checkpoint
    that looks for drift, or a function that returns it when it is needed; without one nobody looks.
    workers: processes, default the processors of
    this machine. What was found out about a character is kept while its files do not change.
    Raises EgolibError for a folder that is not a tree, a bad checkpoint, a killed worker or a full
    disk.
    """
    tree, workers = Path(tree).resolve(), workers or os.cpu_count()
    characters = _list_characters(tree, splits)
    out = Path(out) if out else place_beside(tree, AUDIT_FOLDER)
    records = dict(_audit_all(tree, characters, out / _KEPT, workers))
    found = dict.fromkeys(characters, ([], {}))
    if network:
        found = _look_for_drift(tree, records, out / _KEPT, network, workers)
    return write_audit(tree, out, splits, [(records[name], *found[name]) for name in characters])


def _list_characters(tree, splits):
    sets = [SPLIT_FOLDERS[split] for split in splits]
    if not tree.is_dir():
        raise EgolibError(f"{tree}: no such folder; extract or render one")
    found = [path for name in sets for path in sorted((tree / name).glob("*")) if path.is_dir()]
    if not found:
        raise EgolibError(f"{tree}: not a tree of frames; expected characters in {', '.join(sets)}")
    return [path.relative_to(tree).as_posix() for path in found]


def _kept(folder, character, suffix=""):
    return folder / f"{character.replace('/', '.')}{suffix}.npz"


def _audit_all(tree, characters, folder, workers):
    """Yield (character, CharacterRecord) as each is done; one worker means this process."""
    jobs = [(tree, name, _kept(folder, name)) for name in characters]
    with progress_bar(total=len(jobs), desc="Files and labels", unit="character") as bar:
        for record in _audit_jobs(jobs, min(workers, len(jobs))):
            bar.update()
            yield record.character, record


def _audit_jobs(jobs, workers):
    if workers == 1:
        yield from (audit_character(*job) for job in jobs)
        return
    yield from run_in_processes(_audit_job, jobs, workers, jobs[0][0])


def _audit_job(job):
    return audit_character(*job)


def _look_for_drift(tree, records, folder, network, workers):
    """{character: ([Finding], {folder: drift.FolderDrift})}."""
    from egolib.audit.drift import find_drift  # torch takes seconds to import
    from egolib.audit.sight import open_eye, see

    eye = open_eye(network() if callable(network) else network)
    total = sum(len(record.numbers) for record in records.values())
    found = {}
    with progress_bar(total=total, desc="Drift", unit="frame") as bar:
        for name, record in records.items():
            kept = _kept(folder, name, ".seen")
            sight = see(tree, record, eye, kept, workers if workers > 1 else 0, bar)
            drift = find_drift(record, sight, eye.spec.image_px)
            found[name] = (sight.findings(record) + _drift_findings(drift), drift)
    return found


def _drift_findings(drift):
    return [
        Finding(
            folder, int(number), "json", "drifted",
            f"{offset:+d} frames (confidence {stretch.confidence:.1f})",
        )
        for folder, found in drift.items()
        for stretch in found.stretches
        if stretch.drifted
        for number, offset in zip(found.numbers, found.offsets, strict=True)
        if stretch.first <= number <= stretch.last
    ]  # fmt: skip
