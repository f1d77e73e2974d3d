"""The files beside poses.csv: overlays, drawn while poses are predicted, and formats for other tools,
made from the table at the end, so that they also hold the images of earlier runs."""

import contextlib
import functools

import numpy as np

from egolib.foundation.progress import progress_bar
from egolib.headset.poses import overlays
from egolib.headset.poses.bvh import write_bvh
from egolib.headset.poses.poseseries import read_series, save_npz, write_labels
from egolib.headset.poses.rig import BONES, to_camera_axes
from egolib.headset.poses.rigfitting import fit_rig


@contextlib.contextmanager
def drawing(out, source, before):
    """Yield a function that draws an image of a sources.Source and its pose (a poseseries.PoseSeries
    at one position) in the background: stills as overlays/<stem>.png, frames into one video. When an
    earlier run did `before` frames of a video, nothing is drawn here: `write_forms` draws it whole."""
    if before and source.fps and not source.live:
        yield lambda image, pose: None
        return
    path = _video_path(out, source, before)
    still = functools.partial(overlays.write_image, out / "overlays")
    with overlays.video(path, source.fps) as add, overlays.in_background() as run:
        yield functools.partial(run, add if source.fps else still)


def write_forms(out, sources, bvh, labels):
    """Write, from poses.csv, poses.npz, the overlays of videos that have none yet, and on request a BVH
    of each video and of all stills (bvh) and the data set's json of each image (labels)."""
    series = read_series(out / "poses.csv")
    for source in sources:
        if source.fps and not source.live and not _video_path(out, source).is_file():
            _draw_again(out, source, series)
    rig_joints_m = np.full((len(series), len(BONES), 3), np.nan, np.float32)
    for name in np.unique(series.source) if bvh or labels else ():
        chosen = np.flatnonzero(series.source == name)
        motion = fit_rig(series[chosen].joints_m)
        rig_joints_m[chosen] = to_camera_axes(motion.joints_m)
        if bvh:
            fps = series[chosen].fps
            write_bvh(out / f"{name}.bvh", motion.at_rate(series[chosen].time_s, fps), fps)
        if labels:
            write_labels(out / "json", series[chosen], motion)
    save_npz(out / "poses.npz", series, rig_joints_m)


def _video_path(out, source, before=0):
    """Path of a source's overlay video; each run of a camera has one of its own."""
    name = f"camera-{before:06d}" if source.live else source.name
    return out / f"{name}.overlay.mp4"


def _draw_again(out, source, series):
    position = {image: i for i, image in enumerate(series.image.tolist())}
    with (
        overlays.video(_video_path(out, source), source.fps) as add,
        progress_bar(source.read(), total=source.total, desc="draw", unit="image") as images,
    ):
        for image in images:
            if image.name in position:  # an Unread is not
                add(image, series[position[image.name]])
