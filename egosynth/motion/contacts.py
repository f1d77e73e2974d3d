"""Hands that meet, and arms that stay out of the body: its parts as tubes, measured on the skin.

A tube is a part's outline around its axis: the radius by height and angle. Elbows, forearms,
wrists and fingers inside a tube are pushed out along the radius.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter

from egosynth.motion.limits import SIDES, unit

AXES = {  # bone -> the joint at the far end of its axis
    "Hips": "Spine", "Spine": "Spine1", "Spine1": "Spine2", "Spine2": "Neck", "Head": None,
    "LeftUpLeg": "LeftLeg", "RightUpLeg": "RightLeg",
    "LeftLeg": "LeftFoot", "RightLeg": "RightFoot",
}  # fmt: skip
HEIGHTS, ANGLES = 12, 24
FADE = 0.12  # of a tube's length, over which it ends
ROUNDS = 5
PALMS_M = 0.06  # between the middle knuckles of hands that touch
HEADSET_M = 0.05
# Elbow, mid forearm, wrist, knuckles, fingertips, thumb: half their thickness, some room.
THICKNESS_M = np.array([0.045, 0.045, 0.038, 0.035, 0.026, 0.026])


@dataclass(frozen=True)
class Tubes:
    """B parts: bones (B,), rest frames (B, 3, 3) whose last row is the axis, start and length of
    the axis (B,) and radii (B, HEIGHTS, ANGLES) in metres."""

    bones: np.ndarray
    frames: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    radii: np.ndarray


def body_tubes(rig, character):
    bones, frames, starts, lengths, radii = [], [], [], [], []
    owner = rig.dominant_bones
    for bone, end in AXES.items():
        index = rig.index(bone)
        head = character.heads[index]
        axis = unit(character.heads[rig.index(end)] - head) if end else np.array([0, 0, 1.0])
        side = unit(np.cross(axis, (0, 1, 0)))
        frame = np.stack([side, np.cross(axis, side), axis])
        x, y, along = ((character.vertices[owner == index] - head) @ frame.T).T
        start, length = along.min(), np.ptp(along)
        outline = _outline(x, y, (along - start) / length)
        bones.append(index), frames.append(frame), starts.append(start), lengths.append(length)
        radii.append(outline + (HEADSET_M if bone == "Head" else 0))
    return Tubes(*(np.array(column) for column in (bones, frames, starts, lengths, radii)))


def _outline(x, y, height):
    """The farthest skin in every cell of height (0..1) and angle; empty cells take a neighbour's."""
    row = np.minimum((height * HEIGHTS).astype(int), HEIGHTS - 1)
    column = (np.arctan2(y, x) / (2 * np.pi) * ANGLES).astype(int) % ANGLES
    outline = np.zeros((HEIGHTS, ANGLES))
    np.maximum.at(outline, (row, column), np.hypot(x, y))
    while not outline.all():
        beside = maximum_filter(outline, 3, mode=("nearest", "wrap"))
        outline = np.where(outline > 0, outline, beside)
    return outline


def _push(tubes, world, joints, points, thickness_m):
    """How far and whither points (N, P, 3) must go to leave the tube they are deepest in."""
    local = points[:, None] - joints[:, tubes.bones][:, :, None]
    local = np.einsum("nbji,nbpj->nbpi", world[:, tubes.bones], local)
    local = np.einsum("bij,nbpj->nbpi", tubes.frames, local)
    height = (local[..., 2] - tubes.starts[:, None]) / tubes.lengths[:, None]
    distance = np.hypot(local[..., 0], local[..., 1])
    radius = _radius(tubes, height, np.arctan2(local[..., 1], local[..., 0]))
    ending = np.clip(np.minimum(height, 1 - height) / FADE + 1, 0, 1)
    depth = np.maximum(radius + thickness_m - distance, 0) * ending * (distance < radius + 0.15)
    deepest = depth.argmax(1)[:, None]
    outward = local * (1, 1, 0) / np.maximum(distance, 1e-6)[..., None] * depth[..., None]
    outward = np.take_along_axis(outward, deepest[..., None], 1)[:, 0]
    bones = deepest[:, 0]
    turns = world[np.arange(len(points))[:, None], tubes.bones[bones]]
    return np.einsum("npij,npkj,npk->npi", turns, tubes.frames[bones], outward)


