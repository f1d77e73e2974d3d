"""Videos and live cameras as frames, by OpenCV, with one line of error where that fails."""

import contextlib
import itertools
import os
from dataclasses import dataclass

import cv2

from egolib.foundation.errors import EgolibError

PATIENCE_S = 10  # for a network camera to answer, and for each frame of any camera
_USUAL_FPS = 30.0
_MOST_S = 1e6  # eleven days; later times are damaged
_TIME_LIMITS_MS = (
    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * PATIENCE_S,
    cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000 * PATIENCE_S,
)  # fmt: skip


@dataclass(frozen=True)
class Capture:
    """A video file, or a camera: a device number or a URL. frames: their number by its header; 0 where
    it is unknown. fps: frames a second; 30 where it is unknown."""

    device: str | int
    frames: int
    fps: float

    def read(self, wanted=lambda number: True):
        """Yield (number from 0, seconds by its own clock, uint8 RGB (H, W, 3)) of each frame whose
        number is `wanted`, until it ends. The others cost no conversion. Where the file has no times,
        or they do not increase, they follow from the number and the frame rate."""
        last_s = -1.0
        with _opened(self.device) as capture:
            for number in itertools.takewhile(lambda _: capture.grab(), itertools.count()):
                if not wanted(number):
                    continue
                seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if not last_s < seconds < _MOST_S:
                    seconds = max(number / self.fps, last_s + 0.001)
                last_s = seconds
                complete, frame = capture.retrieve()
                if complete:
                    yield number, seconds, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def open_capture(device, otherwise="gives no frames"):
    """Open a device number, path or URL as a Capture. Raises EgolibError, the device and the text
    `otherwise`, when it gives no frame."""
    with _opened(device) as capture:
        if not capture.grab():
            raise EgolibError(f"{device}: {otherwise}")
        frames = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        fps = capture.get(cv2.CAP_PROP_FPS)
    return Capture(device, max(0, int(frames)), fps if 0 < fps < 1000 else _USUAL_FPS)


@contextlib.contextmanager
def _opened(device):
    # Errors are one line of egolib, not pages of FFmpeg's.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    # FFmpeg, which reads files and streams, comes without its input devices.
    local = isinstance(device, int) or device.startswith("/dev/video")
    reader = (cv2.CAP_ANY, ()) if local else (cv2.CAP_FFMPEG, _TIME_LIMITS_MS)
    capture = cv2.VideoCapture(device, *reader)
    try:
        yield capture
    finally:
        capture.release()
