"""Performances: official names, planted feet, plausible speeds, joints within their ranges, heads
that look around, and clips that do as named."""

import itertools
from functools import cache

import numpy as np
import pytest
from test_body import cast

from egolib.camera import project
from egolib.skeleton import ACTIONS, action_of_clip
from egosynth.motion.clips import CLIPS
from egosynth.motion.limits import LIMITS, joint_angles
from egosynth.motion.performance import perform
from egosynth.people.body import camera_poses, pose_skeleton, stable_rng
from egosynth.people.wardrobe import dress, sole_points
from egosynth.places.room import CLEARANCE_M, FREE_M

FPS = 30
PERFORMER = "female_003_a_a"
PEOPLE = (PERFORMER, "male_004_a_a", "female_012_f_s", "male_003_f_s")
TOUCHES_M = 0.01  # a sole this near to the floor bears weight


@cache
def soles_of(character):
    rig, characters = cast()
    return sole_points(rig, dress(rig, characters[character], stable_rng("test")))


@cache
def shown(clip, seconds=2.5, take=0, character=PERFORMER, fps=FPS):
    """-> performance, world rotations, joints of one performance."""
    rig, characters = cast()
    rng = stable_rng("test", clip, character, take)
    frames = int(seconds * fps)
    soles = soles_of(character)
    done = perform(rig, characters[character], clip, frames, fps, soles, FREE_M, rng)
    heads = characters[character].heads
    return done, *pose_skeleton(rig, heads, done.rotations, done.root_positions)


def performers(clip):
    """The performer and one of the other people, another with each clip."""
    return PERFORMER, PEOPLE[1 + list(CLIPS).index(clip) % (len(PEOPLE) - 1)]


def sole_paths(clip, character, **options):
    """Points of the soles (N, P, 3) in metres."""
    bones, points = soles_of(character)
    _, world, joints = shown(clip, character=character, **options)
    arms = points - cast()[1][character].heads[bones]
    return joints[:, bones] + np.einsum("npij,pj->npi", world[:, bones], arms)


def joint(clip, name, **options):
    return shown(clip, **options)[2][:, cast()[0].index(name)]


def angles(clip, character=PERFORMER, **options):
    _, world, joints = shown(clip, character=character, **options)
    rig, characters = cast()
    return joint_angles(rig, characters[character].heads, world, joints)


def test_nine_categories_of_official_clips_at_least_three_each():
    actions = [action_of_clip(clip) for clip in CLIPS]
    assert len(CLIPS) >= 36
    assert set(actions) == set(ACTIONS)
    assert all(actions.count(action) >= 3 for action in ACTIONS)


# All clips briefly; at length those whose keys come in any order, so that any key meets any other,
# and the fastest.
SHORT = [(clip, 2.5, 0, person) for clip in CLIPS for person in performers(clip)]
LONG = [
    (clip, 14, take, PEOPLE[take % len(PEOPLE)])
    for clip in ("Charge", *(clip for clip in CLIPS if CLIPS[clip].shuffled))
    for take in range(8)
]


@pytest.mark.parametrize("play", SHORT + LONG, ids=str)
def test_motion_is_continuous(play):
    clip, seconds, take, person = play
    velocities = np.diff(shown(clip, character=person, seconds=seconds, take=take)[2], axis=0) * FPS
    assert 0.3 < np.linalg.norm(velocities, axis=-1).max() < 9
    changes = np.linalg.norm(np.diff(velocities, axis=0), axis=-1)
    assert changes.max() < 4.8  # m/s between frames
    assert np.percentile(changes, 99.9) < 4.2


def assert_within_limits(degrees_of):
    for motion, degrees in degrees_of.items():
        low, high = LIMITS[motion]
        assert degrees.min() > low - 1, motion
        assert degrees.max() < high + 1, motion


@pytest.mark.parametrize("play", SHORT + LONG, ids=str)
def test_joints_stay_within_anatomical_limits(play):
    clip, seconds, take, person = play
    assert_within_limits(angles(clip, person, seconds=seconds, take=take))


@pytest.mark.parametrize("clip", CLIPS)
def test_joints_stay_within_anatomical_limits_at_few_frames_a_second(clip):
    for person in performers(clip):
        assert_within_limits(angles(clip, person, seconds=1.2, fps=5))


