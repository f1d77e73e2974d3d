"""Calibration files -> lenses: what OpenCV, ROS and Kalibr write, and OCamCalib's polynomials as text
or as the JSON of other headset data sets."""

import re
from pathlib import Path

import numpy as np
import yaml

from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import numbers, parse_json, read_bytes
from egolib.headset.cameras.lenses import RadialLens, kannala_brandt, scaramuzza

FISHEYE_MODELS = ("equidistant", "fisheye", "kannala_brandt", "opencv_fisheye")
# The keys under which programs write these values.
_MATRICES = ("K", "camera_matrix", "cameraMatrix", "intrinsics", "intrinsic_matrix")
_DISTORTIONS = ("D", "distortion_coefficients", "distortion_coeffs", "distCoeffs", "dist_coeffs")
_SIZES = ("image_size", "resolution", "size", "dim", "img_size")
_MOST_BYTES = 1 << 20
_MOST_OFF = 0.01  # of half the image, by which two mappings of one calibration may differ
_SIDES = (("image_width", "image_height"), ("width", "height"), ("w", "h"))


def read_calibration(path: str | Path) -> RadialLens:
    """Read the lens from a calibration file.

    YAML or JSON with a fisheye matrix, 4 distortion coefficients and the image's size, under the
    names that OpenCV's samples, ROS (equidistant) and Kalibr give them; JSON with polynomialC2W,
    image_center or intrinsic, size and perhaps affine; or OCamCalib's calib_results.txt. Raises
    EgolibError for a file that is missing or none of these, and for absurd numbers.
    """
    path = Path(path)
    try:
        text = read_bytes(path, _MOST_BYTES).decode("utf-8-sig")
        if "polynomial coefficients for the DIRECT mapping" in text:
            return _from_ocamcalib(text)
        if not text.lstrip().startswith("{"):  # OpenCV's first line and its tags are no plain YAML
            text = text.replace("%YAML:1.0", "", 1).replace("!!opencv-matrix", "")
            entries = yaml.load(text, _PlainLoader)
        else:
            entries = parse_json(text)
        if not isinstance(entries, dict):
            raise ValueError("no named entries in it")
        cameras = [value for value in entries.values() if isinstance(value, dict)]
        if len(cameras) == 1 and not entries.keys() & {*_MATRICES}:
            entries = cameras[0]  # Kalibr's cam0
        if "polynomialC2W" in entries:
            return _from_polynomial(entries)
        return _from_matrix(entries)
    except RecursionError as error:
        raise EgolibError(f"{path}: not the calibration of a lens (nested too deeply)") from error
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, yaml.YAMLError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise EgolibError(f"{path}: not the calibration of a fisheye lens ({reason})") from error


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, a few of which can stand for more text than any memory holds, and without
    keys that occur twice."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise ValueError("holds a YAML alias (*); write its value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise ValueError(f"the key {twice[0]!r} occurs twice")
        return super().construct_mapping(node, deep)


# PyYAML takes 1e-05, which other programs write, for text.
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), list("-+0123456789")
)


def _from_ocamcalib(text):
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    (_, *polynomial), _, centre, stretch, size = [[float(x) for x in line] for line in lines[:5]]
    return scaramuzza(polynomial, stretch, centre[::-1], *size[::-1])


def _from_polynomial(entries):
    centre = entries.get("image_center")
    centre = _numbers(entries["intrinsic"])[:2, 2] if centre is None else _numbers(centre)
    size = _in_order(_numbers(entries["size"]), centre)
    stretch = _numbers(entries.get("affine", (1, 0, 0)))
    polynomial = _numbers(entries["polynomialC2W"])
    if "polynomialW2C" in entries:
        _check_inverse(polynomial, _numbers(entries["polynomialW2C"]), min(size) / 2)
    return scaramuzza(polynomial, stretch, centre, *size)


def _check_inverse(polynomial, inverse, most_px):
    """Raise ValueError where the polynomial of the inverse mapping, from the angle of a ray to its radius,
    contradicts that of the direct mapping within `most_px` of the centre."""
    radius = np.linspace(1, most_px, 100)
    angle = np.arctan2(np.polynomial.Polynomial(polynomial)(radius), radius)
    inverse = np.polynomial.Polynomial(inverse)
    # Programs disagree on the sign of the axis.
    off_px = min(np.abs(inverse(sign * angle) - radius).max() for sign in (1, -1))
    if not off_px < _MOST_OFF * most_px:
        raise ValueError(
            f"polynomialC2W and polynomialW2C contradict each other by {off_px:.0f} px"
        )


def _from_matrix(entries):
    # Kalibr calls every camera with a matrix "pinhole", and names the model of its distortion beside it.
    names = [
        entries[key] for key in ("distortion_model", "camera_model", "model") if key in entries
    ]
    model = str(names[0] if names else FISHEYE_MODELS[0]).lower()
    if model not in FISHEYE_MODELS:
        raise ValueError(f"the model is {model!r}; calibrate with cv2.fisheye")
    matrix = _numbers(_first(entries, _MATRICES))
    if matrix.size == 4:  # Kalibr's fx, fy, cx, cy
        fx, fy, cx, cy = matrix
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    distortion = _numbers(_first(entries, _DISTORTIONS)).ravel()
    sides = next((names for names in _SIDES if names[0] in entries), ())
    size = _numbers([entries[name] for name in sides] or _first(entries, _SIZES))
    size = size if sides else _in_order(size, matrix.reshape(3, 3)[:2, 2])
    return kannala_brandt(matrix.reshape(3, 3), distortion, *size)


def _in_order(size, centre):
    """Two sides as (width, height). Files disagree on the order: the one whose middle is nearer to the
    lens's centre is taken."""
    return min(size, size[::-1], key=lambda sides: np.abs(centre - sides / 2).sum())


def _first(entries, names):
    for name in names:
        if name in entries:
            return entries[name]
    raise KeyError(" or ".join(names))


def _numbers(value):
    """A number, a list, a list of lists or a matrix of OpenCV's or ROS's -> float array."""
    return numbers(value["data"] if isinstance(value, dict) else value)
