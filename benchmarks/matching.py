"""How often `egolib match` finds which way is up, takes images of a headset for such, and is taken in
by images that are none, by how many images it is shown. Reads a tree's test split."""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from egolib.camera import inside_circle, square_to_native
from egolib.data.shards import open_frames
from egolib.headset.cameras.framing import TURNS
from egolib.headset.cameras.matching import is_usual, turned_confidence
from egolib.headset.deploy.runtimes import open_fastest

SETS = 2000  # drawn for each row
DRAWN_PX = 256
BATCH = 32


def noise(rng):
    return rng.integers(0, 256, (DRAWN_PX, DRAWN_PX, 3), np.uint8)


def flat(rng):
    return np.full((DRAWN_PX, DRAWN_PX, 3), rng.integers(0, 256, 3), np.uint8)


def smooth_texture(rng):
    coarse = rng.integers(0, 256, (int(rng.integers(4, 17)),) * 2 + (3,), np.uint8)
    return cv2.resize(coarse, (DRAWN_PX, DRAWN_PX), interpolation=cv2.INTER_CUBIC)


def heap_of_discs(rng):
    image = flat(rng)
    for _ in range(40):
        centre, colour = rng.integers(0, DRAWN_PX, 2), rng.integers(0, 256, 3)
        cv2.circle(image, centre.tolist(), int(rng.integers(8, 60)), colour.tolist(), -1)
    return image


def square_of(draw, rng, image_px):
    """An image that is none of a headset, within the circle of the data set's lens."""
    places = np.stack(np.meshgrid(*[np.arange(DRAWN_PX)] * 2), -1)
    inside = inside_circle(square_to_native(places, DRAWN_PX))
    image = draw(rng) * inside[..., None].astype(np.uint8)
    return cv2.resize(image, (image_px, image_px), interpolation=cv2.INTER_AREA)


def shares(confidence, rng, size):
    """Of sets of `size` images (in percent): at which the first turn is the surest, and that pass."""
    means = confidence[rng.integers(0, len(confidence), (SETS, size))].mean(1)
    best = means.max(1)
    margin = best - (means.sum(1) - best) / (len(TURNS) - 1)
    return 100 * (means.argmax(1) == 0).mean(), 100 * is_usual(best, margin).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a tree or a pack")
    parser.add_argument("--network", type=Path, help="else the one that comes with egolib")
    parser.add_argument("--images", type=int, default=400, help="of each kind")
    options = parser.parse_args()
    runtime, rng = open_fastest(options.network), np.random.default_rng(0)
    index = open_frames(options.data, "test")
    chosen = np.linspace(0, len(index) - 1, min(options.images, len(index))).round().astype(int)
    kinds = {"test frames": np.stack([index.read_square(i, runtime.image_px) for i in chosen])}
    for draw in (noise, flat, smooth_texture, heap_of_discs):
        drawn = [square_of(draw, rng, runtime.image_px) for _ in range(options.images)]
        kinds[draw.__name__.replace("_", " ")] = np.stack(drawn)
    rows = {}
    for kind, squares in kinds.items():
        parts = np.array_split(squares, -(-len(squares) // BATCH))
        confidence = np.concatenate([turned_confidence(part, runtime) for part in parts])
        for size in (1, 2, 4, 16):
            upright, passed = shares(confidence, rng, size)
            row = rows.setdefault(f"{size} images", {})
            if kind == "test frames":
                row["right turn (%)"] = upright
            row[f"{kind} pass (%)"] = passed
    print(f"{runtime.name}, {len(chosen)} test frames\n")
    print(pd.DataFrame(rows).T.round(1).to_markdown())


if __name__ == "__main__":
    main()
