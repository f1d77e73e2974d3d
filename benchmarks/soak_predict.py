"""Predict a long video at uneven times and report memory and time: does memory grow with the length, and
does what is written last as long as the video? Takes about as long as the video."""

import argparse
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd

from egolib.data.images import read_image
from egolib.data.shards import open_frames
from egolib.headset.predict import predict

EVERY_S = 5.0


def resident_mb() -> float:
    """Memory of this process, in megabytes; Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def write_video(path: Path, images: list[np.ndarray], minutes: float, fps: float) -> float:
    """Write a video of images that repeat, at times that are uneven as a phone's -> its seconds."""
    rng, ticks, last = np.random.default_rng(0), 90_000, 0
    with av.open(path, "w") as container:
        stream = container.add_stream(
            "libx264", round(fps), {"preset": "ultrafast"}, pix_fmt="yuv420p"
        )
        stream.height, stream.width = images[0].shape[:2]
        stream.codec_context.time_base = Fraction(1, ticks)
        for number in range(round(60 * minutes * fps)):
            frame = av.VideoFrame.from_ndarray(images[number % len(images)], format="rgb24")
            last += round(ticks / fps * rng.uniform(0.5, 1.5))
            frame.pts, frame.time_base = last, Fraction(1, ticks)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return last / ticks


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("data", type=Path, help="a tree, whose test images make the video")
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--fps", type=float, default=10)
    options = options.parse_args()
    index = open_frames(options.data, "test")
    images = [read_image(index.root / index.image(i)) for i in range(0, len(index), 40)][:50]
    images = [image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2] for image in images]
    with tempfile.TemporaryDirectory() as folder:
        video, out = Path(folder) / "long.mp4", Path(folder) / "out"
        seconds = write_video(video, images, options.minutes, options.fps)
        memory, stop, started = [], threading.Event(), time.monotonic()

        def watch():
            while not stop.wait(EVERY_S):
                memory.append(resident_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        report = predict([video], out, bvh=True)
        stop.set()
        watcher.join()
        taken_s = time.monotonic() - started
        times_s = pd.read_csv(out / "poses.csv", usecols=["time_s"]).time_s
        with av.open(out / "long.mp4.overlay.mp4") as overlay:
            stream = overlay.streams.video[0]
            overlay_s = float(stream.duration * stream.time_base)
        head = (out / "long.mp4.bvh").read_text().split("MOTION")[1].split("\n", 3)[1:3]
        bvh_s = int(head[0].split()[-1]) * float(head[1].split()[-1])
    tenths = [float(np.mean(part)) for part in np.array_split(memory, 10) if len(part)]
    print(report)
    print(f"video {seconds:.1f} s, last pose at {times_s.iloc[-1]:.1f} s, overlay {overlay_s:.1f} s, "
          f"BVH {bvh_s:.1f} s; predicted in {taken_s:.0f} s")  # fmt: skip
    print("memory by tenths of the run (MB): " + ", ".join(f"{mb:.0f}" for mb in tenths))


if __name__ == "__main__":
    main()
