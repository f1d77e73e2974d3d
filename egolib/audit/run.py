"""The audit of a whole tree: characters in parallel, then a network over their images."""

import functools
import os
from pathlib import Path

from egolib.audit.character import audit_character
from egolib.audit.defects import Finding
from egolib.audit.page import write_audit
from egolib.data.exclusions import AUDIT_FOLDER, place_beside
from egolib.foundation.errors import EgolibError
from egolib.foundation.processes import run_in_processes
from egolib.foundation.progress import progress_bar
from egolib.skeleton import SPLIT_FOLDERS


def audit_tree(tree, out=None, network=None, workers=None, splits=tuple(SPLIT_FOLDERS)):
    """Audit the `splits` of a tree -> egolib.audit.tables.Audit; its files are written below `out`.

    out: default the folder `audit` of the tree, or of the user's cache when the tree cannot be
    written; training reads the exclusion list there, and only there. network: path of a checkpoint
    with which drift is looked for, or a function that returns it when it is needed; without one,
    drift is not looked for. workers: processes, default the processors of this machine. What was
    found out about a character is kept while its files do not change.
    Raises EgolibError for a folder that is not a tree, a bad checkpoint, a killed worker or a full
    disk.
    """
    tree, workers = Path(tree).resolve(), workers or os.cpu_count()
    characters = _list_characters(tree, splits)
    out = Path(out) if out else place_beside(tree, AUDIT_FOLDER)
    records = _audit_all(tree, characters, out / "characters", workers)
    found = dict.fromkeys(characters, ([], {}))
    if network:
        found = _look_for_drift(tree, records, out / "characters", network, workers)
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


def _audit_one(tree, folder, character):
    return audit_character(tree, character, _kept(folder, character))


def _audit_all(tree, characters, folder, workers):
    """{character: CharacterRecord}; one worker means this process."""
    audit = functools.partial(_audit_one, tree, folder)
    if min(workers, len(characters)) == 1:
        done = map(audit, characters)
    else:
        done = run_in_processes(audit, characters, min(workers, len(characters)), tree)
    total = len(characters)
    with progress_bar(done, total=total, desc="Files and labels", unit="character") as bar:
        return {record.character: record for record in bar}


def _look_for_drift(tree, records, folder, network, workers):
    """{character: ([Finding], {folder: drift.FolderDrift})}."""
    from egolib.audit.drift import find_drift  # torch takes seconds to import
    from egolib.audit.drift_network import DriftNetwork, detect_joints

    network = DriftNetwork(network() if callable(network) else network)
    total = sum(len(record.numbers) for record in records.values())
    found = {}
    with progress_bar(total=total, desc="Drift", unit="frame") as bar:
        for name, record in records.items():
            kept = _kept(folder, name, ".seen")
            detected = detect_joints(tree, record, network, kept, workers, bar)
            drift = find_drift(record, detected, network.spec.image_px)
            found[name] = ([*detected.findings(record), *_drift_findings(drift)], drift)
    return found


def _drift_findings(drift):
    for folder, found in drift.items():
        for stretch in (s for s in found.stretches if s.drifted):
            inside = (stretch.first <= found.numbers) & (found.numbers <= stretch.last)
            for number, offset in zip(found.numbers[inside], found.offsets[inside], strict=True):
                detail = f"{offset:+d} frames (confidence {stretch.confidence:.1f})"
                yield Finding(folder, int(number), "json", "drifted", detail)
