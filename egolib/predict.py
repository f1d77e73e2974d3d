"""Pictures, videos and cameras -> a pose for each: poses.csv and overlays."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from egolib.drawing import draw_overlay
from egolib.errors import EgolibError
from egolib.evaluation import device, run_network
from egolib.files import write_atomically
from egolib.framing import Framing
from egolib.heatmaps import find_peaks
from egolib.posetable import growing_table, rows_of
from egolib.progress import progress_bar
from egolib.sources import (
    Picture,
    StalledError,
    Unread,
    batches,
    open_sources,
    read_ahead,
)


@dataclass(frozen=True)
class Report:
    """What became of the pictures: how many were done, now or before, and those left out."""

    done: int
    skipped: tuple[Unread, ...]

    def __str__(self):
        lines = [f"{self.done} pictures done, {len(self.skipped)} skipped"]
        return "\n".join(lines + [f"  {skip.name}: {skip.reason}" for skip in self.skipped])


@dataclass(frozen=True)
class Estimate:
    """What a network says about a picture. joints_px (15, 2): pixels of the picture as given;
    confidence (15,): heatmap peaks; pose_m (16, 3): metres from the neck, camera axes of the
    upright picture, NaN from a heatmap network."""

    picture: Picture
    joints_px: np.ndarray
    confidence: np.ndarray
    pose_m: np.ndarray


def predict(network, spec, inputs, out, framing=None, batch_size=32):
    """Run a network over what `inputs` name (see sources.open_sources) -> Report.

    framing: of the pictures (framing.Framing); None for the data set's own. Writes
    `<out>/poses.csv` (HEADER; 16 rows a picture; u, v in pixels of the given picture, centres on
    integers; millimetres from the neck, camera axes) and of stills `<out>/overlays/<stem>.png`.
    Head has no u, v, confidence; a heatmap network gives no x, y, z. Pictures that poses.csv has
    already are not done again. A camera is read until it ends or the user interrupts.

    Raises EgolibError for inputs that are not there, when not one picture could be done, and for a
    lifter, which takes no pictures.
    """
    if spec.kind == "lifter":
        raise EgolibError("a lifter takes no pictures; give an egopose or a heatmaps network")
    sources, framing = open_sources(inputs), framing or Framing()
    network = network.to(device(), memory_format=torch.channels_last).eval()
    out, skipped = Path(out), []
    with growing_table(out / "poses.csv") as (done, write_rows):
        for source in sources:
            with _until_interrupted(source), _progress(source, done) as bar:
                for found, unread in estimate(network, spec, source, framing, done, batch_size):
                    for each in found if source.fps is None else ():
                        _write_overlay(out / "overlays", each)
                    write_rows(row for each in found for row in rows_of(each))
                    done.update(each.picture.name for each in found)
                    skipped += unread
                    bar.update(len(found) + len(unread))
    if not done:
        reason = "; the first: {0.name}: {0.reason}".format(skipped[0]) if skipped else ""
        raise EgolibError(f"not one picture could be done{reason}")
    return Report(len(done), tuple(skipped))


def estimate(network, spec, source, framing, done=(), batch_size=32):
    """Yield ([Estimate], [sources.Unread]), a batch each, of the pictures of a Source whose names
    are not in `done`. They are read and framed in a thread while the network runs; those of a
    camera come one by one, the newest each time, and one that stalls ends."""
    groups = batches(source.read(done), 1 if source.live else batch_size)
    framed = (_framed(group, framing, spec.image_px) for group in groups)
    try:
        for pictures, squares, unread in read_ahead(framed, source.live):
            yield list(_run(network, spec, framing, pictures, squares)), unread
    except StalledError as error:
        yield [], [Unread(source.name, str(error))]


def _framed(group, framing, size_px):
    """Picture and Unread -> (pictures, their squares, Unread and those that fit no framing)."""
    pictures, squares, unread = [], [], []
    for item in group:
        if isinstance(item, Unread):
            unread.append(item)
            continue
        try:
            squares.append(framing.square(item.rgb, size_px))
            pictures.append(item)
        except EgolibError as error:
            unread.append(Unread(item.name, str(error)))
    return pictures, squares, unread


def _run(network, spec, framing, pictures, squares):
    """Pictures and their squares -> an Estimate of each."""
    if not pictures:
        return
    images = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
    heatmaps, poses_m = run_network(network, spec, {"image": images})
    found_px, peaks = find_peaks(heatmaps, spec.image_px)
    for i, picture in enumerate(pictures):
        joints_px = framing.to_given(found_px[i].numpy(), spec.image_px, picture.rgb.shape)
        yield Estimate(picture, joints_px, peaks[i].numpy(), poses_m[i].numpy())


def _progress(source, done):
    """A bar over a source. Stills that are done come first in `done`, so they are counted."""
    before = 0 if source.total is None else min(len(done), source.total)
    return progress_bar(
        total=source.total, desc=f"predict {source.name}", unit="picture", initial=before
    )


def _until_interrupted(source):
    """Ctrl-C is the usual end of a camera; elsewhere it interrupts."""
    return contextlib.suppress(*[KeyboardInterrupt] if source.live else [])


def _write_overlay(folder, found):
    overlay = draw_overlay(found.picture.rgb, found.joints_px, found.confidence, found.pose_m)
    _, png = cv2.imencode(".png", overlay[..., ::-1])
    write_atomically(folder / f"{found.picture.stem}.png", png.tobytes())
