"""Furniture and clutter: functions from a generator to the parts of a piece around the origin, its
front towards -y, standing on the floor."""

import numpy as np

from egosynth.places.solids import (
    PLAIN,
    PRINTED,
    ROUND,
    WOOD,
    WOVEN,
    Box,
    fronds,
    leaves,
    part,
    placed,
)
from egosynth.places.surfaces import tint, warm

LOW_M = 1.0  # what begins above this hangs, and leaves the floor free
GREENS = np.array([[0.05, 0.11, 0.02], [0.10, 0.20, 0.03], [0.16, 0.26, 0.06], [0.20, 0.20, 0.04]])


def _look(rng):
    """Wood, cloth, metal or plastic: colour and texture of a piece."""
    kind = rng.choice(4)
    if kind == 0:
        colour = warm(rng, rng.uniform(0.06, 0.4)) * np.array([1.1, 0.8, 0.55])
        return dict(colour=colour, second=colour * 0.5, style=WOOD, gloss=rng.choice([0, 0.04]))
    if kind == 1:
        colour = tint(rng, rng.choice([0.05, 0.2, 0.5]), 0.6)
        style = int(rng.choice([PLAIN, WOVEN, PRINTED]))
        return dict(colour=colour, second=tint(rng, 0.3, 0.5), style=style)
    if kind == 2:
        return dict(colour=warm(rng, rng.choice([0.03, 0.3, 0.7])), gloss=0.06)
    return dict(colour=tint(rng, rng.uniform(0.1, 0.5), 0.9), gloss=0.05)


def _legs(x, y, height, thick, look):
    return [
        part(sx * x, sy * y, height / 2, thick, thick, height / 2, **look)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]


def chair(rng):
    look, seat = _look(rng), rng.uniform(0.42, 0.48)
    wide, back = rng.uniform(0.2, 0.25), rng.uniform(0.3, 0.5)
    solids = _legs(wide - 0.02, wide - 0.02, seat, rng.uniform(0.012, 0.025), look)
    solids.append(part(0, 0, seat, wide, wide, 0.02, **look))
    bars = rng.choice([1, 4, 5])
    width = wide if bars == 1 else 0.5 * wide / bars
    for place in np.linspace(-1, 1, bars) * (0 if bars == 1 else wide - width):
        solids.append(part(place, wide - 0.02, seat + back / 2, width, 0.015, back / 2, **look))
    solids.append(part(0, wide - 0.02, seat + back, wide, 0.02, 0.03, **look))
    if rng.random() < 0.4:
        for side in (-wide, wide):
            solids.append(part(side, 0, seat + 0.2, 0.02, wide, 0.015, **look))
            solids.append(part(side, -wide + 0.02, seat + 0.1, 0.015, 0.015, 0.1, **look))
    return solids


def table(rng):
    look, height = _look(rng), rng.choice([rng.uniform(0.35, 0.5), rng.uniform(0.68, 0.78)])
    x, y = rng.uniform(0.35, 0.8), rng.uniform(0.3, 0.45)
    if rng.random() < 0.3:
        top = part(0, 0, height, y, y, 0.02, sides=16, **look)
        foot = part(0, 0, height / 2, 0.04, 0.04, height / 2, sides=ROUND, **look)
        solids = [top, foot, part(0, 0, 0.015, 0.2, 0.2, 0.015, sides=ROUND, **look)]
        x = y * 0.7
        y = x
    else:
        solids = [part(0, 0, height, x, y, 0.02, **look)]
        solids += _legs(x - 0.05, y - 0.05, height, rng.uniform(0.02, 0.04), look)
    for _ in range(rng.integers(0, 6)):
        at = rng.uniform(-0.75, 0.75, 2) * (x, y)
        solids += placed(_trinket(rng, height + 0.02), *at, rng.uniform(0, 6.3))
    return solids


def _trinket(rng, base_m):
    """A cup, book, bottle or bowl on something."""
    colour = tint(rng, rng.choice([0.05, 0.3, 0.7]), 0.6)
    kind = rng.choice(3)
    if kind == 0:
        half = np.array([rng.uniform(0.07, 0.15), rng.uniform(0.08, 0.2), rng.uniform(0.005, 0.03)])
        return [part(0, 0, base_m + half[2], *half, colour, style=PRINTED, second=colour * 0.4)]
    radius, height = rng.uniform(0.03, 0.06), rng.uniform(0.03, 0.14)
    taper = rng.uniform(0.5, 1.3)
    return [part(0, 0, base_m + height, radius, radius, height, colour, sides=8, taper=taper,
                 gloss=0.05)]  # fmt: skip


