"""The clips: each a short table of key poses, in degrees, repeated with its period.

An arm is (upper azimuth, upper elevation, forearm azimuth, forearm elevation) in the torso's frame:
azimuth 0 forward, 90 outward, negative across the body; elevation -90 down, 90 up. A leg is (thigh
flexion, abduction, knee flexion, heel lift), thigh against the vertical. `spine` and `head` are
(pitch forward, yaw left, roll left). The names are those of the official action table.
"""

from dataclasses import dataclass

HANG = (80, -76, 15, -70)
STAND = (3, -2, 6, 0)
SEATED = (86, 6, 86, 0)


@dataclass(frozen=True)
class Key:
    """One key pose; what it does not name stands at ease."""

    left: tuple = HANG
    right: tuple = HANG
    spine: tuple = (2, 0, 0)
    head: tuple = (4, 0, 0)
    hips: float = 0.0
    left_leg: tuple = STAND
    right_leg: tuple = STAND
    curl: float = 25.0


@dataclass(frozen=True)
class Clip:
    """A loop of keys, evenly spaced over the period. `seat` puts a stool below the pelvis,
    `walks` lets the heading turn."""

    period_s: float
    keys: tuple
    seat: bool = False
    walks: bool = False


def _both(arm, **rest):
    return Key(left=arm, right=arm, **rest)


def _squat(thigh, knee, heel=0):
    leg = (thigh, 6, knee, heel)
    return {"left_leg": leg, "right_leg": leg}


def _seated(**rest):
    return Key(left_leg=SEATED, right_leg=SEATED, **rest)


def _walk():
    """Eight moments of one stride; the right leg runs half a stride behind the left."""
    thigh = (26, 19, 6, -9, -15, 4, 24, 30)
    knee = (6, 15, 8, 7, 34, 62, 50, 14)
    heel = (-14, 0, 0, 10, 34, 34, 4, -12)
    swing = (40, 25, -5, -32, -40, -25, 5, 32)  # the right arm goes with the left leg
    legs = [(thigh[i], -3, knee[i], heel[i]) for i in range(8)]

    def arm(degrees):
        return (90 - 2 * degrees, -72, 20 - degrees, -62 + max(degrees, 0) * 0.6)

    return tuple(
        Key(
            left=arm(-swing[i]),
            right=arm(swing[i]),
            left_leg=legs[i],
            right_leg=legs[(i + 4) % 8],
            spine=(4, swing[i] / 8, 0),
            head=(6, -swing[i] / 8, 0),
        )
        for i in range(8)
    )


_GUARD = (35, -55, -15, 40)
_LAP = (40, -62, -15, -8)
_AIM = {"left": (5, -12, -25, -6), "right": (15, -10, -10, -4)}

