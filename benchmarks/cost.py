"""What a miniature of 10 K, 100 K and 383 K frames costs: hours and disk, from the rate and the bytes
a frame measured here in one process. More cores are taken to add up, which processes that share
nothing but the disk nearly do; building the bodies (once a process tree) is not counted."""

import tempfile
import time
from pathlib import Path

import cv2
import pandas as pd

from egolib.config import RenderConfig
from egosynth import planned_sequences
from egosynth.people.body import build_characters
from egosynth.sequence_renderer import SequenceRenderer

SCALES = (0.2, 0.3, 1.0)
SIZES = {"10 K": 10_000, "100 K": 100_000, "383 K": 383_000}
CORES = (2, 32)
MEASURED_SECONDS = 20


def measure(scale, rig, characters):
    """-> (frames a second of one core, bytes a frame on disk), whole sequences with all files."""
    config = RenderConfig(scale=scale, characters=1)
    plan = [s for s in planned_sequences(config) if s.character in characters]
    with tempfile.TemporaryDirectory() as folder:
        renderer = SequenceRenderer(Path(folder) / "warm", config, 0, rig, characters)
        renderer.play(plan[0])
        renderer.root = Path(folder) / "tree"
        frames, started = 0, time.process_time()
        for sequence in plan:
            frames += renderer.play(sequence)
            if time.process_time() - started > MEASURED_SECONDS:
                break
        rate = frames / (time.process_time() - started)
        files = [path for path in renderer.root.rglob("*") if path.is_file()]
        return rate, sum(path.stat().st_blocks * 512 for path in files) / frames


def cost_table(rates):
    """{scale: (frames a second and core, bytes a frame)} -> DataFrame, a row for scale and size."""
    rows = {}
    for scale, (rate, size) in rates.items():
        for name, frames in SIZES.items():
            hours = {f"hours on {n} cores": frames / rate / n / 3600 for n in CORES}
            rows[scale, name] = {
                "frames/s a core": rate, "kB a frame": size / 1e3, **hours,
                "disk (GB)": frames * size / 1e9,
            }  # fmt: skip
    table = pd.DataFrame(rows).T
    table.index.names = ["scale", "frames"]
    return table


def main():
    cv2.setNumThreads(1)  # as in a rendering process
    rig, characters = build_characters(["female_001_a_a"])
    rates = {scale: measure(scale, rig, characters) for scale in SCALES}
    print(cost_table(rates).round(2).reset_index().to_markdown(index=False))


if __name__ == "__main__":
    main()
