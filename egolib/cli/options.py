"""What verbs have in common: the types of their options, and options that several take."""

import argparse
from math import isfinite
from pathlib import Path

from egolib.cluster import CLUSTERS
from egolib.config import DEFAULT_PROFILE, LARGEST_SEED, PROFILES
from egolib.errors import EgolibError


def whole(text):
    """A whole number from 0 on; argparse turns the ValueError into its usual line."""
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def count(text):
    """A whole number from 1 on."""
    if (number := whole(text)) == 0:
        raise ValueError(text)
    return number


def positive(text):
    number = float(text)
    if not number > 0:
        raise ValueError(text)
    return number


def between(low, high):
    def number(text):
        if not low <= whole(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not from {low} to {high}")
        return int(text)

    return number


def devices(text):
    return text if text == "auto" else whole(text)


def shard(text):
    """The second of three parts: "2/3" -> (2, 3)."""
    i, _, n = text.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, such as 2/3")
    return int(i), int(n)


def slurm_option(text):
    """What sbatch is told: "time=60" -> ("time", 60)."""
    key, _, value = text.partition("=")
    if not (key.isidentifier() and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE, such as partition=cpu")
    return key, int(value) if value.isdecimal() else value


def names(text):
    return [name for name in text.split(",") if name]


def add_choice_of_characters(parser):
    parser.add_argument(
        "--characters", type=names, metavar="NAME,...", help="such as male_008_a_a; else all"
    )
    parser.add_argument("--sets", type=names, metavar="SET,...", help="of train, val, test")


def add_inputs(parser):
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT",
        help="pictures, videos, folders of them, globs; or a camera: its number, /dev/videoN or URL",
    )  # fmt: skip


def add_network(parser, kinds="a checkpoint, or what `egolib export` wrote"):
    parser.add_argument(
        "--network", type=Path, metavar="NET", help=f"{kinds}; else the one that comes with egolib"
    )


def network_and_inputs(options):
    """What `add_network` and `add_inputs` were told: a network's file may also come before the
    inputs. Raises EgolibError when nothing follows it."""
    first, *others = options.inputs
    if options.network or Path(first).suffix not in (".safetensors", ".onnx"):
        return options.network, options.inputs
    if not others:
        raise EgolibError(f"{first}: a network; name pictures or videos after it")
    return Path(first), others


def circle(text):
    """Centre and radius: "640,400,458.5" -> (640.0, 400.0, 458.5)."""
    column, row, radius = (float(number) for number in text.split(","))
    if not (isfinite(column + row) and 0 < radius < 1e6):
        raise ValueError(text)
    return column, row, radius


def add_framing(parser):
    """For pictures of other cameras."""
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE",
        help="of the lens: OpenCV's fisheye, Kalibr's or ROS's (yaml, json), or OCamCalib's (txt, json)",
    )  # fmt: skip
    parser.add_argument(
        "--circle", type=circle, metavar="COLUMN,ROW,RADIUS", help="of the lens, in the picture"
    )
    parser.add_argument("--mirror", action="store_true", help="left and right are exchanged")
    parser.add_argument(
        "--turn", type=int, choices=(0, 90, 180, 270), help="degrees clockwise, after that"
    )


def read_lens(options):
    """The lens of --calibration, or None."""
    from egolib.cameras.calibration import read_calibration

    return read_calibration(options.calibration) if options.calibration else None


def add_study_options(parser):
    known = ", ".join(PROFILES)
    parser.add_argument("--profile", default=DEFAULT_PROFILE, help=f"{known}, or a .toml file")
    parser.add_argument("--data", default="", metavar="DIR", help="a tree or a pack; else rendered")
    parser.add_argument("--seed", type=between(0, LARGEST_SEED), default=0)
    parser.add_argument("--results", default="", metavar="DIR", help="else results/<profile>")


def add_shard(parser):
    parser.add_argument(
        "--shard", type=shard, default=(1, 1), metavar="I/N",
        help="only part I of N, for one of N machines that share the folder: from 1/N to N/N",
    )  # fmt: skip


def add_machines(parser):
    """For work that is split over machines: by hand, or as jobs."""
    machines = parser.add_mutually_exclusive_group()
    add_shard(machines)
    machines.add_argument(
        "--submit", type=between(1, 1000), metavar="N", help="as N jobs, and wait for them"
    )
    parser.add_argument("--cluster", choices=CLUSTERS, default="slurm", help="of --submit")
    parser.add_argument(
        "--slurm", type=slurm_option, action="append", default=[], metavar="KEY=VALUE",
        help="what sbatch is told, such as partition=cpu or time=240; may be repeated",
    )  # fmt: skip
