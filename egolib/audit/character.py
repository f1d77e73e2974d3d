"""The audit of one character without a network: its findings, and the frames that are left."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egolib.audit import images, labels, listing
from egolib.audit.defects import DEFECTS, Finding, excludes
from egolib.camera import in_front
from egolib.foundation.files import load_arrays, save_arrays
from egolib.foundation.provenance import code_digest
from egolib.skeleton import HEATMAP_JOINT_INDICES, joint_indices


@dataclass(frozen=True)
class CharacterRecord:
    """The outcome of the audit of a character without a network.

    `state` is a digest of the listing and of the audit's code. facts: counts for the summary. The
    other fields describe the frames in which drift can be looked for, N rows by folder and number:
    folder_ids into `folders`, clip_ids, image_names, uv_native (N, 15, 2) native, in_front (N, 15).
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


def audit_character(tree: Path, cache: Path, character: str) -> CharacterRecord:
    """Audit `character` (such as "ValSet/male_008_a_a") of a tree.

    The outcome is stored in the folder `cache` and read from there until a file of the character
    changes, comes or goes.
    """
    folders = listing.list_character(tree, character)
    state = listing.digest(code_digest(_audit), DEFECTS.to_csv(), folders)
    path = listing.cache_path(cache, character)
    arrays = load_arrays(path, state)
    if arrays is None:
        arrays = _audit(tree, character, folders)
        save_arrays(path, state, arrays)
    findings = [Finding(*row) for row in json.loads(arrays.pop("findings"))]
    return CharacterRecord(character, state, findings, json.loads(arrays.pop("facts")), **arrays)


def _audit(tree, character, folders):
    """The fields of CharacterRecord from `findings` on; findings and facts as json."""
    known, malformed = labels.read_character(tree, folders)
    unreadable, sizes, image_digests = images.inspect_images(tree, folders)
    pairs, joints = listing.paired(folders), zip(known.uv_native, known.joints_cam_cm, strict=True)
    label_digests = {
        frame: hashlib.sha256(uv.tobytes() + xyz.tobytes()).digest()
        for frame, (uv, xyz) in zip(known.frames, joints, strict=True)
        if frame in pairs
    }
    findings = [
        *listing.place_findings(character, folders),
        *malformed,
        *unreadable,
        *images.size_findings(sizes),
        *listing.file_findings(tree, folders),
        *listing.hole_findings(tree, folders, dict(zip(known.frames, known.clips, strict=True))),
        *labels.label_findings(known),
        *images.duplicate_findings(image_digests, label_digests),
    ]
    findings.sort(key=lambda row: (row.folder, -1 if row.number is None else row.number))
    left_out = {(finding.folder, finding.number) for finding in findings if excludes(finding)}
    rows = [i for i, f in enumerate(known.frames) if f in pairs and f not in left_out]
    names, frames = list(folders), [known.frames[i] for i in rows]
    _, clip_ids = np.unique(known.clips, return_inverse=True)
    return {
        "findings": json.dumps(findings),
        "facts": json.dumps(_facts(folders, known)),
        "folders": np.array(names, str),
        "folder_ids": np.array([names.index(folder) for folder, _ in frames], np.int32),
        "numbers": np.array([number for _, number in frames], np.int64),
        "clip_ids": clip_ids[rows].astype(np.int32),
        "image_names": np.array([pairs[frame] for frame in frames], str),
        "uv_native": known.uv_native[rows][:, HEATMAP_JOINT_INDICES].astype(np.float32),
        "in_front": in_front(known.joints_cam_cm[rows][:, HEATMAP_JOINT_INDICES]),
    }


def _facts(folders, known):
    """Counts for the summary and the page; residual_px is the median over the folders' medians."""
    numbers = {folder: [*c["rgba"], *c["json"]] for folder, c in folders.items()}
    of_folder = np.array([folder for folder, _ in known.frames])
    # The lens model mirrors the 2D label of a joint behind its plane, which is no defect.
    hands_z_cm = known.joints_cam_cm[:, joint_indices(["LeftHand", "RightHand"]), 2]
    residuals = [np.nanmedian(known.residual_px[of_folder == f]) for f in np.unique(of_folder)]
    return {
        "images": sum(len(channels["rgba"]) for channels in folders.values()),
        "labels": sum(len(channels["json"]) for channels in folders.values()),
        "frames": sum(len(c["rgba"].keys() & c["json"].keys()) for c in folders.values()),
        "clips": len(set(known.clips)),
        "hand_behind_lens": int((hands_z_cm <= 0).any(1).sum()),
        "residual_px": round(float(np.median(residuals)), 3) if residuals else None,
        "range": {folder: [min(n), max(n)] for folder, n in numbers.items() if n},
    }