CLIPS = {
    "Waving_Gesture": Clip(2.4, (
        Key(head=(2, 0, 0)),
        Key(right=(75, 12, 110, 62), head=(4, -15, 0), spine=(0, 0, -4), curl=5),
        Key(right=(75, 14, 40, 66), head=(0, -15, 0), spine=(0, 0, -4), curl=5),
        Key(right=(75, 12, 110, 62), head=(0, -18, 0), curl=5),
        Key(right=(75, 10, 40, 66), head=(6, -10, 0), curl=5),
    )),
    "Pointing": Clip(2.6, (
        Key(), Key(right=(20, -5, 5, 2), head=(2, -8, 0), spine=(4, 8, 0), curl=55),
        Key(right=(45, 0, 40, 6), head=(0, -25, 0), spine=(2, -10, 0), curl=55),
        Key(left=(50, -60, -20, -10), right=(60, -60, 0, -35), head=(14, 0, 0)),
    )),
    "Clapping": Clip(0.9, (
        _both((35, -48, -38, 8), head=(14, 0, 0), spine=(5, 0, 0), curl=8),
        _both((50, -46, 8, 10), head=(10, 0, 0), spine=(3, 0, 0), curl=8),
    )),
    "Terrified": Clip(2.2, (
        _both((40, -40, -30, 55), head=(-8, 15, 0), spine=(-8, 0, 0), curl=10, **_squat(12, 24)),
        _both((30, -10, -40, 60), head=(18, -10, 0), spine=(22, -8, 0), curl=10, **_squat(28, 52)),
        _both((60, -30, 20, 40), head=(0, -30, 0), spine=(4, -15, 0), **_squat(15, 30)),
    )),
    "Standing_Greeting": Clip(2.8, (
        Key(), Key(right=(25, -40, 5, -6), head=(4, 0, 0), spine=(6, 6, 0), curl=10),
        Key(right=(25, -34, 5, 8), head=(12, 0, 0), spine=(8, 6, 0), curl=10),
        Key(right=(80, -20, 100, 50), head=(0, -10, 4), curl=5),
    )),
    "Quick_Formal_Bow": Clip(2.4, (
        Key(head=(0, 0, 0)),
        Key(left=(75, -70, -60, -25), right=(10, -70, -60, -10), spine=(28, 0, 0), hips=24,
            head=(18, 0, 0)),
        Key(spine=(8, 0, 0), hips=4, head=(6, 0, 0)),
    )),
    "Talking": Clip(2.6, (
        _both((55, -64, 5, -12), head=(4, 12, 0), curl=18),
        Key(left=(50, -58, 25, 12), head=(8, -8, 4), spine=(3, 6, 0), curl=15),
        Key(left=(60, -66, 10, -30), right=(45, -55, -5, 25), head=(0, -14, -3), curl=15),
    )),
    "Reaching_Out": Clip(2.6, (
        Key(), _both((15, -22, 0, -6), head=(12, 0, 0), spine=(14, 0, 0), hips=6, curl=10),
        Key(left=(25, -38, -10, 0), right=(60, -60, 0, -40), head=(16, 8, 0), spine=(10, -10, 0)),
    )),
    "upper_stretching": Clip(3.6, (
        _both((90, 0, 90, 4), head=(0, 0, 0), curl=5),
        _both((80, 72, 70, 84), head=(-12, 0, 0), spine=(-8, 0, 0), curl=5),
        Key(left=(90, 60, -80, 75), right=(90, -60, 0, -50), spine=(0, 0, -26), head=(2, 0, -10)),
        _both((90, -30, 80, -25), head=(10, 25, 0), spine=(0, 30, 0)),
        Key(left=(90, -60, 0, -50), right=(90, 60, -80, 75), spine=(0, 0, 26), head=(2, 0, 10)),
        Key(left=(-25, -5, -40, 0), right=(20, -30, -60, 30), head=(8, -20, 0)),
    )),
    "Standing_2H_Cast_Spell_01": Clip(2.2, (
        _both((60, -60, 0, -20), head=(8, 0, 0), **_squat(12, 24)),
        _both((110, -10, 60, 40), head=(-8, 0, 0), spine=(-10, 0, 0), curl=10),
        _both((12, 2, 0, 8), head=(6, 0, 0), spine=(12, 0, 0), curl=0, **_squat(20, 36)),
    )),
    "Boxing": Clip(1.3, (
        _both(_GUARD, curl=85, spine=(8, 15, 0), head=(8, 0, 0), **_squat(14, 28)),
        Key(left=(5, -8, -5, 0), right=_GUARD, curl=85, spine=(10, -22, 0), **_squat(18, 34)),
        _both(_GUARD, curl=85, spine=(8, -10, 0), head=(10, 0, 0), **_squat(14, 28)),
        Key(left=_GUARD, right=(5, -6, -8, 2), curl=85, spine=(10, 25, 0), **_squat(18, 34)),
    )),
    "Shooting_Gun": Clip(2.0, (
        Key(**_AIM, curl=70, head=(6, 0, 0), **_squat(12, 22)),
        Key(left=(5, -4, -25, 2), right=(15, -2, -10, 6), curl=70, spine=(-4, 0, 0)),
        Key(**_AIM, curl=70, spine=(4, 25, 0), head=(2, 10, 0), **_squat(16, 30)),
        Key(left=(20, -50, -20, -35), right=(30, -50, -20, -35), curl=70, head=(18, 0, 0)),
    )),
    "lower_stretching": Clip(3.6, (
        Key(head=(2, 0, 0)),
        _both((15, -45, 0, -40), spine=(42, 0, 0), hips=48, head=(12, 0, 0), curl=10),
        _both((40, -60, 0, -30), spine=(14, 0, 0), hips=14, head=(10, 0, 0), **_squat(45, 80)),
        Key(left=(20, -40, -20, -35), spine=(36, -18, 0), hips=40, head=(10, 0, 0),
            left_leg=(14, 20, 20, 0), right_leg=(14, 20, 20, 0)),
    )),
    "Sitting_Thumbs_Up": Clip(2.4, (
        _seated(left=_LAP, right=_LAP, head=(16, 0, 0), spine=(10, 0, 0)),
        _seated(left=_LAP, right=(30, -38, 0, 20), head=(4, 0, 0), curl=75),
        _seated(left=_LAP, right=(45, -30, 20, 32), head=(0, -18, 0), spine=(0, -6, 0), curl=75),
    ), seat=True),
    "Patting": Clip(0.9, (
        Key(right=(25, -42, 0, -2), spine=(10, 0, 0), head=(14, -6, 0), curl=12),
        Key(right=(25, -50, 0, -34), spine=(14, 0, 0), head=(18, -6, 0), curl=12),
    )),
    "Petting_Animal": Clip(1.8, (
        Key(right=(20, -30, 0, -34), spine=(30, 0, 0), hips=28, head=(14, 0, 0), curl=15,
            left=_LAP, **_squat(78, 118, 20)),
        Key(right=(35, -48, -20, -42), spine=(32, 8, 0), hips=26, head=(16, 0, 0), curl=15,
            left=_LAP, **_squat(82, 122, 20)),
        Key(right=(5, -35, -15, -38), spine=(34, 14, 0), hips=30, head=(10, 10, 0), curl=15,
            left=_LAP, **_squat(80, 120, 20)),
    )),
    "walking": Clip(1.15, _walk(), walks=True),
    "Weight_Shift_Gesture": Clip(2.8, (
        Key(spine=(2, 0, 4)),
        Key(left_leg=(30, 4, 52, 22), left=(60, -64, 0, -25), spine=(3, 4, -5), head=(14, 8, 0)),
        Key(spine=(2, 0, -4), head=(2, -12, 0)),
        Key(right_leg=(30, 4, 52, 22), right=(60, -64, 0, -25), spine=(3, -4, 5), head=(14, 0, 0)),
    )),
}  # fmt: skip
