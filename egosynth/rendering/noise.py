"""One tile of fixed noise that all textures read: it repeats without a seam."""

from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

SIDE = 256
STONES = 60


@lru_cache(maxsize=1)
def noise_tile():
    """-> (256, 256, 4) float32: clouds and fine grain about 0 with deviation 0.35, distance to the
    joints between stones (0 to about 1, 1 = a sixteenth of the tile), a tone for every stone."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    frequency[0, 0] = np.inf
    layers = []
    for slope in (1.6, 0.3):
        spectrum = np.fft.fft2(rng.standard_normal((SIDE, SIDE))) / frequency**slope
        layer = np.fft.ifft2(spectrum).real
        layers.append(0.35 * layer / layer.std())
    seeds, tones = rng.random((STONES, 2)), rng.random(STONES)
    tree = cKDTree(seeds, boxsize=1.0)
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1) / SIDE
    away, nearest = tree.query(grid, k=2)
    layers += [8 * (away[..., 1] - away[..., 0]), tones[nearest[..., 0]]]
    return np.stack(layers, -1).astype(np.float32)
