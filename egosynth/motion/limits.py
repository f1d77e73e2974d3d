"""How far joints turn, in degrees, and how far those of a performance do.

Normal ranges of adults after the American Academy of Orthopaedic Surgeons (Joint Motion, 1965) and
Norkin & White (Measurement of Joint Motion, 5th ed., 2016); where both differ, the wider one.
Positive is flexion (of the ankle: dorsiflexion, under load), pronation, ulnar deviation, abduction,
and, of the hip, inward.
"""

import numpy as np
from scipy.spatial.transform import Rotation

LIMITS = {
    "trunk flexion": (-30, 80),
    "trunk rotation": (-45, 45),
    "trunk bending": (-35, 35),
    "neck flexion": (-60, 50),
    "neck rotation": (-80, 80),
    "neck bending": (-45, 45),
    "shoulder extension": (-90, 50),  # of the upper arm behind the frontal plane
    "shoulder twist": (-90, 90),  # as the hip's rotation: beyond the shortest turn from rest
    "elbow flexion": (0, 150),
    "forearm pronation": (-80, 80),
    "wrist flexion": (-70, 80),
    "wrist deviation": (-20, 30),
    "hip flexion": (-30, 125),
    "hip abduction": (-30, 45),
    "hip rotation": (-45, 45),
    "knee flexion": (0, 145),
    "ankle flexion": (-50, 35),
}
SIDES = ("Left", "Right")


def clamp(motion, degrees):
    return np.clip(degrees, *LIMITS[motion])


def unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def frames_of(first, second):
    """Right-handed frames (..., 3, 3) with columns along `first` and, as near as may be, `second`;
    both broadcast (..., 3)."""
    first = unit(first)
    second = unit(second - (first * second).sum(-1, keepdims=True) * first)
    return np.stack(np.broadcast_arrays(first, second, np.cross(first, second)), -1)


def shortest_turns(start, targets):
    """The smallest rotations that take unit `start` (3,) onto unit `targets` (N, 3)."""
    axis = np.cross(start, targets)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine[:, 0], targets @ start)[:, None]
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-9) * angle).as_matrix()


def _angle(first, second):
    return np.degrees(np.arccos(np.clip((unit(first) * unit(second)).sum(-1), -1, 1)))


def _bend(first, second, hinge):
    """Degrees (N,) by which `second` is turned from `first` about `hinge`, all (N, 3); negative
    against its sense, as of a joint that bends backwards."""
    sine = (np.cross(first, second) * unit(hinge)).sum(-1)
    return np.degrees(np.arctan2(sine, (first * second).sum(-1)))


def joint_angles(rig, heads, world, joints):
    """Angles that a posed skeleton shows -> {motion: (N, sides or 1) degrees}, keys as LIMITS.

    heads (J, 3) at rest; world (N, J, 3, 3), joints (N, J, 3) as from `pose_skeleton`.
    """

    def between(upper, lower):
        return world[:, rig.index(upper)].transpose(0, 2, 1) @ world[:, rig.index(lower)]

    angles = {}
    for part, ends in {"trunk": ("Hips", "Spine2"), "neck": ("Spine2", "Head")}.items():
        turns = Rotation.from_matrix(between(*ends)).as_euler("XZY", degrees=True)
        for column, motion in enumerate(("flexion", "rotation", "bending")):
            angles[f"{part} {motion}"] = turns[:, [column]]
    sides = [
        _arm_angles(rig, heads, world, joints, s) | _leg_angles(rig, heads, world, joints, s)
        for s in SIDES
    ]
    return angles | {motion: np.stack([side[motion] for side in sides], 1) for motion in sides[0]}


