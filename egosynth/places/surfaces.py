"""Floors, walls and rugs: tables from which the parameters of their textures are drawn."""

from dataclasses import dataclass

import numpy as np

FLAT, GRID, STONES, GRASS, WILD = range(5)  # how `materials.surface_paint` paints


@dataclass(frozen=True)
class Surface:
    """A textured plane. Colours are linear RGB (3,); amounts are shares from 0 to 1."""

    name: str
    style: int
    colour: np.ndarray
    second: np.ndarray
    joint: np.ndarray
    size_m: tuple = (1.0, 1.0)
    stagger: float = 0.0  # by which every row is shifted, in cells
    joint_m: float = 0.0
    variation: float = 0.0  # of tone from cell to cell
    checker: float = 0.0
    grain: float = 0.0
    mottle: float = 0.0
    speckle: float = 0.0
    yaw: float = 0.0
    gloss: float = 0.0  # share mirrored straight on; more at grazing angles
    roughness: float = 1.0
    seed: int = 0


def tint(rng, lightness, strength):
    """A colour of any hue -> linear RGB (3,)."""
    hue = rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2])
    return np.clip(lightness * (1 + strength * np.cos(hue)), 0.01, 0.9)


def warm(rng, lightness):
    """White to beige to brown, as stone, wood and lamps are -> linear RGB (3,)."""
    warmth = rng.uniform(-0.05, 0.5)
    return np.clip(lightness * np.array([1 + warmth / 2, 1.0, 1 - warmth]), 0.01, 0.9)


def _lightness(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _tiles(rng):
    side = rng.uniform(0.1, 0.8)
    tone = warm(rng, _lightness(rng, 0.08, 0.75)) if rng.random() < 0.8 else tint(rng, 0.4, 0.4)
    checkered = rng.random() < 0.2
    return dict(
        style=GRID, colour=tone, second=tone * rng.uniform(0.1, 0.9), joint=tone * _joint(rng),
        size_m=(side, side * rng.choice([1, 1, 0.5, 2])), stagger=rng.choice([0, 0, 0, 0.5]),
        joint_m=rng.uniform(0.003, 0.012), variation=rng.uniform(0, 0.15),
        checker=float(checkered), mottle=rng.uniform(0, 0.25),
        grain=0 if checkered else rng.uniform(0, 0.4), speckle=rng.uniform(0, 0.2),
        gloss=rng.uniform(0.02, 0.2), roughness=rng.uniform(0.06, 0.45),
    )  # fmt: skip


def _planks(rng):
    wood = np.array([1.0, rng.uniform(0.55, 0.8), rng.uniform(0.25, 0.6)])
    tone = _lightness(rng, 0.08, 0.6) * wood
    return dict(
        style=GRID, colour=tone, second=tone * rng.uniform(0.35, 0.75), joint=tone * 0.2,
        size_m=(rng.uniform(0.5, 2.2), rng.uniform(0.05, 0.22)), stagger=rng.uniform(0.3, 0.7),
        joint_m=rng.uniform(0.001, 0.006), variation=rng.uniform(0.05, 0.35),
        grain=rng.uniform(0.5, 1), speckle=rng.uniform(0, 0.2),
        gloss=rng.uniform(0.0, 0.08), roughness=rng.uniform(0.15, 0.7),
    )  # fmt: skip


def _carpet(rng):
    tone = tint(rng, _lightness(rng, 0.03, 0.6), rng.uniform(0.05, 0.6))
    return dict(
        style=FLAT, colour=tone, second=tone * rng.uniform(0.4, 0.9), joint=tone,
        mottle=rng.uniform(0, 0.6), speckle=rng.uniform(0.5, 1.5),
    )  # fmt: skip


def _concrete(rng):
    tone = warm(rng, _lightness(rng, 0.08, 0.6))
    return dict(
        style=GRID, colour=tone, second=tone * 0.7, joint=tone * 0.4,
        size_m=(rng.uniform(1.5, 6), rng.uniform(1.5, 6)), joint_m=rng.choice([0, 0.008]),
        mottle=rng.uniform(0.1, 0.6), speckle=rng.uniform(0.1, 0.6),
        gloss=rng.choice([0, rng.uniform(0.02, 0.06)]), roughness=rng.uniform(0.2, 0.6),
    )  # fmt: skip


def _stone(rng):
    tone = warm(rng, _lightness(rng, 0.1, 0.5))
    return dict(
        style=STONES, colour=tone, second=tone * rng.uniform(0.35, 0.8), joint=tone * _joint(rng),
        size_m=(rng.uniform(1.0, 4.0),) * 2, joint_m=rng.uniform(0.008, 0.03),
        mottle=rng.uniform(0.1, 0.5), speckle=rng.uniform(0.1, 0.5),
        gloss=rng.choice([0, 0.04]), roughness=rng.uniform(0.3, 0.6),
    )  # fmt: skip


def _grass(rng):
    tone = np.array([rng.uniform(0.5, 1.2), 1.0, rng.uniform(0.1, 0.4)]) * _lightness(rng, 0.1, 0.3)
    earth = np.array([0.22, 0.15, 0.08]) * rng.uniform(0.6, 1.5)
    return dict(
        style=GRASS, colour=tone, second=tone * rng.uniform(0.2, 0.5), joint=earth,
        speckle=rng.uniform(0.3, 0.9),
    )  # fmt: skip


def _bricks(rng):
    tone = np.array([1.0, rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.7)]) * rng.uniform(0.2, 0.6)
    return dict(
        style=GRID, colour=tone, second=tone * 0.6, joint=warm(rng, rng.uniform(0.2, 0.6)),
        size_m=(0.22, 0.075), stagger=0.5, joint_m=0.012, variation=rng.uniform(0.05, 0.3),
        mottle=0.2,
    )  # fmt: skip


