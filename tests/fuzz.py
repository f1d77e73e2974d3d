"""Fuzzing of everything that reads files from outside: each parser must return or raise EgolibError,
soon, whatever the bytes are.

By hand, for as long as you like: `python tests/fuzz.py --seconds 3600 --seed 7 --parser labels`. What
fails is kept in `fuzz_failures/`. The tests run every parser on a fixed number of inputs of a fixed
seed (test_fuzz.py).
"""

import argparse
import contextlib
import io
import json
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from egolib.config import load_profile
from egolib.data.images import read_image, read_still
from egolib.data.labels import read_labels
from egolib.data.shards import open_packed
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.calibration import read_calibration
from egolib.headset.poses.poseseries import read_series
from egolib.headset.poses.posetable import HEADER
from egolib.headset.scoring import score_poses
from egolib.models.checkpoints import NetworkSpec, build_network, load_network, save_network
from egolib.skeleton import JOINTS, RIG_PREFIX

SLOW_S = 10.0  # that one input may take
# Pieces of text that readers of numbers, names and structure trip over.
_TOKENS = (
    b"NaN", b"-Infinity", b"1e400", b"-1", b"0", b"true", b"null", b'""', b'"12"', b"[]", b"{}",
    b"9" * 400, b"9223372036854775808", b"-9223372036854775809", b"1e-300", b"10000000000",
    b"[" * 3000, b'{"a":' * 3000, b"\\ud800", b"\xff\xfe", b"\0", b"\r\n", b"%s{0}$", b"../../x",
    b"&a [*a, *a]", b"*a", b"!!python/object:os.system", b"'", b'"', b",", b":", b"}", b"]",
)  # fmt: skip


@dataclass(frozen=True)
class Parser:
    """A reader of files: `read` takes a path, `seeds` are contents that it reads without an error."""

    suffix: str
    read: Callable[[Path], object]
    seeds: tuple[bytes, ...]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with one to four changes: bits, cuts, repeats, hostile pieces in place of numbers."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        start = int(rng.integers(0, len(data) + 1))
        end = min(len(data), start + int(rng.integers(1, 40)))
        kind = rng.integers(0, 6)
        if kind == 0 and data:
            data[start % len(data)] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            del data[start:end]
        elif kind == 2:
            data[start:start] = data[start:end]
        elif kind == 3:
            data[start:end] = _TOKENS[rng.integers(len(_TOKENS))]
        elif kind == 4 and (places := _numbers_in(data)):
            start, end = places[rng.integers(len(places))]
            data[start:end] = _TOKENS[rng.integers(len(_TOKENS))]
        elif kind == 5:
            del data[start:]
    return bytes(data)


def _numbers_in(data):
    """Places (start, end) of the runs of digits in the first 20,000 bytes."""
    digits = np.isin(np.frombuffer(bytes(data[:20_000]), np.uint8), list(b"0123456789.-+e"))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], digits.view(np.int8), [0]])))
    return edges.reshape(-1, 2).tolist()


def failure_of(parser: Parser, content: bytes, path: Path) -> str | None:
    """What is wrong with how a parser takes `content`: a traceback, or that it took long; else None."""
    path.write_bytes(content)
    started = time.monotonic()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            parser.read(path)
    except EgolibError as error:
        if "\n" in str(error) or "\r" in str(error):
            return f"a message of several lines: {error!r}"
    except Exception:
        return traceback.format_exc()
    seconds = time.monotonic() - started
    return f"took {seconds:.1f} s" if seconds > SLOW_S else None


def fuzz(name: str, parser: Parser, seed: int, inputs: int = 0, seconds: float = 0):
    """Yield (content, failure or None) of mutated seeds: `inputs` of them, or as many as fit in `seconds`."""
    rng, started, count = np.random.default_rng([seed, *name.encode()]), time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"input{parser.suffix}"
        while count < inputs or time.monotonic() - started < seconds:
            content = mutated(parser.seeds[rng.integers(len(parser.seeds))], rng)
            yield content, failure_of(parser, content, path)
            count += 1


