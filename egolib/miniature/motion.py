"""Clips -> performances: joint rotations and root paths, no two alike.

Key poses become channels (angles, and unit directions of the arms), interpolated monotonically and
varied by amplitude, speed, phase, mirror and a slow sway; then feet meet the floor.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

from egolib.miniature.body import pose_skeleton
from egolib.miniature.clips import CLIPS

SIDES = ("Left", "Right")
# Scalar channels in degrees: spine 3, head 3, hips 1, left leg 4, right leg 4, curl 1.
SPINE, HEAD, HIPS, LEGS, CURL = slice(0, 3), slice(3, 6), 6, (slice(7, 11), slice(11, 15)), 15
LOWEST = np.array([-25, -50, -35, -35, -60, -25, -10, *[-35, -15, 0, -20] * 2, 0.0])
HIGHEST = np.array([75, 50, 35, 40, 60, 25, 70, *[115, 40, 130, 45] * 2, 95.0])
SWAY_DEGREES = np.array([2, 3, 1.5, 7, 9, 2, 1, *[0] * 8, 8.0])
OFFSET_DEGREES = np.array([3, 3, 2, 7, 8, 2, 0, *[0] * 8, 10.0])
ARM_SWAY, ARM_OFFSET = 0.05, 0.10  # of a unit direction
INTEGRATION_HZ = 60
TURN_DEGREES_PER_S = (15, 45)
CONTACT_M = 0.008  # height over which a point of the sole loses its hold
MAX_HURRY = 1.5  # how much faster a clip may run when a sequence is shorter than half of it


@dataclass(frozen=True)
class Performance:
    """N frames of one clip: local rotations (N, J, 3, 3), hips (N, 3) in metres, floor at 0."""

    rotations: np.ndarray
    root_positions: np.ndarray
    mirrored: bool
    speed: float
    amplitude: float
    phase: float


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
    """Key -> scalars (16,) in degrees, directions (2 sides, upper and forearm, 3)."""
    scalars = np.array(
        [*key.spine, *key.head, key.hips, *key.left_leg, *key.right_leg, key.curl], float
    )
    arms = [
        [direction(*arm[:2], side), direction(*arm[2:], side)]
        for side, arm in enumerate((key.left, key.right))
    ]
    return scalars, np.array(arms)


def _mirrored(scalars, arms):
    """Swap left and right of channel tables (..., 16) and (..., 2, 2, 3)."""
    swapped = scalars.copy()
    swapped[..., [1, 2, 4, 5]] *= -1
    swapped[..., LEGS[0]], swapped[..., LEGS[1]] = scalars[..., LEGS[1]], scalars[..., LEGS[0]]
    return swapped, arms[..., ::-1, :, :] * (-1, 1, 1)


def _loop(keys, turns):
    """Interpolate keys (K, ...) evenly spaced over one turn, periodic, at `turns` (N,)."""
    count = len(keys)
    knots = np.arange(-count, 2 * count + 1) / count
    return PchipInterpolator(knots, keys[np.arange(len(knots)) % count], axis=0)(turns % 1.0)


def _sway(times_s, shape, rng):
    """Slow noise of about unit size, (N, *shape): three sines with random rate and phase."""
    rates = rng.uniform(0.08, 0.45, (3, *shape))
    phases = rng.uniform(0, 2 * np.pi, (3, *shape))
    angle = 2 * np.pi * np.multiply.outer(times_s, rates) + phases
    return np.sin(angle).sum(1) / 1.5


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _clear_of_the_body(arms, clearance):
    """Keep arms that hang from sinking into the flanks: at least `clearance` outward."""
    arms = arms.copy()
    outward = np.array([1, -1])[:, None] * arms[..., 0]
    hanging = np.clip((-arms[..., 2] - 0.3) / 0.5, 0, 1)
    least = np.array([clearance, clearance - 0.22]) * hanging - (1 - hanging)
    arms[..., 0] = np.maximum(outward, least) * np.array([1, -1])[:, None]
    return _unit(arms)


def _vary(scalars, arms, times_s, amplitude, rng):
    """Amplitude about the mean, a constant offset and a slow sway, within the joints' limits."""
    scalars = scalars.mean(0) + amplitude * (scalars - scalars.mean(0))
    scalars += OFFSET_DEGREES * rng.normal(size=16) + SWAY_DEGREES * _sway(times_s, (16,), rng)
    arms = arms.mean(0) + amplitude * (arms - arms.mean(0))
    arms += ARM_OFFSET * rng.normal(size=(2, 2, 3)) + ARM_SWAY * _sway(times_s, (2, 2, 3), rng)
    return np.clip(scalars, LOWEST, HIGHEST), _unit(arms)


def _euler(axes, degrees):
    angles = np.reshape(degrees, (-1, len(axes)))
    return Rotation.from_euler(axes, angles, degrees=True).as_matrix()


def _turn_onto(start, targets):
    """The smallest rotations that take unit `start` (3,) onto unit `targets` (N, 3)."""
    axis = np.cross(start, targets)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine[:, 0], targets @ start)[:, None]
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-9) * angle).as_matrix()


def _pitch_yaw_roll(angles):
    """(N, 3) degrees -> (N, 3, 3): pitch forward about x, yaw left about z, roll left about y."""
    return _euler("XYZ", angles[:, [0, 2, 1]])


