"""The `egolib` command. Bad input ends in one line and exit code 2.

options    what verbs have in common
data       download, extract, audit, pack, verify, render
networks   train, convert, evaluate, predict, match, export, ship, score
whole      run, sweep, compare, publish

A verb imports what it needs when it runs: torch and Lightning take seconds, `egolib --help` should
not.
"""

import argparse
import sys

import egolib
from egolib.cli import data, networks, whole
from egolib.foundation.errors import UNUSABLE_PATH, EgolibError


def _parser():
    first_line, _, _ = egolib.__doc__.partition("\n")
    parser = argparse.ArgumentParser(prog="egolib", description=first_line)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for room in (whole, data, networks):
        room.add_verbs(verbs)
    return parser


def _how_to_go_on(options):
    """What to tell whoever interrupted a command."""
    if not options.resumes:
        return "nothing was kept; the same command begins anew"
    if options.verb == "train" and not options.resume:
        return "the same command with --resume goes on from here"
    return "the same command goes on from here"


def main(arguments=None):
    """Entry point. Returns the exit code: 0, 2 for bad input, 130 when interrupted."""
    options = _parser().parse_args(arguments)
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
        print(f"egolib: interrupted; {_how_to_go_on(options)}", file=sys.stderr)
        return 130
    return 0