def _label():
    rng = np.random.default_rng(0)
    return json.dumps({
        "action": "walking_01", "camera": {"trans": [0, 160, 0], "rot": [0, 0, 0]},
        "joints": [{"name": RIG_PREFIX + joint, "trans": [1.0, 2, 3], "rot": [0, 0, 0]} for joint in JOINTS],
        "pts2d_fisheye": rng.uniform(0, 800, (2, 16)).round(2).tolist(),
        "pts3d_fisheye": rng.uniform(-50, 50, (3, 16)).round(2).tolist(),
    }).encode()  # fmt: skip


_CALIBRATIONS = (
    b'{"K": [[300, 0, 320], [0, 300, 300], [0, 0, 1]], "D": [0, 0, 0, 0], "image_size": [640, 600]}',
    b"""%YAML:1.0
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   data: [300., 0., 320., 0., 300., 300., 0., 0., 1.]
distortion_coefficients: {rows: 4, cols: 1, data: [1e-05, 0., 0., 0.]}
image_width: 640
image_height: 600
""",
    b'{"size": [1280, 1024], "intrinsic": [[500, 0, 640], [0, 500, 512], [0, 0, 1]], '
    b'"polynomialC2W": [-290, 0, 0.001, 2e-07, 4e-10], "affine": [1, 0, 0]}',
    b"""#polynomial coefficients for the DIRECT mapping function
5 -2.9e+02 0 1e-03 2e-07 4e-10

#polynomial coefficients for the inverse mapping function
2 400 300

#center: "row" and "column", starting from 0 (C convention)
512 640

#affine parameters "c", "d", "e"
1 0 0

#image size: "height" and "width"
1024 1280
""",
)


def _poses():
    rows = [",".join(HEADER)]
    for image in ("a.png", "clip.mp4#000001"):
        for joint in JOINTS:
            rows.append(",".join([image, joint, *["1.5"] * (len(HEADER) - 2)]))
    return ("\n".join(rows) + "\n").encode()


def _scored(poses):
    """Reader of labels for `score`, against poses that are fine."""

    def read(path):
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "poses.csv"
            table.write_bytes(poses)
            return score_poses(table, path)

    return read


def _checkpoint():
    """The header of a safetensors file, behind which the weights follow; mutations reach it first."""
    spec = NetworkSpec("lifter", "resnet18", 64, 1.0, method="direct")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        save_network(path, build_network(spec), spec, {"seed": 0})
        return path.read_bytes()


def _read_checkpoint(weights):
    """Reader of the header alone: the weights, which are large, are appended."""

    def read(path):
        path.write_bytes(path.read_bytes() + weights)
        return load_network(path)

    return read


def _image(suffix):
    image = np.random.default_rng(0).integers(0, 255, (40, 64, 3), np.uint8)
    return cv2.imencode(suffix, image)[1].tobytes()


def _bvh():
    from egosynth.motion.bvh import NEEDED  # only here: it needs egosynth

    tree = {
        "Hips": ("", "0 0 0"), "Spine": ("Hips", "0 10 0"), "Head": ("Spine", "0 50 0"),
        "LeftArm": ("Spine", "20 40 0"), "LeftForeArm": ("LeftArm", "30 0 0"),
        "LeftHand": ("LeftForeArm", "25 0 0"), "RightArm": ("Spine", "-20 40 0"),
        "RightForeArm": ("RightArm", "-30 0 0"), "RightHand": ("RightForeArm", "-25 0 0"),
        "LeftUpLeg": ("Hips", "10 -5 0"), "LeftLeg": ("LeftUpLeg", "0 -40 0"),
        "LeftFoot": ("LeftLeg", "0 -40 0"), "RightUpLeg": ("Hips", "-10 -5 0"),
        "RightLeg": ("RightUpLeg", "0 -40 0"), "RightFoot": ("RightLeg", "0 -40 0"),
    }  # fmt: skip
    assert set(NEEDED) <= set(tree)

    def node(name):
        kind, channels = ("JOINT", 3) if tree[name][0] else ("ROOT", 6)
        place = "Xposition Yposition Zposition " * (channels == 6)
        below = "".join(node(child) for child, (parent, _) in tree.items() if parent == name)
        below = below or "End Site\n{\nOFFSET 0 1 0\n}\n"
        turns = f"CHANNELS {channels} {place}Zrotation Yrotation Xrotation"
        return f"{kind} {name}\n{{\nOFFSET {tree[name][1]}\n{turns}\n{below}}}\n"

    rows = "\n".join(" ".join(["0 90 0", *["1.5"] * 3 * len(tree)]) for _ in range(3))
    return f"HIERARCHY\n{node('Hips')}MOTION\nFrames: 3\nFrame Time: 0.0333\n{rows}\n".encode()