def _paint(rng):
    tone = warm(rng, rng.uniform(0.3, 0.85)) if rng.random() < 0.6 else tint(rng, 0.45, 0.5)
    return dict(
        style=FLAT, colour=tone, second=tone * rng.uniform(0.75, 1), joint=tone,
        mottle=rng.uniform(0, 0.5), speckle=rng.uniform(0, 0.2),
    )  # fmt: skip


def _panels(rng):
    tone = warm(rng, rng.uniform(0.1, 0.7))
    return dict(
        style=GRID, colour=tone, second=tone * 0.6, joint=tone * rng.uniform(0.3, 0.8),
        size_m=(rng.uniform(0.1, 1.2), rng.uniform(0.4, 3)), joint_m=rng.uniform(0.005, 0.03),
        grain=rng.uniform(0, 1), variation=rng.uniform(0, 0.1),
    )  # fmt: skip


def _wild(rng):
    colours = [tint(rng, _lightness(rng, 0.05, 0.7), rng.uniform(0.2, 0.9)) for _ in range(3)]
    return dict(
        style=WILD, colour=colours[0], second=colours[1], joint=colours[2],
        size_m=tuple(rng.uniform(0.1, 1.5, 2)), stagger=rng.uniform(0, 1),
        checker=rng.uniform(0, 1.5), gloss=rng.choice([0, 0.08]), roughness=rng.uniform(0.1, 0.7),
    )  # fmt: skip


def _joint(rng):
    """How much darker, or lighter, joints are than what they join."""
    return rng.uniform(0.3, 0.75) if rng.random() < 0.8 else rng.uniform(1.1, 1.4)


RECIPES = {
    "tiles": _tiles, "planks": _planks, "carpet": _carpet, "concrete": _concrete, "stone": _stone,
    "grass": _grass, "bricks": _bricks, "paint": _paint, "panels": _panels, "wild": _wild,
}  # fmt: skip
INDOOR_FLOORS = {"tiles": 0.4, "planks": 0.28, "carpet": 0.17, "concrete": 0.1, "stone": 0.05}
TERRACE_FLOORS = {"tiles": 0.5, "stone": 0.2, "planks": 0.15, "concrete": 0.15}
GARDEN_FLOORS = {"grass": 0.35, "tiles": 0.25, "stone": 0.2, "concrete": 0.2}
WALLS = {"paint": 0.5, "bricks": 0.2, "panels": 0.2, "tiles": 0.1}


def pick(rng, shares):
    """One name of a table {name: share}."""
    return str(rng.choice(list(shares), p=np.array(list(shares.values()))))


def draw_surface(rng, name):
    """Draw a surface of a kind of RECIPES -> Surface; floors lie in any direction."""
    yaw = 0 if name in ("bricks", "paint", "panels") else rng.uniform(0, np.pi)
    return Surface(name=name, yaw=yaw, seed=int(rng.integers(1 << 20)), **RECIPES[name](rng))
