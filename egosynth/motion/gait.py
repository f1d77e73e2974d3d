"""Walks: footprints along a curved path, from standing to standing.

The stance takes about 60 % of a stride; the heel rises before the foot swings and strikes first.
"""

import numpy as np
from scipy.interpolate import PchipInterpolator

from egosynth.motion.footing import Steps, leg_length_m

SWING_SHARE = 0.40  # of the pelvis's way from one footprint to the next
START_S, PAUSE_S = 0.8, (0.5, 1.2)
TURN_DEGREES_PER_M = (15, 45)
# Who goes far turns more, so that the path stays in the middle of the place.
FAR_M, FAR_DEGREES_PER_M = (2.2, 3.2), (50, 60)
PUSH_DEGREES, STRIKE_DEGREES = 38, -14


def walk(rig, heads, speed_m_per_s, times_s, rng):
    """Steps of a walk, seen from a random moment: `times_s` (N,) from 0."""
    leg = leg_length_m(rig, heads)
    stride = leg * rng.uniform(1.15, 1.35) * np.clip(speed_m_per_s, 0.7, 1.3) ** 0.4
    strides = int(rng.integers(4, 9))
    length = strides * stride  # of one walk
    lasting = length / speed_m_per_s + START_S
    pause = rng.uniform(*PAUSE_S)
    clock = times_s + rng.uniform(0, lasting + pause)
    walks = int(clock[-1] // (lasting + pause)) + 1
    done, since = np.divmod(clock, lasting + pause)
    way = (done + _progress(since, lasting)) * length
    far = np.interp(way[-1] - way[0], FAR_M, (0, 1))
    least, most = (1 - far) * np.array(TURN_DEGREES_PER_M) + far * np.array(FAR_DEGREES_PER_M)
    turning = rng.uniform(least, most) * rng.choice([-1, 1])
    path = _Path(turning, rng.uniform(-180, 180), walks * length + stride)

    aside = np.array([1, -1]) * leg * rng.uniform(0.06, 0.11)
    toes_out = np.array([1, -1]) * rng.uniform(0, 10)
    height = leg * rng.uniform(0.06, 0.1)
    prints = _footprints(strides, walks, stride)
    feet = [_foot_along(prints[i], way, stride, height) for i in (0, 1)]
    heading = np.stack([path.heading(along) for along, _, _ in feet], 1)
    ankles = np.stack([path.point(along, aside[i]) for i, (along, _, _) in enumerate(feet)], 1)
    moving = np.clip(np.gradient(way, times_s) / speed_m_per_s, 0, 1) if len(way) > 1 else 1.0
    return Steps(
        ankles=ankles,
        clearance_m=np.stack([clearance for _, clearance, _ in feet], 1),
        pitch=np.stack([pitch for _, _, pitch in feet], 1),
        yaw=heading + toes_out,
        heading=path.heading(way),
        centre=path.point(way, 0.0),
        swing=-np.cos(2 * np.pi * (way / stride - 0.25)) * moving,
    )


def _progress(since_s, lasting_s):
    """Share of a walk done, with a soft start and end."""
    ramp = START_S / 2
    clock = np.clip(since_s, 0, lasting_s)
    speed = 1 / (lasting_s - ramp * 2)
    rise = np.minimum(clock, 2 * ramp)
    fall = np.maximum(clock - (lasting_s - 2 * ramp), 0)
    return speed * (rise**2 / (4 * ramp) + np.maximum(clock - 2 * ramp, 0) - fall**2 / (4 * ramp))


def _footprints(strides, walks, stride):
    """Places along the path of the left and right footprints: each walk ends with closed feet."""
    halves = np.arange(strides) + 0.5
    wholes = np.arange(1, strides + 1)
    starts = np.arange(walks)[:, None] * strides
    left = (starts + np.append(halves, strides)).ravel()
    right = (starts + wholes).ravel()
    return [np.append(0, places) * stride for places in (left, right)]


def _foot_along(prints, way, stride, height_m):
    """One foot as the pelvis goes its way (N,): place along the path, clearance, pitch."""
    start, end = prints[:-1], prints[1:]
    size = (end - start) / stride
    middle, half = (start + end) / 2, SWING_SHARE / 2 * (end - start)
    # The half steps, with which a walk begins and ends, keep clear of the other foot's swing.
    begins = np.round(2 * start / stride) % 2 == 0
    middle = middle + SWING_SHARE / 4 * stride * (1 - size) * np.where(begins, -1, 1)
    step = np.clip(np.searchsorted(middle + half, way), 0, len(middle) - 1)
    share = np.clip((way - (middle - half)[step]) / (2 * half[step]), 0, 1)
    glide = np.clip((share - 0.12) / 0.76, 0, 1)
    along = start[step] + (end - start)[step] * glide**2 * (3 - 2 * glide)
    clearance = height_m * np.sin(np.pi * share) ** 1.2
    knots = np.stack([middle - half - 0.13 * size * stride, middle - half, middle,
                      middle + half, middle + half + 0.05 * size * stride], 1)  # fmt: skip
    pitches = size[:, None] * (0, PUSH_DEGREES, 10, STRIKE_DEGREES, 0)
    ends = [knots[0, 0] - 1], [knots[-1, -1] + stride]
    pitch = PchipInterpolator(
        np.concatenate([ends[0], knots.ravel(), ends[1]]),
        np.concatenate([[0], pitches.ravel(), [0]]),
    )(way)
    return along, clearance, pitch


class _Path:
    """A circle from the origin, by its turning in degrees a metre."""

    def __init__(self, turning, heading, length_m):
        self._turning, self._start = turning, heading
        self._way = np.linspace(-1, length_m + 1, int(50 * (length_m + 2)))
        ahead = np.radians(self.heading(self._way))
        step = np.stack([np.sin(ahead), -np.cos(ahead)], 1) * (self._way[1] - self._way[0])
        self._points = np.cumsum(step, 0)

    def heading(self, way):
        return self._start + self._turning * way

    def point(self, way, left_m):
        """(N, 2), `left_m` to the left of the path."""
        on_path = np.stack([np.interp(way, self._way, self._points[:, i]) for i in (0, 1)], 1)
        ahead = np.radians(self.heading(way))
        return on_path + left_m * np.stack([np.cos(ahead), np.sin(ahead)], 1)
