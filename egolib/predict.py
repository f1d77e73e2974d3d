"""Pictures, videos and cameras -> a pose for each: tables, overlays, motion for other tools."""

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from egolib.cameras.framing import Framing
from egolib.cameras.sources import (
    StalledError,
    Unread,
    batches,
    open_sources,
    read_ahead,
)
from egolib.deploy.runtimes import open_fastest
from egolib.errors import EgolibError
from egolib.poses.estimates import Estimate
from egolib.poses.outputs import drawing, frames_of, write_forms
from egolib.poses.posetable import growing_table, keep_to_one_maker, rows_of
from egolib.poses.steady import OneEuroFilter
from egolib.progress import progress_bar
from egolib.skeleton import JOINTS


@dataclass(frozen=True)
class Report:
    """What became of the pictures: how many were done, how many of them before, those left out, what
    ran the network, and how many pictures a second came from reading to drawing; 0 when none was
    new."""

    done: int
    before: int
    skipped: tuple[Unread, ...]
    runtime: str = ""
    rate: float = 0.0

    def __str__(self):
        known = f" ({self.before} before, known by their names)" if self.before else ""
        lines = [f"{self.done} pictures done{known}, {len(self.skipped)} skipped"]
        if self.rate:
            lines[0] += f"; {self.rate:.1f} a second, by {self.runtime}"
        alike = {}
        for skip in self.skipped:
            alike.setdefault(skip.reason, []).append(skip.name)
        for reason, (first, *more) in alike.items():
            lines.append(f"  {first}{f' and {len(more)} more' * bool(more)}: {reason}")
        return "\n".join(lines)


def predict(inputs, out, runtime=None, framing=None, bvh=False, labels=False, steady=False,
            batch_size=32):  # fmt: skip
    """Run a network over what `inputs` name (see sources.open_sources) -> Report.

    runtime: the network (runtimes.Runtime); None for the one that comes with egolib. framing: of the
    pictures (framing.Framing); None for the data set's own. Writes below the folder `out`
    poses.csv (HEADER; 16 rows a picture; u, v in pixels of the given picture, centres on integers,
    of unsure joints in part the pose's projection; millimetres from the neck, camera axes; the neck
    from the camera), the same as poses.npz (poseseries), overlays/<stem>.png of stills and
    <video>.overlay.mp4 of each video and camera.
    Head has no u, v, confidence; a heatmap network gives no x, y, z. On request `<video>.bvh`,
    pictures.bvh for all stills as one motion, and json/<picture>.json as the data set has it.
    steady: poses of videos and cameras pass a filter, u and v do not. Pictures that poses.csv has
    already are not done again. A camera is read until it ends or the user interrupts.

    Raises EgolibError for inputs that are not there, when not one picture could be done, for a
    camera whose pictures do not fit the framing, for a motion asked of a network that gives no poses, and for an `out` with poses that another network,
    framing or filter made.
    """
    out, skipped, new = Path(out), [], 0
    if out.is_file():
        raise EgolibError(f"{out}: a file; the last name is the folder to be written")
    sources, framing = open_sources(inputs), framing or Framing()
    runtime = runtime or open_fastest()
    if (bvh or labels) and runtime.kind == "heatmaps":
        raise EgolibError("a heatmap network gives no poses: no BVH and no labels from it")
    maker = {"network": runtime.network, "framing": framing.described, "steady": steady}
    keep_to_one_maker(out / "poses.csv", maker)
    started = time.monotonic()
    with growing_table(out / "poses.csv") as (done, write_rows):
        before = frozenset(done)
        for source in sources:
            make_steady = _filter() if steady and source.fps else lambda found: found
            with (
                drawing(out, source, before) as draw,
                _until_interrupted(source),
                _progress(source, before) as bar,
            ):
                for found, unread in estimate(runtime, source, framing, done, batch_size):
                    found = [make_steady(each) for each in found]
                    # Whole pictures: Ctrl-C, which ends a camera, shall not come between rows.
                    write_rows([row for each in found for row in rows_of(each)])
                    for each in found:
                        draw(each)
                    done.update(each.picture.name for each in found)
                    skipped += unread
                    new += len(found)
                    bar.update(len(found) + len(unread))
    if not done:
        reason = "; the first: {0.name}: {0.reason}".format(skipped[0]) if skipped else ""
        raise EgolibError(f"not one picture could be done{reason}")
    rate = new / (time.monotonic() - started)
    write_forms(out, sources, bvh, labels)
    return Report(len(done), len(before), tuple(skipped), runtime.name, rate)


def estimate(runtime, source, framing, done=(), batch_size=32):
    """Yield ([Estimate], [sources.Unread]), a batch each, of the pictures of a Source whose names
    are not in `done`. They are read and framed in a thread while the network runs; those of a
    camera come one by one, the newest each time, and one that stalls ends. Raises EgolibError when
    those of a camera do not fit the framing: none ever will."""
    groups = batches(source.read(done), 1 if source.live else batch_size)
    framed = (_framed(group, framing, runtime.image_px, source.live) for group in groups)
    try:
        for pictures, squares, unread in read_ahead(framed, source.live):
            yield list(_run(runtime, framing, pictures, squares)), unread
    except StalledError as error:
        yield [], [Unread(source.name, str(error))]


def _framed(group, framing, size_px, strict):
    """Picture and Unread -> (pictures, their squares, Unread and those that do not fit the framing;
    strict: these raise EgolibError)."""
    pictures, squares, unread = [], [], []
    for item in group:
        if isinstance(item, Unread):
            unread.append(item)
            continue
        try:
            squares.append(framing.square(item.rgb, size_px))
            pictures.append(item)
        except EgolibError as error:
            if strict:
                raise
            unread.append(Unread(item.name, str(error)))
    return pictures, squares, unread


def _run(runtime, framing, pictures, squares):
    """Pictures and their squares -> an Estimate of each."""
    if not pictures:
        return
    found = runtime.run(np.stack(squares))
    unknown = {"pose_m": (len(JOINTS), 3), "neck_m": (3,), "expected_error_m": (len(JOINTS),)}
    for i, picture in enumerate(pictures):
        joints_px = framing.to_given(found["joints_px"][i], runtime.image_px, picture.rgb.shape)
        deep = {
            name: found[name][i] if name in found else np.full(shape, np.nan)
            for name, shape in unknown.items()
        }
        yield Estimate(picture, joints_px, found["confidence"][i], **deep)


def _filter():
    """-> a function that makes the Estimates of a video steady, one after the other."""
    smooth = OneEuroFilter()

    def make_steady(found):
        places = smooth(np.vstack([found.pose_m, found.neck_m]), found.picture.time_s)
        return replace(found, pose_m=places[:-1], neck_m=places[-1])

    return make_steady


def _progress(source, before):
    """A bar over a source, of which pictures named in `before` have been done."""
    count = len(frames_of(source, before))
    return progress_bar(
        total=source.total, desc=f"predict {source.name}", unit="picture", initial=count
    )


def _until_interrupted(source):
    """Ctrl-C is the usual end of a camera; elsewhere it interrupts."""
    return contextlib.suppress(*[KeyboardInterrupt] if source.live else [])
