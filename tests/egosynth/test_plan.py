"""Who performs what where: every clip, every category by everybody, categories by their shares."""

import dataclasses
import itertools
from collections import Counter

import pytest

from egolib.config import PROFILES, RenderConfig
from egolib.skeleton import ACTION_CLIPS, SPLITS, action_of_clip
from egosynth import plan
from egosynth.motion.clips import CLIPS, Clip
from egosynth.plan import SHARES, clips_of_characters, planned_sequences, shard_of

MORE = {clip: Clip(3.0, ()) for clips in ACTION_CLIPS.values() for clip in clips[:8]}


def config_of(clips):
    """So many clips a character in each split."""
    return RenderConfig(train_clips=clips, val_clips=clips, test_clips=clips)


@pytest.fixture(params=[CLIPS, MORE], ids=["the clips that are there", "more clips"])
def clips(request, monkeypatch):
    monkeypatch.setattr(plan, "CLIPS", request.param)
    return request.param


@pytest.mark.parametrize("count", [9, 18, 0])
def test_everybody_shows_every_category_and_each_split_every_clip(clips, count):
    for split, hands in clips_of_characters(config_of(count), seed=3).items():
        assert set(hands) == set(SPLITS[split])
        assert {clip for hand in hands.values() for clip in hand} == set(clips), split
        for hand in hands.values():
            assert {action_of_clip(clip) for clip in hand} == set(ACTION_CLIPS)
            if split != "ValSet":  # one character performs everything
                assert len(hand) == (count or len(clips))


@pytest.mark.parametrize(("count", "tolerance"), [(18, 0.05), (0, 0.02)])
@pytest.mark.parametrize("split", ["TrainSet", "TestSet"])
def test_categories_approach_their_shares(clips, count, tolerance, split):
    hands = clips_of_characters(config_of(count), seed=3)[split].values()
    performed = Counter(clip for hand in hands for clip in hand)
    actions = Counter()
    for clip, times in performed.items():
        actions[action_of_clip(clip)] += times / performed.total()
    for action, share in SHARES.items():
        assert abs(actions[action] - share) < tolerance, action
    rest = [times for clip, times in performed.items() if action_of_clip(clip) not in SHARES]
    if not count:  # with few clips the small categories have what everybody shows of each
        assert max(rest) - min(rest) <= 1


def test_long_stretches_are_shown_more_than_short_ones():
    performed = Counter(s.clip for s in planned_sequences(RenderConfig()))
    assert performed["upper_stretching"] > 3 * performed["Counting"]
    assert performed["lower_stretching"] > 2 * performed["Sitting_Thumbs_Up"]


def test_takes_of_a_clip_are_counted_for_each_character():
    takes = {}
    for s in planned_sequences(RenderConfig()):
        takes.setdefault((s.character, s.clip), []).append(s.take)
    assert all(mine == list(range(len(mine))) for mine in takes.values())
    assert max(map(len, takes.values())) > 2


def test_the_plan_is_deterministic_and_depends_on_the_seed(clips):
    config = config_of(9)
    assert planned_sequences(config, 1) == planned_sequences(config, 1)
    assert planned_sequences(config, 1) != planned_sequences(config, 2)


def test_sequences_share_the_environments_and_have_numbers_of_their_own(clips):
    sequences = planned_sequences(RenderConfig(train_frames=1500))
    for name in SPLITS["TrainSet"]:
        mine = [s for s in sequences if s.character == name]
        used = Counter(s.environment for s in mine)
        assert sorted(used) == list(plan.ENVIRONMENTS)
        assert max(used.values()) - min(used.values()) <= 2
        for environment in plan.ENVIRONMENTS:
            here = [s for s in mine if s.environment == environment]
            ends = [(s.first_number, s.first_number + s.frames) for s in here]
            assert all(last < first for (_, last), (first, _) in itertools.pairwise(ends))
    assert len({s.environment for s in sequences if s.clip == "walking"}) == 3


def test_what_the_quick_profile_holds(monkeypatch):
    monkeypatch.setattr(plan, "CLIPS", MORE)
    frames = Counter()
    for sequence in planned_sequences(PROFILES["quick"].render):
        frames[sequence.split] += sequence.frames
    # 72 sequences of six frames a person in training; else 36 of five, but the one character of
    # validation performs every clip once.
    assert frames == {"TrainSet": 21 * 72 * 6, "ValSet": 5 * len(MORE), "TestSet": 12 * 36 * 5}


def test_the_smoke_profile_tests_all_actions_on_few_frames(clips):
    sequences = planned_sequences(PROFILES["smoke"].render)
    assert {s.action for s in sequences if s.split == "TestSet"} == set(ACTION_CLIPS)
    assert sum(s.frames for s in sequences) < 400


@pytest.mark.parametrize("parts", [1, 2, 7, 1000])
def test_shards_are_a_partition_into_equal_parts(parts):
    sequences = planned_sequences(dataclasses.replace(RenderConfig(), characters=2))
    shards = [shard_of(sequences, (i, parts)) for i in range(1, parts + 1)]
    assert [s for shard in shards for s in shard] == sequences
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