@pytest.mark.parametrize("play", SHORT + LONG, ids=str)
def test_feet_are_planted_while_they_bear_weight(play):
    clip, seconds, take, person = play
    soles = sole_paths(clip, person, seconds=seconds, take=take)
    assert soles[..., 2].min() > -0.01
    assert soles[..., 2].min(1).max() < 0.01  # one foot at least is on the floor
    touching = soles[..., 2] < TOUCHES_M
    slip = np.linalg.norm(np.diff(soles[..., :2], axis=0), axis=-1)
    assert slip[touching[1:] & touching[:-1]].max() < 0.01


def test_joint_angles_of_known_poses():
    rig, characters = cast()
    heads = characters[PERFORMER].heads
    turns = np.tile(np.eye(3), (1, len(rig.bones), 1, 1))
    still = joint_angles(rig, heads, *pose_skeleton(rig, heads, turns, np.zeros((1, 3))))
    for motion in ("wrist flexion", "wrist deviation", "forearm pronation", "shoulder twist"):
        assert np.abs(still[motion]).max() < 1e-6, motion
    cosine, sine = np.cos(np.radians(40)), np.sin(np.radians(40))
    turns[0, rig.index("LeftLeg")] = [[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]
    turns[0, rig.index("Head")] = [[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]
    turns[0, rig.index("RightLeg")] = turns[0, rig.index("LeftLeg")].T
    bent = joint_angles(rig, heads, *pose_skeleton(rig, heads, turns, np.zeros((1, 3))))
    assert abs(bent["knee flexion"][0, 0] - still["knee flexion"][0, 0] - 40) < 6
    assert bent["knee flexion"][0, 1] < -20  # a knee that bends forward is seen
    assert abs(bent["neck rotation"][0, 0] - 40) < 1e-6


def test_wrists_and_palms_are_alive():
    spans = [
        [np.ptp(angles(clip)[motion], axis=0).max() for clip in CLIPS]
        for motion in ("wrist flexion", "forearm pronation", "wrist deviation")
    ]
    assert (np.median(spans, axis=1) > (10, 20, 5)).all()


def test_fingers_and_thumbs_open_and_close():
    rig, _ = cast()
    for name in ("Index2", "Ring2", "Thumb2"):
        for side in ("Left", "Right"):
            turns = [shown(clip)[0].rotations[:, rig.index(f"{side}Hand{name}")] for clip in CLIPS]
            bends = np.degrees(np.arccos((np.trace(np.concatenate(turns), 0, 1, 2) - 1) / 2))
            assert np.percentile(bends, 5) < 15, name
            assert np.percentile(bends, 95) > 30, name


def test_heads_look_left_right_up_and_down():
    turns = [angles(clip, person) for clip in CLIPS for person in performers(clip)]
    yaw = np.concatenate([turn["neck rotation"] for turn in turns])
    pitch = np.concatenate([turn["neck flexion"] for turn in turns])
    assert np.percentile(yaw, 5) < -25
    assert np.percentile(yaw, 95) > 25
    assert np.percentile(pitch, 5) < -10
    assert np.percentile(pitch, 95) > 25
    spans = [np.ptp(turn["neck rotation"]) + np.ptp(turn["neck flexion"]) for turn in turns]
    assert np.median(spans) > 30


def test_stretching_people_stand_upright_above_their_feet():
    """Feet appear where those of walking people do; chest and head are mostly upright."""
    rig, characters = cast()
    rows, leans = {}, []
    for clip, take in itertools.product(("upper_stretching", "walking"), range(24)):
        person = sorted(characters)[take]
        _, world, joints = shown(clip, seconds=4, take=take, character=person, fps=5)
        turns, centres = camera_poses(rig, characters[person], world, joints)
        feet = joints[:, [rig.index("LeftFoot"), rig.index("RightFoot")]] - centres[:, None]
        rows.setdefault(clip, []).append(project(feet @ turns)[..., 1])
        if clip == "upper_stretching":
            leans.append(world[:, rig.index("Spine2"), 2, 2])
    upright = np.degrees(np.arccos(np.concatenate(leans))) < 20
    assert upright.mean() > 0.75
    between = np.median(rows["upper_stretching"]) - np.median(rows["walking"])
    assert abs(between) < 40  # native pixels: 5 % of the square


def test_stretched_arms_reach_the_rim_on_both_sides():
    rig, characters = cast()
    for side in ("Left", "Right"):
        degrees = []
        for take in range(8):
            person = PEOPLE[take % len(PEOPLE)]
            _, world, joints = shown("upper_stretching", 4, take, person, fps=5)
            turns, centres = camera_poses(rig, characters[person], world, joints)
            hands = np.einsum("nji,nj->ni", turns, joints[:, rig.index(side + "Hand")] - centres)
            degrees.append(
                np.degrees(np.arctan2(np.linalg.norm(hands[:, :2], axis=1), hands[:, 2]))
            )
        off_axis = np.concatenate(degrees)
        assert (off_axis > 60).mean() > 0.3, side
        assert (off_axis > 90).mean() > 0.02, side  # behind the lens plane


def test_torso_turns_far_below_an_upright_head():
    rig, _ = cast()
    twists = []
    for take in range(3):
        _, world, _ = shown("upper_stretching", seconds=11, take=take)
        chest, head = world[:, rig.index("Spine2")], world[:, rig.index("Head")]
        upright = head[:, 2, 2] > np.cos(np.radians(25))
        between = (chest.transpose(0, 2, 1) @ head)[upright]
        twists.append(np.degrees(np.arctan2(between[:, 1, 0], between[:, 0, 0])))
    twists = np.concatenate(twists)
    assert np.percentile(np.abs(twists), 90) > 30
    assert twists.min() < -30
    assert twists.max() > 30


def test_arms_reach_everywhere():
    rig, _ = cast()
    hands = []
    for clip, take in itertools.product(CLIPS, range(3)):
        _, world, joints = shown(clip, take=take)
        chest = world[:, rig.index("Spine2")]
        for side, sign in (("Left", 1), ("Right", -1)):
            arm = joints[:, rig.index(side + "Hand")] - joints[:, rig.index(side + "Arm")]
            hands.append(np.einsum("nji,nj->ni", chest, arm) * (sign, 1, 1))
    outward, back, up = np.concatenate(hands).T
    for direction in (outward, -back, up, -up):
        assert (direction > 0.25).mean() > 0.02
    assert (back > 0.1).mean() > 0.003
    assert (outward < -0.1).mean() > 0.005  # across the body


def test_walking_walks_and_the_knees_alternate():
    hips = joint("walking", "Hips", seconds=5)
    assert np.linalg.norm(np.diff(hips[:, :2], axis=0), axis=1).sum() > 1.5
    assert np.ptp(hips[:, 2]) < 0.12
    bends = angles("walking", seconds=5)["knee flexion"]
    assert np.corrcoef(bends.T)[0, 1] < 0.2
    assert bends.max() > 45
    step = np.gradient(hips, axis=0)
    toes = joint("walking", "LeftToeBase", seconds=5) - joint("walking", "LeftFoot", seconds=5)
    assert (step[:, :2] * toes[:, :2]).sum(1).mean() > 0  # forward, not backward


def test_a_raised_foot_hovers_and_knees_rise():
    feet = joint("Weight_Shift_Gesture", "LeftFoot", seconds=8)[:, 2]
    assert np.ptp(feet) > 0.12
    flexed = np.concatenate([angles("lower_stretching", seconds=10, take=t)["hip flexion"]
                             for t in range(2)])  # fmt: skip
    assert flexed.max() > 75
    assert np.percentile(flexed, 20) < 40


def test_sitting_lowers_the_hips():
    standing = joint("Talking", "Hips")[:, 2].mean()
    for clip in ("Sitting_Thumbs_Up", "Sitting_Disapproval"):
        assert shown(clip)[0].seated
        assert joint(clip, "Hips")[:, 2].max() < 0.72 * standing


def test_patting_hand_goes_up_and_down():
    done, _, joints = shown("Patting", seconds=5)
    hand = joints[:, cast()[0].index("LeftHand" if done.mirrored else "RightHand"), 2]
    assert (np.diff(np.sign(np.diff(hand))) != 0).sum() >= 4
    assert np.ptp(hand) > 0.1


def test_clapping_hands_meet_and_hands_do_not_pass_through_each_other():
    left, right = (joint("Clapping", f"{side}HandMiddle1", seconds=5) for side in ("Left", "Right"))
    assert np.linalg.norm(left - right, axis=1).min() < 0.09
    apart = [
        np.linalg.norm(joint(c, "LeftHandMiddle1") - joint(c, "RightHandMiddle1"), axis=1)
        for c in CLIPS
    ]
    assert np.percentile(np.concatenate(apart), 1) > 0.045


def test_plays_begin_and_end_at_ease():
    rig, _ = cast()
    for clip in ("Boxing", "Clapping", "upper_stretching"):
        _, _, joints = shown(clip, seconds=25)
        hands = joints[:, [rig.index("LeftHand"), rig.index("RightHand")], 2].max(1)
        hanging = hands < joints[:, rig.index("Spine"), 2]
        assert 0.03 < hanging.mean() < 0.5, clip


def test_a_short_window_already_moves():
    rig, _ = cast()
    hands = [rig.index("LeftHand"), rig.index("RightHand")]
    moved = []
    for clip in CLIPS:
        joints = shown(clip, seconds=0.7, fps=10)[2]
        moved.append(np.ptp(joints[:, hands] - joints[:, :1], axis=0).max())
    assert np.median(moved) > 0.15


@pytest.mark.parametrize("clip", [clip for clip in CLIPS if CLIPS[clip].speed_m_per_s])
def test_who_walks_does_not_run_however_short_the_sequence(clip):
    for take in range(12):
        root = shown(clip, seconds=1.2, take=take, fps=5)[0].root_positions
        speeds = np.linalg.norm(np.diff(root[:, :2], axis=0), axis=1) * 5
        assert speeds.max() < 1.75  # m/s; people begin to run at 2


@pytest.mark.parametrize("clip", [clip for clip in CLIPS if CLIPS[clip].speed_m_per_s])
def test_who_walks_for_three_seconds_stays_clear_of_the_furniture(clip):
    for take in range(16):
        joints = shown(clip, 3, take, PEOPLE[take % len(PEOPLE)])[2]
        assert np.abs(joints[..., :2]).max() < CLEARANCE_M, take


def test_people_keep_a_posture_of_their_own():
    """Forearms of one half of a person's takes are turned as those of the other half, but those of
    single takes scatter."""
    turned = np.array([
        [angles("Talking", person, seconds=4, take=take, fps=5)["forearm pronation"].mean(0)
         for take in range(12)]
        for person in sorted(cast()[1])[:12]
    ])  # fmt: skip
    halves = turned[:, :6].mean(1), turned[:, 6:].mean(1)
    assert np.corrcoef(np.ravel(halves[0]), np.ravel(halves[1]))[0, 1] > 0.6
    assert turned.std(1).mean() > 10


def test_no_two_performances_are_equal_but_each_repeats():
    first, second = shown("Boxing")[2], shown("Boxing", take=1)[2]
    assert np.abs((first - first[:, :1]) - (second - second[:, :1])).max() > 0.05
    rig, characters = cast()
    again = perform(rig, characters[PERFORMER], "Boxing", 75, FPS, soles_of(PERFORMER), FREE_M,
                    stable_rng("test", "Boxing", PERFORMER, 0))  # fmt: skip
    np.testing.assert_array_equal(again.rotations, shown("Boxing")[0].rotations)


def test_speed_reach_and_side_vary_from_take_to_take():
    takes = [shown("Boxing", seconds=0.7, take=take)[0] for take in range(20)]
    assert np.ptp([take.speed for take in takes]) > 0.15
    assert np.ptp([take.amplitude for take in takes]) > 0.2
    assert {take.mirrored for take in takes} == {True, False}
    # The same drawn anew: the farther the reach, the farther the hands.
    rig, _ = cast()
    reach = [
        np.ptp(shown("Boxing", seconds=0.7, take=take)[2][:, rig.index("LeftHand")], axis=0).max()
        for take in range(20)
    ]
    assert np.ptp(reach) > 0.05


def test_nobody_is_upside_down():
    for clip in CLIPS:
        assert (joint(clip, "Head")[:, 2] > joint(clip, "Hips")[:, 2] - 0.1).all(), clip
