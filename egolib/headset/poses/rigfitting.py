"""The rig fitted to poses of the 16 joints: Levenberg and Marquardt, many frames at once."""

import numpy as np
from scipy.spatial.transform import Rotation

from egolib.headset.poses import rig
from egolib.headset.poses.rig import BONES, OBSERVED, PARENTS, RIG, TABLE, RigMotion
from egolib.skeleton import JOINTS

_STIFF = TABLE[["stiff_x", "stiff_y", "stiff_z"]].dropna()
_TURNING = RIG.index.get_indexer(_STIFF.index)  # the others carry nothing
_WEIGHTS = _STIFF.to_numpy()
_ITERATIONS = 40
_FRAMES_AT_ONCE = 256


def fit_rig(joints_m):
    """Poses (N, 16, 3), metres, camera axes, all finite -> RigMotion.

    Lengths first: medians over all frames, left and right together. Then every frame on its own,
    by Levenberg and Marquardt: the rotations that bring the rig's joints closest to the given,
    with a little stiffness that decides what they leave open. The headset is rigid on the head,
    so the head's rotation is the camera's.
    """
    targets = rig.to_rig_axes(np.asarray(joints_m, np.float64))
    offsets = rig.measure_offsets(targets)
    groups = np.split(targets, range(_FRAMES_AT_ONCE, len(targets), _FRAMES_AT_ONCE))
    parts = [_fit_frames(offsets, group) for group in groups]
    rotations, root = (np.concatenate(part) for part in zip(*parts, strict=True))
    world, _ = rig.pose_rig(offsets, rotations, root)
    rotations[:, BONES.index("Head")] = world[:, BONES.index("Neck")].transpose(0, 2, 1)
    return RigMotion(offsets, rotations, root)


def _is_below():
    """Whether a joint (row) hangs from a turning bone (column) -> (16, T)."""
    below = np.zeros((len(BONES), len(BONES)))
    for bone, parent in enumerate(PARENTS[1:], 1):
        below[bone] = below[parent]
        below[bone, parent] = 1
    return below[np.ix_(OBSERVED, _TURNING)]


_BELOW = _is_below()


def _fit_frames(offsets, targets):
    """-> rotations (N, 22, 3, 3), root (N, 3)."""
    rotations, root = _first_guess(offsets, targets)
    errors, slopes = _residuals(offsets, rotations, root, targets)
    cost, damping = (errors**2).sum(-1), np.full(len(targets), 1e-3)
    for _ in range(_ITERATIONS):
        across = slopes.transpose(0, 2, 1)
        floor = damping[:, None, None] * np.eye(slopes.shape[-1]) * 0.1
        step = -np.linalg.solve(across @ slopes + floor, across @ errors[..., None])[..., 0]
        trial = rotations.copy()
        turns = Rotation.from_rotvec(step[:, 3:].reshape(-1, 3)).as_matrix()
        trial[:, _TURNING] = rotations[:, _TURNING] @ turns.reshape(len(step), -1, 3, 3)
        moved = root + step[:, :3]
        new_errors, new_slopes = _residuals(offsets, trial, moved, targets)
        new_cost = (new_errors**2).sum(-1)
        better = new_cost < cost
        rotations[better], root[better] = trial[better], moved[better]
        errors[better], slopes[better] = new_errors[better], new_slopes[better]
        settled = (cost - new_cost) < 1e-9
        cost = np.minimum(cost, new_cost)
        damping = np.where(better, damping / 4, damping * 6).clip(1e-9, 1e3)
        if settled[better].all() and better.any():
            break
    return rotations, root


def _first_guess(offsets, targets):
    """The rig at rest, turned and moved to where the torso is."""
    left, right, neck = (JOINTS.index(name) for name in ("LeftUpLeg", "RightUpLeg", "Neck"))
    hips = (targets[:, left] + targets[:, right]) / 2
    up = targets[:, neck] - hips
    up /= np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)
    across = targets[:, left] - targets[:, right]
    forward = np.cross(across, up)
    forward /= np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
    rotations = np.tile(np.eye(3), (len(targets), len(BONES), 1, 1))
    rotations[:, 0] = np.stack([np.cross(up, forward), up, forward], -1)
    leg = offsets[BONES.index("LeftUpLeg")] * (0, 1, 1)
    return rotations, hips - rotations[:, 0] @ leg


def _residuals(offsets, rotations, root, targets):
    """Metres off, then the turns from rest by their stiffness -> (N, 48 + 3T); and their
    derivatives by the root's place and a further turn of each bone (N, 48 + 3T, 3 + 3T)."""
    frames, count = len(targets), len(_TURNING)
    world, joints = rig.pose_rig(offsets, rotations, root)
    seen = joints[:, OBSERVED]
    turned = Rotation.from_matrix(rotations[:, _TURNING].reshape(-1, 3, 3)).as_rotvec()
    stiff = turned.reshape(frames, count, 3) * _WEIGHTS
    errors = np.hstack([(seen - targets).reshape(frames, -1), stiff.reshape(frames, -1)])
    slopes = np.zeros((frames, errors.shape[1], 3 + 3 * count))
    arms = seen[:, :, None] - joints[:, None, _TURNING]  # (N, 16, T, 3)
    moves = -_cross_matrices(arms) @ world[:, None, _TURNING] * _BELOW[..., None, None]
    top = slopes[:, : 3 * len(JOINTS)]
    top[:, :, :3] = np.tile(np.eye(3), (len(JOINTS), 1))
    top[:, :, 3:] = moves.transpose(0, 1, 3, 2, 4).reshape(frames, top.shape[1], -1)
    turns = _log_slopes(turned).reshape(frames, count, 3, 3) * _WEIGHTS[..., None]
    for i, at in enumerate(range(top.shape[1], slopes.shape[1], 3)):
        slopes[:, at : at + 3, 3 + 3 * i : 6 + 3 * i] = turns[:, i]
    return errors, slopes


def _cross_matrices(vectors):
    """(..., 3) -> (..., 3, 3), whose product with b is vector x b."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*vectors.shape, 3)


def _log_slopes(turned):
    """Derivative of a rotation vector (M, 3) by a further turn in its own frame -> (M, 3, 3)."""
    angle = np.linalg.norm(turned, axis=-1).clip(1e-4, np.pi - 1e-3)
    half = angle / 2
    quadratic = (1 - half / np.tan(half)) / angle**2
    cross = _cross_matrices(turned)
    return np.eye(3) + cross / 2 + quadratic[:, None, None] * (cross @ cross)
