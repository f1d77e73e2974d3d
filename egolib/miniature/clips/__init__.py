"""The clips of the miniature, by their official names: short tables of key poses."""

from egolib.miniature.clips.conversation import CONVERSATION
from egolib.miniature.clips.games import GAMES
from egolib.miniature.clips.gestures import GESTURES
from egolib.miniature.clips.pose import HANDS, SITTING, STANDING, Clip, Key
from egolib.miniature.clips.stretches import STRETCHES

CLIPS = GESTURES | CONVERSATION | STRETCHES | GAMES

__all__ = ["CLIPS", "HANDS", "SITTING", "STANDING", "Clip", "Key"]
