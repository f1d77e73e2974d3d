"""The light of a place: windows, lamps and sun with an extent, sky and scenery, light from below.

Levels are relative: an unshadowed floor in the middle of the place receives 1 in all.
"""

from dataclasses import dataclass

import numpy as np

from egosynth.places.surfaces import tint, warm

MAX_LAMPS = 4  # as many as `lighting.Lit` holds
SIDELIGHT = (0.05, 0.45)  # that surfaces turned downwards receive from walls and windows


@dataclass(frozen=True)
class Lamp:
    """A flat light: a place with w = 1 or a direction towards it with w = 0, its half axes (3,) in
    metres (or radians), the side it shines to (3,; 0 for all sides), its colour at one metre."""

    place: np.ndarray
    across: np.ndarray
    along: np.ndarray
    front: np.ndarray
    colour: np.ndarray

    def arriving(self, point=(0.0, 0.0, 0.0)):
        """What an upward surface at a point receives without colour -> float."""
        towards = self.place[:3] - self.place[3] * np.asarray(point)
        away = np.linalg.norm(towards)
        strength = 1 / (away**2 + 0.1) if self.place[3] else 1.0
        if self.front.any():
            strength *= max(-self.front @ towards / away, 0)
        return strength * towards[2] / away


@dataclass(frozen=True)
class Sky:
    """What is seen outside: radiances (3,) of zenith, horizon and two tones of the scenery, which
    rises to about `height` (sine of the elevation); clouds from 0 to 1."""

    above: np.ndarray
    low: np.ndarray
    scenery: np.ndarray
    second: np.ndarray
    height: float
    clouds: float


@dataclass(frozen=True)
class Light:
    lamps: list
    ambient_above: np.ndarray
    ambient_below: np.ndarray
    sky: Sky


def draw_light(rng, half, windows, kind, floor_colour, wild):
    """Draw the light of a room or terrace of half sizes (3,) with Windows, or of a garden -> Light."""
    tone = (lambda: tint(rng, 0.8, 0.6)) if wild else (lambda: _pale(rng))
    if kind == "garden":
        lamps = [_sun(rng)] if rng.random() < 0.65 else []
    else:
        lamps = [_window_light(window, half) for window in _largest(windows, rng.integers(1, 4))]
        count = rng.integers(0 if lamps else 1, MAX_LAMPS + 1 - len(lamps))
        lamps += [_ceiling_lamp(rng, half) for _ in range(min(count, 2))]
        if windows and rng.random() < 0.3 and len(lamps) < MAX_LAMPS:
            lamps.append(_sun(rng))
    ambient = 1.0 if not lamps else rng.uniform(0.25, 0.85)
    weights = rng.dirichlet(np.ones(len(lamps))) if lamps else []
    coloured = [
        Lamp(lamp.place, lamp.across, lamp.along, lamp.front,
             (1 - ambient) * weight * tone() / max(lamp.arriving(), 0.02))
        for lamp, weight in zip(lamps, weights, strict=True)
    ]  # fmt: skip
    return Light(
        lamps=coloured,
        ambient_above=ambient * tone(),
        ambient_below=floor_colour * rng.uniform(0.6, 1.0) + rng.uniform(*SIDELIGHT) * tone(),
        sky=_sky(rng, kind != "room"),
    )


def _pale(rng):
    """Near white, from tungsten to north sky; mean 1."""
    warmth = rng.uniform(-0.15, 0.2)
    return np.array([1 + warmth, 1.0, 1 - warmth])


def _largest(windows, count):
    return sorted(windows, key=lambda window: -window.half_width * window.half_height)[:count]


def _window_light(window, half):
    front, across = window.front, window.across
    centre = window.along * across - front * half[:2].dot(np.abs(front[:2]))
    place = np.array([*centre[:2], window.height, 1.0])
    up = np.array([0, 0, window.half_height])
    return Lamp(place, window.half_width * across, up, front, np.ones(3))


def _ceiling_lamp(rng, half):
    place = np.array([*(rng.uniform(-0.7, 0.7, 2) * half[:2]), half[2] - 0.05, 1.0])
    size = rng.choice([rng.uniform(0.03, 0.1), rng.uniform(0.15, 0.6)])
    across, along = size * np.eye(3)[0], size * rng.uniform(0.3, 1) * np.eye(3)[1]
    return Lamp(place, across, along, np.zeros(3), np.ones(3))


def _sun(rng):
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(25, 75))
    way = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
                    np.sin(elevation)])  # fmt: skip
    across = np.cross(way, [0, 0, 1.0])
    across /= np.linalg.norm(across)
    haze = rng.choice([0.006, rng.uniform(0.02, 0.25)])
    return Lamp(np.array([*way, 0.0]), haze * across, haze * np.cross(way, across), np.zeros(3),
                np.ones(3))  # fmt: skip


def _sky(rng, open_air):
    """Seen from indoors it is many times as bright as the floor."""
    level = rng.uniform(0.7, 1.8) if open_air else rng.uniform(1.5, 9.0)
    blue = rng.uniform(0, 0.5)
    scenery = rng.choice([0.15, 0.5]) * level
    green = np.array([rng.uniform(0.5, 1), 0.9, rng.uniform(0.2, 0.9)])
    return Sky(
        above=level * np.array([1 - blue, 1 - 0.4 * blue, 1 + 0.3 * blue]),
        low=level * rng.uniform(0.9, 1.5) * warm(rng, 0.9),
        scenery=scenery * green * rng.uniform(0.2, 0.8),
        second=scenery * green * rng.uniform(0.8, 2.0),
        height=rng.uniform(0.0, 0.45),
        clouds=rng.uniform(0, 1),
    )