def local_rotations(rig, heads, scalars, arms, heading_degrees):
    """Channels of N frames -> rotations relative to the parent (N, J, 3, 3)."""
    rotations = np.tile(np.eye(3), (len(scalars), len(rig.bones), 1, 1))
    bone = rig.index
    upright = _euler("z", heading_degrees)
    rotations[:, bone("Hips")] = upright @ _euler("x", scalars[:, HIPS])
    for name in ("Spine", "Spine1", "Spine2"):
        rotations[:, bone(name)] = _pitch_yaw_roll(scalars[:, SPINE] / 3)
    for name in ("Neck", "Head"):
        rotations[:, bone(name)] = _pitch_yaw_roll(scalars[:, HEAD] / 2)
    for side, prefix in enumerate(SIDES):
        _bend_arm(rig, heads, rotations, prefix, arms[:, side])
        _bend_leg(rig, rotations, side, scalars[:, LEGS[side]], upright)
        _curl_fingers(rig, heads, rotations, side, scalars[:, CURL])
    return rotations


def _bend_arm(rig, heads, rotations, prefix, targets):
    upper, fore, hand = (rig.index(prefix + name) for name in ("Arm", "ForeArm", "Hand"))
    rotations[:, upper] = _turn_onto(_unit(heads[fore] - heads[upper]), targets[:, 0])
    in_arm = np.einsum("nji,nj->ni", rotations[:, upper], targets[:, 1])
    rotations[:, fore] = _turn_onto(_unit(heads[hand] - heads[fore]), in_arm)


def _bend_leg(rig, rotations, side, leg, upright):
    """Thigh against the vertical, then the knee; the foot stays level but for the heel's lift."""
    names = ("UpLeg", "Leg", "Foot", "ToeBase")
    thigh, shin, foot, toes = (rig.index(SIDES[side] + name) for name in names)
    outward = -1 if side == 0 else 1
    thigh_world = upright @ _euler("YX", np.stack([outward * leg[:, 1], -leg[:, 0]], 1))
    knee = _euler("x", leg[:, 2])
    rotations[:, thigh] = rotations[:, rig.index("Hips")].transpose(0, 2, 1) @ thigh_world
    rotations[:, shin] = knee
    foot_world = upright @ _euler("x", leg[:, 3])
    rotations[:, foot] = (thigh_world @ knee).transpose(0, 2, 1) @ foot_world
    rotations[:, toes] = _euler("x", -np.maximum(leg[:, 3], 0))


def _curl_fingers(rig, heads, rotations, side, degrees):
    prefix = SIDES[side] + "Hand"
    hand, index, pinky = (heads[rig.index(prefix + n)] for n in ("", "Index1", "Pinky1"))
    palm = np.cross(pinky - hand, index - hand) * (1 if side == 0 else -1)
    axis = _unit(np.cross((index + pinky) / 2 - hand, palm))
    for finger, share in (("Index", 0.8), ("Middle", 0.9), ("Ring", 1), ("Pinky", 1)):
        turn = Rotation.from_rotvec(np.radians(share * degrees)[:, None] * axis).as_matrix()
        for joint in "123":
            rotations[:, rig.index(prefix + finger + joint)] = turn


def _plant_feet(rig, heads, rotations, soles):
    """Hips (N, 3) so that the lowest point of the soles is on the floor and what touches it stays.

    soles: (bone indices (P,), rest positions (P, 3)).
    """
    bones, points = soles
    world, joints = pose_skeleton(rig, heads, rotations, np.zeros((len(rotations), 3)))
    placed = joints[:, bones] + np.einsum("npij,pj->npi", world[:, bones], points - heads[bones])
    root = np.zeros((len(rotations), 3))
    root[:, 2] = -placed[..., 2].min(1)
    grip = np.exp(-(placed[..., 2] + root[:, 2:]) / CONTACT_M)
    grip = grip[1:] * grip[:-1]
    slip = (grip[..., None] * np.diff(placed[..., :2], axis=0)).sum(1) / grip.sum(1)[:, None]
    root[1:, :2] = -np.cumsum(slip, axis=0)
    return root


def perform(rig, character, clip_name, frames, fps, soles, free_m, rng):
    """One performance of a clip by a character: `frames` frames at `fps`, all drawn from `rng`.

    soles: see `_plant_feet`; free_m: half the side of the square in which the path is centred.
    """
    clip = CLIPS[clip_name]
    mirrored, phase = bool(rng.random() < 0.5), float(rng.random())
    amplitude = float(rng.uniform(0.8, 1.2))
    hurry = np.clip(0.5 * clip.period_s * fps / max(frames, 1), 1, MAX_HURRY)
    speed = float(rng.uniform(0.85, 1.15) * hurry)
    substeps = max(1, -(-INTEGRATION_HZ // fps))
    times_s = np.arange((frames - 1) * substeps + 1) / (fps * substeps)

    scalars, arms = (np.array(table) for table in zip(*map(_channels, clip.keys), strict=True))
    if mirrored:
        scalars, arms = _mirrored(scalars, arms)
    turns = phase + times_s * speed / clip.period_s
    scalars, arms = _vary(_loop(scalars, turns), _loop(arms, turns), times_s, amplitude, rng)
    arms = _clear_of_the_body(arms, 0.14 + 0.25 * max(character.phenotype["weight"] - 0.5, 0))

    turn = rng.uniform(*TURN_DEGREES_PER_S) * rng.choice([-1, 1]) if clip.walks else 0
    heading = rng.uniform(-180, 180) + turn * times_s
    rotations = local_rotations(rig, character.heads, scalars, arms, heading)
    root = _plant_feet(rig, character.heads, rotations, soles)
    middle = (root[:, :2].min(0) + root[:, :2].max(0)) / 2
    root[:, :2] += rng.uniform(-free_m, free_m, 2) - middle
    return Performance(
        rotations=rotations[::substeps],
        root_positions=root[::substeps],
        mirrored=mirrored,
        speed=speed,
        amplitude=amplitude,
        phase=phase,
    )
