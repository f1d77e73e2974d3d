"""Who performs what where: every clip as often as any other, every category by everybody."""

import dataclasses
import itertools
from collections import Counter

import pytest

from egolib.config import PROFILES, RenderConfig
from egolib.miniature import plan
from egolib.miniature.motion.clips import CLIPS
from egolib.miniature.plan import clips_of_characters, planned_sequences, shard_of
from egolib.skeleton import ACTION_CLIPS, SPLITS, action_of_clip

MORE = tuple(clip for clips in ACTION_CLIPS.values() for clip in clips[:8])


@pytest.fixture(params=["the clips that are there", "more clips"])
def clips(request, monkeypatch):
    names = tuple(CLIPS) if request.param == "the clips that are there" else MORE
    monkeypatch.setattr(plan, "CLIPS", dict.fromkeys(names))
    return names


@pytest.mark.parametrize("count", [9, 18, 0])
def test_clips_are_dealt_out_evenly(clips, count):
    config = RenderConfig(clips=count)
    for split, hands in clips_of_characters(config, seed=3).items():
        assert set(hands) == set(SPLITS[split])
        performed = Counter(clip for hand in hands.values() for clip in hand)
        assert set(performed) == set(clips), split
        for hand in hands.values():
            assert {action_of_clip(clip) for clip in hand} == set(ACTION_CLIPS)
            assert len(set(hand)) == len(hand) <= len(clips)
            if split != "ValSet":  # one character performs everything
                assert len(hand) == (count or len(clips))
        if count != 9:  # with 9 every character shows each category once, be it large or small
            assert max(performed.values()) - min(performed.values()) <= 1


def test_the_plan_is_deterministic_and_depends_on_the_seed(clips):
    config = RenderConfig(clips=9)
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
    monkeypatch.setattr(plan, "CLIPS", dict.fromkeys(MORE))
    frames = Counter()
    for sequence in planned_sequences(PROFILES["quick"].render):
        frames[sequence.split] += sequence.frames
    assert 4700 < frames["TrainSet"] < 5300
    assert 400 < frames["ValSet"] < 600
    assert 1600 < frames["TestSet"] < 2000


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
