"""Verbs of a whole study: run, sweep, compare, publish."""

from pathlib import Path

from egolib.cli.options import add_machines, add_study_options, positive
from egolib.errors import EgolibError


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    run = verbs.add_parser("run", help="the whole study: data, notebooks, tables, figures")
    add_study_options(run)
    run.add_argument(
        "--pack", default="", metavar="DIR", help="pack the tree of --data into DIR, train on that"
    )

    sweep = verbs.add_parser(
        "sweep", help="train and compare every run of a grid: methods, seeds, ablations"
    )
    sweep.add_argument(
        "grid", nargs="?", default="study", help="a TOML file; else sweeps/study.toml"
    )
    sweep.add_argument("--data", default="", metavar="DIR", help="a tree or a pack; else rendered")
    sweep.add_argument("--results", default="", metavar="DIR", help="else results/<grid>")
    sweep.add_argument(
        "--hours", type=positive, help="begin no step that should end later; run again to go on"
    )
    sweep.add_argument(
        "--no-training", action="store_true",
        help="train nothing: write tables, figures and the page from what is done",
    )  # fmt: skip
    add_machines(sweep)

    compare = verbs.add_parser(
        "compare", help="two runs on the same test frames -> a page of differences"
    )
    compare.add_argument("runs", type=Path, nargs=2, metavar="RUN", help="a results folder")
    compare.add_argument(
        "--out", type=Path, metavar="PAGE", help="else compared_with_<first>.html in the second"
    )

    publish = verbs.add_parser(
        "publish", help="copy a run's or a sweep's tables and figures into the repository"
    )
    publish.add_argument("results", type=Path)


def _run(options):
    from egolib.execute import run_study
    from egolib.methods.sweep import open_sweep, run_sweep
    from egolib.study import open_study

    if options.profile == "study":  # every method, not one
        if options.seed:
            raise EgolibError("--seed: the study has its own seeds, those of sweeps/study.toml")
        if options.pack:
            raise EgolibError(
                f"{options.pack}: the study packs nothing; pack the tree with `egolib pack`, and "
                "name the pack with --data"
            )
        sweep = open_sweep("study", options.data, options.results)
        run_sweep(sweep)
        _compare(sweep, "study")
        return
    study = open_study(options.profile, options.seed, options.data, options.results, options.pack)
    print(f"Read {run_study(study)}")


def _sweep(options):
    from egolib.methods.sweep import open_sweep, prepare, run_sweep, submit_sweep

    sweep = open_sweep(options.grid, options.data, options.results)
    if options.no_training:
        if options.submit or options.hours or options.shard != (1, 1):
            raise EgolibError(
                "--no-training: nothing is trained, so nothing is split, timed or submitted"
            )
        prepare(sweep)
    elif options.submit:
        if options.hours is not None:
            raise EgolibError("--hours: how long jobs may run is for the cluster to say (--slurm)")
        submit_sweep(sweep, options.submit, options.cluster, dict(options.slurm))
    else:
        run_sweep(sweep, options.hours, options.shard)
    if options.shard == (1, 1) or not sweep.missing:  # else other machines are still at work
        _compare(sweep, options.grid)


def _compare(sweep, grid):
    from egolib.execute import run_comparison

    if sweep.missing:
        print(f"Not trained from all seeds yet: {', '.join(sweep.missing)}")
    if sweep.trained_methods:
        grid = str(Path(grid).resolve()) if Path(grid).suffix else grid
        print(f"Read {run_comparison(sweep, grid)}")


def _compare_runs(options):
    from egolib.pages import write_comparison

    first, second = options.runs
    out = options.out or second / f"compared_with_{first.resolve().name}.html"
    print(f"Read {write_comparison(first, second, out)}")


def _publish(options):
    from egolib.publishing import publish
    from egolib.study import REPOSITORY

    print(publish(options.results, REPOSITORY))


VERBS = {
    "run": _run,
    "sweep": _sweep,
    "compare": _compare_runs,
    "publish": _publish,
}
