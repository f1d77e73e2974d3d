"""Verbs for networks: train, convert, evaluate, predict, match, export, ship, score."""

import shlex
from pathlib import Path

from egolib.cli import options as common
from egolib.config import Method, Stage
from egolib.foundation.errors import EgolibError
from egolib.skeleton import JOINTS, SPLIT_FOLDERS


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    option = common.add_verb(verbs, _train, resumes=True).add_argument
    option("stage", choices=list(map(str, Stage)))
    common.add_study_options(option)
    option("--resume", action="store_true", help="go on after the last finished epoch")
    option("--devices", type=common.devices, default=1, help="GPUs a machine: a number, or auto")
    option(
        "--nodes",
        type=common.between(1, 10_000),
        default=1,
        help="machines, under torchrun or srun",
    )

    option = common.add_verb(verbs, _convert).add_argument
    option("tars", type=Path, nargs="+", metavar="IN.tar", help="model_best.tar")
    option("out", type=Path, metavar="OUT.safetensors")

    option = common.add_verb(verbs, _evaluate).add_argument
    option("checkpoint", type=Path, nargs="+", help="one, or a heatmap network and a lifter")
    common.add_data(option)
    option("--split", choices=list(SPLIT_FOLDERS), default="test")
    option("--workers", type=common.between(0, 256), default=0, help="processes that load images")
    option("--out", type=Path, help="folder for tables, errors.csv and images")

    option = common.add_verb(verbs, _predict, resumes=True).add_argument
    common.add_inputs(option)
    option("out", type=Path, help="a folder; what it has already is not done again")
    option("--bvh", action="store_true", help="motion for Blender, one file a video")
    option("--json", action="store_true", help="labels as the data set has them")
    option("--steady", action="store_true", help="filter the poses of a video")
    common.add_framing(option)

    option = common.add_verb(verbs, _match).add_argument
    common.add_inputs(option)
    common.add_framing(option)
    option("--out", type=Path, default="match.png", help="default: match.png")

    option = common.add_verb(verbs, _export).add_argument
    option("out", type=Path, metavar="OUT.onnx")
    common.add_network(option, "a checkpoint")
    option("--int8", type=Path, metavar="DIR", help="in int8, calibrated on this data")

    option = common.add_verb(verbs, _ship).add_argument
    option("checkpoint", type=Path)
    common.add_data(option, "that it was trained on")
    option("--out", type=Path, metavar="FILE", help="else the one inside egolib")

    option = common.add_verb(verbs, _score).add_argument
    option("poses", type=Path)
    option("labels", type=Path)
    option("--threshold-px", type=common.number(0, 1e6), default=26, help="default: 26")


def _train(options):
    """Train one stage, without a notebook."""
    from lightning.fabric.utilities.rank_zero import rank_zero_only  # knows torchrun and srun

    from egolib.experiments.run import open_study

    study = open_study(
        options.profile, options.seed, options.data, options.results, overrides=options.overrides
    )
    study.prepare_data()
    if rank_zero_only.rank == 0:
        print("".join(f"{caution}\n" for caution in study.cautions()), end="", flush=True)
    print(study.train(options.stage, options.resume, options.devices, options.nodes))


def _convert(options):
    """Convert .tar checkpoints of the public re-implementation to one of egolib."""
    from egolib.models.convert import convert

    if options.out.suffix != ".safetensors":
        raise EgolibError(f"{options.out}: the last name is the outcome's and ends in .safetensors")
    print(f"{options.out}: a {convert(options.tars, options.out).kind} network")


