"""The places: rooms, terraces and gardens with their surfaces, windows, furniture and light."""

from dataclasses import dataclass, field, replace

import numpy as np

from egosynth.places.furniture import (
    INDOORS,
    ON_TERRACES,
    draw_piece,
    floor_area,
    is_apart,
)
from egosynth.places.lights import Light, draw_light
from egosynth.places.outdoors import roof, surround
from egosynth.places.solids import PLAIN, PRINTED, part, placed
from egosynth.places.surfaces import (
    GARDEN_FLOORS,
    INDOOR_FLOORS,
    TERRACE_FLOORS,
    WALLS,
    Surface,
    draw_surface,
    pick,
    tint,
    warm,
)

FREE_M = 0.5  # half the side of the square in which a performance is centred
CLEARANCE_M = 1.9  # furniture stays this far from the middle
PLACES = {"room": 0.5, "terrace": 0.22, "garden": 0.28}
WILD_SHARE = 0.1  # of the places: patterns, colours and lamps as nowhere on earth
RUG_SHARE = 0.25
EDGES_M = {"room": 0.05, "terrace": 0.22, "garden": 0.2}  # left to pictures, posts and hedges
TRIES = 5  # to find a place for a piece, on average


@dataclass(frozen=True)
class Window:
    """An opening in a wall (0: +x, 1: -x, 2: +y, 3: -y): middle along the wall and above the floor,
    half sizes, in metres. A terrace is a room whose walls are mostly windows."""

    wall: int
    along: float
    height: float
    half_width: float
    half_height: float

    @property
    def front(self):
        """The direction into the room -> (3,)."""
        return np.array([(-1.0, 0, 0), (1.0, 0, 0), (0, -1.0, 0), (0, 1.0, 0)][self.wall])

    @property
    def across(self):
        return np.array([0, 1.0, 0]) if self.wall < 2 else np.array([1.0, 0, 0])


@dataclass(frozen=True)
class Room:
    """Floor at z = 0, walls at x = +-half[0] and y = +-half[1], ceiling at half[2] metres; a garden
    has neither. Beyond half lies other ground."""

    kind: str
    wild: bool
    half: np.ndarray
    floor: Surface
    ground: Surface
    wall: Surface
    ceiling: np.ndarray  # (3,) linear RGB
    windows: list
    window_bars_m: float
    rug: np.ndarray  # (4,) middle and half sizes; no rug when these are 0
    rug_surface: Surface
    light: Light
    boxes: list = field(default_factory=list)  # all that stands in it: Box and Leaves

    def describe(self):
        """-> dict for the metadata."""
        return {
            "kind": self.kind,
            "wild": bool(self.wild),
            "half_size_m": self.half.round(4).tolist(),
            "floor": self.floor.name,
            "wall": None if self.kind == "garden" else self.wall.name,
            "rug": bool(self.rug[2] > 0),
            "windows": len(self.windows),
            "solids": len(self.boxes),
            "lamps": [
                {"place": lamp.place.round(4).tolist(), "colour": lamp.colour.round(4).tolist()}
                for lamp in self.light.lamps
            ],
            "ambient_above": self.light.ambient_above.round(4).tolist(),
            "ambient_below": self.light.ambient_below.round(4).tolist(),
        }


def furnish(rng):
    """Draw a place -> Room."""
    kind = pick(rng, PLACES)
    wild = rng.random() < WILD_SHARE
    half = np.array([rng.uniform(2.6, 4.8), rng.uniform(2.6, 4.8), rng.uniform(2.4, 3.4)])
    floors = {"room": INDOOR_FLOORS, "terrace": TERRACE_FLOORS, "garden": GARDEN_FLOORS}[kind]
    floor = draw_surface(rng, "wild" if wild else pick(rng, floors))
    wall = replace(draw_surface(rng, "wild" if wild else pick(rng, WALLS)), yaw=0)
    windows = {"room": _windows, "terrace": _openings, "garden": lambda *_: []}[kind](rng, half)
    rug = np.zeros(4)
    if rng.random() < (RUG_SHARE if kind == "room" else 0):
        rug = np.array([*rng.uniform(-1, 1, 2), *rng.uniform(0.4, 1.6, 2)])
    return Room(
        kind=kind,
        wild=wild,
        half=half,
        floor=floor,
        ground=draw_surface(rng, pick(rng, GARDEN_FLOORS)),
        wall=wall,
        ceiling=warm(rng, rng.uniform(0.4, 0.85)),
        windows=windows,
        window_bars_m=rng.choice([0, 0.03]) if kind == "room" else 0.0,
        rug=rug,
        rug_surface=draw_surface(rng, str(rng.choice(["carpet", "carpet", "carpet", "wild"]))),
        light=draw_light(rng, half, windows, kind, floor.colour, wild),
        boxes=_stand(rng, kind, half, windows),
    )


