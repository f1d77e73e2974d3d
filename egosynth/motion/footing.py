"""Feet on footprints, the pelvis above them, and the legs between.

A foot rolls over its ball when the heel lifts and over its heel when the toes do, so that what
bears weight stays where it is; its height follows from the lowest point of the sole.
"""

from dataclasses import dataclass

import numpy as np

from egosynth.motion.articulate import bend_leg, euler
from egosynth.motion.limits import LIMITS, SIDES, unit

HEEL_BEHIND_ANKLE_M = 0.04
STRETCH = 0.996  # of the leg's length, at most: a standing knee keeps a few degrees
SOFTNESS_M = 0.006  # over which the shorter leg takes the pelvis's height over
COUNTERPOISE = 0.0022  # of the leg's length that the pelvis goes back for a degree of bow


@dataclass(frozen=True)
class Steps:
    """Where both feet are in N frames, on the floor plane, in metres and degrees."""

    ankles: np.ndarray  # (N, 2, 2) below the ankles when the foot is flat
    clearance_m: np.ndarray  # (N, 2) of the lowest point of the sole
    pitch: np.ndarray  # (N, 2) heel lift
    yaw: np.ndarray  # (N, 2)
    heading: np.ndarray  # (N,)
    centre: np.ndarray  # (N, 2) the ground below the pelvis at ease
    swing: np.ndarray  # (N,) of the arms: -1 left arm back .. 1 left arm forward


def leg_length_m(rig, heads, side="Left"):
    hip, knee, ankle = (heads[rig.index(side + n)] for n in ("UpLeg", "Leg", "Foot"))
    return np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee)


def on_the_spot(rig, heads, feet, knots_s, times_s, rng):
    """Steps of key poses: feet (K, 2, 4) as in the clips at the times `knots_s` (K,)."""
    leg = leg_length_m(rig, heads)
    heading = rng.uniform(-180, 180)
    half_width = leg * rng.uniform(0.11, 0.16)
    stagger = leg * rng.normal(0, 0.025)
    outward = np.array([1, -1])
    ground = np.empty((*feet.shape[:2], 2))
    ground[..., 0] = outward * (half_width + leg * feet[..., 1])
    ground[..., 1] = -leg * feet[..., 0] + outward * stagger
    ground = ground @ euler("z", [heading])[0][:2, :2].T

    segment = np.clip(np.searchsorted(knots_s, times_s, "right") - 1, 0, len(knots_s) - 2)
    share = (times_s - knots_s[segment]) / (knots_s[segment + 1] - knots_s[segment])
    share = _one_after_the_other(share, feet[segment], feet[segment + 1])
    start, end = ground[segment], ground[segment + 1]
    moved = np.linalg.norm(end - start, axis=-1)
    lift = np.minimum(4 * moved, 0.03 + 0.2 * moved) * np.sin(np.pi * share)
    glide = _smooth((share - 0.2) / 0.6)
    raised = feet[segment, :, 2:] + _smooth(share)[..., None] * (
        feet[segment + 1, :, 2:] - feet[segment, :, 2:]
    )
    toes_out = outward * rng.uniform(2, 14, 2)
    count = len(times_s)
    return Steps(
        ankles=start + glide[..., None] * (end - start),
        clearance_m=leg * raised[..., 0] + lift,
        pitch=raised[..., 1] + 150 * lift,
        yaw=np.tile(heading + toes_out, (count, 1)),
        heading=np.full(count, heading),
        centre=np.zeros((count, 2)),
        swing=np.zeros(count),
    )


def _one_after_the_other(share, start, end):
    """Share of the way (N,) from feet `start` to `end` (N, 2, 4) -> that of each foot (N, 2): when
    both move, the one that comes down goes first."""
    move = (np.abs(end - start)[..., :3] > 1e-3).any(-1)
    down = start[..., 2] - end[..., 2]
    right_first = down[:, 1] > down[:, 0]
    second = np.stack([right_first, ~right_first], 1)
    alone = ~move.all(1)
    halves = np.clip(2 * share[:, None] - second, 0, 1)
    return np.where(alone[:, None], share[:, None], halves)


def _smooth(share):
    """Minimum jerk from 0 to 1."""
    share = np.clip(share, 0, 1)
    return share**3 * (10 - 15 * share + 6 * share**2)


