"""Which sequences a tree holds: who performs which clips, and where."""

from dataclasses import dataclass

import numpy as np

from egolib.miniature.motion.bvh import captured_clips
from egolib.miniature.motion.clips import CLIPS
from egolib.miniature.people.body import stable_rng
from egolib.skeleton import SPLIT_FOLDERS, SPLITS, action_of_clip

ENVIRONMENTS = ("env_001", "env_002", "env_003")
NUMBER_STEP = 1000  # between the first frames of two sequences, so that a gap shows where one ends


@dataclass(frozen=True)
class Sequence:
    """Consecutive frames of one character, environment and clip."""

    split: str  # TrainSet, ValSet or TestSet
    character: str
    environment: str
    clip: str
    first_number: int
    frames: int

    @property
    def action(self):
        return action_of_clip(self.clip)

    @property
    def folder(self):
        """Below the tree's root."""
        return f"{self.split}/{self.character}/{self.environment}/cam_down"


def chosen_characters(config):
    """{split folder: characters}: all, or `config.characters` spread evenly over the list."""
    chosen = {}
    for split, names in SPLITS.items():
        count = min(config.characters or len(names), len(names))
        places = np.linspace(0, len(names) - 1, count).round().astype(int)
        chosen[split] = tuple(names[place] for place in places)
    return chosen


def clips_of_characters(config, seed=0):
    """{split folder: {character: clips, in the order of CLIPS}}.

    Each character performs at least one clip of each category and `config.clips` in all (0: every
    clip), more where a split has too few characters to show every clip. Within a split every clip
    is performed about as often as any other.
    """
    clips = list(CLIPS | captured_clips(config.motion))
    return {
        split: dict(zip(names, _deal(clips, config.clips, len(names), split, seed), strict=True))
        for split, names in chosen_characters(config).items()
    }


def _deal(clips, count, characters, split, seed):
    """To each character the rarest clip of each category, then the rarest of all -> hands."""
    order = stable_rng(seed, "clips", split).permutation(clips).tolist()
    families = {}
    for clip in order:
        families.setdefault(action_of_clip(clip), []).append(clip)
    place = {clip: i / len(family) for family in families.values() for i, clip in enumerate(family)}
    count = max(min(count or len(clips), len(clips)), -(-len(clips) // characters))
    performed = dict.fromkeys(order, 0)
    hands = []
    for _ in range(characters):
        hand = {min(family, key=performed.get) for family in families.values()}
        rest = sorted(
            performed.keys() - hand, key=lambda clip: (performed[clip], place[clip], clip)
        )
        hand |= set(rest[: max(count - len(hand), 0)])
        for clip in hand:
            performed[clip] += 1
        hands.append(tuple(clip for clip in clips if clip in hand))
    return hands


def planned_sequences(config, seed=0):
    """All sequences of a tree, in order. Only who performs which clip where depends on `seed`."""
    frames = {SPLIT_FOLDERS[key]: getattr(config, f"{key}_frames") for key in SPLIT_FOLDERS}
    return [
        sequence
        for split, cast in clips_of_characters(config, seed).items()
        for name, clips in cast.items()
        for sequence in _sequences_of(split, name, clips, frames[split], seed)
    ]


def shard_of(sequences, shard):
    """The consecutive part of `sequences` that is shard i of n: (i, n), i from 1 to n."""
    i, n = shard
    return sequences[len(sequences) * (i - 1) // n : len(sequences) * i // n]


def _sequences_of(split, character, clips, frames, seed):
    order = stable_rng(seed, "environments", character).permutation(clips)
    step = NUMBER_STEP * -(-(frames + 1) // NUMBER_STEP)
    per_environment = -(-len(order) // len(ENVIRONMENTS))
    return [
        Sequence(
            split=split,
            character=character,
            environment=ENVIRONMENTS[index // per_environment],
            clip=str(clip),
            first_number=step * (1 + index % per_environment),
            frames=frames,
        )
        for index, clip in enumerate(order)
    ]
