"""Clips -> performances: joint rotations and root paths, no two alike.

A performance is a window of a longer play: key poses, a moment at ease, key poses again. Keys
become channels (angles, and unit directions of the arms), interpolated monotonically and varied by
person, key, amplitude, speed and side; then the feet stand (footing, gait), the eyes look (gaze)
and the arms leave the body (contacts), within the ranges of the joints (limits).
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from egosynth.motion.articulate import (
    CHANNELS,
    FINGERS,
    HEAD,
    HIPS,
    JOINED,
    PELVIC_SHARE,
    PELVIS,
    SPINE,
    WRISTS,
    curl_fingers,
    euler,
    pose_arms,
    pose_hands,
    turn_head,
    turn_trunk,
)
from egosynth.motion.clips import CLIPS, HANDS, SITTING, STANDING
from egosynth.motion.contacts import (
    arm_directions,
    body_tubes,
    cleared_arms,
    hands_meet,
    joined_arms,
)
from egosynth.motion.footing import on_the_spot, stand
from egosynth.motion.gait import walk
from egosynth.motion.gaze import head_angles
from egosynth.motion.limits import unit
from egosynth.people.body import pose_skeleton, stable_rng

# Spread of posture, of one key against the next, and of a slow sway; degrees, legs.
OF_POSTURE = np.array([4, 4, 2, 3, 3, 2, 2, 0.01, 0.01, 0.004, *[15, 8, 4] * 2, *[8, 8, 6] * 2, 0])
OF_KEY = np.array([3, 6, 3, 3, 4, 2, 2, 0.01, 0.015, 0.004, *[10, 8, 4] * 2, *[8, 8, 5] * 2, 0])
OF_SWAY = np.array([1.5, 2, 1, 1, 1, 1, 1, 0.006, 0.01, 0, *[6, 5, 3] * 2, *[5, 6, 4] * 2, 0])
ARM_OF_POSTURE, ARM_OF_KEY, ARM_OF_SWAY = 0.12, 0.09, 0.03  # of a unit direction
POSTURE_OF_PERSON, POSTURE_OF_TAKE = 0.7, 0.7  # shares of the spread; squares add up to 1
PLAY_S = (4.5, 9.0)  # of key poses between two moments at ease
EASE_S, ENTRY_S = (0.2, 0.6), 0.45  # how long at ease, and how long into and out of it at least
SHORTEST_STEP_S = 0.18  # between two keys
HANDS_M_PER_S, ARM_M = 4.5, np.array([0.27, 0.4])  # at most between two keys; upper and fore arm
AROUND = np.array([0.6, -0.75, -0.28])  # left, back, up: where arms pass that turn about
MAX_HURRY = 1.5  # how much faster a clip may run when a sequence is shorter than half of it
ARM_SWING_DEGREES = 26
JOININGS = 2  # rounds in which the hands meet
CLEARING_S = (0.07, 0.05)  # over which the arms leave the body, a round each
SMOOTH_S = 0.04  # over which arms turn about their own axis


@dataclass(frozen=True)
class Performance:
    """N frames of one clip: local rotations (N, J, 3, 3), hips (N, 3) in metres, floor at 0.

    `seated`: on a stool; `source`: "keys", or the name of the file of captured motion.
    """

    rotations: np.ndarray
    root_positions: np.ndarray
    mirrored: bool
    speed: float
    amplitude: float
    phase: float
    seated: bool = False
    source: str = "keys"


def direction(azimuth_degrees, elevation_degrees, side):
    """Unit vector in the torso's frame (x left, y back, z up); outward is +x on the left."""
    azimuth, elevation = np.radians(azimuth_degrees), np.radians(elevation_degrees)
    outward = np.sin(azimuth) * (1 if side == 0 else -1)
    return np.array(
        [
            outward * np.cos(elevation),
            -np.cos(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )


def _channels(key):
    """Key -> scalars (CHANNELS,), arms (2 sides, upper and fore, 3), feet (2, 4)."""
    scalars = np.zeros(CHANNELS)
    scalars[SPINE], scalars[HEAD], scalars[HIPS] = key.spine, key.head, key.hips
    scalars[PELVIS], scalars[JOINED] = key.pelvis, key.joined
    hands = (key.hands.split() * 2)[:2]
    arms = np.empty((2, 2, 3))
    for side, arm in enumerate((key.left, key.right)):
        arms[side] = direction(*arm[:2], side), direction(*arm[2:4], side)
        scalars[WRISTS[side]] = (*arm[4:], *(25, 5, 0)[len(arm) - 4 :])
        scalars[FINGERS[side]] = HANDS[hands[side]]
    return scalars, arms, np.array([key.left_foot, key.right_foot], float)


def _mirrored(scalars, arms, feet):
    """Swap left and right of channel tables (K, CHANNELS), (K, 2, 2, 3) and (K, 2, 4)."""
    swapped = scalars.copy()
    swapped[:, [1, 2, 4, 5, 8]] *= -1
    for left, right in (WRISTS, FINGERS):
        swapped[:, left], swapped[:, right] = scalars[:, right], scalars[:, left]
    return swapped, arms[:, ::-1] * (-1, 1, 1), feet[:, ::-1]


def _play(clip, seconds, speed, rng):
    """Times of key poses (K,) from before 0 to after `seconds`, which keys (-1: at ease), and how
    much of the first play had gone by at 0."""
    count = len(clip.keys)
    step_s = max(clip.period_s / count / speed, SHORTEST_STEP_S)
    turns = 1 if clip.shuffled else max(1, round(rng.uniform(*PLAY_S) / (count * step_s)))
    cast = [rng.permutation(count) if clip.shuffled else np.arange(count) for _ in range(turns)]
    keys = np.append(np.concatenate(cast), [-1, -1])
    steps = step_s * rng.uniform(0.85, 1.2, len(keys))
    steps[[-3, -1]] = np.maximum(steps[[-3, -1]], ENTRY_S)  # into and out of ease
    steps[-2] = rng.uniform(*EASE_S)
    phase = float(rng.random())
    plays = int(np.ceil(seconds / steps.sum())) + 3
    times_s = np.append(0, np.cumsum(np.tile(steps, plays)))[:-1] - (1 + phase) * steps.sum()
    return times_s, np.tile(keys, plays), phase


def _sway(times_s, shape, rng):
    """Slow noise of about unit size, (N, *shape): three sines with random rate and phase."""
    rates = rng.uniform(0.08, 0.45, (3, *shape))
    phases = rng.uniform(0, 2 * np.pi, (3, *shape))
    angle = 2 * np.pi * np.multiply.outer(times_s, rates) + phases
    return np.sin(angle).sum(1) / 1.5


def _varied(scalars, arms, which, amplitude, name, rng):
    """Key tables in the order of `which`, with amplitude about their mean, spread by key, and a
    posture: in part the one that the person of that name has in all performances."""
    own = stable_rng("posture", name)

    def spread(of_posture, of_key, *shape):
        by_key = of_key * rng.normal(size=(len(which), *shape))
        person, take = own.normal(size=shape), rng.normal(size=shape)
        return of_posture * (POSTURE_OF_PERSON * person + POSTURE_OF_TAKE * take) + by_key

    ways = scalars.mean(0) + amplitude * (scalars - scalars.mean(0))
    ways[:, PELVIS], ways[:, JOINED] = scalars[:, PELVIS], scalars[:, JOINED]
    ways = ways[which] + spread(OF_POSTURE, OF_KEY, CHANNELS)
    arms = arms.mean(0) + amplitude * (arms - arms.mean(0))
    return ways, arms[which] + spread(ARM_OF_POSTURE, ARM_OF_KEY, 2, 2, 3)


def _with_middles(arms):
    """Unit directions (K, 2, 2, 3) -> (2 K - 1, 2, 2, 3) with one between every two keys, on the arc.

    Between opposite directions the arc is open: it leads outward and forward, past the torso.
    """
    start, end = arms[:-1], arms[1:]
    past = AROUND * np.array([[[1, 1, 1]], [[-1, 1, 1]]])
    across = unit(end - start)
    past = past - (past * across).sum(-1, keepdims=True) * across
    middles = unit(start + end + past * np.maximum(-(start * end).sum(-1, keepdims=True), 0))
    return np.insert(arms, np.arange(1, len(arms)), middles, axis=0)


def _unhurried(knots_s, arms):
    """Times of the keys and of the middles between (2 K - 1,), of keys at `knots_s` (K,), with more
    time wherever hands go far; arms (2 K - 1, 2, 2, 3)."""
    turned = np.arccos(np.clip((arms[1:] * arms[:-1]).sum(-1), -1, 1))
    way_m = (turned @ ARM_M).max(1).reshape(-1, 2)
    halves_s = np.maximum(np.diff(knots_s)[:, None] / 2, way_m / HANDS_M_PER_S)
    return knots_s[0] + np.append(0, np.cumsum(halves_s))


def _swung(arms, swing):
    """Arms (N, 2, 2, 3) that swing with a walk, the more the lower they hang."""
    hanging = np.clip(-arms[:, :, :1, 2:], 0, 1)
    angle = np.radians(ARM_SWING_DEGREES) * swing[:, None, None, None] * hanging
    angle = angle * np.array([1, -1])[:, None, None]
    angle = angle + np.maximum(angle, 0) * np.array([0, 0.6])[:, None]  # the elbow bends forward
    x, y, z = np.moveaxis(arms[..., None], -2, 0)
    return np.concatenate(
        [x, y * np.cos(angle) + z * np.sin(angle), z * np.cos(angle) - y * np.sin(angle)], -1
    )


def _hands_from_head(rig, world, joints):
    """Pitch and yaw in degrees (N, 2) of the middle of the hands, from the head, for the chest."""
    hands = joints[:, [rig.index("LeftHand"), rig.index("RightHand")]].mean(1)
    chest = world[:, rig.index("Spine2")]
    x, y, z = np.einsum("nji,nj->in", chest, hands - joints[:, rig.index("Head")])
    return np.degrees(np.stack([np.arctan2(-z, np.hypot(x, y)), np.arctan2(x, -y)], 1))


def placed_path(path, free_m, rng):
    """A path (N, 2) in metres, moved about the middle of the place by up to `free_m`, and by less the
    farther it reaches itself."""
    low, high = path.min(0), path.max(0)
    room_m = np.maximum(free_m - (high - low) / 2, 0)
    return path - (low + high) / 2 + rng.uniform(-room_m, room_m)


def perform(rig, character, clip_name, frames, fps, soles, free_m, rng):
    """One performance of a clip by a character: `frames` frames at `fps`, all drawn from `rng` but
    the character's own posture.

    soles: see `footing.stand`; free_m: see `placed_path`.
    """
    clip, heads = CLIPS[clip_name], character.heads
    mirrored = bool(rng.random() < 0.5)
    amplitude = float(rng.uniform(0.8, 1.2))
    hurry = np.clip(0.5 * clip.period_s * fps / max(frames, 1), 1, MAX_HURRY)
    steady = clip.shuffled or clip.speed_m_per_s  # who walks faster, runs
    speed = float(rng.uniform(0.85, 1.15) * (1 if steady else hurry))
    times_s = np.arange(frames) / fps

    ease = SITTING if clip.seat else STANDING
    scalars, arms, feet = map(np.array, zip(*map(_channels, (*clip.keys, ease)), strict=True))
    if mirrored:
        scalars, arms, feet = _mirrored(scalars, arms, feet)
    knots_s, which, phase = _play(clip, times_s[-1], speed, rng)
    scalars, arms = _varied(scalars, arms, which, amplitude, character.name, rng)
    arms = _with_middles(unit(arms))
    arms_s = _unhurried(knots_s, arms)
    knots_s = arms_s[::2]
    scalars = PchipInterpolator(knots_s, scalars)(times_s)
    scalars += OF_SWAY * _sway(times_s, (CHANNELS,), rng)
    arms = PchipInterpolator(arms_s, arms)(times_s) + ARM_OF_SWAY * _sway(times_s, (2, 2, 3), rng)
    if clip.speed_m_per_s:
        steps = walk(rig, heads, clip.speed_m_per_s * speed, times_s, rng)
    else:
        steps = on_the_spot(rig, heads, feet[which], knots_s, times_s, rng)
    arms = unit(_swung(arms, steps.swing))
    scalars[:, 1] -= 6 * steps.swing

    rotations = np.tile(np.eye(3), (frames, len(rig.bones), 1, 1))
    torsion = (0 if clip.seat else PELVIC_SHARE) * scalars[:, 1]
    hips_turn = euler("zx", np.stack([torsion, scalars[:, HIPS]], 1))
    bow = 0 * torsion if clip.seat else scalars[:, HIPS] + 0.4 * scalars[:, 0]
    root = stand(rig, heads, rotations, steps, scalars[:, PELVIS], hips_turn, bow, soles)
    trunk = np.stack([scalars[:, HIPS] + scalars[:, 0], scalars[:, 1]], 1)
    scalars[:, 1] -= torsion
    turn_trunk(rig, rotations, scalars)

    def repose(arms):
        pose_arms(rig, heads, rotations, arms, SMOOTH_S * fps)
        pose_hands(rig, heads, rotations, scalars)

    repose(arms)
    curl_fingers(rig, heads, rotations, scalars)
    world, joints = pose_skeleton(rig, heads, rotations, root)
    hands = _hands_from_head(rig, world, joints)
    turn_head(rig, rotations, head_angles(scalars[:, HEAD], trunk, hands, clip.gaze, times_s, rng))
    for _ in range(JOININGS if hands_meet(rig, joints, scalars[:, JOINED]) else 0):
        repose(joined_arms(rig, world, joints, scalars[:, JOINED]))
        world, joints = pose_skeleton(rig, heads, rotations, root)
    tubes = body_tubes(rig, character)
    for spread_s in CLEARING_S:
        world, joints = pose_skeleton(rig, heads, rotations, root)
        arms = arm_directions(rig, world, joints)
        moved = cleared_arms(rig, tubes, world, joints) - arms
        repose(unit(arms + gaussian_filter1d(moved, spread_s * fps, axis=0, mode="nearest")))

    root[:, :2] = placed_path(root[:, :2], free_m, rng)
    return Performance(
        rotations=rotations,
        root_positions=root,
        mirrored=mirrored,
        speed=speed,
        amplitude=amplitude,
        phase=phase,
        seated=clip.seat,
    )
