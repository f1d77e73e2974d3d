"""Types of options, and options that several verbs share."""

import argparse
import re
from math import inf, isfinite
from pathlib import Path

from egolib.config import DEFAULT_PROFILE, LARGEST_SEED, PROFILES
from egolib.foundation.errors import EgolibError
from egolib.foundation.jobs import EXECUTORS
from egolib.foundation.untrusted import number_between


def add_verb(verbs, function, resumes=False):
    """Add a verb that has the name of `function` and is described by its docstring -> its parser.
    resumes: whether the same command continues where it was interrupted."""
    parser = verbs.add_parser(function.__name__.strip("_"), help=function.__doc__.strip("."))
    parser.set_defaults(function=function, resumes=resumes)
    return parser


def between(low, high=inf):
    """The type of a whole number from `low` to `high`, both included."""

    def number(text):
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            span = f"from {low} to {high}" if high < inf else f"a whole number from {low} on"
            raise argparse.ArgumentTypeError(f"{text} is not {span}")
        return int(text)

    return number


def number(low, high):
    """The type of a number from `low` to `high`, both included."""

    def checked(text):
        try:
            return number_between(float(text), low, high)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text} is not from {low:g} to {high:g}") from error

    return checked


def devices(text):
    """The type of a number of GPUs, or "auto"."""
    return text if text == "auto" else between(0)(text)


def shard(text):
    """The type of a part: "2/3" -> (2, 3), the second of three."""
    i, _, n = text.partition("/")
    whole = all(re.fullmatch(r"[0-9]{1,6}", part) for part in (i, n))
    if not (whole and 1 <= int(i) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 2/3")
    return int(i), int(n)


def slurm_option(text):
    """The type of an option of sbatch: "time=60" -> ("time", 60)."""
    key, _, value = text.partition("=")
    if not (key.isidentifier() and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, such as partition=cpu")
    return key, int(value) if re.fullmatch(r"[0-9]{1,18}", value) else value


def names(text):
    """The type of a list: "train,val" -> ["train", "val"]."""
    return [name for name in text.split(",") if name]


def circle(text):
    """The type of a circle, as centre and radius: "640,400,458.5" -> (640.0, 400.0, 458.5)."""
    column, row, radius = (float(number) for number in text.split(","))
    if not (isfinite(column + row) and 0 < radius < 1e6):
        raise ValueError(text)
    return column, row, radius


# The functions below take the `add_argument` of a parser.


def add_choice_of_characters(option):
    option("--characters", type=names, metavar="NAME,...", help="such as male_008_a_a; else all")
    option("--sets", type=names, metavar="SET,...", help="of train, val, test")


def add_data(option, description="a tree or a pack"):
    option("--data", type=Path, required=True, metavar="DIR", help=description)


def add_inputs(option):
    """The network and the images of a verb, which `network_and_inputs` reads."""
    kinds = "images, videos, folders of them, globs; or a camera: its number, /dev/videoN or URL"
    option("inputs", nargs="+", metavar="INPUT", help=kinds)
    add_network(option)


def add_network(option, kinds="a checkpoint, or what `egolib export` wrote"):
    description = f"{kinds}; else the one that comes with egolib"
    option("--network", type=Path, metavar="NET", help=description)


def network_and_inputs(options):
    """(path of the network or None, inputs) from the options of `add_inputs`. The network may also come
    before the inputs. Raises EgolibError when no input follows it."""
    first, *others = options.inputs
    if options.network or Path(first).suffix not in (".safetensors", ".onnx"):
        return options.network, options.inputs
    if not others:
        raise EgolibError(f"{first}: a network; name images or videos after it")
    return Path(first), others


def add_framing(option):
    """How images of another camera are brought to the framing of the data set."""
    formats = "OpenCV's fisheye, Kalibr's or ROS's (yaml, json), or OCamCalib's (txt, json)"
    option("--calibration", type=Path, metavar="FILE", help=f"of the lens: {formats}")
    option("--circle", type=circle, metavar="COLUMN,ROW,RADIUS", help="of the lens, in the image")
    option("--mirror", action="store_true", help="left and right are exchanged")
    option("--turn", type=int, choices=(0, 90, 180, 270), help="degrees clockwise, after that")


def read_lens(options):
    """The lens of --calibration, or None."""
    from egolib.headset.cameras.calibration import read_calibration

    return read_calibration(options.calibration) if options.calibration else None


def add_data_and_results(option, folder):
    option("--data", default="", metavar="DIR", help="a tree or a pack; else rendered")
    option("--results", default="", metavar="DIR", help=f"else results/{folder}")


def add_study_options(option):
    known = ", ".join(PROFILES)
    option("--profile", default=DEFAULT_PROFILE, help=f"{known}, or a .toml file")
    example = '{"lifter": {"latent_size": 50}}'
    option("--overrides", default="", metavar="JSON", help=f"settings to change, such as {example}")
    option("--seed", type=between(0, LARGEST_SEED), default=0)
    add_data_and_results(option, "<profile>")


def add_workers(option, what):
    option("--workers", type=between(0, 256), help=f"{what}; else one a core")


def add_shard(option):
    part = "only part I of N, for one of N machines that share the folder: from 1/N to N/N"
    option("--shard", type=shard, default=(1, 1), metavar="I/N", help=part)


def add_machines(parser):
    """Options of a verb, given by its parser, whose work is split over machines: by hand, or as jobs."""
    either = parser.add_mutually_exclusive_group().add_argument
    add_shard(either)
    either("--submit", type=between(1, 1000), metavar="N", help="as N jobs, and wait for them")
    option, kind = parser.add_argument, "an option of sbatch, such as partition=cpu or time=240"
    option("--executor", choices=EXECUTORS, default="slurm", help="of --submit")
    option("--slurm", type=slurm_option, action="append", default=[], metavar="KEY=VALUE",
           help=f"{kind}; may be repeated")  # fmt: skip
