"""Render a whole tree in several processes; resume what an earlier run left."""

import dataclasses
from pathlib import Path

import cv2

from egolib.foundation.errors import EgolibError
from egolib.foundation.processes import cores, run_in_processes
from egolib.foundation.progress import progress_bar
from egolib.foundation.provenance import code_digest
from egolib.foundation.untrusted import load_json
from egolib.skeleton import SPLITS
from egosynth.motion.bvh import captures_digest, check_captures
from egosynth.people.body import build_characters
from egosynth.people.wardrobe import OBJECT_IDS, skin_tone
from egosynth.plan import chosen_characters, planned_sequences, shard_of
from egosynth.rendering.renderer import compile_kernels, image_size
from egosynth.sequence_renderer import SequenceRenderer
from egosynth.write import DEPTH_UNIT_M, WORLDP_UNIT_M, WORLDP_ZERO, meta_path, write_json

TREE_FILE = "miniature.json"
_renderer = None  # of a rendering process, set once by _enter


def render_tree(out, config, seed, workers=None, shard=(1, 1)):
    """Render what is missing below `out` for `config` (RenderConfig) and `seed`.

    A tree is bound to its settings and to the code that renders it by `miniature.json`; a sequence
    is complete when its metadata file exists. The bytes do not depend on `workers` (default: the
    processors of this machine). shard (i, n) renders the i-th of n parts, i from 1 to n; all n
    parts together, in one folder, are the bytes of one run.
    Raises EgolibError for a bad scale, a tree of other settings or of other code, a full disk or a
    killed worker.
    """
    out, workers = Path(out), workers or cores()
    image_size(config.scale)
    _bind(out, config, seed)
    everything = planned_sequences(config, seed)
    sequences = shard_of(everything, shard)
    missing = [s for s in sequences if not _is_complete(out, s)]
    done = sum(s.frames for s in sequences) - sum(s.frames for s in missing)
    if not missing:
        return
    check_captures(config.motion)
    names = [name for names in chosen_characters(config).values() for name in names]
    rig, characters = build_characters(names)
    _describe_characters(out, everything, characters)
    compile_kernels()
    shared = (out, config, seed, rig, characters)
    total = done + sum(s.frames for s in missing)
    with progress_bar(total=total, initial=done, desc="Rendering", unit="frame") as bar:
        for frames in _play_all(shared, missing, min(workers, len(missing))):
            bar.update(frames)


def _is_complete(out, sequence):
    folder = out / sequence.folder
    return meta_path(folder, sequence.character, sequence.first_number).is_file()


def _bind(out, config, seed):
    """Bind `out` to these settings and this code, or refuse when it holds a tree of others."""
    path = out / TREE_FILE
    settings = dataclasses.asdict(config)
    captures = captures_digest(settings.pop("motion"))  # wherever the files lie
    content = {
        "renderer": renderer_digest(),
        "seed": seed,
        "render": settings,
        "motion_capture": captures,
        "depth_unit_m": DEPTH_UNIT_M,
        "worldp_unit_m": WORLDP_UNIT_M,
        "worldp_zero": WORLDP_ZERO,
        "object_ids": OBJECT_IDS,
        "frame_identity": "split, character, environment and the six-digit frame number; frames "
        "with consecutive numbers are one sequence",
    }
    if not path.exists():
        if any((out / name).exists() for name in SPLITS):
            raise EgolibError(f"{out}: holds frames of another origin; choose another folder")
        write_json(path, content)
        return
    found = load_json(path, remedy="choose another folder or delete it")
    if found.get("renderer") != content["renderer"]:
        raise EgolibError(
            f"{path}: this tree was rendered by another version of the miniature's code; "
            "delete its folder to render it anew, or choose another"
        )
    differing = [key for key in content if found.get(key) != content[key]]
    if differing:
        raise EgolibError(
            f"{path}: holds a tree with other settings ({', '.join(differing)}); "
            "choose another folder or delete this one"
        )


def renderer_digest():
    """Digest of the code that decides the bytes of a tree; comments do not count."""
    return code_digest(render_tree)


def _describe_characters(out, sequences, characters):
    for split, name in sorted({(s.split, s.character) for s in sequences}):
        character = characters[name]
        content = {
            "character": name,
            "stature_m": round(character.stature_m, 4),
            "phenotype": {key: round(value, 4) for key, value in character.phenotype.items()},
            "skin_linear_rgb": skin_tone(character).round(4).tolist(),
            "camera_at_rest_m": character.camera.round(4).tolist(),
        }
        write_json(out / split / name / "character.json", content)


def _play_all(shared, sequences, workers):
    """Yield the frames of each sequence as it is done; one worker means this process."""
    if workers == 1:
        renderer = SequenceRenderer(*shared)
        yield from map(renderer.play, sequences)
        return
    yield from run_in_processes(_play, sequences, workers, shared[0], _enter, shared)


def _enter(*shared):
    global _renderer
    cv2.setNumThreads(1)
    _renderer = SequenceRenderer(*shared)


def _play(sequence):
    return _renderer.play(sequence)