def _arm_angles(rig, heads, world, joints, side):
    shoulder, elbow, wrist = (rig.index(side + name) for name in ("Arm", "ForeArm", "Hand"))
    torso = world[:, rig.index("Spine2")].transpose(0, 2, 1)
    sign = 1 if side == "Left" else -1
    rest_upper, rest_fore = unit(heads[elbow] - heads[shoulder]), unit(heads[wrist] - heads[elbow])
    upper = unit(np.einsum("nij,nj->ni", torso, joints[:, elbow] - joints[:, shoulder]))
    twist = _own_twist(torso @ world[:, shoulder], rest_upper, upper)
    fore = world[:, elbow].transpose(0, 2, 1)
    # The forearm's own twist shows in the ForeArm bone (half) and in the Hand bone (half).
    hinge = world[:, shoulder] @ np.cross(rest_upper, rest_fore)
    bent = frames_of(joints[:, wrist] - joints[:, elbow], hinge)
    rest = frames_of(rest_fore, np.cross(rest_upper, rest_fore))
    half = (bent @ rest.T).transpose(0, 2, 1) @ world[:, elbow]
    across, along, palm = hand_axes(rig, heads, side)
    hand = fore @ world[:, wrist]
    pointing, facing = hand @ along, hand @ palm
    pronation = 2 * _twist_about(half, rest_fore)
    second_half = Rotation.from_rotvec(np.radians(pronation / 2)[:, None] * -rest_fore)
    pointing, facing = second_half.apply(pointing), second_half.apply(facing)
    return {
        "shoulder extension": np.degrees(np.arcsin(np.clip(upper[:, 1], -1, 1))),
        "shoulder twist": sign * twist,
        "elbow flexion": _bend(joints[:, elbow] - joints[:, shoulder],
                               joints[:, wrist] - joints[:, elbow], hinge),
        "forearm pronation": sign * pronation,
        "wrist flexion": np.degrees(np.arctan2(pointing @ palm, pointing @ along)),
        "wrist deviation": -np.degrees(np.arcsin(np.clip(pointing @ across, -1, 1))),
    }  # fmt: skip


def _leg_angles(rig, heads, world, joints, side):
    hip, knee, ankle, toe = (rig.index(side + n) for n in ("UpLeg", "Leg", "Foot", "ToeBase"))
    pelvis = world[:, rig.index("Hips")]
    thigh = np.einsum("nji,nj->ni", pelvis, joints[:, knee] - joints[:, hip])
    thigh, shin = unit(thigh), joints[:, ankle] - joints[:, knee]
    sign = 1 if side == "Left" else -1
    turns = pelvis.transpose(0, 2, 1) @ world[:, hip]
    level = np.einsum("nij,j->ni", world[:, ankle], unit((heads[toe] - heads[ankle]) * (1, 1, 0)))
    return {
        "hip flexion": np.degrees(np.arctan2(-thigh[:, 1], -thigh[:, 2])),
        "hip abduction": np.degrees(np.arcsin(np.clip(sign * thigh[:, 0], -1, 1))),
        "hip rotation": sign * _own_twist(turns, unit(heads[knee] - heads[hip]), thigh),
        "knee flexion": _bend(joints[:, knee] - joints[:, hip], shin, world[:, hip, :, 0]),
        "ankle flexion": _angle(level, shin) - 90,
    }


def _own_twist(turns, rest, pointing):
    """Degrees (N,) that rotations (N, 3, 3) of a limb twist it beyond the shortest turn from `rest`
    (3,) to where it points (N, 3)."""
    return _twist_about(shortest_turns(rest, pointing).transpose(0, 2, 1) @ turns, rest)


def _twist_about(turns, axis):
    """Turn (N,) in degrees of rotations (N, 3, 3) about the unit `axis` (3,)."""
    quaternions = Rotation.from_matrix(turns).as_quat()
    half = np.arctan2(quaternions[:, :3] @ axis, quaternions[:, 3])
    return (np.degrees(2 * half) + 180) % 360 - 180


def hand_axes(rig, heads, side):
    """Unit axes (3,) of a hand at rest: across (towards the thumb), along, out of the palm."""
    hand, index, pinky = (heads[rig.index(f"{side}Hand{n}")] for n in ("", "Index1", "Pinky1"))
    along = unit((index + pinky) / 2 - hand)
    palm = np.cross(pinky - hand, index - hand) * (1 if side == "Left" else -1)
    palm = unit(palm - (palm @ along) * along)
    across = np.cross(along, palm) * (1 if side == "Left" else -1)
    return across * np.sign(across @ (index - pinky)), along, palm
