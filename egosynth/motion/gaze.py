"""Where people look: fixations with quick turns between, sometimes the hands, the head steadied
against the trunk."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from egosynth.motion.limits import clamp

FIXATION_S, TURN_S = (0.5, 2.4), (0.22, 0.45)
AHEAD, AROUND, FAR = range(3)
KINDS = (0.40, 0.38, 0.22)
YAW_DEGREES = {AHEAD: 7, AROUND: 26, FAR: 48}
PITCH_DEGREES = {AHEAD: (6, 6), AROUND: (9, 12), FAR: (7, 17)}  # mean, spread
HANDS_CHANCE = {"around": 0.15, "hands": 0.65}
HANDS_SHARE = 0.6  # of the turn towards the hands that the head makes; the eyes do the rest


def head_angles(authored, trunk, hands, gaze, times_s, rng):
    """Pitch, yaw and roll of the head against the chest, degrees (N, 3).

    authored: the clip's own (N, 3); trunk: pitch and yaw of the chest (N, 2); hands: pitch and yaw
    of the hands as the chest sees them from the head (N, 2); gaze: as in a clip.
    """
    starts, targets = _fixations(times_s[-1], gaze, rng)
    moves = rng.uniform(*TURN_S, len(starts) - 1)
    knots = np.stack([starts[1:] - moves, starts[1:]], 1).ravel()
    values = np.repeat(targets, 2, 0)
    knots = np.concatenate([[knots[0] - 1], knots, [knots[-1] + times_s[-1] + 1]])
    pitch, yaw, roll, looks_at_hands = PchipInterpolator(knots, values, axis=0)(times_s).T

    steadied = rng.uniform(0.1, 0.45), rng.uniform(0.5, 1)
    free = np.stack([pitch - steadied[0] * trunk[:, 0], yaw - steadied[1] * trunk[:, 1]], 1)
    at_hands = HANDS_SHARE * np.clip(hands, (-30, -70), (65, 70))
    share = looks_at_hands[:, None]
    angles = authored.copy()
    angles[:, :2] += (1 - share) * free + share * at_hands
    angles[:, 2] += roll
    motions = ("neck flexion", "neck rotation", "neck bending")
    return np.stack([clamp(m, 0.98 * angles[:, i]) for i, m in enumerate(motions)], 1)


def _fixations(seconds, gaze, rng):
    """Times (F,) at which fixations begin and their pitch, yaw, roll, share of the hands (F, 4)."""
    count = int(seconds / (FIXATION_S[0] + TURN_S[1])) + 3
    starts = np.cumsum(rng.uniform(*FIXATION_S, count) + TURN_S[1]) - rng.uniform(0, 2.5)
    kinds = rng.choice(3, count, p=KINDS)
    targets = np.zeros((count, 4))
    targets[:, 0] = [rng.normal(*PITCH_DEGREES[kind]) for kind in kinds]
    targets[:, 1] = [rng.normal(0, YAW_DEGREES[kind]) for kind in kinds]
    targets[:, 2] = 0.08 * targets[:, 1] + rng.normal(0, 3, count)
    targets[:, 3] = rng.random(count) < HANDS_CHANCE[gaze]
    return starts, targets
