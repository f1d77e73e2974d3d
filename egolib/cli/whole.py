"""Verbs for a whole study: run, sweep, compare, publish."""

from pathlib import Path

from egolib.cli import options as common
from egolib.foundation.errors import EgolibError


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    option = common.add_verb(verbs, _run, resumes=True).add_argument
    common.add_study_options(option)
    option("--pack", default="", metavar="DIR", help="pack --data into DIR, train on it")

    sweep = common.add_verb(verbs, _sweep, resumes=True)
    option = sweep.add_argument
    option("grid", nargs="?", default="study", help="a TOML file; else sweeps/study.toml")
    common.add_data_and_results(option, "<grid>")
    option("--hours", type=common.number(1e-3, 10_000), help="start no step that would end later")
    option("--no-training", action="store_true", help="write tables and page from what is done")
    common.add_machines(sweep)

    option = common.add_verb(verbs, _compare).add_argument
    option("runs", type=Path, nargs=2, metavar="RUN", help="a results folder")
    page = "else compared_with_<first>.html in the second"
    option("--out", type=Path, metavar="PAGE", help=page)

    common.add_verb(verbs, _publish).add_argument("results", type=Path)


def _run(options):
    """Run the whole study: data, notebooks, tables, figures."""
    from egolib.experiments.notebooks import run_study
    from egolib.experiments.run import open_study
    from egolib.experiments.sweep import open_sweep, run_sweep
    from egolib.foundation.files import no_space_is_one_line
    from egolib.report import write_report, write_study_pages

    if options.profile == "study":  # every method, not one
        if options.seed:
            raise EgolibError("--seed: the study has its own seeds, those of sweeps/study.toml")
        if options.overrides:
            raise EgolibError("--overrides: not for the study; write a grid for `egolib sweep`")
        if options.pack:
            raise EgolibError("--pack: not for the study; run `egolib pack` and give --data PACK")
        sweep = open_sweep("study", options.data, options.results)
        run_sweep(sweep)
        _report(sweep, "study")
        return
    given = options.data, options.results, options.pack, options.overrides
    study = open_study(options.profile, options.seed, *given)
    run_study(study)
    with no_space_is_one_line(study.results):
        write_study_pages(study)
        print(f"Read {write_report(study.results)}")


def _sweep(options):
    """Train and compare every run of a grid: methods, seeds, ablations."""
    from egolib.experiments.sweep import open_sweep, prepare, run_sweep, submit_sweep

    sweep = open_sweep(options.grid, options.data, options.results)
    if options.no_training:
        if options.submit or options.hours or options.shard != (1, 1):
            raise EgolibError("--no-training: leaves nothing to split, to time or to submit")
        prepare(sweep)
    elif options.submit:
        if options.hours is not None:
            raise EgolibError("--hours: for jobs, limit the time with --slurm time=MINUTES")
        submit_sweep(sweep, options.submit, options.executor, dict(options.slurm))
    else:
        run_sweep(sweep, options.hours, options.shard)
    if options.shard == (1, 1) or not sweep.missing:  # else other machines are still at work
        _report(sweep, options.grid)


def _report(sweep, grid):
    from egolib.experiments.notebooks import NOTEBOOKS, run_comparison
    from egolib.report import notebook_page, write_sweep_report

    if sweep.missing:
        print(f"Not trained from all seeds yet: {', '.join(sweep.missing)}")
    if sweep.trained_methods:
        grid = str(Path(grid).resolve()) if Path(grid).suffix else grid
        notebook_page(run_comparison(sweep, grid), NOTEBOOKS)
        print(f"Read {write_sweep_report(sweep.results)}")


def _compare(options):
    """Compare two runs on the same test frames and write a page of differences."""
    from egolib.report import write_comparison

    first, second = options.runs
    out = options.out or second / f"compared_with_{first.resolve().name}.html"
    print(f"Read {write_comparison(first, second, out)}")


def _publish(options):
    """Copy a run's or a sweep's tables and figures into the repository."""
    from egolib.experiments.publishing import publish
    from egolib.experiments.run import REPOSITORY

    print(publish(options.results, REPOSITORY))
