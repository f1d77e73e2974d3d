"""A folder of pictures -> poses.csv and an overlay a picture; and 2D poses scored against labels."""

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from PIL import Image

from egolib.camera import crop_square
from egolib.drawing import draw_overlay
from egolib.errors import EgolibError
from egolib.evaluation import device, run_network
from egolib.files import atomic_path, write_atomically
from egolib.heatmaps import find_peaks
from egolib.metrics import bootstrap_interval
from egolib.pictures import read_image, resize_square
from egolib.progress import progress_bar
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

HEADER = ("image", "joint", "u_px", "v_px", "confidence", "x_mm", "y_mm", "z_mm")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_SCORED = tuple(dict.fromkeys(n.removeprefix("Left").removeprefix("Right") for n in HEATMAP_JOINTS))


@dataclass(frozen=True)
class Report:
    """What became of a folder: the number of pictures done, and (path, reason) of those skipped."""

    done: int
    skipped: tuple[tuple[Path, str], ...]

    def __str__(self):
        lines = [f"{self.done} pictures done, {len(self.skipped)} skipped"]
        return "\n".join(lines + [f"  {path.name}: {reason}" for path, reason in self.skipped])


def predict_folder(network, spec, folder, out, batch_size=32):
    """Run a network over the pictures of `folder` -> Report.

    Pictures are 8:5 as the headset gives them, at any scale (their square crop is used), or
    already square; others, and what cannot be read whole, are skipped and reported. Writes
    `<out>/poses.csv` (HEADER; 16 rows a picture; u, v in pixels of the given picture, centres on
    integers; millimetres from the neck, camera axes) and `<out>/overlays/<stem>.png`. Head has
    no u, v, confidence; a heatmap network gives no x, y, z. Raises EgolibError for a missing or
    empty folder and for a lifter, which takes no pictures.
    """
    if spec.kind == "lifter":
        raise EgolibError("a lifter takes no pictures; give an egopose or a heatmaps network")
    paths = list_pictures(folder)
    stems = Counter(path.stem for path in paths)
    network = network.to(device(), memory_format=torch.channels_last).eval()
    out, skipped = Path(out), []
    bar = progress_bar(total=len(paths), desc="predict", unit="picture")
    csv_path = out / "poses.csv"
    with bar, atomic_path(csv_path) as partial, open(partial, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for start in range(0, len(paths), batch_size):
            batch = []
            for path in paths[start : start + batch_size]:
                try:
                    batch.append((path, *read_given(path, spec.image_px)))
                except EgolibError as error:
                    skipped.append((path, str(error).removeprefix(f"{path}: ")))
            for path, image, joints_px, confidence, pose_m in _predict(network, spec, batch):
                writer.writerows(_rows(path.name, joints_px, confidence, pose_m))
                name = path.stem if stems[path.stem] == 1 else path.name
                overlay = draw_overlay(image, joints_px, confidence, pose_m)
                _, png = cv2.imencode(".png", overlay[..., ::-1])
                write_atomically(out / "overlays" / f"{name}.png", png.tobytes())
            bar.update(len(paths[start : start + batch_size]))
    return Report(len(paths) - len(skipped), tuple(skipped))


def list_pictures(folder):
    """Paths of the pictures in `folder`, by name. Raises EgolibError when there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise EgolibError(f"{folder}: no such folder of pictures")
    paths = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)
    if not paths:
        raise EgolibError(f"{folder}: holds no picture ({', '.join(SUFFIXES)})")
    return paths


def read_given(path, size_px):
    """Picture -> (uint8 RGB as given, its square resized to (size_px, size_px, 3), left, side).

    left, side: the first column and the side, in pixels of the given picture, of its square.
    Raises EgolibError for a picture that is cut short, unreadable, or neither 8:5 nor square.
    """
    if path.suffix.lower() != ".png":
        _require_whole(path)
    image = read_image(path)
    height, width = image.shape[:2]
    if height == width:
        return image, resize_square(image, size_px), 0, height
    try:
        square = crop_square(image)
        left = crop_square(np.broadcast_to(np.arange(width), (height, width)))[0, 0]
    except ValueError as error:
        raise EgolibError(f"{path}: {width}x{height} is neither 8:5 nor square") from error
    return image, resize_square(square, size_px), int(left), height


def _require_whole(path):
    """Some versions of OpenCV fill a JPEG that was cut short without a word; Pillow refuses it."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise EgolibError(f"{path}: cut short, or no picture ({error})") from error


def _predict(network, spec, batch):
    """[(path, image, square, left, side)] -> (path, image, joints_px (15, 2) of the image,
    confidence (15,), pose_m (16, 3)) of each."""
    if not batch:
        return
    images = torch.from_numpy(np.stack([square for _, _, square, _, _ in batch]))
    heatmaps, poses_m = run_network(network, spec, {"image": images.permute(0, 3, 1, 2)})
    found_px, peaks = find_peaks(heatmaps, spec.image_px)
    for i, (path, image, _, left, side) in enumerate(batch):
        joints_px = (found_px[i].numpy() + 0.5) * (side / spec.image_px) - 0.5 + (left, 0)
        yield path, image, joints_px, peaks[i].numpy(), poses_m[i].numpy()


def _rows(name, joints_px, confidence, pose_m):
    flat = {joint: ["", "", ""] for joint in JOINTS}
    for joint, (u, v), peak in zip(HEATMAP_JOINTS, joints_px, confidence, strict=True):
        flat[joint] = [f"{u:.2f}", f"{v:.2f}", f"{peak:.3f}"]
    for joint, point in zip(JOINTS, pose_m, strict=True):
        deep = ["" if np.isnan(x) else f"{1000 * x:.1f}" for x in point]
        yield [name, joint, *flat[joint], *deep]


def score_poses(poses_csv, labels_json, threshold_px=26):
    """2D predictions against labels, left and right together -> DataFrame by joint, and 'All'.

    poses_csv: as `predict_folder` writes it. labels_json: {image: {joint: [u, v]}}, pixels of the
    same pictures. Columns: joints (labelled), within (percent of them predicted within
    threshold_px), low and high (its 95 % interval over pictures), median_px (of those
    predicted), missing (labelled but without a prediction; each also counts as a miss). Raises
    EgolibError that names the file for another header, an unknown joint or malformed contents.
    """
    predicted, rows = _read_poses(Path(poses_csv)), []
    for image, joint, place in _read_labels(Path(labels_json)):
        found = predicted.get((image, joint))
        distance = np.nan if found is None else np.hypot(*np.subtract(found, place))
        rows.append((image, joint.removeprefix("Left").removeprefix("Right"), distance))
    table = pd.DataFrame(rows, columns=["image", "joint", "distance"])
    names = [name for name in _SCORED if (table.joint == name).any()]
    parts = {name: table[table.joint == name] for name in names} | {"All": table}
    scores = {}
    for name, part in parts.items():
        hits = 100.0 * (part.distance <= threshold_px)
        share, low, high = bootstrap_interval(hits, part.image)
        scores[name] = {
            "joints": len(part),
            "within": share,
            "low": low,
            "high": high,
            "median_px": part.distance.median(),
            "missing": int(part.distance.isna().sum()),
        }
    return pd.DataFrame.from_dict(scores, orient="index").astype({"joints": int, "missing": int})


def _read_poses(path):
    """{(image, joint): (u, v)} of the rows that have a 2D place."""
    places = {}
    try:
        with open(path, newline="") as stream:
            rows = csv.reader(stream)
            if tuple(next(rows, ())) != HEADER:
                raise EgolibError(f"{path}: the header is not {','.join(HEADER)}")
            for number, row in enumerate(rows, 2):
                image, joint, u, v, *_ = row
                if len(row) != len(HEADER) or joint not in JOINTS or (image, joint) in places:
                    raise ValueError(f"line {number} is malformed, repeated or of an unknown joint")
                if u and v:
                    places[image, joint] = (float(u), float(v))
    except (OSError, ValueError, csv.Error) as error:
        raise EgolibError(f"{path}: not poses that `egolib predict` wrote ({error})") from error
    return places


def _read_labels(path):
    """[(image, joint, (u, v))] of a labels file."""
    try:
        labels = json.loads(path.read_bytes())
        rows = [
            (image, joint, (float(u), float(v)))
            for image, joints in labels.items()
            for joint, (u, v) in joints.items()
        ]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EgolibError(f"{path}: not labels {{image: {{joint: [u, v]}}}} ({error})") from error
    for image, joint, place in rows:
        if joint not in HEATMAP_JOINTS:
            known = ", ".join(HEATMAP_JOINTS)
            raise EgolibError(f"{path}: {image} has an unknown joint {joint!r}; known: {known}")
        if not np.isfinite(place).all():
            raise EgolibError(f"{path}: {joint} of {image} is not a finite place")
    if not rows:
        raise EgolibError(f"{path}: holds no labelled joint")
    return rows
