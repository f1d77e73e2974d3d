"""The vocabulary of the clips: arms, hands, feet, a key pose, a clip.

Angles are in degrees, lengths in fractions of the leg's length. An arm is (upper azimuth, upper
elevation, forearm azimuth, forearm elevation[, palm, wrist]) in the torso's frame: azimuth 0
forward, 90 outward, negative across the body; elevation -90 down, 90 up; palm 0 with the thumb up,
80 turned down, -80 up; wrist positive towards the palm. A foot is (forward, outward, up, heel
lift) from where it stands at ease; the pelvis (forward, left, down). `spine` and `head` are (pitch
forward, yaw left, roll left); a head that names nothing is left to the gaze.
"""

from dataclasses import dataclass

HANG = (75, -77, 20, -70, 25, 5)
FLAT = (0, 0, 0, 0)
SEAT_DOWN = 0.47
SEATED_FOOT = (0.5, 0.03, 0, 0)

# Flexion of the index, of the other fingers, and of the thumb.
HANDS = {
    "relaxed": (22, 32, 15),
    "open": (4, 6, 0),
    "cupped": (30, 36, 30),
    "point": (3, 84, 45),
    "fist": (80, 86, 48),
    "thumb": (78, 84, -12),
    "two": (4, 60, 45),
}


@dataclass(frozen=True)
class Key:
    """One key pose; what it does not name stands at ease."""

    left: tuple = HANG
    right: tuple = HANG
    hands: str = "relaxed"  # or "left right"
    spine: tuple = (2, 0, 0)
    head: tuple = (0, 0, 0)
    hips: float = 0.0
    pelvis: tuple = (0, 0, 0)
    left_foot: tuple = FLAT
    right_foot: tuple = FLAT
    joined: bool = False  # both hands meet


@dataclass(frozen=True)
class Clip:
    """A loop of keys, evenly spaced over the period.

    seat: on a stool; shuffled: the keys come in any order; speed_m_per_s: of a walk, over which
    the arms swing; gaze: where the eyes go between the keys' own turns of the head: "around" or
    "hands".
    """

    period_s: float
    keys: tuple
    seat: bool = False
    shuffled: bool = False
    speed_m_per_s: float = 0.0
    gaze: str = "around"


def both(arm, **rest):
    """A key with both arms alike."""
    return Key(left=arm, right=arm, **rest)


def crouch(down, heel=0.0, spread=0.0):
    """Keywords of a key that lowers the pelvis between both feet."""
    foot = (0, spread, 0, heel)
    return {"pelvis": (0, 0, down), "left_foot": foot, "right_foot": foot}


def seated(**rest):
    """A key on the stool."""
    rest = {"left_foot": SEATED_FOOT, "right_foot": SEATED_FOOT, **rest}
    return Key(pelvis=(0, 0, SEAT_DOWN), **rest)


STANDING = Key()
SITTING = seated(left=(35, -62, -8, -22, 60, 5), right=(35, -62, -8, -22, 60, 5))
