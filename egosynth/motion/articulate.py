"""Channels -> joint rotations: spine, neck, arms with hinged elbows, wrists, fingers."""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from egosynth.motion.limits import (
    LIMITS,
    SIDES,
    clamp,
    frames_of,
    hand_axes,
    shortest_turns,
    unit,
)

# Columns of the scalar channels, degrees; the pelvis in fractions of the leg.
SPINE, HEAD, HIPS, PELVIS = slice(0, 3), slice(3, 6), 6, slice(7, 10)
WRISTS = (slice(10, 13), slice(13, 16))  # palm, wrist flexion, wrist deviation
FINGERS = (slice(16, 19), slice(19, 22))  # index, the other fingers, thumb
JOINED = 22  # 1 where both hands meet, 0 where each goes its way
CHANNELS = 23
STRAIGHT = 0.35  # the sine of a bend below which an arm turns to its neutral twist
PELVIC_SHARE = 0.25  # of a standing person's torsion, the rest is in the spine
CLAVICLE_DEGREES = (22, 14)  # up with a raised arm, forward with an arm that reaches


def euler(axes, degrees):
    angles = np.reshape(degrees, (-1, len(axes)))
    return Rotation.from_euler(axes, angles, degrees=True).as_matrix()


def _share_of_turn(angles, share):
    """A share of the turn by (N, 3) degrees, pitch forward about x, yaw left about z and roll left
    about y -> (N, 3, 3)."""
    return (Rotation.from_euler("XZY", angles, degrees=True) ** share).as_matrix()


def _about(axis, degrees):
    return Rotation.from_rotvec(np.radians(degrees)[:, None] * axis).as_matrix()


def turn_trunk(rig, rotations, scalars):
    spine = np.stack(
        [
            clamp(f"trunk {motion}", scalars[:, column])
            for column, motion in enumerate(("flexion", "rotation", "bending"))
        ],
        1,
    )
    third = _share_of_turn(spine, 1 / 3)
    for name in ("Spine", "Spine1", "Spine2"):
        rotations[:, rig.index(name)] = third


def turn_head(rig, rotations, angles):
    """angles (N, 3): pitch, yaw, roll against the chest."""
    rotations[:, rig.index("Neck")] = rotations[:, rig.index("Head")] = _share_of_turn(angles, 0.5)


def pose_arms(rig, heads, rotations, arms, smooth_frames):
    """Upper and fore arms along the unit directions `arms` (N, 2 sides, 2, 3) in the chest's frame,
    as near as the elbow's hinge and the shoulder allow; the upper arms' own twist, which an almost
    straight arm leaves open, is smoothed over `smooth_frames`."""
    for side, prefix in enumerate(SIDES):
        _pose_arm(rig, heads, rotations, prefix, arms[:, side], smooth_frames)


def _pose_arm(rig, heads, rotations, prefix, directions, smooth_frames):
    sign = 1 if prefix == "Left" else -1
    clavicle, upper, fore, hand = (
        rig.index(prefix + n) for n in ("Shoulder", "Arm", "ForeArm", "Hand")
    )
    rest_upper, rest_fore = unit(heads[fore] - heads[upper]), unit(heads[hand] - heads[fore])
    rest_hinge = unit(np.cross(rest_upper, rest_fore))
    u, f = within_reach(directions, sign).transpose(1, 0, 2)
    swing = shortest_turns(rest_upper, u)
    neutral, bend = swing @ rest_hinge, np.cross(u, f)
    flexion = clamp("elbow flexion", np.degrees(np.arctan2(_norm(bend), (u * f).sum(1))))
    straight = np.clip(1 - _norm(bend) / STRAIGHT, 0, 1)[:, None]
    wanted = bend + STRAIGHT / 2 * straight * neutral
    twist = np.degrees(
        np.arctan2((np.cross(neutral, wanted) * u).sum(1), (neutral * wanted).sum(1))
    )
    twist = _folded(twist, LIMITS["shoulder twist"][1] - 2)
    twist = gaussian_filter1d(twist, smooth_frames, mode="nearest")
    upper_turn = swing @ _about(rest_upper, twist)
    rest_flexion = np.degrees(np.arctan2(_norm(np.cross(rest_upper, rest_fore)),
                                         rest_upper @ rest_fore))  # fmt: skip

    raised, forward = np.clip((u[:, 2] + 0.5) / 1.5, 0, 1), -u[:, 1]
    lift, reach = CLAVICLE_DEGREES[0] * raised, CLAVICLE_DEGREES[1] * forward
    shoulder_turn = euler("yz", np.stack([-sign * lift, -sign * reach], 1))
    rotations[:, clavicle] = shoulder_turn
    rotations[:, upper] = shoulder_turn.transpose(0, 2, 1) @ upper_turn
    rotations[:, fore] = _about(rest_hinge, flexion - rest_flexion)


