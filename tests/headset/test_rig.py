"""The fitted rig: bones keep their length, joints stay where they were seen, and what nobody saw is
near; its BVH file says the same to a reader of others."""

import numpy as np
import pybvh
import pytest
from conftest import STANDING_M
from scipy.spatial.transform import Rotation

from egolib.headset.poses.bvh import write_bvh
from egolib.headset.poses.rig import (
    BONES,
    FITTED,
    OBSERVED,
    PARENTS,
    RigMotion,
    measure_offsets,
    to_camera_axes,
    to_rig_axes,
)
from egolib.headset.poses.rigfitting import fit_rig


@pytest.fixture(scope="module")
def danced():
    """A RigMotion of bodies bent at random, lengths as measured in a standing pose."""
    rng = np.random.default_rng(0)
    offsets = measure_offsets(to_rig_axes(STANDING_M[None]))
    wide = {"Spine": 8, "Spine1": 8, "Spine2": 8, "LeftShoulder": 5, "RightShoulder": 5}
    degrees = rng.normal(size=(60, len(BONES), 3))
    degrees *= np.array([wide.get(name, 25) for name in BONES])[:, None]
    for name in ("LeftForeArm", "RightForeArm"):
        degrees[:, BONES.index(name)] = rng.uniform(0, 100, (60, 1)) * (0, 1, 0)
    for name in ("LeftLeg", "RightLeg"):
        degrees[:, BONES.index(name)] = rng.uniform(0, 100, (60, 1)) * (1, 0, 0)
    turns = Rotation.from_rotvec(np.radians(degrees).reshape(-1, 3)).as_matrix()
    rotations = turns.reshape(60, len(BONES), 3, 3)
    return RigMotion(offsets, rotations, rng.normal(size=(60, 3)))


@pytest.fixture(scope="module")
def refitted(danced):
    return fit_rig(to_camera_axes(danced.joints_m[:, OBSERVED]))


def bone_lengths_m(joints_m):
    children = np.arange(1, len(BONES))
    return np.linalg.norm(joints_m[:, children] - joints_m[:, np.array(PARENTS)[1:]], axis=-1)


def test_bones_keep_their_length(refitted):
    assert np.ptp(bone_lengths_m(refitted.joints_m), axis=0).max() < 1e-6


def test_seen_joints_stay_and_unseen_ones_are_near(danced, refitted):
    errors_mm = 1000 * np.linalg.norm(refitted.joints_m - danced.joints_m, axis=-1)
    assert errors_mm[:, OBSERVED].mean() < 3
    assert errors_mm[:, BONES.index("Hips")].mean() < 10
    assert errors_mm.mean() < 10
    assert set(FITTED) == {"Hips", "Spine", "Spine1", "Spine2", "LeftShoulder", "RightShoulder"}


def test_noise_does_not_change_the_bones(danced):
    rng = np.random.default_rng(1)
    seen = to_camera_axes(danced.joints_m[:, OBSERVED])
    given = seen + rng.normal(scale=0.02, size=seen.shape)
    noisy = fit_rig(given)
    assert np.ptp(bone_lengths_m(noisy.joints_m), axis=0).max() < 1e-6
    residual_m = np.linalg.norm(to_camera_axes(noisy.joints_m)[:, OBSERVED] - given, axis=-1)
    assert 1000 * residual_m.mean() < 35


def test_elbows_and_knees_bend_like_hinges(refitted):
    for name, hinge in {"LeftForeArm": 1, "RightForeArm": 1, "LeftLeg": 0, "RightLeg": 0}.items():
        turns = Rotation.from_matrix(refitted.rotations[:, BONES.index(name)]).as_rotvec()
        other = np.delete(turns, hinge, axis=1)
        assert np.degrees(np.abs(other)).mean() < 12, name


def test_the_head_is_turned_as_the_headset_is(refitted):
    world = refitted.rotations[:, 0]
    for name in ("Spine", "Spine1", "Spine2", "Neck", "Head"):
        world = world @ refitted.rotations[:, BONES.index(name)]
    assert world == pytest.approx(np.tile(np.eye(3), (60, 1, 1)), abs=1e-6)


def test_an_independent_reader_finds_the_same_joints(refitted, tmp_path):
    write_bvh(tmp_path / "dance.bvh", refitted, fps=25)
    read = pybvh.read_bvh_file(tmp_path / "dance.bvh", world_up="+y")
    assert read.joint_names == [f"mixamorig:{name}" for name in _in_file_order()]
    assert (read.frame_count, read.fps) == (60, pytest.approx(25))
    order = [BONES.index(name) for name in _in_file_order()]
    found_m = np.asarray(read.joint_positions()) / 100
    assert np.abs(found_m - refitted.joints_m[:, order]).max() < 1e-4
    assert [node.parent.name if node.parent else None for node in read.nodes[:2]] == [
        None, "mixamorig:Hips",
    ]  # fmt: skip


def test_curves_do_not_leap(tmp_path):
    turns = Rotation.from_euler("z", np.arange(0, 400, 10)[:, None], degrees=True).as_matrix()
    rotations = np.tile(np.eye(3), (40, len(BONES), 1, 1))
    rotations[:, 0] = turns
    offsets = measure_offsets(to_rig_axes(STANDING_M[None]))
    motion = RigMotion(offsets, rotations, np.zeros((40, 3)))
    write_bvh(tmp_path / "turn.bvh", motion, fps=30)
    lines = (tmp_path / "turn.bvh").read_text().split("Frame Time")[1].splitlines()[1:]
    angles = np.array([[float(x) for x in line.split()] for line in lines])[:, 3:]
    assert np.abs(np.diff(angles, axis=0)).max() < 181


def _in_file_order(bone=0):
    yield BONES[bone]
    for child, parent in enumerate(PARENTS):
        if parent == bone:
            yield from _in_file_order(child)


def test_a_motion_at_uneven_times_keeps_its_length():
    """Frames at 0, 1, 2 and 10 thirtieths of a second are 11 at one rate; rests in between are filled."""
    turns = Rotation.from_euler("z", [[0], [1], [2], [10]], degrees=True).as_matrix()
    rotations = np.tile(np.eye(3), (4, len(BONES), 1, 1))
    rotations[:, 3] = turns
    root_m = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [10, 0, 0]], float)
    motion = RigMotion(np.zeros((len(BONES), 3)), rotations, root_m)
    even = motion.at_rate(np.array([0, 1, 2, 10]) / 30, 30)
    assert even.root_m[:, 0] == pytest.approx(np.arange(11))
    degrees = Rotation.from_matrix(even.rotations[:, 3]).as_euler("zyx", degrees=True)[:, 0]
    assert degrees == pytest.approx(np.arange(11))
    for times_s in (np.arange(4) / 30, np.full(4, np.nan)):
        assert motion.at_rate(times_s, 30) is motion
