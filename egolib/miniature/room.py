"""The rooms: a box with textured floor and walls, furniture along the walls, one or two lights."""

from dataclasses import dataclass, field

import numpy as np

FLOORS = ("tiles", "planks", "carpet", "concrete")
WALLS = ("plain", "bricks", "panels")
FREE_M = 0.5  # half the side of the square in which a performance is centred
CLEARANCE_M = 1.9  # furniture stays this far from the middle


@dataclass(frozen=True)
class Box:
    """A cuboid turned about the vertical: centre (3,), half sizes (3,), metres; linear RGB."""

    centre: np.ndarray
    half: np.ndarray
    yaw: float
    colour: np.ndarray
    object_name: str = "furniture"


@dataclass(frozen=True)
class Room:
    """Floor at z = 0, walls at x = +-half[0] and y = +-half[1], ceiling at half[2] metres.

    lights: (L, 4), a position with w = 1 or a direction towards the light with w = 0;
    light_colours: (L, 3), for a position at one metre.
    """

    half: np.ndarray
    floor: str
    floor_colours: np.ndarray  # (2, 3) linear RGB: surface, joints or second tone
    floor_size_m: float
    floor_yaw: float
    floor_gloss: float
    wall: str
    wall_colours: np.ndarray  # (2, 3)
    boxes: list = field(default_factory=list)
    lights: np.ndarray = None
    light_colours: np.ndarray = None
    ambient: np.ndarray = None  # (2, 3) from above, from below


def _tint(rng, lightness, strength):
    hue = rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2])
    return np.clip(lightness * (1 + strength * np.cos(hue)), 0.01, 0.9)


def _warm(rng, lightness):
    warmth = rng.uniform(0, 0.35)
    return np.clip(lightness * np.array([1 + warmth / 2, 1.0, 1 - warmth]), 0.01, 0.9)


def furnish(rng):
    """Draw a room -> Room."""
    half = np.array([rng.uniform(2.8, 4.5), rng.uniform(2.8, 4.5), rng.uniform(2.5, 3.4)])
    floor = str(rng.choice(FLOORS, p=[0.45, 0.25, 0.15, 0.15]))
    tone = _warm(rng, rng.choice([0.15, 0.35, 0.55, 0.7]))
    second = tone * (rng.uniform(0.35, 0.65) if floor == "tiles" else rng.uniform(0.6, 0.85))
    paint = _tint(rng, rng.choice([0.25, 0.5, 0.75]), 0.25)
    lights, colours = _lights(rng, half)
    level = rng.uniform(0.3, 0.55)
    return Room(
        half=half,
        floor=floor,
        floor_colours=np.stack([tone, second]),
        floor_size_m={"tiles": rng.uniform(0.3, 0.7), "planks": rng.uniform(0.1, 0.2)}.get(
            floor, 1
        ),
        floor_yaw=rng.uniform(0, np.pi / 2),
        floor_gloss=rng.uniform(0.1, 0.6) if floor in ("tiles", "planks") else 0.0,
        wall=str(rng.choice(WALLS)),
        wall_colours=np.stack([paint, paint * rng.uniform(0.5, 0.8)]),
        boxes=[_furniture(rng, half) for _ in range(rng.integers(4, 9))],
        lights=lights,
        light_colours=colours,
        ambient=np.stack([_warm(rng, level), tone * level * 0.9]),
    )


def _lights(rng, half):
    """A lamp below the ceiling, a window's slanting light, or both."""
    kind = rng.choice(3)
    lights, colours = [], []
    if kind != 1:
        place = rng.uniform(-0.6, 0.6, 2) * half[:2]
        lights.append([*place, half[2] - 0.15, 1.0])
        colours.append(_warm(rng, 0.9) * rng.uniform(4.0, 8.0))
    if kind != 0:
        azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(35, 70))
        slant = np.cos(elevation)
        lights.append([slant * np.cos(azimuth), slant * np.sin(azimuth), np.sin(elevation), 0.0])
        colours.append(_warm(rng, 0.9) * rng.uniform(0.8, 1.6))
    return np.array(lights), np.array(colours)


def _furniture(rng, half):
    size = np.array([rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.5), rng.uniform(0.2, 1.0)])
    wall = rng.integers(4)
    axis, sign = wall % 2, 1 if wall < 2 else -1
    centre = np.array([*rng.uniform(-0.85, 0.85, 2) * half[:2], size[2]])
    centre[axis] = sign * max(half[axis] - size[:2].max() - 0.02, CLEARANCE_M)
    yaw = rng.choice([0, np.pi / 2]) + rng.normal() * 0.08
    return Box(centre, size, float(yaw), _tint(rng, rng.choice([0.08, 0.25, 0.6]), 0.5))


def stool(rng, root_positions, heading, thigh_radius_m=0.12):
    """A stool below the hips (N, 3) of a seated performance -> Box."""
    top = root_positions[:, 2].min() - thigh_radius_m
    centre = np.array([*root_positions[:, :2].mean(0), top / 2])
    half = np.array([0.2, 0.18, top / 2])
    return Box(centre, half, float(heading), _warm(rng, rng.uniform(0.08, 0.5)), "stool")