def _read_bvh(path):
    from egosynth.motion.bvh import read_capture

    return read_capture(path)


def _read_pack(pack: Path, name: str):
    """Reader of one file of a pack: it takes the place of the file in a copy."""

    def read(path):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "pack"
            shutil.copytree(pack, copy)
            shutil.copy(path, copy / name)
            index = open_packed(copy, "train")
            return [index.read_square(i, 32) for i in range(len(index))]

    return read


def parsers(pack: Path | None = None) -> dict[str, Parser]:
    """{name: Parser}. pack: a small packed folder with a train split, whose files are fuzzed too."""
    checkpoint = _checkpoint()
    header = 8 + int.from_bytes(checkpoint[:8], "little")
    poses = _poses()
    labels = json.dumps({"a.png": {"LeftHand": [1.5, 2.5], "Head": [1, 2]}}).encode()
    profile = (
        b'base = "smoke"\nworkers = 2\n[lifter]\nlatent_size = 50\n[heatmaps]\nsigma_px = 1.5\n'
    )
    found = {
        "labels": Parser(".json", read_labels, (_label(),)),
        "calibration": Parser(".yaml", read_calibration, _CALIBRATIONS),
        "bvh": Parser(".bvh", _read_bvh, (_bvh(),)),
        "checkpoint": Parser(".safetensors", _read_checkpoint(checkpoint[header:]), (checkpoint[:header],)),
        "poses": Parser(".csv", read_series, (poses,)),
        "score": Parser(".json", _scored(poses), (labels,)),
        "profile": Parser(".toml", load_profile, (profile,)),
        "image": Parser(".png", read_image, tuple(map(_image, (".png", ".jpg", ".bmp", ".tiff", ".webp")))),
        "still": Parser(".png", read_still, tuple(map(_image, (".png", ".jpg", ".bmp", ".tiff", ".webp")))),
    }  # fmt: skip
    for path in sorted(pack.rglob("*")) if pack else ():
        if path.is_file() and path.parent.name in (pack.name, "train"):
            name = path.relative_to(pack).as_posix()
            found[f"pack {name}"] = Parser(
                path.suffix, _read_pack(pack, name), (path.read_bytes(),)
            )
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60, help="for each parser; default: 60")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--parser", nargs="+", help="else all")
    options.add_argument("--pack", type=Path, help="a small pack, whose files are fuzzed too")
    options = options.parse_args()
    for name, parser in parsers(options.pack).items():
        if options.parser and name not in options.parser:
            continue
        count, failures = 0, {}
        for content, failure in fuzz(name, parser, options.seed, seconds=options.seconds):
            count += 1
            if failure:
                failures.setdefault(failure.strip().splitlines()[-1][:100], (content, failure))
        print(f"{name}: {count:,} inputs, {len(failures)} kinds of failure", flush=True)
        for i, (content, failure) in enumerate(failures.values()):
            folder = Path("fuzz_failures")
            folder.mkdir(exist_ok=True)
            (folder / f"{name.replace('/', '_')}-{i}{parser.suffix}").write_bytes(content)
            print(failure)


if __name__ == "__main__":
    main()
