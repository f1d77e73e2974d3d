"""The audit of one character, kept as a file: what is wrong, and the frames that are left."""

import functools
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from egolib.audit.defects import Finding, excludes
from egolib.audit.labels import (
    hands_behind_plane,
    label_findings,
    projection_residual,
    read_folder,
    usual_bones,
)
from egolib.audit.listing import (
    digest,
    file_findings,
    hole_findings,
    list_character,
    paired,
    place_findings,
    sequence_starts,
    usual_width,
)
from egolib.audit.pictures import duplicate_findings, inspect_pictures, size_findings
from egolib.camera import in_front
from egolib.files import atomic_path, code_digest
from egolib.skeleton import HEATMAP_JOINT_INDICES

# What decides the findings; drift, tables and page are made anew each time.
_CODE = ("audit/character", "audit/labels", "audit/listing", "audit/pictures", "camera", "labels", "skeleton")  # fmt: skip


@dataclass(frozen=True)
class CharacterRecord:
    """What the audit found out about a character without a network.

    `state` is a digest of the listing and of the audit's code. facts: counts for the summary. The
    rest are the frames that a drift can be looked for in, N rows by folder and number: folder_ids
    into `folders`, clip_ids, image_names, joints_2d_px (N, 15, 2) native, in_front (N, 15).
    """

    character: str
    state: str
    findings: list
    facts: dict
    folders: np.ndarray
    folder_ids: np.ndarray
    numbers: np.ndarray
    clip_ids: np.ndarray
    image_names: np.ndarray
    joints_2d_px: np.ndarray
    in_front: np.ndarray

    def save(self, path):
        values = asdict(self) | {k: json.dumps(getattr(self, k)) for k in ("findings", "facts")}
        with atomic_path(path) as partial, open(partial, "wb") as stream:
            np.savez(stream, **values)

    @classmethod
    def load(cls, path, state):
        """The record at `path` if it is of this `state`, else None."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                values = {k: v.item() if v.ndim == 0 else v for k, v in stored.items()}
            if values["state"] != state:
                return None
            findings = [Finding(*row) for row in json.loads(values.pop("findings"))]
            return cls(findings=findings, facts=json.loads(values.pop("facts")), **values)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None


def audit_character(tree, character, kept):
    """Audit `character` (such as "ValSet/male_008_a_a") of a tree -> CharacterRecord.

    The record is kept at the path `kept` and read from there while no file of the character
    changes, comes or goes.
    """
    folders = list_character(tree, character)
    state = digest(_code_state(), folders)
    record = CharacterRecord.load(kept, state)
    if record is None:
        record = _audit(tree, character, folders, state)
        record.save(kept)
    return record


@functools.cache
def _code_state():
    egolib = Path(__file__).parents[1]
    return code_digest(egolib / f"{name}.py" for name in _CODE)


def _audit(tree, character, folders, state):
    findings = list(place_findings(character, folders))
    labels, sizes, digests = {}, {}, {}
    for folder, channels in folders.items():
        labels[folder], wrong = read_folder(tree, folder, channels["json"])
        seen, sizes_here, digests[folder] = inspect_pictures(tree, folder, channels)
        sizes |= {(folder, *key): size for key, size in sizes_here.items()}
        findings += wrong + seen
    findings += size_findings(sizes)
    width = usual_width(folders)
    bones_cm = usual_bones(labels.values()) if labels else None
    for folder, channels in folders.items():
        known = labels[folder]
        clips = dict(zip(known.numbers.tolist(), known.clips, strict=True))
        pairs = set(paired(channels))
        label_digests = {n: d for n, d in known.digests.items() if n in pairs}
        findings += file_findings(tree, folder, channels, width)
        findings += hole_findings(folder, channels, clips, sequence_starts(tree / folder))
        findings += label_findings(folder, known, bones_cm)
        findings += duplicate_findings(folder, digests[folder], label_digests)
    findings.sort(key=lambda row: (row.folder, -1 if row.number is None else row.number))
    frames = _usable(folders, labels, {(f.folder, f.number) for f in findings if excludes(f)})
    return CharacterRecord(
        character, state, findings, _facts(folders, labels), np.array(list(folders), str), **frames
    )


def _usable(folders, labels, excluded):
    """The columns of CharacterRecord from `folder_ids` on."""
    parts = []
    for folder_id, (folder, known) in enumerate(labels.items()):
        pairs = set(paired(folders[folder]))
        wanted = [n in pairs and (folder, n) not in excluded for n in known.numbers.tolist()]
        rows = np.flatnonzero(np.array(wanted, bool))
        _, clip_ids = np.unique(known.clips, return_inverse=True)
        names = [folders[folder]["rgba"][n][0][0] for n in known.numbers[rows].tolist()]
        deep = known.joints_3d_cm[rows][:, HEATMAP_JOINT_INDICES]
        flat = known.joints_2d_px[rows][:, HEATMAP_JOINT_INDICES].astype(np.float32)
        folder_ids = np.full(len(rows), folder_id, np.int32)
        parts.append(
            (folder_ids, known.numbers[rows], clip_ids[rows].astype(np.int32), np.array(names, str),
             flat, in_front(deep))
        )  # fmt: skip
    keys = ("folder_ids", "numbers", "clip_ids", "image_names", "joints_2d_px", "in_front")
    empty = [np.empty(s, t) for s, t in zip([(0,)] * 4 + [(0, 15, 2), (0, 15)], "iqiUf?", strict=True)]  # fmt: skip
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else empty
    return dict(zip(keys, columns, strict=True))


def _facts(folders, labels):
    """Numbers for the summary and the page."""
    residuals = [np.nanmedian(projection_residual(k)) for k in labels.values() if len(k.numbers)]
    numbers = {f: [n for c in ("rgba", "json") for n in ch[c]] for f, ch in folders.items()}
    return {
        "pictures": sum(len(channels["rgba"]) for channels in folders.values()),
        "labels": sum(len(channels["json"]) for channels in folders.values()),
        "frames": sum(len(c["rgba"].keys() & c["json"].keys()) for c in folders.values()),
        "clips": len(set().union(*(known.clips for known in labels.values()))),
        "hand_behind_lens": int(sum(hands_behind_plane(known).sum() for known in labels.values())),
        "residual_px": round(float(np.median(residuals)), 3) if residuals else None,
        "range": {f: [min(n), max(n)] for f, n in numbers.items() if n},
    }
