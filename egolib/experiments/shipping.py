"""Make the weights that come with egolib: a compact checkpoint, and a model card with measured numbers."""

import hashlib
import itertools
import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import jinja2
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
from egolib.models.checkpoints import load_network, save_network
from egolib.models.cost import parameters_m
from egolib.skeleton import SPLIT_FOLDERS
from egolib.training.train import training_code_digest

MOST_BYTES = 20_000_000
MOST_LOST_MM = 0.5  # to int8
CALIBRATION_FRAMES = 32
CARD = "MODEL_CARD.md"
FULL, COMPACT = "full weights, PyTorch", "compact weights, PyTorch"


def ship(checkpoint: Path, data: Path, out: Path) -> Path:
    """Write the compact weights of `checkpoint` (checkpoints.save_network) as `out`, and beside them
    their CARD and, unless int8 costs more than MOST_LOST_MM, images for its calibration
    (runtimes.calibration_path) -> path of the card.

    data: the tree or pack on which it was trained. The full weights, and the compact ones in each
    installed runtime, are evaluated on its test split. A profile that is no preset has to be
    NAME.toml beside `out`, so that the network can be made again. Raises EgolibError for a network that
    does not go from image to pose, for one that was trained on other data or with other settings,
    and for one larger than MOST_BYTES.
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
    errors_mm = {name: p.errors_mm.mean() for name, p in measured.items()}
    lost_mm = max(v for name, v in errors_mm.items() if "int8" in name) - errors_mm[COMPACT]
    int8 = lost_mm <= MOST_LOST_MM
    if int8:
        with atomic_path(calibration_path(out)) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, squares=squares)
    else:
        calibration_path(out).unlink(missing_ok=True)
    template = jinja2.Template(
        Path(__file__).with_name("model_card.md").read_text(),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    card = template.render(
        name=out.name, size_mb=len(content) / 1e6, sha256=hashlib.sha256(content).hexdigest(),
        full_mb=len(full) / 1e6, spec=asdict(spec), parameters_m=parameters_m(spec), splits=splits,
        provenance=provenance, commit=git_state(Path(__file__).parent)[0],
        same_code=provenance.get("code") == training_code_digest(provenance["stage"]),
        lost_mm=lost_mm, most_lost_mm=MOST_LOST_MM, int8=int8, scores=_scores(measured),
        commands=commands,
    )  # fmt: skip
    write_atomically(out.with_name(CARD), card)
    return out.with_name(CARD)


def _commands(checkpoint, provenance, out):
    """The commands, to be typed in the repository, that make the network again."""
    name, seed, stage = (provenance[key] for key in ("profile", "seed", "stage"))
    given = name if name in PROFILES else os.path.relpath(out.with_name(f"{name}.toml"), REPOSITORY)
    profile = load_profile(name if name in PROFILES else REPOSITORY / given)
    if asdict(getattr(profile, stage)) != provenance["config"]:
        raise EgolibError(f"{checkpoint}: was trained with other settings than those of {given}")
    tree = os.path.relpath(default_tree(profile), REPOSITORY)
    trained = f"results/{name}/checkpoints/{stage}.safetensors"
    return f"./run_all.sh --profile {given} --seed {seed}\negolib ship {trained} --data {tree}"


def _measure(network, compact, spec, index, squares):
    """Predictions of a FrameIndex by the full weights, and by the compact ones in each runtime and
    precision -> {weights and runtime: Predictions}."""
    measured = {FULL: predict_split(network, spec, index)}
    by_compact = measured[COMPACT] = predict_split(compact, spec, index)
    with tempfile.TemporaryDirectory() as folder:
        float32, int8 = (Path(folder) / f"{name}.onnx" for name in ("float32", "int8"))
        export_onnx(compact, spec, float32, {})
        quantise_onnx(float32, int8, squares)
        for open_runtime, path in itertools.product((on_onnxruntime, on_openvino), (float32, int8)):
            runtime = open_runtime(path)
            name = f"compact weights, {runtime.name}"
            measured[name] = replace(by_compact, predicted_rel_m=poses_of(runtime, index))
    return measured


def _scores(measured):
    """The errors of `_measure` as Markdown."""
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
