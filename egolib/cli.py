"""The `egolib` command: one verb per room. Bad input ends in one line and exit code 2."""

import argparse
import sys
from pathlib import Path

from egolib.config import DEFAULT_PROFILE, PROFILES, STAGES, load_profile
from egolib.errors import EgolibError
from egolib.skeleton import SPLIT_FOLDERS


def _whole(text):
    """A whole number from 0 on; argparse turns the ValueError into its usual line."""
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _devices(text):
    return text if text == "auto" else _whole(text)


def _shard(text):
    """The second of three parts: "2/3" -> (2, 3)."""
    i, _, n = text.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 2/3")
    return int(i), int(n)


def _add_study_options(parser):
    known = ", ".join(PROFILES)
    parser.add_argument("--profile", default=DEFAULT_PROFILE, help=f"{known}, or a .toml file")
    parser.add_argument("--data", default="", metavar="DIR", help="a tree of frames; else rendered")
    parser.add_argument("--seed", type=_whole, default=0)
    parser.add_argument("--results", default="", metavar="DIR", help="else results/<profile>")


def _parser():
    parser = argparse.ArgumentParser(prog="egolib", description=sys.modules["egolib"].__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    run = verbs.add_parser("run", help="the whole study: data, notebooks, tables, figures")
    _add_study_options(run)

    render = verbs.add_parser("render", help="write the embedded miniature to a folder")
    render.add_argument("out", type=Path)
    render.add_argument("--profile", default=DEFAULT_PROFILE, help="how many frames, how large")
    render.add_argument(
        "--scale", type=float, help="fraction of 1280x800; 1.0 is the official size"
    )
    render.add_argument(
        "--motion", metavar="DIR", help="motion capture: <clip name>*.bvh replaces or adds the clip"
    )
    render.add_argument("--seed", type=_whole, default=0)
    render.add_argument("--workers", type=_whole, help="processes; else one a core")
    render.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N",
        help="only part I of N, for one of N machines: from 1/N to N/N",
    )  # fmt: skip

    train = verbs.add_parser("train", help="train one stage, without a notebook")
    train.add_argument("stage", choices=STAGES)
    _add_study_options(train)
    train.add_argument("--resume", action="store_true", help="go on after the last finished epoch")
    train.add_argument(
        "--devices", type=_devices, default=1, help="GPUs of this machine: a number, or auto"
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
    evaluate.add_argument("--data", type=Path, required=True, metavar="DIR")
    evaluate.add_argument("--split", choices=list(SPLIT_FOLDERS), default="test")
    evaluate.add_argument("--workers", type=_whole, default=0, help="processes that load pictures")
    evaluate.add_argument("--out", type=Path, help="folder for tables, errors.csv and pictures")

    predict = verbs.add_parser("predict", help="poses and overlays from a folder of pictures")
    predict.add_argument("checkpoint", type=Path)
    predict.add_argument("folder", type=Path)
    predict.add_argument("out", type=Path)

    score = verbs.add_parser("score", help="2D accuracy of poses.csv against labels.json")
    score.add_argument("poses", type=Path)
    score.add_argument("labels", type=Path)
    score.add_argument("--threshold-px", type=float, default=26, help="default: 26")

    publish = verbs.add_parser(
        "publish", help="copy a run's tables and figures into the repository"
    )
    publish.add_argument("results", type=Path)
    return parser


# Each verb imports what it needs: torch and Lightning take seconds, `egolib --help` should not.


def _run(options):
    from egolib.execute import run_study
    from egolib.study import open_study

    study = open_study(options.profile, options.seed, options.data, options.results)
    print(f"Read {run_study(study)}")


def _render(options):
    import dataclasses

    from egolib.miniature import render_tree

    config = load_profile(options.profile).render
    if options.scale is not None:
        config = dataclasses.replace(config, scale=options.scale)
    if options.motion is not None:
        config = dataclasses.replace(config, motion=options.motion)
    render_tree(options.out, config, options.seed, options.workers, options.shard)


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
    from egolib.frames import index_tree
    from egolib.plots import heatmap_sheet, prediction_sheet, save_figure
    from egolib.results import TABLES, as_markdown, write_tables

    network, spec, provenance = load_for_evaluation(options.checkpoint)
    index = index_tree(options.data, options.split)
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
        measured = {"oracle" if spec.kind == "lifter" else joined: predictions}
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


def _publish(options):
    from egolib.report import publish
    from egolib.study import REPOSITORY

    print(publish(options.results, REPOSITORY))


VERBS = {
    "run": _run,
    "render": _render,
    "train": _train,
    "convert": _convert,
    "evaluate": _evaluate,
    "predict": _predict,
    "score": _score,
    "publish": _publish,
}


def main(arguments=None):
    """Entry point. Returns the exit code: 0, 2 for bad input, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        VERBS[options.verb](options)
    except EgolibError as error:
        print(f"egolib: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("egolib: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
