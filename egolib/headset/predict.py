"""Predict a pose for each image of files, videos and cameras; write tables, overlays and motion."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.headset.cameras.framing import Framing
from egolib.headset.cameras.sources import StalledError, Unread, batches, open_sources, read_ahead
from egolib.headset.deploy.runtimes import Runtime, open_fastest
from egolib.headset.poses.estimates import in_view
from egolib.headset.poses.outputs import drawing, write_forms
from egolib.headset.poses.poseseries import PoseSeries, source_of
from egolib.headset.poses.posetable import growing_table
from egolib.headset.poses.steady import OneEuroFilter
from egolib.skeleton import HEATMAP_JOINT_INDICES, JOINTS


@dataclass(frozen=True)
class Report:
    """The outcome for the images: how many are done, how many of these by earlier runs, those skipped,
    the runtime, and the images a second from reading to drawing (0 when none was new)."""

    done: int
    before: int
    skipped: tuple[Unread, ...]
    runtime: str = ""
    rate: float = 0.0

    def __str__(self):
        before = f" ({self.before} before, known by their names)" * bool(self.before)
        rate = f"; {self.rate:.1f} a second, by {self.runtime}" * bool(self.rate)
        lines = [f"{self.done} images done{before}, {len(self.skipped)} skipped{rate}"]
        names = {}
        for unread in self.skipped:
            names.setdefault(unread.reason, []).append(unread.name)
        for reason, (first, *more) in names.items():
            lines.append(f"  {first}{f' and {len(more)} more' * bool(more)}: {reason}")
        return "\n".join(lines)


def predict(
    inputs: Iterable[str | Path],
    out: str | Path,
    runtime: Runtime | None = None,
    framing: Framing | None = None,
    bvh: bool = False,
    labels: bool = False,
    steady: bool = False,
    batch_size: int = 32,
) -> Report:
    """Predict a pose for each image that `inputs` name (see sources.open_sources).

    runtime: the network; None for the one that comes with egolib. framing: of the images; None for the
    data set's own. Writes below the folder `out`
    - poses.csv (HEADER), 16 rows for each image: u, v in pixels of the given image, centres on integers,
      of unsure joints in part the pose's projection; millimetres from the neck, camera axes; the neck
      from the camera. Head has no u, v, confidence; a heatmap network gives no x, y, z.
    - poses.npz, the same as arrays (poseseries).
    - overlays/<stem>.png of stills and <video>.overlay.mp4 of each video and camera.
    - with bvh, `<video>.bvh`, and images.bvh for all stills as one motion.
    - with labels, json/<image>.json in the data set's format.
    steady: the poses of videos and cameras are filtered, but not u and v. Images that poses.csv already
    has are not done again. A camera is read until it ends or the user interrupts.

    Raises EgolibError for inputs that do not exist, when not one image could be done, for a camera whose
    images do not fit the framing, for bvh or labels of a network without poses, and for an `out` with
    poses of another network, framing or filter.
    """
    out, skipped, new = Path(out), [], 0
    if out.is_file():
        raise EgolibError(f"{out}: a file; the last name is the folder to be written")
    sources, framing = open_sources(inputs), framing or Framing()
    runtime = runtime or open_fastest()
    if (bvh or labels) and runtime.kind == "heatmaps":
        raise EgolibError("a heatmap network gives no poses: no BVH and no labels from it")
    maker = {"network": runtime.network, "framing": framing.described, "steady": steady}
    started = time.monotonic()
    with growing_table(out / "poses.csv", maker) as (done, append):
        before = Counter(map(source_of, done))
        for source in sources:
            known = before["camera" if source.live else source.name]
            smooth = OneEuroFilter() if steady and source.fps else None
            label = {"desc": f"predict {source.name}", "unit": "image"}
            with (
                drawing(out, source, known) as draw,
                # Ctrl-C is the usual end of a camera; elsewhere it interrupts.
                contextlib.suppress(*[KeyboardInterrupt] if source.live else []),
                progress_bar(total=source.total, initial=known, **label) as bar,
            ):
                estimated = estimate(runtime, source, framing, done, batch_size, smooth)
                for images, poses, unread in estimated:
                    if images:
                        append(poses)
                    for i, image in enumerate(images):
                        draw(image, poses[i])
                    skipped += unread
                    new += len(images)
                    bar.update(len(images) + len(unread))
    if not done:
        reason = "; the first: {0.name}: {0.reason}".format(skipped[0]) if skipped else ""
        raise EgolibError(f"not one image could be done{reason}")
    rate = new / (time.monotonic() - started)
    write_forms(out, sources, bvh, labels)
    return Report(len(done), before.total(), tuple(skipped), runtime.name, rate)


def estimate(runtime, source, framing, done=(), batch_size=32, smooth=None):
    """Yield ([sources.InputImage], their PoseSeries or None without an image, [sources.Unread]) for each
    batch of those images of a Source whose names are not in `done`. A thread reads and frames the next
    batch while the network runs. A camera gives the newest image each time, and ends when it stalls.
    smooth: a steady.OneEuroFilter for poses and necks. Raises EgolibError when the images of a camera
    do not fit the framing, because none of them will."""
    groups = batches(source.read(done), 1 if source.live else batch_size)
    framed = (_framed(group, framing, runtime.image_px, source.live) for group in groups)
    try:
        for images, squares, unread in read_ahead(framed, source.live):
            poses = _run(runtime, framing, images, squares, smooth) if images else None
            yield images, poses, unread
    except StalledError as error:
        yield [], None, [Unread(source.name, str(error))]


def _framed(group, framing, size_px, strict):
    """InputImage and Unread -> (images, their squares, Unread). An image that does not fit the framing
    becomes Unread; strict: it raises EgolibError."""
    images, squares, unread = [], [], []
    for item in group:
        if isinstance(item, Unread):
            unread.append(item)
            continue
        try:
            squares.append(framing.square(item.rgb, size_px))
            images.append(item)
        except EgolibError as error:
            if strict:
                raise
            unread.append(Unread(item.name, str(error)))
    return images, squares, unread


def _run(runtime, framing, images, squares, smooth):
    """Images and their squares -> PoseSeries."""
    outputs = runtime.run(np.stack(squares))
    unknown = np.full((len(images), len(JOINTS), 3), np.nan)
    joints_px, confidence = unknown[..., :2].copy(), unknown[..., 0].copy()
    confidence[:, HEATMAP_JOINT_INDICES] = outputs["confidence"]
    joints_px[:, HEATMAP_JOINT_INDICES] = [
        framing.to_given(places, runtime.image_px, image.rgb.shape)
        for places, image in zip(outputs["joints_px"], images, strict=True)
    ]
    pose_m, neck_m = outputs.get("pose_m", unknown), outputs.get("neck_m", unknown[:, 0])
    expected_error_m = outputs.get("expected_error_m", unknown[..., 0])
    names = np.array([image.name for image in images])
    time_s = np.array([image.time_s for image in images])
    if smooth:
        places = np.concatenate([pose_m, neck_m[:, None]], 1)
        places = np.stack(list(map(smooth, places, time_s)))
        pose_m, neck_m = places[:, :-1], places[:, -1]
    visible = in_view(pose_m, neck_m)
    return PoseSeries(
        names, joints_px, confidence, pose_m, neck_m, expected_error_m, visible, time_s
    )
