"""The `egolib` command: one verb per room. Bad input ends in one line and exit code 2."""

import argparse
import sys
from pathlib import Path

from egolib.config import DEFAULT_PROFILE, PROFILES, STAGES, load_profile
from egolib.errors import EgolibError
from egolib.release import URL
from egolib.skeleton import SPLIT_FOLDERS


def _whole(text):
    """A whole number from 0 on; argparse turns the ValueError into its usual line."""
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _count(text):
    """A whole number from 1 on."""
    if (number := _whole(text)) == 0:
        raise ValueError(text)
    return number


def _devices(text):
    return text if text == "auto" else _whole(text)


def _shard(text):
    """The second of three parts: "2/3" -> (2, 3)."""
    i, _, n = text.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 2/3")
    return int(i), int(n)


def _slurm_option(text):
    """What sbatch is told: "time=60" -> ("time", 60)."""
    key, _, value = text.partition("=")
    if not (key.isidentifier() and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, such as partition=cpu")
    return key, int(value) if value.isdecimal() else value


def _between(low, high):
    def number(text):
        if not low <= _whole(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not from {low} to {high}")
        return int(text)

    return number


def _names(text):
    return [name for name in text.split(",") if name]


def _add_choice_of_characters(parser):
    parser.add_argument(
        "--characters", type=_names, metavar="NAME,...", help="such as male_008_a_a; else all"
    )
    parser.add_argument("--sets", type=_names, metavar="SET,...", help="of train, val, test")


def _add_study_options(parser):
    known = ", ".join(PROFILES)
    parser.add_argument("--profile", default=DEFAULT_PROFILE, help=f"{known}, or a .toml file")
    parser.add_argument("--data", default="", metavar="DIR", help="a tree or a pack; else rendered")
    parser.add_argument("--seed", type=_whole, default=0)
    parser.add_argument("--results", default="", metavar="DIR", help="else results/<profile>")


def _parser():
    parser = argparse.ArgumentParser(prog="egolib", description=sys.modules["egolib"].__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    run = verbs.add_parser("run", help="the whole study: data, notebooks, tables, figures")
    _add_study_options(run)
    run.add_argument(
        "--pack", default="", metavar="DIR", help="pack the tree of --data into DIR, train on that"
    )

    pack = verbs.add_parser("pack", help="a tree -> square crops in shards, which load fast")
    pack.add_argument("tree", type=Path)
    pack.add_argument("out", type=Path)
    pack.add_argument(
        "--px", type=_between(32, 800),
        help="side of the squares; else 368, as the paper's network sees them, or the tree's own "
        "if that is smaller",
    )  # fmt: skip
    pack.add_argument("--encoding", choices=("jpeg", "png"), default="jpeg")
    pack.add_argument("--quality", type=_between(1, 100), default=95, help="of JPEG; default: 95")
    pack.add_argument("--workers", type=_whole, help="threads a machine; else one a core")
    machines = pack.add_mutually_exclusive_group()
    machines.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N",
        help="only part I of N, for one of N machines: from 1/N to N/N",
    )  # fmt: skip
    machines.add_argument(
        "--submit", type=_between(1, 1000), metavar="N", help="as N jobs, and wait for them"
    )
    pack.add_argument("--cluster", choices=("slurm", "local"), default="slurm", help="of --submit")
    pack.add_argument(
        "--slurm", type=_slurm_option, action="append", default=[], metavar="KEY=VALUE",
        help="what sbatch is told, such as partition=cpu or time=240; may be repeated",
    )  # fmt: skip

    verify = verbs.add_parser("verify", help="read every byte of a pack and name what is damaged")
    verify.add_argument("packed", type=Path)
    download = verbs.add_parser("download", help="fetch the parts of the official archives")
    download.add_argument("out", type=Path)
    _add_choice_of_characters(download)
    download.add_argument("--url", default=URL, help="a mirror; else the release on GitHub")
    download.add_argument("--workers", type=_count, default=4, help="parts at a time; default: 4")

    extract = verbs.add_parser("extract", help="official archive parts -> a tree of frames")
    extract.add_argument("folder", type=Path, metavar="IN", help="the parts, also in sub-folders")
    extract.add_argument("out", type=Path)
    _add_choice_of_characters(extract)
    extract.add_argument(
        "--workers", type=_count, help="characters at a time; else one a core, at most 8"
    )
    extract.add_argument(
        "--delete-parts", action="store_true", help="once their character is verified and in place"
    )

    audit = verbs.add_parser(
        "audit", help="what is wrong with a copy of the data; nothing is deleted"
    )
    audit.add_argument("tree", type=Path)
    audit.add_argument(
        "--out", type=Path, metavar="DIR", help="else TREE/audit, where training looks"
    )
    audit.add_argument(
        "--network", type=Path, metavar="CKPT", help="that looks for drift; else stage 1 of quick"
    )
    audit.add_argument("--workers", type=_whole, help="processes; else one a core")
    audit.add_argument(
        "--split", choices=list(SPLIT_FOLDERS), nargs="+", default=list(SPLIT_FOLDERS)
    )

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
    evaluate.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="a tree or a pack"
    )
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

    study = open_study(options.profile, options.seed, options.data, options.results, options.pack)
    print(f"Read {run_study(study)}")


def _pack(options):
    from egolib.packing import pack_tree, submit_pack

    settings = {"px": options.px, "encoding": options.encoding, "quality": options.quality}
    paths = (options.tree, options.out)
    if options.submit:
        machines = (options.submit, options.cluster, dict(options.slurm))
        missing = submit_pack(*machines, *paths, options.workers, **settings)
    else:
        missing = pack_tree(*paths, options.workers, options.shard, **settings)
    print(f"{options.out}: {len(missing)} shards are still to come" if missing
          else f"{options.out}: complete; train with --data {options.out}")  # fmt: skip


def _verify(options):
    from egolib.packing import verify_pack

    findings = verify_pack(options.packed)
    print("\n".join(findings) or f"{options.packed}: every picture and label is as it was packed")
    if findings:
        raise EgolibError(
            f"{options.packed}: {len(findings)} files are damaged; delete them and run "
            "`egolib pack` again, which makes only what is missing"
        )


def _download(options):
    from egolib.download import download

    fetched = download(options.out, options.characters, options.sets, options.url, options.workers)
    print(f"Fetched {fetched} parts; all are in {options.out}")


def _extract(options):
    from egolib.archives import extract

    extracted = extract(
        options.folder, options.out, options.characters, options.sets, options.workers,
        options.delete_parts,
    )  # fmt: skip
    print(f"Extracted {extracted} characters; all that were asked for are in {options.out}")


def _audit(options):
    from egolib.audit import audit_tree, headline
    from egolib.exclusions import excluded_path
    from egolib.study import miniature_network

    network = options.network or miniature_network()
    audit = audit_tree(options.tree, options.out, network, options.workers, options.split)
    if len(audit.defects):
        print(audit.defects[["findings", "characters", "consequence"]].to_string())
    print(headline(audit))
    print(f"Look at {audit.page}")
    if options.out:
        print(f"Training does not read the exclusion list there, but {excluded_path(options.tree)}")


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
    "pack": _pack,
    "verify": _verify,
    "download": _download,
    "extract": _extract,
    "audit": _audit,
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
