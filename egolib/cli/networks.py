"""Verbs of networks: train, convert, evaluate, predict, score."""

from pathlib import Path

from egolib.cli.options import add_study_options, devices, whole
from egolib.config import STAGES
from egolib.errors import EgolibError
from egolib.skeleton import SPLIT_FOLDERS


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    train = verbs.add_parser("train", help="train one stage, without a notebook")
    train.add_argument("stage", choices=STAGES)
    add_study_options(train)
    train.add_argument("--resume", action="store_true", help="go on after the last finished epoch")
    train.add_argument(
        "--devices", type=devices, default=1, help="GPUs of this machine: a number, or auto"
    )
    train.add_argument("--nodes", type=int, default=1, help="machines, under torchrun or srun")

    convert = verbs.add_parser(
        "convert", help="the public re-implementation's .tar checkpoints -> one of ours"
    )
    convert.add_argument("tars", type=Path, nargs="+", metavar="IN.tar", help="model_best.tar")
    convert.add_argument("out", type=Path, metavar="OUT.safetensors")

    evaluate = verbs.add_parser("evaluate", help="print the tables of a checkpoint on a split")
    evaluate.add_argument(
        "checkpoint", type=Path, nargs="+", help="one file, or a heatmap network and a lifter"
    )
    evaluate.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="a tree or a pack"
    )
    evaluate.add_argument("--split", choices=list(SPLIT_FOLDERS), default="test")
    evaluate.add_argument("--workers", type=whole, default=0, help="processes that load pictures")
    evaluate.add_argument("--out", type=Path, help="folder for tables, errors.csv and pictures")

    predict = verbs.add_parser("predict", help="poses and overlays from a folder of pictures")
    predict.add_argument("checkpoint", type=Path)
    predict.add_argument("folder", type=Path)
    predict.add_argument("out", type=Path)

    score = verbs.add_parser("score", help="2D accuracy of poses.csv against labels.json")
    score.add_argument("poses", type=Path)
    score.add_argument("labels", type=Path)
    score.add_argument("--threshold-px", type=float, default=26, help="default: 26")


def _train(options):
    from egolib.study import open_study

    study = open_study(options.profile, options.seed, options.data, options.results)
    study.prepare_data()
    print(study.train(options.stage, options.resume, options.devices, options.nodes))


def _convert(options):
    from egolib.convert import convert

    if options.out.suffix != ".safetensors":
        raise EgolibError(f"{options.out}: the last name is the outcome's and ends in .safetensors")
    print(f"{options.out}: a {convert(options.tars, options.out).kind} network")


def _evaluate(options):
    from egolib.evaluation import (
        frame_errors,
        load_for_evaluation,
        pixel_error_table,
        predict_index,
    )
    from egolib.files import write_atomically
    from egolib.plots import heatmap_sheet, prediction_sheet, save_figure
    from egolib.results import TABLES, as_markdown, write_tables
    from egolib.shards import open_frames

    network, spec, provenance = load_for_evaluation(options.checkpoint)
    index = open_frames(options.data, options.split)
    predictions = predict_index(network, spec, index, options.workers)
    out = options.out or options.checkpoint[-1].with_suffix("")
    errors = frame_errors(predictions, spec.kind)
    write_atomically(out / "errors.csv", errors.to_csv(index=False, float_format="%.3f"))
    if spec.kind != "lifter":
        table = pixel_error_table(predictions).round(2)
        print(table.to_string())
        write_atomically(out / "tables" / "pixel_errors.csv", table.to_csv())
    if spec.kind == "heatmaps":
        sheet = heatmap_sheet(index, network, spec)
    else:
        parts = provenance.get("files", options.checkpoint)
        joined = "before" if len(parts) == 2 else "after"
        names = {"lifter": "oracle", "egopose": joined, "ours": "ours", "window": "window"}
        measured = {names[spec.kind]: predictions}
        label = f"{options.data.resolve().name}, {options.split} ({len(index)} frames)"
        for title, build in TABLES.values():
            print(as_markdown(title, build(measured, label)))
        write_tables(measured, label, out / "tables")
        sheet = prediction_sheet(index, predictions)
    save_figure(sheet, out / "figures", "predictions")
    print(f"Tables, errors.csv and pictures are in {out}")


def _predict(options):
    from egolib.checkpoints import load_network
    from egolib.predict import predict_folder

    network, spec, _ = load_network(options.checkpoint)
    print(predict_folder(network, spec, options.folder, options.out))


def _score(options):
    from egolib.predict import score_poses

    print(score_poses(options.poses, options.labels, options.threshold_px).to_string())


VERBS = {
    "train": _train,
    "convert": _convert,
    "evaluate": _evaluate,
    "predict": _predict,
    "score": _score,
}
