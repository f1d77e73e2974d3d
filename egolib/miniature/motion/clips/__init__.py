"""The clips of the miniature, by their official names: short tables of key poses."""

from egolib.miniature.motion.clips.conversation import CONVERSATION
from egolib.miniature.motion.clips.games import GAMES
from egolib.miniature.motion.clips.gestures import GESTURES
from egolib.miniature.motion.clips.pose import HANDS, SITTING, STANDING, Clip, Key
from egolib.miniature.motion.clips.stretches import STRETCHES

CLIPS = GESTURES | CONVERSATION | STRETCHES | GAMES

__all__ = ["CLIPS", "HANDS", "SITTING", "STANDING", "Clip", "Key"]
