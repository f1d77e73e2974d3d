"""The places: rooms, terraces and gardens with their surfaces, windows, furniture and light."""

from dataclasses import dataclass, field, replace

import numpy as np

from egolib.miniature.places.furniture import (
    INDOORS,
    ON_TERRACES,
    companions,
    draw_piece,
    footprint_m,
    stool,
)
from egolib.miniature.places.lights import Light, draw_light
from egolib.miniature.places.outdoors import roof, surround
from egolib.miniature.places.solids import PLAIN, PRINTED, part, placed
from egolib.miniature.places.surfaces import (
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

__all__ = [
    "CLEARANCE_M",
    "FREE_M",
    "WILD_SHARE",
    "Room",
    "Window",
    "companions",
    "furnish",
    "stool",
]

FREE_M = 0.5  # half the side of the square in which a performance is centred
CLEARANCE_M = 1.9  # furniture stays this far from the middle
PLACES = {"room": 0.5, "terrace": 0.22, "garden": 0.28}
WILD_SHARE = 0.1  # of the places: patterns, colours and lamps as nowhere on earth
RUG_SHARE = 0.25


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
    has neither, and beyond half other ground."""

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
        ground=draw_surface(rng, pick(rng, GARDEN_FLOORS)) if kind == "garden" else floor,
        wall=wall,
        ceiling=warm(rng, rng.uniform(0.4, 0.85)),
        windows=windows,
        window_bars_m=rng.choice([0, 0.03]) if kind == "room" else 0.0,
        rug=rug,
        rug_surface=draw_surface(rng, str(rng.choice(["carpet", "carpet", "carpet", "wild"]))),
        light=draw_light(rng, half, windows, kind == "garden", floor.colour, wild),
        boxes=_stand(rng, kind, half),
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


def _stand(rng, kind, half):
    """Furniture along the edges, at least CLEARANCE_M from the middle."""
    pieces = INDOORS if kind == "room" else ON_TERRACES
    solids = []
    for _ in range(rng.integers(3, 11) if kind == "room" else rng.integers(0, 7)):
        piece = draw_piece(rng, pieces)
        size = footprint_m(piece)
        wall = rng.integers(4)
        way = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)][wall])
        room_left = half[wall // 2] - 0.7 * size
        away = max(room_left - rng.choice([0, rng.uniform(0, 1)]), CLEARANCE_M + size)
        if away > half[wall // 2] - 0.3 * size:
            continue
        across = rng.uniform(-0.85, 0.85) * half[1 - wall // 2] * np.abs(way[::-1])
        yaw = np.arctan2(way[1], way[0]) - np.pi / 2 + rng.choice([0.05, 0.8]) * rng.normal()
        solids += placed(piece, *(away * way + across), yaw)
    if kind == "room":
        solids += _on_walls(rng, half)
    if kind == "terrace" and rng.random() < 0.7:
        solids += roof(rng, half, half[2])
    if kind != "room":
        solids += surround(rng, half if kind == "garden" else half + 0.3)
    return solids


def _on_walls(rng, half):
    """Pictures and doors, flat on the walls, and lamps below the ceiling."""
    solids = []
    for _ in range(rng.integers(0, 6)):
        axis, sign = rng.integers(2), rng.choice([-1, 1])
        x, z, height = rng.uniform(0.15, 0.6), rng.uniform(0.15, 0.5), rng.uniform(1.3, 1.7)
        if rng.random() < 0.3:
            x, z, height = 0.42, 1.0, 1.0
        look = dict(colour=tint(rng, rng.choice([0.05, 0.4]), 0.5), second=tint(rng, 0.4, 0.6),
                    style=int(rng.choice([PLAIN, PRINTED])))  # fmt: skip
        flat = part(0, 0, height, x, 0.02, z, **look)
        across = rng.uniform(-1, 1) * (half[1 - axis] - x)
        at = np.array([across, across])
        at[axis] = sign * (half[axis] - 0.02)
        solids += placed([flat], *at, 0 if axis else np.pi / 2)
    return solids
