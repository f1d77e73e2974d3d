"""Make the weights that come with egolib: a compact checkpoint, and a model card with measured numbers."""

import hashlib
import itertools
import os
import string
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from egolib.config import PROFILES, load_profile
from egolib.data.shards import open_frames
from egolib.evaluation import literature
from egolib.evaluation.inference import predict_split
from egolib.evaluation.tables import error_by_body_group, footnotes, formatted
from egolib.experiments.manifest import git_state
from egolib.experiments.run import REPOSITORY, default_tree
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path, write_atomically
from egolib.headset.deploy.exporting import calibration_squares, export_onnx, quantise_onnx
from egolib.headset.deploy.runtimes import calibration_path, on_onnxruntime, on_openvino, poses_of
from egolib.models.checkpoints import SHIPPED, load_network, save_network
from egolib.models.cost import parameters_m
from egolib.skeleton import SPLIT_FOLDERS
from egolib.training.train import code_of_training

MOST_BYTES = 20_000_000
MOST_LOST_MM = 0.5  # to int8
CALIBRATION_FRAMES = 32
CARD = "MODEL_CARD.md"
_TEMPLATE = SHIPPED.with_name("card_template.md")
FULL, COMPACT = "full weights, PyTorch", "compact weights, PyTorch"


def ship(checkpoint, data, out):
    """Write `checkpoint` compact (checkpoints.save_network) as `out`; beside it its CARD and, unless
    int8 costs more than MOST_LOST_MM, squares to calibrate that with (runtimes.calibration_path) ->
    path of the card.

    data: the tree or pack that it was trained on; on its test split the full weights and the compact
    ones are scored, these in each runtime that is here. A profile of one's own, NAME.toml, lies beside
    `out`, so that the network can be made again. Raises EgolibError for a network that does not go
    from image to pose, one that was trained on other data or by another profile, and one that is
    larger than MOST_BYTES.
    """
    out = Path(out)
    network, spec, provenance = load_network(checkpoint, ("end_to_end", "ray_model"))
    splits = {split: open_frames(data, split) for split in SPLIT_FOLDERS}
    if provenance.get("data") != [splits[name].fingerprint for name in ("train", "val")]:
        raise EgolibError(f"{checkpoint}: was not trained on {data}; name the data that it knows")
    commands = _commands(checkpoint, provenance, out)
    full = Path(checkpoint).read_bytes()
    provenance = {**provenance, "compact_of": hashlib.sha256(full).hexdigest()}
    with atomic_path(out) as partial:
        save_network(partial, network, spec, provenance, compact=True)
        content = partial.read_bytes()
        if len(content) > MOST_BYTES:
            raise EgolibError(
                f"{checkpoint}: takes {len(content) / 1e6:.1f} MB when compact, more than the "
                f"{MOST_BYTES / 1e6:.0f} that are shipped"
            )
        compact, _, _ = load_network(partial)
        squares = calibration_squares(splits["train"], spec.image_px, CALIBRATION_FRAMES)
        measured = _measure(network, compact, spec, splits["test"], squares)
    errors_mm = {name: each.errors_mm.mean() for name, each in measured.items()}
    lost_mm = max(v for name, v in errors_mm.items() if "int8" in name) - errors_mm[COMPACT]
    int8 = lost_mm <= MOST_LOST_MM
    if int8:
        with atomic_path(calibration_path(out)) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, squares=squares)
    else:
        calibration_path(out).unlink(missing_ok=True)
    facts = _facts(out.name, content, len(full), spec, provenance, splits)
    use = "used where it is the fastest" if int8 else f"not used: more than {MOST_LOST_MM} mm"
    facts.append(("int8", f"{lost_mm:+.2f} mm; {use}"))
    card = string.Template(_TEMPLATE.read_text()).substitute(
        name=out.name,
        facts="\n".join(f"| {what} | {value} |" for what, value in facts),
        scores=_scores(measured),
        commands=commands,
    )
    write_atomically(out.with_name(CARD), card)
    return out.with_name(CARD)