def sofa(rng):
    look = _look(rng)
    x, y = rng.uniform(0.4, 1.0), rng.uniform(0.38, 0.48)
    solids = [part(0, 0, 0.21, x, y, 0.2, **look), part(0, y - 0.1, 0.6, x, 0.1, 0.25, **look)]
    solids += [part(sx * (x + 0.09), 0, 0.3, 0.09, y, 0.3, **look) for sx in (-1, 1)]
    for _ in range(rng.integers(0, 4)):
        cushion = dict(colour=tint(rng, 0.4, 0.7), second=tint(rng, 0.3, 0.7), style=WOVEN)
        solids.append(part(rng.uniform(-x, x) * 0.8, 0.15, 0.52, 0.2, 0.07, 0.16, **cushion))
    return solids


def shelf(rng):
    look = _look(rng)
    x, y, height = rng.uniform(0.3, 0.9), rng.uniform(0.14, 0.22), rng.uniform(0.7, 2.1)
    solids = [part(sx * x, 0, height / 2, 0.015, y, height / 2, **look) for sx in (-1, 1)]
    solids.append(part(0, y - 0.01, height / 2, x, 0.01, height / 2, **look))
    for board in np.linspace(0.05, height, int(rng.integers(3, 6))):
        solids.append(part(0, 0, board, x, y, 0.012, **look))
        if board < height - 0.2:
            for at in np.linspace(-0.8, 0.8, 7) * x:
                if rng.random() < 0.7:
                    tall = rng.uniform(0.06, 0.14)
                    look_in = dict(colour=tint(rng, rng.choice([0.1, 0.4]), 0.7))
                    solids.append(part(at, 0, board + tall, 0.06 * x, 0.1, tall, **look_in))
    return solids


def cupboard(rng):
    look = _look(rng)
    x, y, z = rng.uniform(0.25, 0.8), rng.uniform(0.2, 0.32), rng.uniform(0.35, 1.05)
    solids = [part(0, 0, z, x, y, z, **look)]
    front = {**look, "colour": look["colour"] * 0.6}
    for at in (-0.5, 0.5):
        solids.append(part(at * x, -y, z, 0.46 * x, 0.012, 0.9 * z, **front))
    return solids


def bed(rng):
    frame, sheet = _look(rng), warm(rng, rng.uniform(0.3, 0.85))
    x = rng.choice([0.5, 0.8])
    cover = dict(colour=tint(rng, 0.4, 0.6), second=tint(rng, 0.3, 0.6), style=WOVEN)
    return [
        part(0, 0, 0.15, x, 1.0, 0.15, **frame), part(0, 0, 0.4, x - 0.02, 0.98, 0.1, sheet),
        part(0, -0.25, 0.5, x, 0.72, 0.03, **cover), part(0, 1.02, 0.45, x, 0.03, 0.45, **frame),
        part(-0.25, 0.75, 0.54, 0.22, 0.16, 0.06, sheet * 0.95),
    ]  # fmt: skip


def lamp(rng):
    height, shade = rng.uniform(1.1, 1.7), warm(rng, 0.85)
    dark = warm(rng, 0.05)
    return [
        part(0, 0, 0.015, 0.14, 0.14, 0.015, dark, sides=ROUND, object_name="lamp"),
        part(0, 0, height / 2, 0.012, 0.012, height / 2, dark, sides=6, object_name="lamp"),
        part(0, 0, height, 0.2, 0.2, 0.14, shade, sides=ROUND, taper=0.7, object_name="lamp"),
    ]


def plant(rng):
    """A pot with leaves or palm fronds."""
    radius, height = rng.uniform(0.1, 0.22), rng.uniform(0.1, 0.2)
    pot = rng.choice([0.35, 0.7]) * np.array([1.0, rng.uniform(0.4, 1), rng.uniform(0.25, 1)])
    green = GREENS[rng.integers(len(GREENS))] * rng.uniform(0.7, 1.6)
    solids = [part(0, 0, height, radius * 0.8, radius * 0.8, height, pot, sides=ROUND, taper=1.25)]
    if rng.random() < 0.5:
        top = np.array([0, 0, 2 * height + rng.uniform(0, 0.6)])
        return [*solids, fronds(rng, top, rng.integers(6, 13), rng.uniform(0.4, 0.9), green)]
    spread = np.array([radius, radius, rng.uniform(0.15, 0.5)]) * 1.4
    middle = np.array([0, 0, 2 * height + spread[2]])
    return [*solids, leaves(rng, middle, spread, 60, rng.uniform(0.12, 0.3), green)]


