"""Poses drawn over their pictures, with the skeleton in space beside them: as PNG files and as videos,
drawn while the next pictures are being read and run."""

import contextlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import av
import cv2
import numpy as np

from egolib.drawing import draw_overlay
from egolib.files import atomic_path, write_atomically
from egolib.skeleton import HEATMAP_JOINT_INDICES

_WAITING = 16  # drawings that may wait for their turn
_VIDEO_PX = 512  # most of a video's height: drawing and encoding keep up with a camera
_MILLISECOND = Fraction(1, 1000)
_ENCODER = {"preset": "veryfast", "crf": "20"}


@contextlib.contextmanager
def in_background():
    """Yield a function that runs another, with its arguments, in a thread of its own: in the order
    of the calls, each waiting while too many are under way. All are done when the block ends;
    what one raises is raised in the block or at its end."""
    waiting = deque()
    with ThreadPoolExecutor(1) as pool:

        def run(function, *arguments):
            waiting.append(pool.submit(function, *arguments))
            if len(waiting) > _WAITING:
                waiting.popleft().result()

        try:
            yield run
            while waiting:
                waiting.popleft().result()
        finally:
            for drawing in waiting:
                drawing.cancel()


def draw(found, most_px=None):
    """The overlay of an estimates.Estimate, uint8 RGB; its picture is made smaller where it is higher
    than most_px. Joints are as opaque as they are confident; those out of view are left out."""
    image, joints_px = found.picture.rgb, found.joints_px
    if most_px and len(image) > most_px:
        scale = most_px / len(image)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        joints_px = (joints_px + 0.5) * scale - 0.5
    seen = np.nan_to_num(found.in_view, nan=1)[HEATMAP_JOINT_INDICES]
    return draw_overlay(image, joints_px, found.confidence * seen, found.pose_m)


def write_picture(path, found):
    """Write the overlay of an Estimate as PNG."""
    _, png = cv2.imencode(".png", draw(found)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    write_atomically(path, png.tobytes())


@contextlib.contextmanager
def video(path, fps, live=False):
    """Yield a function that adds the overlay of an Estimate to the video at `path` (H.264 in mp4),
    which is there, whole, when the block has ended well and anything was added. live: frames were
    dropped, each is shown at its own time."""
    with contextlib.ExitStack() as opened:
        encode = None

        def add(found):
            nonlocal encode
            overlay = draw(found, _VIDEO_PX)
            encode = encode or opened.enter_context(_encoder(path, fps, overlay.shape, live))
            encode(overlay, found.picture.time_s)

        yield add


@contextlib.contextmanager
def _encoder(path, fps, shape, live):
    with atomic_path(path) as partial, av.open(partial, "w", format="mp4") as container:
        stream = container.add_stream("libx264", Fraction(fps).limit_denominator(1001), _ENCODER)
        stream.pix_fmt = "yuv420p"
        stream.height, stream.width = (side // 2 * 2 for side in shape[:2])
        if live:
            stream.codec_context.time_base = _MILLISECOND
        last = -1

        def encode(overlay, time_s):
            nonlocal last
            if overlay.shape[:2] != (stream.height, stream.width):
                overlay = cv2.resize(overlay, (stream.width, stream.height))
            frame = av.VideoFrame.from_ndarray(overlay, format="rgb24")
            if live:
                frame.time_base = _MILLISECOND
                last = frame.pts = max(last + 1, round(1000 * time_s))
            container.mux(stream.encode(frame))

        yield encode
        container.mux(stream.encode())
