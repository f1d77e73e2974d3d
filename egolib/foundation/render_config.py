"""What a rendered tree holds, and how large its images are."""

from dataclasses import dataclass

from egolib.foundation.provenance import without_effect


@without_effect  # the values are in the key of what depends on them
@dataclass(frozen=True)
class RenderConfig:
    """Settings of a tree: of egosynth, and the section `[render]` of a profile.

    scale: of 1280x800 pixels. fps: frames per second of the motion. `*_frames`: frames of each
    sequence of a split. characters: at most so many people in each split (0: all). `*_clips`: clips
    that each person performs (0: as many as there are; more where a split has too few people to show
    every clip). motion: folder of BVH files, named after the clips that they replace or add ("": none).
    """

    scale: float = 0.3
    fps: int = 5
    train_frames: int = 6
    val_frames: int = 5
    test_frames: int = 5
    characters: int = 0
    train_clips: int = 72
    val_clips: int = 36
    test_clips: int = 36
    motion: str = ""
