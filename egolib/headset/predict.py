"""Predict poses for images, videos and cameras; write tables, overlays and motion files."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import progress_bar
from egolib.headset.cameras.framing import Framing
from egolib.headset.cameras.matching import IMAGES, doubts_of
from egolib.headset.cameras.sources import (
    InputImage,
    StalledError,
    Unread,
    batches,
    open_sources,
    read_ahead,
)
from egolib.headset.deploy.runtimes import Runtime, open_fastest
from egolib.headset.poses.estimates import in_view
from egolib.headset.poses.outputs import drawing, write_forms
from egolib.headset.poses.poseseries import PoseSeries, source_of
from egolib.headset.poses.posetable import growing_table, made_by
from egolib.headset.poses.steady import OneEuroFilter
from egolib.skeleton import HEATMAP_JOINT_INDICES, JOINTS


@dataclass(frozen=True)
class Report:
    """The outcome of `predict`.

    Attributes:
        done: number of images with a pose, including those of earlier runs.
        before: number of these that are from earlier runs.
        skipped: the images that could not be read or framed, with the reason.
        runtime: name of the runtime.
        rate: images per second, from reading to drawing; 0 if no image was new.
        doubts: why images may not be those of a downward headset, each a line.
    """

    done: int
    before: int
    skipped: tuple[Unread, ...]
    runtime: str = ""
    rate: float = 0.0
    doubts: tuple[str, ...] = ()

    def __str__(self):
        before = f" ({self.before} before, known by their names)" * bool(self.before)
        rate = f"; {self.rate:.1f} per second with {self.runtime}" * bool(self.rate)
        lines = [f"{self.done} images done{before}, {len(self.skipped)} skipped{rate}"]
        names = {}
        for unread in self.skipped:
            names.setdefault(unread.reason, []).append(unread.name)
        for reason, (first, *more) in names.items():
            lines.append(f"  {first}{f' and {len(more)} more' * bool(more)}: {reason}")
        return "\n".join([*lines, *self.doubts])


@dataclass(frozen=True)
class Predictor:
    """A network and the framing of the images that it gets (see egolib.headset.load_predictor)."""

    runtime: Runtime
    framing: Framing

    def predict(self, images: np.ndarray | Sequence[np.ndarray]) -> PoseSeries:
        """Predict the pose in each image, as `egolib predict` does.

        images: one image or several, uint8 RGB (H, W, 3). Returns the PoseSeries, with one pose even
        for a single image. Raises EgolibError for anything else than such images, and for an image
        that does not fit the framing.
        """
        single = isinstance(images, np.ndarray) and images.ndim == 3
        given = []
        for i, rgb in enumerate([images] if single else images):
            if getattr(rgb, "dtype", None) != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
                what = f"{getattr(rgb, 'dtype', type(rgb).__name__)} {getattr(rgb, 'shape', '')}"
                raise EgolibError(f"image {i}: {what}; give uint8 RGB of shape (H, W, 3)")
            given.append(InputImage(str(i), str(i), np.nan, rgb))
        if not given:
            raise EgolibError("no image to predict a pose for")
        squares = [self.framing.square(image.rgb, self.runtime.image_px) for image in given]
        return _predict_batch(self.runtime, self.framing, given, squares, smooth=None)


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

    runtime: runs the network; None for the network that comes with egolib. framing: how to crop the
    images; None for the framing of the data set. This writes into the folder `out`:
    - poses.csv (columns: posetable.HEADER), 16 rows for each image. u and v are pixels of the given
      image, with pixel centres at integers; those of joints with low confidence are moved towards
      the projection of the pose. x, y and z are millimetres from the neck along the axes of the
      camera; the position of the neck is relative to the camera. Head has no u, v and confidence. A
      heatmap network gives no x, y and z.
    - poses.npz, the same as arrays (poseseries).
    - overlays/<stem>.png for each still, <video>.overlay.mp4 for each video and camera.
    - with `bvh`, <video>.bvh, and images.bvh with all stills as one motion.
    - with `labels`, json/<image>.json in the format of the data set.

    With `steady`, the poses of videos and cameras are filtered over time, but not u and v. Images
    that are already in poses.csv are not predicted again. A camera is read until it ends or the
    user interrupts the program.

    Raises EgolibError for inputs that do not exist, if no image could be predicted, for a camera
    whose images do not fit the framing, if `bvh` or `labels` is asked of a network that predicts no
    poses, and if `out` holds poses of another network, framing or filter.
    """
    out, skipped, doubts, new = Path(out), [], [], 0
    if out.is_file():
        raise EgolibError(f"{out}: this is a file, but the last name is the folder to write")
    sources, framing = open_sources(inputs), framing or Framing()
    runtime = runtime or open_fastest(name=made_by(out).get("runtime"))
    if (bvh or labels) and runtime.kind == "heatmaps":
        raise EgolibError("a heatmap network gives no poses, so it cannot write BVH or labels")
    maker = {
        "network": runtime.network, "framing": framing.described, "steady": steady,
        "runtime": runtime.name,
    }  # fmt: skip
    started = time.monotonic()
    with growing_table(out / "poses.csv", maker) as (done, append):
        before = Counter(map(source_of, done))
        for source in sources:
            known = before["camera" if source.live else source.name]
            smooth = OneEuroFilter() if steady and source.fps else None
            seen: list[np.ndarray] = []
            label = {"desc": f"predict {source.name}", "unit": "image"}
            with (
                drawing(out, source, known) as draw,
                # Ctrl-C is how the user stops a camera; with other sources it interrupts the run.
                contextlib.suppress(*[KeyboardInterrupt] if source.live else []),
                progress_bar(total=source.total, initial=known, **label) as bar,
            ):
                estimated = estimate(runtime, source, framing, done, batch_size, smooth)
                for images, poses, unread in estimated:
                    if images:
                        append(poses)
                    for i, image in enumerate(images):
                        draw(image, poses[i])
                    seen += [image.rgb for image in images[: IMAGES - len(seen)]]
                    skipped += unread
                    new += len(images)
                    bar.update(len(images) + len(unread))
            doubts += doubts_of(source.name, seen, framing, runtime)
    if not done:
        reason = "; the first: {0.name}: {0.reason}".format(skipped[0]) if skipped else ""
        raise EgolibError(f"not one image could be done{reason}")
    rate = new / (time.monotonic() - started)
    write_forms(out, sources, bvh, labels)
    skipped, doubts = tuple(skipped), tuple(doubts)
    return Report(len(done), before.total(), skipped, runtime.name, rate, doubts)