def _folded(degrees, most):
    """Angles beyond +-`most` fall back to 0 at +-180, so that nothing jumps where they wrap."""
    beyond = most * (180 - np.abs(degrees)) / (180 - most)
    return np.sign(degrees) * np.minimum(np.abs(degrees), beyond)


def within_reach(directions, sign):
    """Turn upper arms that lie too far behind or across the body back to the shoulder's range.

    directions (N, 2, 3); sign 1 left, -1 right.
    """
    directions = directions.copy()
    upper = directions[:, 0]
    behind = np.sin(np.radians(LIMITS["shoulder extension"][1] - 5))
    across = -0.6 + 0.4 * np.clip(upper[:, 2], 0, 1)
    upper[:, 1] = np.minimum(upper[:, 1], behind)
    upper[:, 0] = sign * np.maximum(sign * upper[:, 0], across)
    return unit(directions)


def _norm(vectors):
    return np.linalg.norm(vectors, axis=-1)


def pose_hands(rig, heads, rotations, scalars):
    """Pronation, half at the elbow and half at the wrist, and the wrists' bends."""
    for side, prefix in enumerate(SIDES):
        sign = 1 if prefix == "Left" else -1
        fore, hand = rig.index(prefix + "ForeArm"), rig.index(prefix + "Hand")
        palm, flexion, deviation = scalars[:, WRISTS[side]].T
        along_fore = unit(heads[hand] - heads[fore])
        across, along, out = hand_axes(rig, heads, prefix)
        half_turn = _about(sign * along_fore, clamp("forearm pronation", palm) / 2)
        rotations[:, fore] = rotations[:, fore] @ half_turn
        bend = _about(np.cross(along, out), clamp("wrist flexion", flexion))
        lean = _about(np.cross(across, along), clamp("wrist deviation", deviation))
        rotations[:, hand] = half_turn @ lean @ bend


def curl_fingers(rig, heads, rotations, scalars):
    for side, prefix in enumerate(SIDES):
        _curl(rig, heads, rotations, prefix, scalars[:, FINGERS[side]])


def _curl(rig, heads, rotations, prefix, degrees):
    index, others, thumb = degrees.T
    across, along, palm = hand_axes(rig, heads, prefix)
    axis = np.cross(along, palm)
    for finger, curl in (("Index", index), ("Middle", others), ("Ring", others), ("Pinky", others)):
        for joint in "123":
            rotations[:, rig.index(f"{prefix}Hand{finger}{joint}")] = _about(axis, curl)
    first, last = (heads[rig.index(f"{prefix}HandThumb{joint}")] for joint in "13")
    axis = unit(np.cross(unit(last - first), unit(palm - across)))
    for joint, share in zip("123", (0.4, 0.9, 0.9), strict=True):
        rotations[:, rig.index(f"{prefix}HandThumb{joint}")] = _about(axis, share * thumb)


def bend_leg(rig, heads, rotations, prefix, pelvis, hip, ankle, knee_forward, foot, toes):
    """Two-bone inverse kinematics of a leg.

    pelvis, foot, toes: world rotations (N, 3, 3); hip, ankle: positions (N, 3) in metres;
    knee_forward: (N, 3), the side to which the knee bends.
    -> directions of thigh and shin (N, 3), of no particular length.
    """
    names = ("UpLeg", "Leg", "Foot", "ToeBase")
    thigh, shin, sole, ball = (rig.index(prefix + name) for name in names)
    rest_thigh, rest_shin = heads[shin] - heads[thigh], heads[sole] - heads[shin]
    a, b = np.linalg.norm(rest_thigh), np.linalg.norm(rest_shin)
    reach = ankle - hip
    most_bent = np.radians(LIMITS["knee flexion"][1] - 2)
    shortest = np.sqrt(a**2 + b**2 + 2 * a * b * np.cos(most_bent))
    length = np.clip(_norm(reach), shortest, 0.9999 * (a + b))
    along = unit(reach)
    hinge = unit(np.cross(knee_forward, along))
    up = np.cross(along, hinge)
    cosine = ((a**2 + length**2 - b**2) / (2 * a * length))[:, None]
    thigh_line = cosine * along + np.sqrt(1 - cosine**2) * up
    shin_line = along * length[:, None] - a * thigh_line
    sideways = np.array([1.0, 0, 0])
    thigh_turn = frames_of(thigh_line, hinge) @ frames_of(rest_thigh, sideways).T
    shin_turn = frames_of(shin_line, hinge) @ frames_of(rest_shin, sideways).T
    parents = (pelvis, thigh_turn, shin_turn, foot)
    turns = (thigh_turn, shin_turn, foot, toes)
    for bone, parent, turn in zip((thigh, shin, sole, ball), parents, turns, strict=True):
        rotations[:, bone] = parent.transpose(0, 2, 1) @ turn
    return thigh_line, shin_line