def stand(rig, heads, rotations, steps, pelvis, hips_turn, bow, soles):
    """Put the pelvis over the feet and bend the legs; fills `rotations`, returns the root (N, 3).

    pelvis: (N, 3) forward, left, down in legs; hips_turn: (N, 3, 3) against the heading; bow: (N,)
    degrees by which the trunk leans forward; soles: (bone indices (P,), rest positions (P, 3)).
    """
    leg, hips = leg_length_m(rig, heads), rig.index("Hips")
    upright = euler("z", steps.heading)
    turn = upright @ hips_turn
    shift = np.zeros((len(bow), 3))
    shift[:, 0] = leg * pelvis[:, 1]
    shift[:, 1] = -leg * (pelvis[:, 0] - COUNTERPOISE * np.maximum(bow - 5, 0))
    root = np.einsum("nij,nj->ni", upright, shift)
    root[:, :2] += steps.centre

    pitch = steps.pitch.copy()
    for last in (False, True):
        rotations[:, hips] = turn
        sockets = [
            turn @ (heads[rig.index(side + "UpLeg")] - heads[hips]) for side in SIDES
        ]  # relative to the root
        authored = heads[rig.index("LeftFoot"), 2] + leg * (1 - pelvis[:, 2])
        authored = authored - np.mean(sockets, 0)[:, 2]
        feet = [_foot(rig, heads, side, i, steps, pitch[:, i], soles)
                for i, side in enumerate(SIDES)]  # fmt: skip
        root[:, 2] = _height(root, sockets, [foot[0] for foot in feet], authored, leg)
        flexion = np.zeros(len(bow))
        for i, side in enumerate(SIDES):
            ankle, foot_turn, toe_turn = feet[i]
            ahead = unit(-(turn[:, :, 1] * (1, 1, 0)) - 2 * foot_turn[:, :, 1] * (1, 1, 0))
            thigh, shin = bend_leg(rig, heads, rotations, side, turn, root + sockets[i], ankle,
                                   ahead, foot_turn, toe_turn)  # fmt: skip
            # Raise the heel where the ankle would have to bend too far.
            lean = _dorsiflexion(shin, foot_turn)
            pitch[:, i] += np.maximum(lean - (LIMITS["ankle flexion"][1] - 7), 0)
            pitch[:, i] -= np.maximum(LIMITS["ankle flexion"][0] + 4 - lean, 0)
            flexion = np.maximum(flexion, _hip_flexion(thigh, turn))
        if not last:  # lean the pelvis back where a hip would have to
            back = np.maximum(flexion - (LIMITS["hip flexion"][1] - 8), 0)
            turn = turn @ euler("x", -back)
    return root


def _dorsiflexion(shin, foot_turn):
    forward = -foot_turn[:, :, 1]
    return np.degrees(np.arccos(np.clip((unit(shin) * forward).sum(1), -1, 1))) - 90


def _hip_flexion(thigh, pelvis):
    _, back, up = np.einsum("nji,nj->in", pelvis, thigh)
    return np.degrees(np.arctan2(-back, -up))


def _foot(rig, heads, side, i, steps, pitch, soles):
    """-> ankle positions (N, 3), world rotations of foot and toes (N, 3, 3)."""
    ankle, ball = rig.index(side + "Foot"), rig.index(side + "ToeBase")
    level = euler("z", steps.yaw[:, i])
    foot_turn = level @ euler("x", pitch)
    toe_turn = level @ euler("x", np.minimum(pitch, 0))
    bones, points = soles
    to_ball = heads[ball] - heads[ankle]
    heel = np.array([0, HEEL_BEHIND_ANKLE_M, -heads[ankle, 2]])
    # Between the joint, about which the toes turn, and the floor, on which the sole rolls.
    under_ball = to_ball - (0, 0, heads[ball, 2] / 2)
    pivot = np.where(pitch[:, None] > 0, under_ball, heel)
    rolled = np.einsum("nij,nj->ni", level - foot_turn, pivot)

    under_foot = (points[bones == ankle] - heads[ankle]) @ foot_turn.transpose(0, 2, 1)
    under_toes = (points[bones == ball] - heads[ball]) @ toe_turn.transpose(0, 2, 1)
    under_toes = under_toes + (foot_turn @ to_ball)[:, None]
    lowest = np.minimum(under_foot[..., 2].min(1), under_toes[..., 2].min(1))
    place = np.empty((len(pitch), 3))
    place[:, :2] = steps.ankles[:, i] + rolled[:, :2]
    place[:, 2] = steps.clearance_m[:, i] - lowest
    return place, foot_turn, toe_turn


def _height(root, sockets, ankles, authored, leg):
    """The pelvis as high as wished, but no leg longer than it is: a soft minimum of (N,)."""
    heights = [authored]
    for socket, ankle in zip(sockets, ankles, strict=True):
        aside = np.linalg.norm((root + socket - ankle)[:, :2], axis=1)
        span = np.sqrt(np.maximum((STRETCH * leg) ** 2 - aside**2, (0.2 * leg) ** 2))
        heights.append(ankle[:, 2] + span - socket[:, 2])
    lowest = np.min(heights, 0)
    return lowest - SOFTNESS_M * np.log(
        sum(np.exp((lowest - height) / SOFTNESS_M) for height in heights)
    )
