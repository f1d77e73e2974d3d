"""What verbs have in common: the types of their options, and options that several take."""

import argparse
from math import inf, isfinite
from pathlib import Path

from egolib.config import DEFAULT_PROFILE, LARGEST_SEED, PROFILES
from egolib.foundation.errors import EgolibError
from egolib.foundation.jobs import EXECUTORS


def add_verb(verbs, function, resumes=False):
    """Add the parser of a verb that is named after `function` and described by its docstring -> that
    parser. `resumes`: the same command goes on where it was interrupted."""
    parser = verbs.add_parser(function.__name__.strip("_"), help=function.__doc__.strip("."))
    parser.set_defaults(function=function, resumes=resumes)
    return parser


def between(low, high=inf):
    """The type of an option that takes a whole number from `low` to `high`, both included."""

    def number(text):
        if not text.isdecimal() or not low <= int(text) <= high:
            span = f"from {low} to {high}" if high < inf else f"a whole number from {low} on"
            raise argparse.ArgumentTypeError(f"{text} is not {span}")
        return int(text)

    return number


whole, count = between(0), between(1)


def positive(text):
    """A number above 0; argparse turns the ValueError into its usual line."""
    number = float(text)
    if not number > 0:
        raise ValueError(text)
    return number


def devices(text):
    """A number of GPUs, or "auto"."""
    return text if text == "auto" else whole(text)


def shard(text):
    """The second of three parts: "2/3" -> (2, 3)."""
    i, _, n = text.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 2/3")
    return int(i), int(n)


def slurm_option(text):
    """An option of sbatch: "time=60" -> ("time", 60)."""
    key, _, value = text.partition("=")
    if not (key.isidentifier() and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, such as partition=cpu")
    return key, int(value) if value.isdecimal() else value


def names(text):
    """A list: "train,val" -> ["train", "val"]."""
    return [name for name in text.split(",") if name]


def circle(text):
    """Centre and radius: "640,400,458.5" -> (640.0, 400.0, 458.5)."""
    column, row, radius = (float(number) for number in text.split(","))
    if not (isfinite(column + row) and 0 < radius < 1e6):
        raise ValueError(text)
    return column, row, radius


def add_choice_of_characters(parser):
    option = parser.add_argument
    option("--characters", type=names, metavar="NAME,...", help="such as male_008_a_a; else all")
    option("--sets", type=names, metavar="SET,...", help="of train, val, test")


def add_data(parser, description="a tree or a pack"):
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=description)


def add_inputs(parser):
    """A network and what it is given; `network_and_inputs` reads both."""
    kinds = "images, videos, folders of them, globs; or a camera: its number, /dev/videoN or URL"
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help=kinds)
    add_network(parser)


def add_network(parser, kinds="a checkpoint, or what `egolib export` wrote"):
    description = f"{kinds}; else the one that comes with egolib"
    parser.add_argument("--network", type=Path, metavar="NET", help=description)


def network_and_inputs(options):
    """The options of `add_inputs` -> (path of the network or None, inputs). A network's file may also
    come before the inputs. Raises EgolibError when nothing follows it."""
    first, *others = options.inputs
    if options.network or Path(first).suffix not in (".safetensors", ".onnx"):
        return options.network, options.inputs
    if not others:
        raise EgolibError(f"{first}: a network; name images or videos after it")
    return Path(first), others


def add_framing(parser):
    """For images of other cameras."""
    option = parser.add_argument
    formats = "OpenCV's fisheye, Kalibr's or ROS's (yaml, json), or OCamCalib's (txt, json)"
    option("--calibration", type=Path, metavar="FILE", help=f"of the lens: {formats}")
    option("--circle", type=circle, metavar="COLUMN,ROW,RADIUS", help="of the lens, in the image")
    option("--mirror", action="store_true", help="left and right are exchanged")
    option("--turn", type=int, choices=(0, 90, 180, 270), help="degrees clockwise, after that")


def read_lens(options):
    """The lens of --calibration, or None."""
    from egolib.headset.cameras.calibration import read_calibration

    return read_calibration(options.calibration) if options.calibration else None


def add_data_and_results(parser, folder):
    option = parser.add_argument
    option("--data", default="", metavar="DIR", help="a tree or a pack; else rendered")
    option("--results", default="", metavar="DIR", help=f"else results/{folder}")


def add_study_options(parser):
    known = ", ".join(PROFILES)
    parser.add_argument("--profile", default=DEFAULT_PROFILE, help=f"{known}, or a .toml file")
    parser.add_argument("--seed", type=between(0, LARGEST_SEED), default=0)
    add_data_and_results(parser, "<profile>")


def add_workers(parser, what):
    parser.add_argument("--workers", type=whole, help=f"{what}; else one a core")


def add_shard(parser):
    part = "only part I of N, for one of N machines that share the folder: from 1/N to N/N"
    parser.add_argument("--shard", type=shard, default=(1, 1), metavar="I/N", help=part)


def add_machines(parser):
    """For work that is split over machines: by hand, or as jobs."""
    machines, option = parser.add_mutually_exclusive_group(), parser.add_argument
    add_shard(machines)
    jobs = "as N jobs, and wait for them"
    machines.add_argument("--submit", type=between(1, 1000), metavar="N", help=jobs)
    option("--executor", choices=EXECUTORS, default="slurm", help="of --submit")
    kind = "an option of sbatch, such as partition=cpu or time=240; may be repeated"
    option(
        "--slurm", type=slurm_option, action="append", default=[], metavar="KEY=VALUE", help=kind
    )
