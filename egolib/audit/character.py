"""The audit of one character, kept as a file: what is wrong, and the frames that are left."""

import json
from dataclasses import dataclass

import numpy as np

from egolib.audit.defects import Finding, excludes
from egolib.audit.images import duplicate_findings, inspect_images, size_findings
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
from egolib.camera import in_front
from egolib.foundation.files import load_arrays, save_arrays
from egolib.foundation.provenance import code_digest
from egolib.skeleton import HEATMAP_JOINT_INDICES


@dataclass(frozen=True)
class CharacterRecord:
    """What the audit found out about a character without a network.

    `state` is a digest of the listing and of the audit's code. facts: counts for the summary. The
    rest are the frames that a drift can be looked for in, N rows by folder and number: folder_ids
    into `folders`, clip_ids, image_names, uv_native (N, 15, 2) native, in_front (N, 15).
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
    uv_native: np.ndarray
    in_front: np.ndarray


def audit_character(tree, character, kept):
    """Audit `character` (such as "ValSet/male_008_a_a") of a tree -> CharacterRecord.

    What was found is kept at the path `kept` and read from there while no file of the character
    changes, comes or goes.
    """
    folders = list_character(tree, character)
    state = digest(code_digest(_audit), folders)
    arrays = load_arrays(kept, state)
    if arrays is None:
        arrays = _audit(tree, character, folders)
        save_arrays(kept, state, arrays)
    findings = [Finding(*row) for row in json.loads(arrays.pop("findings"))]
    return CharacterRecord(character, state, findings, json.loads(arrays.pop("facts")), **arrays)


def _audit(tree, character, folders):
    """The fields of CharacterRecord from `findings` on; findings and facts as json."""
    findings = list(place_findings(character, folders))
    labels, sizes, digests = {}, {}, {}
    for folder, channels in folders.items():
        labels[folder], wrong = read_folder(tree, folder, channels["json"])
        seen, sizes_here, digests[folder] = inspect_images(tree, folder, channels)
        sizes |= {(folder, *key): size for key, size in sizes_here.items()}
        findings += wrong + seen
    findings += size_findings(sizes)
    width = usual_width(folders)
    bones_cm = usual_bones(labels.values()) if labels else None
    for folder, channels in folders.items():
        known = labels[folder]
        clips = dict(zip(known.numbers.tolist(), known.clips, strict=True))
        pairs = paired(channels)
        label_digests = {n: d for n, d in known.digests.items() if n in pairs}
        findings += file_findings(tree, folder, channels, width)
        findings += hole_findings(folder, channels, clips, sequence_starts(tree / folder))
        findings += label_findings(folder, known, bones_cm)
        findings += duplicate_findings(folder, digests[folder], label_digests)
    findings.sort(key=lambda row: (row.folder, -1 if row.number is None else row.number))
    left_out = {(f.folder, f.number) for f in findings if excludes(f)}
    return {
        "findings": json.dumps(findings),
        "facts": json.dumps(_facts(folders, labels)),
        "folders": np.array(list(folders), str),
    } | _usable(folders, labels, left_out)


def _usable(folders, labels, left_out):
    """The fields of CharacterRecord from `folder_ids` on, of paired frames not in `left_out`."""
    rows = []
    for folder_id, (folder, known) in enumerate(labels.items()):
        image_files, pairs = folders[folder]["rgba"], paired(folders[folder])
        _, clip_ids = np.unique(known.clips, return_inverse=True)
        for row, number in enumerate(known.numbers.tolist()):
            if number in pairs and (folder, number) not in left_out:
                joints = known.uv_native[row], known.joints_cam_cm[row]
                rows.append((folder_id, number, clip_ids[row], image_files[number][0][0], *joints))
    folder_ids, numbers, clip_ids, names, flat, deep = zip(*rows, strict=True) if rows else [()] * 6
    uv_native, joints_cam_cm = np.reshape(flat, (-1, 16, 2)), np.reshape(deep, (-1, 16, 3))
    return {
        "folder_ids": np.array(folder_ids, np.int32),
        "numbers": np.array(numbers, np.int64),
        "clip_ids": np.array(clip_ids, np.int32),
        "image_names": np.array(names, str),
        "uv_native": uv_native[:, HEATMAP_JOINT_INDICES].astype(np.float32),
        "in_front": in_front(joints_cam_cm[:, HEATMAP_JOINT_INDICES]),
    }


def _facts(folders, labels):
    """Numbers for the summary and the page."""
    residuals = [np.nanmedian(projection_residual(k)) for k in labels.values() if len(k.numbers)]
    numbers = {folder: [*c["rgba"], *c["json"]] for folder, c in folders.items()}
    return {
        "images": sum(len(channels["rgba"]) for channels in folders.values()),
        "labels": sum(len(channels["json"]) for channels in folders.values()),
        "frames": sum(len(c["rgba"].keys() & c["json"].keys()) for c in folders.values()),
        "clips": len(set().union(*(known.clips for known in labels.values()))),
        "hand_behind_lens": int(sum(hands_behind_plane(known).sum() for known in labels.values())),
        "residual_px": round(float(np.median(residuals)), 3) if residuals else None,
        "range": {folder: [min(n), max(n)] for folder, n in numbers.items() if n},
    }