def _commands(checkpoint, provenance, out):
    """What makes the network again, as one types it in the repository."""
    name, seed, stage = (provenance[key] for key in ("profile", "seed", "stage"))
    given = name if name in PROFILES else os.path.relpath(out.with_name(f"{name}.toml"), REPOSITORY)
    profile = load_profile(name if name in PROFILES else REPOSITORY / given)
    if asdict(getattr(profile, stage)) != provenance["config"]:
        raise EgolibError(f"{checkpoint}: was trained with other settings than those of {given}")
    tree = os.path.relpath(default_tree(profile), REPOSITORY)
    trained = f"results/{name}/checkpoints/{stage}.safetensors"
    return f"./run_all.sh --profile {given} --seed {seed}\negolib ship {trained} --data {tree}"


def _measure(network, compact, spec, index, squares):
    """{weights and runtime: predictions.Predictions of a FrameIndex}, of the full weights and of the
    compact ones in each runtime and precision."""
    measured = {FULL: predict_split(network, spec, index)}
    said = measured[COMPACT] = predict_split(compact, spec, index)
    with tempfile.TemporaryDirectory() as folder:
        plain, int8 = (Path(folder) / f"{name}.onnx" for name in ("float32", "int8"))
        export_onnx(compact, spec, plain, {})
        quantise_onnx(plain, int8, squares)
        for on, path in itertools.product((on_onnxruntime, on_openvino), (plain, int8)):
            runtime = on(path)
            poses_m = poses_of(runtime, index)
            measured[f"compact weights, {runtime.name}"] = replace(said, predicted_rel_m=poses_m)
    return measured


def _scores(measured):
    """What `_measure` returned as markdown."""
    table = error_by_body_group(measured, "the test split")
    table = table.drop(columns=literature.COLUMN_GROUP, level=0)
    lines = [formatted(table).droplevel(0, axis=1).T.to_markdown(disable_numparse=True), ""]
    lines += [f"- {note}" for note in footnotes(table)]
    if len(neck_errors_mm := measured[COMPACT].neck_errors_mm):
        lines.append(
            f"- The neck's place before the camera, which these errors leave out, is "
            f"{neck_errors_mm.mean():.1f} mm off on average (compact weights)."
        )
    return "\n".join(lines)


def _facts(name, content, full_bytes, spec, provenance, splits):
    """[(what, value)] of the card's first table."""
    commit, _ = git_state(Path(__file__).parent)
    same = provenance.get("code") == code_of_training(provenance["stage"])
    return [
        ("file", f"`{name}`, {len(content) / 1e6:.1f} MB"),
        ("sha256", f"`{hashlib.sha256(content).hexdigest()}`"),
        ("made from", f"a checkpoint of {full_bytes / 1e6:.1f} MB, sha256 `{provenance['compact_of']}`"),
        ("network", ", ".join(f"{key} {value}" for key, value in asdict(spec).items())),
        ("size", f"{parameters_m(spec):.1f} M parameters"),
        *((f"frames, {split}", f"{len(index):,}") for split, index in splits.items()),
        *((f"people, {split}", f"{len(set(index.characters))}") for split, index in splits.items()),
        *((f"data, {split}", f"`{index.fingerprint}`") for split, index in splits.items()),
        ("training", f"profile {provenance['profile']}, seed {provenance['seed']}, "
                     f"stage {provenance['stage']}, {provenance['precision']}"),
        ("its settings", ", ".join(f"{key} {value}" for key, value in provenance["config"].items())),
        ("best epoch, by validation", _told(provenance["best"])),
        *((f"began with {name} of", _told(best)) for name, best in provenance["start"].items()),
        ("code", f"commit {commit or 'unknown'}, whose training code is "
                 f"{'that' if same else '**not** that'} which trained it"),
    ]  # fmt: skip


def _told(best):
    """A row of a training's history (fitting.History), in words."""
    numbers = {name: value for name, value in best.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value:g}" for name, value in numbers.items() if "second" not in name)
