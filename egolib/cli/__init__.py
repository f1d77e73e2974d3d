"""The `egolib` command. Bad input ends in one line and exit code 2.

options    types of options, and options that several verbs share
data       download, extract, audit, pack, verify, render
networks   train, convert, evaluate, predict, match, export, ship, score
whole      run, sweep, compare, publish

A verb imports what it needs only when it runs, because torch and Lightning take seconds and
`egolib --help` should not.
"""

import argparse
import codecs
import errno
import io
import locale
import os
import sys

import egolib
from egolib.cli import data, networks, whole
from egolib.foundation.errors import EgolibError


def _after_interruption(options):
    """The advice to the user who interrupted a command."""
    if not options.resumes:
        return "nothing was kept; the same command begins anew"
    with_resume = " with --resume" if options.verb == "train" and not options.resume else ""
    return f"the same command{with_resume} goes on from here"


def _use_utf8(arguments):
    """Start the command again in Python's UTF-8 mode where the locale is of another encoding, so that
    names and tables are the same everywhere. Print escape sequences for names that are not UTF-8."""
    is_command = arguments is None and os.name == "posix"
    if is_command and codecs.lookup(locale.getpreferredencoding(False)).name != "utf-8":
        command = [sys.executable, "-X", "utf8", "-m", "egolib.cli", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONUTF8": "1"})
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line, with all verbs."""
    first_line, _, _ = egolib.__doc__.partition("\n")
    parser = argparse.ArgumentParser(prog="egolib", description=first_line)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in (whole, data, networks):
        module.add_verbs(verbs)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0, 2 for bad input, 130 when interrupted, 141 when nobody reads
    what is printed."""
    _use_utf8(arguments)
    options = make_parser().parse_args(arguments)
    try:
        options.function(options)
        sys.stdout.flush()
    except EgolibError as error:
        print(f"egolib: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Python would write again what is left in its buffer when it ends, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # of a path that cannot be used
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        print(f"egolib: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"egolib: interrupted; {_after_interruption(options)}", file=sys.stderr)
        return 130
    return 0
