"""Which sequences a tree holds: every character performs every clip, a third in each environment."""

from dataclasses import dataclass

import numpy as np

from egolib.miniature.body import stable_rng
from egolib.miniature.bvh import captured_clips
from egolib.miniature.clips import CLIPS
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


def planned_sequences(config, seed=0):
    """All sequences of a tree, in order. Only which clip plays where depends on `seed`."""
    clips = list(CLIPS | captured_clips(config.motion))
    frames = {SPLIT_FOLDERS[key]: getattr(config, f"{key}_frames") for key in SPLIT_FOLDERS}
    return [
        sequence
        for split, names in chosen_characters(config).items()
        for name in names
        for sequence in _sequences_of(split, name, clips, frames[split], seed)
    ]


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