def estimate(runtime, source, framing, done=(), batch_size=32, smooth=None):
    """Predict the images of a Source, batch by batch, except those whose names are in `done`.

    Yields for each batch ([sources.InputImage], their PoseSeries, or None if the batch has no
    image, [sources.Unread]). A thread reads and crops the next batch while the network runs. From a
    camera, each batch is its newest image, and the loop ends when the camera stalls. smooth: a
    steady.OneEuroFilter for poses and necks, or None. Raises EgolibError if an image of a camera
    does not fit the framing, because then no image of this camera does.
    """
    groups = batches(source.read(done), 1 if source.live else batch_size)
    framed = (_frame_images(group, framing, runtime.image_px, source.live) for group in groups)
    try:
        for images, squares, unread in read_ahead(framed, source.live):
            poses = _predict_batch(runtime, framing, images, squares, smooth) if images else None
            yield images, poses, unread
    except StalledError as error:
        yield [], None, [Unread(source.name, str(error))]


def _frame_images(group, framing, size_px, strict):
    """Crop a group of InputImage and Unread -> (images, their square crops, Unread).

    An image that does not fit the framing becomes an Unread; with `strict` it raises EgolibError.
    """
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


def _predict_batch(runtime, framing, images, squares, smooth):
    """Run the network on the square crops of images -> PoseSeries."""
    outputs = runtime.run(np.stack(squares))
    unknown = np.full((len(images), len(JOINTS), 3), np.nan)
    joints_px, confidence = unknown[..., :2].copy(), unknown[..., 0].copy()
    confidence[:, HEATMAP_JOINT_INDICES] = outputs["confidence"]
    joints_px[:, HEATMAP_JOINT_INDICES] = [
        framing.to_given(points_px, runtime.image_px, image.rgb.shape)
        for points_px, image in zip(outputs["joints_px"], images, strict=True)
    ]
    pose_m, neck_m = outputs.get("pose_m", unknown), outputs.get("neck_m", unknown[:, 0])
    expected_error_m = outputs.get("expected_error_m", unknown[..., 0])
    names = np.array([image.name for image in images])
    time_s = np.array([image.time_s for image in images])
    if smooth:
        points_m = np.concatenate([pose_m, neck_m[:, None]], 1)
        points_m = np.stack(list(map(smooth, points_m, time_s)))
        pose_m, neck_m = points_m[:, :-1], points_m[:, -1]
    visible = in_view(pose_m, neck_m)
    return PoseSeries(
        names, joints_px, confidence, pose_m, neck_m, expected_error_m, visible, time_s
    )
