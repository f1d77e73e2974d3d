"""Milliseconds from an image in memory to its pose, one at a time: the published checkpoints'
architecture and a network of this study, in PyTorch and in the runtimes that `egolib predict` chooses
from, side by side in one process; what that does to the outcome; and frames of a video a second, from
decoding to drawing."""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import torch

from egolib.data.images import read_image
from egolib.data.shards import open_frames
from egolib.experiments.manifest import hardware
from egolib.headset.cameras.framing import Framing
from egolib.headset.deploy.exporting import calibration_squares, export_onnx, quantise_onnx
from egolib.headset.deploy.runtimes import on_onnxruntime, on_openvino, on_torch, poses_of
from egolib.headset.predict import predict
from egolib.metrics import mpjpe_mm
from egolib.models.checkpoints import NetworkSpec, build_network, load_network, weights_digest

# ResNet-50, 368 px, a lifter of 80 M parameters; its time does not depend on its weights.
PUBLISHED = NetworkSpec(
    kind="end_to_end", backbone="resnet50", image_px=368, sigma_px=1.0, pose_activations=False
)


def runtimes_of(network, spec, training, folder):
    """The Runtimes of one network, PyTorch first; `training`: the FrameIndex to calibrate int8 with."""
    found = [on_torch(network, spec)]
    name = f"{spec.backbone}-{weights_digest(network)[:16]}"
    plain, int8 = (Path(folder) / f"{name}-{p}.onnx" for p in ("float32", "int8"))
    if not plain.is_file():
        export_onnx(network, spec, plain, {})
    if not int8.is_file():
        quantise_onnx(plain, int8, calibration_squares(training, spec.image_px))
    return found + [
        open_with(p) for p in (plain, int8) for open_with in (on_onnxruntime, on_openvino)
    ]


def times_ms(runtimes, image, seconds):
    """Milliseconds of each run, a list for each Runtime, turn by turn, so that what else the machine
    does hits all."""
    framing, times = Framing(), [[] for _ in runtimes]
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop:
        for runtime, own in zip(runtimes, times, strict=True):
            for run in range(6):
                started = time.perf_counter()
                runtime.run(framing.square(image, runtime.image_px)[None])
                if run:  # the first finds the caches filled by another network
                    own.append(1000 * (time.perf_counter() - started))
    return times


def measure(runtimes, image, seconds, error_of):
    """-> one row a Runtime; `error_of` it gives the last columns."""
    rows = {}
    for runtime, times in zip(runtimes, times_ms(runtimes, image, seconds), strict=True):
        median = np.median(times)
        rows[runtime.name] = {
            "median (ms)": median, "95th percentile (ms)": np.percentile(times, 95),
            "poses/s": 1000 / median, **error_of(runtime),
        }  # fmt: skip
    table = pd.DataFrame(rows).T
    table.insert(3, "times PyTorch's speed", table["median (ms)"].iloc[0] / table["median (ms)"])
    return table


def video_rate(runtime, images, folder, frames=300):
    """Frames a second of a video of 1280x800, H.264 (the images, over and over): decoded, run by
    `runtime`, drawn and encoded."""
    path = Path(folder) / "clip.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", 30, {"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 800, "yuv420p"
        for image in itertools.islice(itertools.cycle(images), frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return predict([path], Path(folder) / "out", runtime).rate


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="of this study")
    parser.add_argument("data", type=Path, help="the tree or pack that it was trained on")
    parser.add_argument("--seconds", type=float, default=45, help="of timing, for each network")
    parser.add_argument("--exports", type=Path, help="a folder that keeps the exported networks")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    training, index = (open_frames(options.data, split) for split in ("train", "test"))
    images = [cv2.resize(read_image(index[i].image_path), (1280, 800)) for i in range(30)]
    network, spec, _ = load_network(options.checkpoint)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = options.exports or folder
        published = runtimes_of(build_network(PUBLISHED), PUBLISHED, training, folder)
        own = runtimes_of(network, spec, training, folder)
        noise = np.random.default_rng(0).integers(0, 256, (8, 368, 368, 3), np.uint8)
        first = published[0].run(noise)["pose_m"]

        def difference(runtime):
            off = np.abs(runtime.run(noise)["pose_m"] - first).mean() / np.abs(first).mean()
            return {"off PyTorch's (%)": 100 * off}

        machine = hardware()
        print(
            f"Batch 1, {machine['cores']} cores ({machine['cpu']}); PyTorch with {options.threads} "
            "threads, the others as they choose\n\nPublished architecture, random weights\n"
        )
        theirs = measure(published, images[0], options.seconds, difference)
        print(theirs.round(2).to_markdown())
        print(f"\n{options.checkpoint.name}: {spec.kind}, {spec.backbone}, {spec.image_px} px\n")
        ours = measure(own, images[0], options.seconds, lambda runtime: {
            "MPJPE (mm)": mpjpe_mm(poses_of(runtime, index), index.joints_cam_m).mean()
        })  # fmt: skip
        slowest_ms = theirs["median (ms)"].iloc[0]
        ours.insert(4, "times theirs in PyTorch", slowest_ms / ours["median (ms)"])
        print(ours.round(2).to_markdown())
        fastest = min(own, key=lambda runtime: ours.loc[runtime.name, "median (ms)"])
        rate = video_rate(fastest, images, folder)
        print(f"\nVideo of 1280x800, decoded, run by {fastest.name}, drawn: {rate:.0f} frames/s")


if __name__ == "__main__":
    main()
