"""The `egolib` command. Bad input ends in one line and exit code 2.

options    types of options, and options that several verbs share
data       download, extract, audit, pack, verify, render
networks   train, convert, evaluate, predict, match, export, ship, score
whole      run, sweep, compare, publish

A verb imports what it needs only when it runs, because torch and Lightning take seconds and
`egolib --help` should not.
"""

import argparse
import sys

import egolib
from egolib.cli import data, networks, whole
from egolib.foundation.errors import UNUSABLE_PATH, EgolibError


def _after_interruption(options):
    """The advice to the user who interrupted a command."""
    if not options.resumes:
        return "nothing was kept; the same command begins anew"
    with_resume = " with --resume" if options.verb == "train" and not options.resume else ""
    return f"the same command{with_resume} goes on from here"


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line, with all verbs."""
    first_line, _, _ = egolib.__doc__.partition("\n")
    parser = argparse.ArgumentParser(prog="egolib", description=first_line)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in (whole, data, networks):
        module.add_verbs(verbs)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0, 2 for bad input, 130 when interrupted."""
    options = make_parser().parse_args(arguments)
    try:
        options.function(options)
    except EgolibError as error:
        print(f"egolib: {error}", file=sys.stderr)
        return 2
    except UNUSABLE_PATH as error:
        if error.filename is None:
            raise
        print(f"egolib: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"egolib: interrupted; {_after_interruption(options)}", file=sys.stderr)
        return 130
    return 0
