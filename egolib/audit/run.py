"""The audit of a whole tree: characters in parallel, then a network over their images."""

import functools
from collections.abc import Callable
from pathlib import Path

from egolib.audit.character import audit_character
from egolib.audit.defects import Finding
from egolib.audit.page import write_audit
from egolib.audit.tables import Audit
from egolib.data.exclusions import AUDIT_FOLDER, place_beside
from egolib.foundation.errors import EgolibError
from egolib.foundation.processes import cores, run_in_processes
from egolib.foundation.progress import progress_bar
from egolib.foundation.untrusted import is_plain, shown
from egolib.skeleton import SPLIT_FOLDERS


def audit_tree(
    tree: str | Path,
    out: str | Path | None = None,
    network: str | Path | Callable | None = None,
    workers: int | None = None,
    splits: tuple = tuple(SPLIT_FOLDERS),
) -> Audit:
    """Audit the `splits` of a tree; the files of the audit are written below `out`.

    out: by default the folder `audit` of the tree, or of the user's cache when the tree cannot be
    written; training reads the exclusion list there, and only there. network: path of a checkpoint
    with which drift is looked for, or a function that returns it when it is needed; without one,
    drift is not looked for. workers: processes, by default the processors of this machine. The
    outcome for a character is stored and used again until its files change.
    Raises EgolibError for a folder that is not a tree, a bad checkpoint, a killed worker or a full
    disk.
    """
    tree, workers = Path(tree).resolve(), workers or cores()
    characters = _list_characters(tree, splits)
    out = Path(out) if out else place_beside(tree, AUDIT_FOLDER)
    cache, processes = out / "characters", min(workers, len(characters))
    drift_network = _open_network(network)  # before hours of reading, not after them
    audit = functools.partial(audit_character, tree, cache)
    if processes == 1:  # this one
        records = map(audit, characters)
    else:
        records = run_in_processes(audit, characters, processes, tree)
    total = len(characters)
    with progress_bar(records, total=total, desc="Files and labels", unit="character") as bar:
        records = sorted(bar, key=lambda record: characters.index(record.character))
    found = [([], {})] * total
    if drift_network:
        found = _look_for_drift(tree, records, cache, drift_network, workers)
    results = [(record, *outcome) for record, outcome in zip(records, found, strict=True)]
    return write_audit(tree, out, splits, results)


def _list_characters(tree, splits):
    sets = [SPLIT_FOLDERS[split] for split in splits]
    if not tree.is_dir():
        raise EgolibError(f"{tree}: no such folder; extract or render one")
    found = [path for name in sets for path in sorted((tree / name).glob("*")) if path.is_dir()]
    if not found:
        raise EgolibError(f"{tree}: not a tree of frames; expected characters in {', '.join(sets)}")
    names = [path.relative_to(tree).as_posix() for path in found]
    if unprintable := [name for name in names if not is_plain(name)]:
        raise EgolibError(f"{shown(unprintable[0])}: a name that cannot be printed; rename it")
    return names


def _open_network(network):
    """The DriftNetwork of a checkpoint, or of a function that returns its path; None for None."""
    from egolib.audit.drift_network import DriftNetwork  # torch takes seconds to import

    return network and DriftNetwork(network() if callable(network) else network)


def _look_for_drift(tree, records, cache, network, workers):
    """[(findings, {folder: drift.FolderDrift})] of each of the CharacterRecords."""
    from egolib.audit.drift import find_drift  # torch takes seconds to import
    from egolib.audit.drift_network import detect_joints

    total = sum(len(record.numbers) for record in records)
    found = []
    with progress_bar(total=total, desc="Drift", unit="frame") as bar:
        for record in records:
            detected = detect_joints(tree, record, network, cache, workers, bar)
            drift = find_drift(record, detected, network.spec.image_px)
            found.append(([*detected.findings(record), *_drift_findings(drift)], drift))
    return found


def _drift_findings(drift):
    for folder, found in drift.items():
        for stretch in (s for s in found.stretches if s.drifted):
            inside = (stretch.first <= found.numbers) & (found.numbers <= stretch.last)
            for number, offset in zip(found.numbers[inside], found.offsets[inside], strict=True):
                detail = f"{offset:+d} frames (confidence {stretch.confidence:.1f})"
                yield Finding(folder, int(number), "json", "drifted", detail)
