"""The whole data set, in simulation and on paper.

Simulated: a pack of 383,000 entries is really built (random labels; one tiny image, again and
again), opened, and iterated once in shuffled order, in a process of its own: seconds, and the peak
of its memory. On paper: hours and disk of every step on four machines, from rates that were
measured elsewhere; a rate that is not given leaves "not measured". Steps that use the processor are
taken to grow with the cores, and none to be faster than the disk.

    python benchmarks/scale.py --scratch /tmp/scale --pack-frames-s 33 --load-samples-s 1000 ...
"""

import argparse
import dataclasses
import json
import multiprocessing
import shutil
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from egolib.data.dataset import FrameDataset, make_loader
from egolib.data.packing import FRAMES_PER_SHARD, complete
from egolib.data.shards import (
    FORMAT,
    IMAGE,
    LEFT_OUT,
    PACK_FILE,
    Pack,
    column_files,
    open_frames,
)
from egolib.foundation.progress import progress_bar
from egolib.skeleton import SPLITS

FRAMES = 383_000  # the paper's abstract
TREE_GB = 1000  # unpacked; the official download script says "about 1 TB"
ARCHIVES_GB = 216 * 2.15  # 216 parts of at most 2 GiB, the most that a release on GitHub takes
PX, BATCH = 16, 64
MACHINES = {"2 cores": (2, 0), "32 cores": (32, 0), "32 cores, 1 GPU": (32, 1),
            "32 cores, 8 GPUs": (32, 8)}  # fmt: skip


def build_pack(out, frames):
    """A pack of `frames` synthetic training frames that `egolib verify` finds whole."""
    rng = np.random.default_rng(0)
    known = {"frames": frames, "fingerprint": "synthetic", **dict.fromkeys(LEFT_OUT, 0)}
    pack = Pack(FORMAT, PX, "jpeg", 95, FRAMES_PER_SHARD, {"train": known})
    folders = [f"TrainSet/{c}/env_00{e}/cam_down" for c in SPLITS["TrainSet"] for e in (1, 2, 3)]
    numbers = np.arange(frames)
    columns = {
        "folders": np.array(folders),
        "clips": np.array([f"clip_{i:02d}" for i in range(60)]),
        "folder_ids": np.sort(rng.integers(len(folders), size=frames, dtype=np.int32)),
        "image_names": np.char.mod("female_000_a_a.rgba.%06d.png", numbers),
        "numbers": numbers,
        "clip_ids": rng.integers(60, size=frames, dtype=np.int32),
        "uv_native": rng.uniform(0, 800, (frames, 16, 2)).astype(np.float32),
        "joints_cam_m": rng.normal(size=(frames, 16, 3)).astype(np.float32),
        "rotations_rad": rng.normal(size=(frames, 16, 3)).astype(np.float32),
    }
    (out / "train").mkdir(parents=True)
    for column, name in column_files("train").items():
        np.save(out / name, columns[column])
    image = cv2.imencode(".jpg", rng.integers(256, size=(PX, PX, 3), dtype=np.uint8))[1].tobytes()
    crc32 = zlib.crc32(image)
    for name, _, count in progress_bar(pack.shards("train"), desc="Building", unit="shard"):
        table = np.zeros(count, IMAGE)
        table["start"] = table.nbytes + len(image) * np.arange(count)
        table["bytes"], table["crc32"] = len(image), crc32
        (out / name).write_bytes(table.tobytes() + image * count)
    (out / PACK_FILE).write_text(json.dumps(dataclasses.asdict(pack)))
    assert complete(out) == []


