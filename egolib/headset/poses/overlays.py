"""Poses drawn over their images, with the skeleton in space beside them: as PNG files and as videos,
drawn while the next images are being read and run."""

import contextlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import av
import cv2
import numpy as np

from egolib.foundation.files import atomic_path, write_atomically
from egolib.plots.style import draw_overlay
from egolib.skeleton import HEATMAP_JOINT_INDICES

_WAITING = 16  # drawings that may be pending
_VIDEO_PX = 512  # largest height of a video, so that drawing and encoding keep up with a camera
_TICK = Fraction(1, 90_000)  # seconds; the usual clock of video containers
_ENCODER = {"preset": "veryfast", "crf": "20"}


@contextlib.contextmanager
def in_background():
    """Yield a function that runs another, with its arguments, in one background thread, in the order
    of the calls; a call waits while more than _WAITING are pending. All are done when the block ends.
    An exception in the thread is raised in the block or at its end."""
    waiting = deque()
    with ThreadPoolExecutor(1) as pool:

        def run(function, *arguments):
            waiting.append(pool.submit(function, *arguments))
            if len(waiting) > _WAITING:
                waiting.popleft().result()

        try:
            yield run
            for drawing in waiting:
                drawing.result()
        finally:
            pool.shutdown(cancel_futures=True)


def draw(image, pose, most_px=None):
    """The overlay of a sources.InputImage with its pose (a poseseries.PoseSeries at one position), uint8
    RGB; an image higher than most_px is made smaller first. The opacity of a joint is its confidence;
    joints out of view are left out."""
    rgb, joints_px = image.rgb, pose.joints_px[HEATMAP_JOINT_INDICES]
    if most_px and len(rgb) > most_px:
        scale = most_px / len(rgb)
        rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        joints_px = (joints_px + 0.5) * scale - 0.5
    opacity = pose.confidence * np.nan_to_num(pose.in_view, nan=1)
    return draw_overlay(rgb, joints_px, opacity[HEATMAP_JOINT_INDICES], pose.pose_m)


def write_image(folder, image, pose):
    """Write the overlay of an image as `<stem>.png` below a folder."""
    overlay = draw(image, pose)[..., ::-1]
    _, png = cv2.imencode(".png", overlay, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    write_atomically(folder / f"{image.stem}.png", png.tobytes())


@contextlib.contextmanager
def video(path, fps):
    """Yield a function that adds the overlay of an image to the video at `path` (H.264 in mp4). The
    file appears, whole, when the block has ended without an error and an image was added. Each image
    is shown at its own time: cameras drop frames, and phones write them at uneven times. fps: about
    how many there are in a second, for the encoder."""
    with contextlib.ExitStack() as opened:
        container, stream, last = None, None, -1

        def add(image, pose):
            nonlocal container, stream, last
            overlay = draw(image, pose, _VIDEO_PX)
            if not stream:
                partial = opened.enter_context(atomic_path(path))
                container = opened.enter_context(av.open(partial, "w", format="mp4"))
                rate = Fraction(fps).limit_denominator(1001)
                stream = container.add_stream("libx264", rate, _ENCODER, pix_fmt="yuv420p")
                stream.height, stream.width = (side // 2 * 2 for side in overlay.shape[:2])
                stream.codec_context.time_base = _TICK
            overlay = cv2.resize(overlay, (stream.width, stream.height))
            frame = av.VideoFrame.from_ndarray(overlay, format="rgb24")
            frame.time_base = _TICK
            last = frame.pts = max(last + 1, round(image.time_s / _TICK))
            container.mux(stream.encode(frame))

        yield add
        if stream:
            container.mux(stream.encode())
