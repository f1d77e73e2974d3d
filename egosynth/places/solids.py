"""What stands in a place, and its triangles: prisms (boxes, cylinders, cones) and leaves."""

from dataclasses import dataclass, replace

import numpy as np

PLAIN, WOOD, WOVEN, LEAFY, PRINTED = range(5)  # how `materials.solid_paint` paints
ROUND = 10  # sides of what is round


@dataclass(frozen=True)
class Box:
    """An upright prism turned about the vertical: centre (3,), half sizes (3,), metres; linear RGB.

    4 sides make a cuboid, more a cylinder; `taper` is the width of its top over that of its base.
    """

    centre: np.ndarray
    half: np.ndarray
    yaw: float
    colour: np.ndarray
    object_name: str = "furniture"
    second: np.ndarray = None
    style: int = PLAIN
    gloss: float = 0.0
    sides: int = 4
    taper: float = 1.0

    def triangles(self):
        """-> (T, 3, 3) metres, facing outwards."""
        angles = 2 * np.pi * (np.arange(self.sides) + 0.5) / self.sides
        ring = np.stack([np.cos(angles), np.sin(angles)], -1) / np.cos(np.pi / self.sides)
        low, high = np.ones((2, self.sides, 3))
        low[:, :2], low[:, 2] = ring, -1
        high[:, :2] = ring * self.taper
        a, b = low, np.roll(low, -1, 0)
        c, d = high, np.roll(high, -1, 0)
        caps = np.array([[0, 0, -1.0], [0, 0, 1.0]])
        base, top = (np.broadcast_to(cap, a.shape) for cap in caps)
        faces = np.concatenate(
            [np.stack(corners, 1) for corners in ((a, b, d), (a, d, c), (base, b, a), (top, c, d))]
        )
        return _turned(faces * self.half, self.yaw) + self.centre


@dataclass(frozen=True)
class Leaves:
    """A bunch of leaves: corners (T, 3, 3) metres; linear RGB."""

    corners: np.ndarray
    colour: np.ndarray
    second: np.ndarray
    object_name: str = "plant"
    style: int = PRINTED
    gloss: float = 0.0

    def triangles(self):
        return self.corners


def _turned(points, yaw):
    cos, sin = np.cos(yaw), np.sin(yaw)
    return points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])


def part(x, y, z, half_x, half_y, half_z, colour, **look):
    """A Box of a piece of furniture from its middle and half sizes, before the piece is placed."""
    return Box(np.array([x, y, z]), np.array([half_x, half_y, half_z]), 0.0, colour, **look)


def placed(solids, x, y, yaw):
    """Pieces built around the origin -> the same turned by yaw and moved to (x, y)."""
    shift = np.array([x, y, 0.0])
    return [
        replace(solid, corners=_turned(solid.corners, yaw) + shift)
        if isinstance(solid, Leaves)
        else replace(solid, centre=_turned(solid.centre, yaw) + shift, yaw=float(solid.yaw + yaw))
        for solid in solids
    ]


def leaves(rng, centre, spread, count, length_m, colour, droop=0.3):
    """Leaves of two triangles each that point away from a centre (3,), within spread (3,)."""
    ways = rng.standard_normal((count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    roots = np.asarray(centre) + ways * np.asarray(spread) * rng.uniform(0.3, 1, (count, 1))
    ways[:, 2] -= droop * rng.random(count)
    tips = roots + length_m * rng.uniform(0.6, 1.2, (count, 1)) * ways
    side = np.cross(ways, rng.standard_normal((count, 3)))
    side *= 0.2 * length_m / np.linalg.norm(side, axis=1, keepdims=True)
    middle = (roots + tips) / 2
    corners = np.concatenate(
        [np.stack([roots, middle + side, tips], 1), np.stack([roots, tips, middle - side], 1)]
    )
    corners[..., 2] = np.maximum(corners[..., 2], 0.01)
    return Leaves(corners, colour, colour * rng.uniform(0.25, 0.6))


def fronds(rng, top, count, length_m, colour, leaflets=14):
    """Palm-like fronds that arch out of a point (3,)."""
    azimuth = 2 * np.pi * (np.arange(count) + rng.random(count)) / count
    out = np.stack([np.cos(azimuth), np.sin(azimuth)], -1)
    along = (np.arange(leaflets) + 1) / leaflets
    rise, fall = rng.uniform(0.3, 0.9, (count, 1)), rng.uniform(0.5, 1.2, (count, 1))
    height = length_m * (rise * along - fall * along**2)
    spine = np.concatenate([length_m * along[:, None] * out[:, None], height[..., None]], -1)
    spine = spine + np.asarray(top)
    side = np.stack([-out[:, 1], out[:, 0], np.full(count, -0.4)], -1)[:, None]
    reach = 0.35 * length_m * (np.sin(np.pi * along) ** 0.6)[None, :, None]
    back = np.roll(spine, 1, 1)
    back[:, 0] = top
    halves = [
        np.stack([back, spine, spine + sign * reach * side * np.array([1, 1, sign])], 2)
        for sign in (1, -1)
    ]
    corners = np.concatenate(halves).reshape(-1, 3, 3)
    corners[..., 2] = np.maximum(corners[..., 2], 0.01)
    return Leaves(corners, colour, colour * rng.uniform(0.3, 0.7))
