"""Performances: official names, feet on the floor, plausible speeds, and clips that do as named."""

from functools import cache

import numpy as np
import pytest
from test_miniature_body import cast

from egolib.miniature.body import pose_skeleton, stable_rng
from egolib.miniature.clips import CLIPS
from egolib.miniature.motion import perform
from egolib.miniature.room import FREE_M
from egolib.miniature.wardrobe import dress, sole_points
from egolib.skeleton import ACTIONS, action_of_clip

FPS = 30
PERFORMER = "female_003_a_a"


@cache
def outfit():
    rig, characters = cast()
    return dress(rig, characters[PERFORMER], stable_rng("test"))


@cache
def shown(clip, seconds=2.5, take=0):
    """-> performance, world rotations, joints, soles (N, P, 3) of one performance."""
    rig, characters = cast()
    character, (bones, points) = characters[PERFORMER], sole_points(rig, outfit())
    rng = stable_rng("test", clip, take)
    frames = int(seconds * FPS)
    done = perform(rig, character, clip, frames, FPS, (bones, points), FREE_M, rng)
    world, joints = pose_skeleton(rig, character.heads, done.rotations, done.root_positions)
    arms = points - character.heads[bones]
    soles = joints[:, bones] + np.einsum("npij,pj->npi", world[:, bones], arms)
    return done, world, joints, soles


def joint(clip, name, **options):
    return shown(clip, **options)[2][:, cast()[0].index(name)]


def test_nine_categories_of_official_clips_at_least_two_each():
    actions = [action_of_clip(clip) for clip in CLIPS]
    assert set(actions) == set(ACTIONS)
    assert all(actions.count(action) >= 2 for action in ACTIONS)


@pytest.mark.parametrize("clip", CLIPS)
def test_motion_is_continuous(clip):
    joints = shown(clip)[2]
    speeds = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * FPS
    assert speeds.max() < 8
    assert speeds.max() > 0.05


@pytest.mark.parametrize("clip", CLIPS)
def test_feet_stand_on_the_floor_and_do_not_slide(clip):
    soles = shown(clip)[3]
    lowest = soles[..., 2].min(1)
    assert np.abs(lowest).max() < 0.01
    standing = soles[:-1, :, 2].argmin(1)
    frames = np.arange(len(soles) - 1)
    slip = soles[frames + 1, standing, :2] - soles[frames, standing, :2]
    firm = soles[frames + 1, standing, 2] < 0.002
    assert np.median(np.linalg.norm(slip[firm], axis=1)) * FPS < 0.25


def test_walking_walks_and_the_knees_alternate():
    hips = joint("walking", "Hips")
    assert np.linalg.norm(hips[-1, :2] - hips[0, :2]) > 0.3
    rig = cast()[0]
    turns = shown("walking")[0].rotations
    bends = [np.arctan2(turns[:, rig.index(s + "Leg"), 2, 1], turns[:, rig.index(s + "Leg"), 1, 1])
             for s in ("Left", "Right")]  # fmt: skip
    assert np.corrcoef(*bends)[0, 1] < 0
    toes = joint("walking", "LeftToeBase") - joint("walking", "LeftFoot")
    step = np.gradient(hips, axis=0)
    assert (step[:, :2] * toes[:, :2]).sum(1).mean() > 0  # forward, not backward


def test_sitting_lowers_the_hips():
    standing = joint("Talking", "Hips")[:, 2].mean()
    assert joint("Sitting_Thumbs_Up", "Hips")[:, 2].max() < 0.72 * standing


def test_patting_hand_goes_up_and_down():
    done, _, joints, _ = shown("Patting")
    hand = joints[:, cast()[0].index("LeftHand" if done.mirrored else "RightHand"), 2]
    turning_points = np.diff(np.sign(np.diff(hand)))
    assert (turning_points != 0).sum() >= 4
    assert np.ptp(hand) > 0.05


def test_no_two_performances_are_equal():
    first, second = shown("Boxing")[2], shown("Boxing", take=1)[2]
    assert np.abs((first - first[:, :1]) - (second - second[:, :1])).max() > 0.05


def test_nobody_is_upside_down():
    for clip in CLIPS:
        assert (joint(clip, "Head")[:, 2] > joint(clip, "Hips")[:, 2] - 0.1).all(), clip
