"""What surrounds a garden or terrace: hedges, low walls, fences, trees, posts and roof beams."""

import numpy as np

from egosynth.places.furniture import GREENS
from egosynth.places.solids import LEAFY, ROUND, WOOD, fronds, leaves, part, placed
from egosynth.places.surfaces import tint, warm


def _green(rng):
    return GREENS[rng.integers(len(GREENS))] * rng.uniform(0.7, 1.8)


def hedge(rng, length_m):
    z, y = rng.uniform(0.3, 1.0), rng.uniform(0.2, 0.5)
    green = _green(rng)
    spread = np.array([length_m / 2, y, z])
    return [
        part(0, 0, z, length_m / 2, y, z, green * 0.8, second=green * 0.3, style=LEAFY,
             object_name="plant"),
        leaves(rng, [0, 0, z], 1.1 * spread, int(70 * length_m), 0.14, green),
    ]  # fmt: skip


def low_wall(rng, length_m):
    clay = warm(rng, rng.uniform(0.2, 0.5)) * np.array([1.2, 0.8, 0.6])
    z, y = rng.uniform(0.1, 0.45), rng.uniform(0.08, 0.2)
    solids = [part(0, 0, z, length_m / 2, y, z, clay)]
    if rng.random() < 0.5:
        solids.append(part(0, 0, 2 * z, length_m / 2, y + 0.04, 0.025, clay * 1.3))
    for at in np.linspace(-0.5, 0.5, int(rng.integers(0, 4))) * length_m:
        solids += placed([part(0, 0, 2 * z + 0.15, 0.12, 0.12, 0.15, clay)], at, 0, 0)
    return solids


def fence(rng, length_m):
    colour = tint(rng, rng.choice([0.05, 0.3, 0.75]), 0.2)
    look = dict(colour=colour, second=colour * 0.6, style=WOOD)
    height, pitch = rng.uniform(0.8, 1.5), rng.uniform(0.12, 0.4)
    solids = [part(0, 0, z * height, length_m / 2, 0.015, 0.03, **look) for z in (0.15, 0.9)]
    for at in np.arange(-length_m / 2, length_m / 2, pitch):
        solids.append(part(at, 0, height / 2, rng.choice([0.012, 0.04]), 0.01, height / 2, **look))
    return solids


def house(rng, length_m):
    """The wall of a building with doors and dark windows."""
    z, paint = rng.uniform(1.3, 2.5), warm(rng, rng.uniform(0.2, 0.8))
    solids = [part(0, 0.2, z, length_m / 2, 0.2, z, paint)]
    for at in np.arange(-0.4, 0.5, 0.2) * length_m:
        if rng.random() < 0.6:
            dark = tint(rng, rng.choice([0.03, 0.2]), 0.4)
            solids.append(part(at, 0, 1.1, 0.07 * length_m, 0.02, rng.uniform(0.4, 1.0), dark))
    return solids


def tree(rng):
    bark, green = warm(rng, 0.12) * np.array([1, 0.8, 0.6]), _green(rng)
    height, radius = rng.uniform(1.2, 2.6), rng.uniform(0.06, 0.16)
    trunk = part(0, 0, height / 2, radius, radius, height / 2, bark, sides=ROUND, taper=0.7)
    if rng.random() < 0.5:
        count = int(rng.integers(9, 15))
        return [trunk, fronds(rng, [0, 0, height], count, rng.uniform(1.0, 1.8), green)]
    spread = np.array([1, 1, 0.7]) * rng.uniform(0.5, 1.1)
    return [trunk, leaves(rng, [0, 0, height + 0.5], spread, 160, 0.3, green)]


def bush(rng):
    size = rng.uniform(0.2, 0.6)
    green = _green(rng)
    if rng.random() < 0.3:
        return [fronds(rng, [0, 0, 0.1], 12, rng.uniform(0.5, 1.1), green)]
    return [leaves(rng, [0, 0, 0.7 * size], [size, size, 0.7 * size], 110, 0.2, green)]


EDGES = (hedge, low_wall, fence, house)


def surround(rng, half):
    """Edges, bushes and trees outside the rectangle of half sizes (2,) metres -> solids."""
    solids = []
    for side in range(4):
        yaw = (side - 1) * np.pi / 2
        way = np.array([-np.sin(yaw), np.cos(yaw)])
        away = half[int(abs(way[1]) > 0.5)]
        length = 2 * half[int(abs(way[0]) > 0.5)] + 1
        if rng.random() < 0.8:
            edge = EDGES[rng.integers(len(EDGES))]
            solids += placed(edge(rng, length), *(way * (away + 0.3)), yaw)
        for _ in range(rng.integers(0, 5)):
            grown = tree(rng) if rng.random() < 0.35 else bush(rng)
            across = np.array([way[1], -way[0]]) * rng.uniform(-length, length) / 2
            solids += placed(grown, *(way * (away + rng.uniform(0.7, 2.5)) + across), yaw)
    return solids


def roof(rng, half, height_m):
    """Posts at the edges and beams below the ceiling of a terrace -> solids."""
    wood = warm(rng, rng.uniform(0.05, 0.3)) * np.array([1.1, 0.8, 0.5])
    look = dict(colour=wood, second=wood * 0.5, style=WOOD)
    beams = [
        part(at, 0, height_m - 0.08, 0.05, half[1] - 0.01, 0.07, **look)
        for at in np.arange(-half[0] + 0.3, half[0], rng.uniform(0.4, 0.9))
    ]
    posts = [
        part(sx * (half[0] - 0.12), sy * (half[1] - 0.12), height_m / 2, 0.09, 0.09, height_m / 2,
             **look)
        for sx in (-1, 0, 1) for sy in (-1, 1)
    ]  # fmt: skip
    return beams + posts