def crate(rng):
    half = np.array([rng.uniform(0.1, 0.35), rng.uniform(0.1, 0.3), rng.uniform(0.05, 0.3)])
    return [part(0, 0, half[2], *half, **_look(rng))]


def toys(rng):
    """Balls, blocks and shoes left on the floor."""
    solids = []
    for _ in range(rng.integers(2, 6)):
        size, colour = rng.uniform(0.03, 0.1), tint(rng, 0.4, 0.95)
        sides, taper = (4, 1) if rng.random() < 0.6 else (ROUND, rng.uniform(0.4, 1))
        toy = part(0, 0, size, size * rng.uniform(0.6, 2), size, size, colour, sides=sides,
                   taper=taper, gloss=0.05)  # fmt: skip
        solids += placed([toy], *rng.uniform(-0.4, 0.4, 2), rng.uniform(0, 6.3))
    return solids


INDOORS = {
    chair: 0.24, table: 0.14, sofa: 0.12, shelf: 0.12, cupboard: 0.12, bed: 0.05, lamp: 0.05,
    plant: 0.08, crate: 0.05, toys: 0.03,
}  # fmt: skip
ON_TERRACES = {chair: 0.4, table: 0.15, plant: 0.3, crate: 0.1, sofa: 0.05}
NEARBY = {table: 0.45, chair: 0.3, crate: 0.1, toys: 0.1, plant: 0.05}


def draw_piece(rng, shares):
    """One piece of a table {function: share} -> its solids around the origin."""
    pieces = list(shares)
    return pieces[rng.choice(len(pieces), p=np.array(list(shares.values())))](rng)


def footprint_m(solids):
    """Greatest distance from the origin to a corner of the solids, seen from above."""
    corners = np.concatenate([solid.triangles().reshape(-1, 3) for solid in solids])
    return float(np.hypot(corners[:, 0], corners[:, 1]).max())


def stool(rng, root_positions, heading, thigh_radius_m=0.12):
    """A stool below the hips (N, 3) of a seated performance -> Box."""
    top = root_positions[:, 2].min() - thigh_radius_m
    centre = np.array([*root_positions[:, :2].mean(0), top / 2])
    half = np.array([0.2, 0.18, top / 2])
    return Box(centre, half, float(heading), warm(rng, rng.uniform(0.08, 0.5)), "stool")


def floor_area(solids):
    """Lowest and highest corner (2, 2) of the upright rectangle around solids, seen from above."""
    corners = np.concatenate([solid.triangles().reshape(-1, 3)[:, :2] for solid in solids])
    return np.array([corners.min(0), corners.max(0)])


def is_apart(area, others):
    """Whether a rectangle, its lowest and highest corner (2, 2), overlaps none of the others."""
    return all((area[0] >= high).any() or (area[1] <= low).any() for low, high in others)


def companions(rng, joints_m, furniture=(), share=0.6, most_m=0.7):
    """What stands close to a performance, joints_m (N, J, 3), without being touched and where none of
    the furniture stands -> solids."""
    on_floor = [each for each in furniture if each.triangles()[..., 2].min() < LOW_M]
    solids, taken = [], [floor_area([each]) for each in on_floor]
    for _ in range(int(rng.random() < share) + int(rng.random() < share / 2)):
        piece = draw_piece(rng, NEARBY)
        azimuth = rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(azimuth), np.sin(azimuth)])
        away = (joints_m[..., :2] @ way).max() + 0.15 + footprint_m(piece)
        middle = joints_m[..., :2].reshape(-1, 2).mean(0)
        sideways = middle - way * (middle @ way)
        piece = placed(
            piece, *(sideways + way * (away + rng.uniform(0, most_m))), azimuth - np.pi / 2
        )
        if is_apart(floor_area(piece), taken):
            solids += piece
            taken.append(floor_area(piece))
    return solids