def _evaluate(options):
    """Print the tables of a checkpoint on a split."""
    from egolib.data.shards import open_frames
    from egolib.data.visibility import known_states
    from egolib.evaluation import inference as evaluation
    from egolib.evaluation.comparison import MORE_MEASURES, tables_of_one
    from egolib.evaluation.tables import as_markdown, summary, write_table
    from egolib.foundation.files import write_atomically
    from egolib.plots import heatmap_sheet, prediction_sheet, save_figure

    network, spec, provenance = evaluation.load_for_evaluation(options.checkpoint)
    index = open_frames(options.data, options.split)
    predictions = evaluation.predict_split(network, spec, index, options.workers)
    out = options.out or options.checkpoint[-1].with_suffix("")
    errors, states = evaluation.frame_errors(predictions, spec.kind), known_states(index)
    if states is None:
        print("Seen and hidden joints: not available; the tree does not explain its object ids.")
    else:
        errors[[f"{joint}_state" for joint in JOINTS]] = states
    if len(predictions.rotation_errors_deg):
        errors[[f"{joint}_deg" for joint in JOINTS]] = predictions.rotation_errors_deg
    write_atomically(out / "errors.csv", errors.to_csv(index=False, float_format="%.3f"))
    if spec.kind != Stage.LIFTER:
        table = evaluation.pixel_error_table(predictions).round(2)
        print(table.to_string())
        write_atomically(out / "tables" / "pixel_errors.csv", table.to_csv())
    if spec.kind == Stage.HEATMAPS:
        sheet = heatmap_sheet(index, network, spec)
    else:
        is_pair = 2 in (len(options.checkpoint), len(provenance.get("files", [])))
        method = Method.ORACLE if spec.kind == Stage.LIFTER else Method(spec.kind)
        if spec.kind == Stage.END_TO_END and is_pair:
            method = Method(spec.method)
        label = f"{options.data.resolve().name}, {options.split} ({len(index)} frames)"
        tables = tables_of_one(method.label, predictions, spec, states, label)
        tables["summary"] = "Summary", summary({method: predictions}, label)
        for file, (title, table) in tables.items():
            if not file.endswith(MORE_MEASURES):  # these are for files
                print(as_markdown(title, table))
            write_table(title, table, out / "tables", file)
        sheet = prediction_sheet(index, predictions)
    save_figure(sheet, out / "figures", "predictions")
    print(f"Tables, errors.csv and images are in {out}")


def _predict(options):
    """Predict poses from images, videos or a live camera."""
    from egolib.headset.cameras.framing import Framing
    from egolib.headset.deploy.runtimes import open_fastest
    from egolib.headset.poses.posetable import made_by
    from egolib.headset.predict import predict

    framing = Framing(options.mirror, options.turn or 0, options.circle, common.read_lens(options))
    network, inputs = common.network_and_inputs(options)
    # Two runtimes differ in the last digits, so an unfinished folder goes on with its own.
    runtime = open_fastest(network, made_by(options.out).get("runtime"))
    outputs = {"bvh": options.bvh, "labels": options.json, "steady": options.steady}
    print(predict(inputs, options.out, runtime, framing, **outputs))


def _match(options):
    """Find the options of predict for images of another headset, and draw a sheet to check them."""
    from egolib.headset.cameras.matching import match, match_sheet, sample_images
    from egolib.headset.cameras.sources import open_sources
    from egolib.headset.deploy.runtimes import open_fastest
    from egolib.plots.style import save_image

    network, inputs = common.network_and_inputs(options)
    runtime = open_fastest(network)
    sources = open_sources(inputs)
    if len(sources) > 1:
        names = ", ".join(source.name for source in sources)
        raise EgolibError(f"one camera at a time, not {names}: name images, or one video")
    images = sample_images(sources[0])
    lens = common.read_lens(options)
    result = match(images, runtime, lens, options.turn, options.mirror or None, options.circle)
    save_image(match_sheet(result, runtime), options.out)
    for doubt in result.doubts:
        print(doubt)
    print(f"Look at {options.out}; if it is right, predict with:")
    words, framing = [], result.framing
    if options.calibration:
        words += ["--calibration", str(options.calibration)]
    if framing.circle:
        words += ["--circle", ",".join(f"{number:.1f}" for number in framing.circle)]
    words += ["--mirror"] * framing.mirror
    if framing.turn:
        words += ["--turn", str(framing.turn)]
    print(shlex.join(words) or "no options")


def _export(options):
    """Write a network as ONNX, for use without torch and egolib."""
    from egolib.data.shards import open_frames
    from egolib.headset.deploy.exporting import calibration_squares, export_onnx, quantise_onnx
    from egolib.models.checkpoints import load_network, shipped_network

    if options.out.suffix != ".onnx":
        raise EgolibError(f"{options.out}: the last name is the outcome's and ends in .onnx")
    network, spec, provenance = load_network(options.network or shipped_network())
    if options.int8:
        squares = calibration_squares(open_frames(options.int8, "train"), spec.image_px)
    export_onnx(network, spec, options.out, provenance)
    checked = "its outputs are those of PyTorch"
    if options.int8:
        quantise_onnx(options.out, options.out, squares)
        checked = "in float32 its outputs were those of PyTorch; measure what int8 costs"
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB; {checked}")


def _ship(options):
    """Make a checkpoint the compact network of predict, and write its card."""
    from egolib.experiments.shipping import ship
    from egolib.models.checkpoints import SHIPPED

    print(f"Read {ship(options.checkpoint, options.data, options.out or SHIPPED)}")


def _score(options):
    """Measure the 2D accuracy of poses.csv against labels.json."""
    from egolib.headset.scoring import score_poses

    print(score_poses(options.poses, options.labels, options.threshold_px).to_string())