def _windows(rng, half):
    """None to five windows and glass doors; none lies across a corner."""
    windows = []
    for wall in range(4):
        if rng.random() < 0.45:
            space = half[1] if wall < 2 else half[0]
            wide = rng.uniform(0.4, min(1.6, space - 0.2))
            top = rng.uniform(1.9, half[2] - 0.15)
            sill = rng.choice([0.0, rng.uniform(0.4, 1.1)])
            along = rng.uniform(-1, 1) * (space - wide - 0.1)
            windows.append(Window(wall, along, (top + sill) / 2, wide, (top - sill) / 2))
    return windows


def _openings(rng, half):
    """The open sides of a terrace: nearly whole walls, above a parapet or down to the floor."""
    sides = rng.permutation(4)[: rng.integers(2, 5)]
    parapet = rng.choice([0.02, rng.uniform(0.15, 0.9)])
    top = half[2] - rng.uniform(0.05, 0.4)
    return [
        Window(int(wall), 0.0, (top + parapet) / 2, half[1 if wall < 2 else 0] - 0.15,
               (top - parapet) / 2)
        for wall in sides
    ]  # fmt: skip


def _stand(rng, kind, half, windows):
    """Furniture along the edges, each piece on floor of its own; what hangs, and what is around."""
    pieces = INDOORS if kind == "room" else ON_TERRACES
    wanted = rng.integers(3, 11) if kind == "room" else rng.integers(0, 7)
    solids, taken = [], []
    for _ in range(TRIES * wanted):
        if len(taken) == wanted:
            break
        piece, area = _at_an_edge(rng, draw_piece(rng, pieces), half[:2] - EDGES_M[kind])
        free = np.linalg.norm(np.maximum(np.maximum(area[0], -area[1]), 0)) >= CLEARANCE_M
        if free and is_apart(area, taken):
            solids += piece
            taken.append(area)
    if kind == "room":
        solids += _on_walls(rng, half, windows)
    if kind == "terrace" and rng.random() < 0.7:
        solids += roof(rng, half, half[2])
    if kind != "room":
        solids += surround(rng, half if kind == "garden" else half + 0.3)
    return solids


def _at_an_edge(rng, piece, half):
    """Put a piece with its back to one of the edges of a rectangle of half sizes (2,) metres, inside
    -> its solids, the corners (2, 2) of the upright rectangle around it."""
    axis, sign = rng.integers(2), rng.choice([-1, 1])
    yaw = (0 if axis else -np.pi / 2) + (0 if sign > 0 else np.pi)
    piece = placed(piece, 0, 0, yaw + rng.choice([0.05, 0.8]) * rng.normal())
    area = floor_area(piece)
    least, most = -half - area[0], half - area[1]
    at = rng.uniform(least, most)
    gap = rng.choice([0, rng.uniform(0, 1)])
    at[axis] = most[axis] - gap if sign > 0 else least[axis] + gap
    return placed(piece, *at, 0), area + at


def _on_walls(rng, half, windows):
    """Pictures and doors, flat on the walls beside the windows and each other."""
    solids, taken = [], [[] for _ in range(4)]
    for window in windows:
        middle, size = (window.along, window.height), (window.half_width, window.half_height)
        taken[window.wall].append(np.add(middle, np.multiply.outer([-1, 1], size)))
    for _ in range(rng.integers(0, 6)):
        wall = rng.integers(4)
        axis, sign = wall // 2, 1 - 2 * (wall % 2)
        x, z, height = rng.uniform(0.15, 0.6), rng.uniform(0.15, 0.5), rng.uniform(1.3, 1.7)
        if rng.random() < 0.3:
            x, z, height = 0.42, 1.0, 1.0
        look = dict(colour=tint(rng, rng.choice([0.05, 0.4]), 0.5), second=tint(rng, 0.4, 0.6),
                    style=int(rng.choice([PLAIN, PRINTED])))  # fmt: skip
        along = rng.uniform(-1, 1) * (half[1 - axis] - x)
        area = np.array([[along - x, height - z], [along + x, height + z]])
        if is_apart(area, taken[wall]):
            at = np.full(2, along)
            at[axis] = sign * (half[axis] - 0.02)
            flat = part(0, 0, height, x, 0.02, z, **look)
            solids += placed([flat], *at, 0 if axis else np.pi / 2)
            taken[wall].append(area)
    return solids