def memory_mb(what):
    """A line of Linux's /proc/self/status: VmHWM is the peak since this program started (getrusage
    counts the parent's, too), RssAnon what no other process shares."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def simulate(pack):
    """Open a pack and iterate it once, shuffled -> {what: value}. Run it in a fresh process."""
    found = {"memory of the imports (MB)": memory_mb("VmHWM")}
    started = time.perf_counter()
    index = open_frames(pack, "train")
    found["index opened (s)"] = time.perf_counter() - started
    started, used = time.perf_counter(), time.process_time()
    seen = sum(
        len(batch["position"]) for batch in make_loader(FrameDataset(index, PX), BATCH, 0, 0)
    )
    assert seen == len(index) // BATCH * BATCH
    found["an epoch of tiny images (s)"] = time.perf_counter() - started
    found["the same, of processor time (s)"] = time.process_time() - used
    found["peak memory (MB)"] = memory_mb("VmHWM")
    found["of it not shared (MB)"] = memory_mb("RssAnon")
    return found


def slowest(work, rates):
    """Hours of `work` units at {limit: units a second, None where not measured}, and what limits."""
    known = {limit: rate for limit, rate in rates.items() if rate is not None}
    unknown = [limit for limit, rate in rates.items() if rate is None]
    if not known:
        return "not measured"
    limit = min(known, key=known.get)
    text = f"{work / known[limit] / 3600:.2f} h ({limit}"
    return f"at least {text}; {', '.join(unknown)} not measured)" if unknown else f"{text})"


def times(rate, count):
    return None if rate is None else rate * count


def on_paper(rates, pack_kb):
    """Steps x machines -> DataFrame of "hours (what limits)"."""
    tree_mb = 1000 * TREE_GB
    frames_of_disk = times(rates.disk_mb_s, FRAMES / tree_mb)  # frames of the tree a second
    packed_of_disk = times(rates.disk_mb_s, 1000 / pack_kb)
    table = {}
    for machine, (cores, gpus) in MACHINES.items():
        trains = times(rates.train_gpu_samples_s, gpus) if gpus else times(
            rates.train_core_samples_s, cores)  # fmt: skip
        table[machine] = {
            "download": slowest(1000 * ARCHIVES_GB, {"link": rates.download_mb_s}),
            "extraction": slowest(tree_mb, {
                "processor": times(rates.extract_mb_s, min(cores, 34)),  # characters
                "disk": rates.disk_mb_s}),
            "audit": slowest(FRAMES, {
                "processor": times(rates.audit_frames_s, cores), "disk": frames_of_disk}),
            "packing": slowest(FRAMES, {
                "processor": times(rates.pack_frames_s, cores), "disk": frames_of_disk}),
            "one training epoch": slowest(FRAMES, {
                "network": trains, "loading": times(rates.load_samples_s, cores),
                "disk": packed_of_disk}),
        }  # fmt: skip
    return pd.DataFrame(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--scratch", type=Path, required=True, help="for the pack, made anew")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of the simulation")
    rate = parser.add_argument_group("measured rates; of one core unless they say otherwise")
    rate.add_argument("--download-mb-s", type=float, help="of the link")
    rate.add_argument("--disk-mb-s", type=float, help="of the disk, reading or writing")
    rate.add_argument("--extract-mb-s", type=float, help="of the tree, written")
    rate.add_argument("--audit-frames-s", type=float)
    rate.add_argument("--pack-frames-s", type=float, help="benchmarks/loading.py")
    rate.add_argument("--load-samples-s", type=float, help="benchmarks/loading.py")
    rate.add_argument("--train-core-samples-s", type=float, help="stage 1, of the paper profile")
    rate.add_argument("--train-gpu-samples-s", type=float, help="the same, of one GPU")
    rate.add_argument("--pack-kb", type=float, default=34.8, help="a frame; 368 px, JPEG q95: 34.8")
    options = parser.parse_args()
    pack = options.scratch / "pack"
    shutil.rmtree(pack, ignore_errors=True)
    started = time.perf_counter()
    build_pack(pack, options.frames)
    print(f"A pack of {options.frames} entries, built in {time.perf_counter() - started:.0f} s:")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        for what, value in pool.submit(simulate, pack).result().items():
            print(f"  {what:32s} {value:10.3f}")
    print(f"\nOn paper: {FRAMES} frames, from the rates given; what limits in brackets\n")
    print(on_paper(options, options.pack_kb).to_markdown(), end="\n\n")
    print(f"Disk: parts at most {ARCHIVES_GB:.0f} GB, tree {TREE_GB} GB, "
          f"pack {FRAMES * options.pack_kb / 1e6:.0f} GB")  # fmt: skip


if __name__ == "__main__":
    main()