def _radius(tubes, height, angle):
    """Bilinear look-up of the outlines; height, angle (N, B, P)."""
    row = np.clip(height * HEIGHTS - 0.5, 0, HEIGHTS - 1.001)
    column = angle / (2 * np.pi) * ANGLES - 0.5
    low, left = row.astype(int), np.floor(column).astype(int)
    up, right = row - low, column - left
    part = np.arange(len(tubes.bones))[:, None]
    corner = [tubes.radii[part, low + i, (left + j) % ANGLES] for i in (0, 1) for j in (0, 1)]
    near = corner[0] * (1 - right) + corner[1] * right
    return near * (1 - up) + (corner[2] * (1 - right) + corner[3] * right) * up


def arm_directions(rig, world, joints):
    """Unit directions of upper and fore arms in the chest's frame (N, 2 sides, 2, 3) of a posed
    skeleton: world (N, J, 3, 3), joints (N, J, 3)."""
    chain = [[rig.index(side + n) for n in ("Arm", "ForeArm", "Hand")] for side in SIDES]
    return unit(np.einsum("nji,nsaj->nsai", world[:, rig.index("Spine2")],
                          np.diff(joints[:, chain], axis=2)))  # fmt: skip


def _knuckles(rig, joints):
    return (joints[:, rig.index(side + "HandMiddle1")] for side in SIDES)


def hands_meet(rig, joints, joined):
    """Whether `joined_arms` would change anything: hands that meet, or that are too near."""
    left, right = _knuckles(rig, joints)
    return bool(joined.any() or (np.linalg.norm(left - right, axis=1) < PALMS_M).any())


def joined_arms(rig, world, joints, joined):
    """Directions as `arm_directions` has them, with hands that meet as far as `joined` (N,) says and that
    never come nearer than palm on palm."""
    chest = world[:, rig.index("Spine2")]
    left, right = _knuckles(rig, joints)
    distance = np.linalg.norm(left - right, axis=1)
    wanted = np.maximum(distance, PALMS_M)
    wanted = wanted + joined * (PALMS_M - wanted)
    shift = unit(left - right) * ((wanted - distance) / 2)[:, None]
    arms = np.empty((len(world), 2, 2, 3))
    for side, prefix in enumerate(SIDES):
        shoulder, elbow, wrist = (
            joints[:, rig.index(prefix + name)] for name in ("Arm", "ForeArm", "Hand")
        )
        upper_m = np.linalg.norm(elbow - shoulder, axis=1, keepdims=True)
        fore_m = np.linalg.norm(wrist - elbow, axis=1, keepdims=True)
        goal = wrist + (shift if side == 0 else -shift)
        for _ in range(ROUNDS):
            elbow = goal + fore_m * unit(elbow - goal)
            elbow = shoulder + upper_m * unit(elbow - shoulder)
        arm = np.stack([unit(elbow - shoulder), unit(goal - elbow)], 1)
        arms[:, side] = np.einsum("nji,naj->nai", chest, arm)
    return arms


def cleared_arms(rig, tubes, world, joints):
    """Directions as `arm_directions` has them, with hands and elbows outside the body."""
    chest = world[:, rig.index("Spine2")]
    cleared = np.empty((len(world), 2, 2, 3))
    for side, prefix in enumerate(SIDES):
        shoulder, elbow, wrist, knuckle, tip, thumb = (
            joints[:, rig.index(prefix + name)]
            for name in ("Arm", "ForeArm", "Hand", "HandMiddle1", "HandMiddle3", "HandThumb3")
        )
        upper_m = np.linalg.norm(elbow - shoulder, axis=1, keepdims=True)
        fore_m = np.linalg.norm(wrist - elbow, axis=1, keepdims=True)
        hand = [part - wrist for part in (knuckle, tip + (tip - knuckle) * 0.4, thumb)]
        for _ in range(ROUNDS):
            points = np.stack([elbow, (elbow + wrist) / 2, wrist, *(wrist + o for o in hand)], 1)
            push = _push(tubes, world, joints, points, THICKNESS_M)
            if not push.any():
                break
            farthest = np.linalg.norm(push[:, 2:], axis=-1).argmax(1)
            of_hand = push[np.arange(len(push)), 2 + farthest]
            elbow = elbow + push[:, 0] + 0.5 * push[:, 1]
            wrist = wrist + np.where(_longer(of_hand, push[:, 1]), of_hand, push[:, 1])
            elbow = shoulder + upper_m * unit(elbow - shoulder)
            wrist = elbow + fore_m * unit(wrist - elbow)
        arm = np.stack([unit(elbow - shoulder), unit(wrist - elbow)], 1)
        cleared[:, side] = np.einsum("nji,naj->nai", chest, arm)
    return cleared


def _longer(first, second):
    return (np.linalg.norm(first, axis=1) >= np.linalg.norm(second, axis=1))[:, None]
