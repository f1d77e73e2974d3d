"""Verbs of a whole study."""

from pathlib import Path

from egolib.cli.options import add_study_options


def add_verbs(verbs):
    """Add the parsers of these verbs."""
    run = verbs.add_parser("run", help="the whole study: data, notebooks, tables, figures")
    add_study_options(run)
    run.add_argument(
        "--pack", default="", metavar="DIR", help="pack the tree of --data into DIR, train on that"
    )

    publish = verbs.add_parser(
        "publish", help="copy a run's tables and figures into the repository"
    )
    publish.add_argument("results", type=Path)


def _run(options):
    from egolib.execute import run_study
    from egolib.study import open_study

    study = open_study(options.profile, options.seed, options.data, options.results, options.pack)
    print(f"Read {run_study(study)}")


def _publish(options):
    from egolib.report import publish
    from egolib.study import REPOSITORY

    print(publish(options.results, REPOSITORY))


VERBS = {
    "run": _run,
    "publish": _publish,
}
