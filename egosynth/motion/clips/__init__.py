"""The clips of the miniature, by their official names: short tables of key poses."""

from egosynth.motion.clips.conversation import CONVERSATION
from egosynth.motion.clips.games import GAMES
from egosynth.motion.clips.gestures import GESTURES
from egosynth.motion.clips.pose import HANDS, SITTING, STANDING, Clip, Key
from egosynth.motion.clips.stretches import STRETCHES

CLIPS = GESTURES | CONVERSATION | STRETCHES | GAMES

__all__ = ["CLIPS", "HANDS", "SITTING", "STANDING", "Clip", "Key"]
