"""Verbs of networks: train, convert, evaluate, predict, match, export, ship, score."""

from pathlib import Path

from egolib.cli import options as common
from egolib.config import Method, Stage
from egolib.foundation.errors import EgolibError
from egolib.skeleton import JOINTS, SPLIT_FOLDERS


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    train = common.add_verb(verbs, _train, resumes=True)
    option = train.add_argument
    option("stage", choices=list(Stage))
    common.add_study_options(train)
    option("--resume", action="store_true", help="go on after the last finished epoch")
    option("--devices", type=common.devices, default=1, help="GPUs a machine: a number, or auto")
    option("--nodes", type=int, default=1, help="machines, under torchrun or srun")

    convert = common.add_verb(verbs, _convert)
    convert.add_argument("tars", type=Path, nargs="+", metavar="IN.tar", help="model_best.tar")
    convert.add_argument("out", type=Path, metavar="OUT.safetensors")

    evaluate = common.add_verb(verbs, _evaluate)
    option = evaluate.add_argument
    option("checkpoint", type=Path, nargs="+", help="one, or a heatmap network and a lifter")
    common.add_data(evaluate)
    option("--split", choices=list(SPLIT_FOLDERS), default="test")
    option("--workers", type=common.whole, default=0, help="processes that load images")
    option("--out", type=Path, help="folder for tables, errors.csv and images")

    predict = common.add_verb(verbs, _predict, resumes=True)
    common.add_inputs(predict)
    option = predict.add_argument
    option("out", type=Path, help="a folder; what it has already is not done again")
    option("--bvh", action="store_true", help="motion for Blender, one file a video")
    option("--json", action="store_true", help="labels as the data set has them")
    option("--steady", action="store_true", help="filter the poses of a video")
    common.add_framing(predict)

    match = common.add_verb(verbs, _match)
    common.add_inputs(match)
    common.add_framing(match)
    match.add_argument("--out", type=Path, default="match.png", help="default: match.png")

    export = common.add_verb(verbs, _export)
    export.add_argument("out", type=Path, metavar="OUT.onnx")
    common.add_network(export, "a checkpoint")
    export.add_argument("--int8", type=Path, metavar="DIR", help="in int8, calibrated on this data")

    ship = common.add_verb(verbs, _ship)
    ship.add_argument("checkpoint", type=Path)
    common.add_data(ship, "that it was trained on")
    ship.add_argument("--out", type=Path, metavar="FILE", help="else the one inside egolib")

    score = common.add_verb(verbs, _score)
    score.add_argument("poses", type=Path)
    score.add_argument("labels", type=Path)
    score.add_argument("--threshold-px", type=float, default=26, help="default: 26")


def _train(options):
    """Train one stage, without a notebook."""
    from lightning.fabric.utilities.rank_zero import rank_zero_only  # knows torchrun and srun

    from egolib.experiments.run import open_study

    study = open_study(options.profile, options.seed, options.data, options.results)
    study.prepare_data()
    if rank_zero_only.rank == 0:
        print("".join(f"{caution}\n" for caution in study.cautions()), end="", flush=True)
    print(study.train(options.stage, options.resume, options.devices, options.nodes))


def _convert(options):
    """The public re-implementation's .tar checkpoints -> one of egolib's."""
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
        parts = max(len(options.checkpoint), len(provenance.get("files", [])))
        names = {
            Stage.LIFTER: Method.ORACLE,
            Stage.END_TO_END: Method(spec.method) if parts == 2 else Method.END_TO_END,
            Stage.RAY_MODEL: Method.RAY_MODEL,
        }
        method = names[spec.kind]
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
    """Poses from images, videos or a live camera."""
    from egolib.headset.cameras.framing import Framing
    from egolib.headset.deploy.runtimes import open_fastest
    from egolib.headset.predict import predict

    framing = Framing(options.mirror, options.turn or 0, options.circle, common.read_lens(options))
    network, inputs = common.network_and_inputs(options)
    runtime = open_fastest(network)
    asked = {"bvh": options.bvh, "labels": options.json, "steady": options.steady}
    print(predict(inputs, options.out, runtime, framing, **asked))


def _match(options):
    """How images of another headset fit: a sheet, and the options of predict."""
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
    found = match(images, runtime, lens, options.turn, options.mirror or None, options.circle)
    save_image(match_sheet(found, runtime), options.out)
    for doubt in found.doubts:
        print(doubt)
    print(f"Look at {options.out}; if it is right, predict with:")
    print(" ".join(_words(found.framing, options.calibration)) or "no options")


def _words(framing, calibration):
    """The options that say a framing, as one types them."""
    words = ["--calibration", str(calibration)] if calibration else []
    if framing.circle:
        words += ["--circle", ",".join(f"{number:.1f}" for number in framing.circle)]
    words += ["--mirror"] * framing.mirror
    return words + (["--turn", str(framing.turn)] if framing.turn else [])


def _export(options):
    """A network as ONNX, for use without torch and egolib."""
    from egolib.data.shards import open_frames
    from egolib.headset.deploy.exporting import calibration_squares, export_onnx, quantise_onnx
    from egolib.models.checkpoints import load_network, shipped_network

    if options.out.suffix != ".onnx":
        raise EgolibError(f"{options.out}: the last name is the outcome's and ends in .onnx")
    network, spec, provenance = load_network(options.network or shipped_network())
    if options.int8:
        squares = calibration_squares(open_frames(options.int8, "train"), spec.image_px)
    export_onnx(network, spec, options.out, provenance)
    checked = "it says what PyTorch says"
    if options.int8:
        quantise_onnx(options.out, options.out, squares)
        checked = "in float32 it said what PyTorch says; measure what int8 costs"
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB; {checked}")


def _ship(options):
    """A checkpoint, small, as the network of predict; and its card."""
    from egolib.experiments.shipping import ship
    from egolib.models.checkpoints import SHIPPED

    print(f"Read {ship(options.checkpoint, options.data, options.out or SHIPPED)}")


def _score(options):
    """2D accuracy of poses.csv against labels.json."""
    from egolib.headset.scoring import score_poses

    print(score_poses(options.poses, options.labels, options.threshold_px).to_string())
