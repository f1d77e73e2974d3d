"""Gesticulating and Reacting."""

from egosynth.motion.clips.pose import HANG, Clip, Key, both, crouch

_AKIMBO = (70, -50, -50, -48, 40, 35)
_CHEST = (35, -55, -40, 5, 30, 0)

GESTURES = {
    # Gesticulating
    "Waving_Gesture": Clip(2.4, (
        Key(right=(75, 12, 110, 62, 50, 0), hands="relaxed open", spine=(0, 0, -4)),
        Key(right=(75, 14, 40, 66, 50, -15), hands="relaxed open", spine=(0, 8, -4)),
        Key(right=(85, -42, 92, 26, 50, 10), hands="relaxed open"),
        Key(right=(85, 25, 60, 75, 50, -15), hands="relaxed open", head=(0, -15, 0)),
    )),
    "Pointing": Clip(2.8, (
        Key(right=(20, -5, 5, 2, 60, 0), hands="relaxed point", spine=(4, 10, 0)),
        Key(right=(86, -16, 86, -12, 60, 0), hands="relaxed point", head=(0, -30, 0),
            spine=(2, -18, 0)),
        Key(left=(50, -60, -20, -10), right=(45, -40, 20, -45, 70, 0), hands="relaxed point",
            head=(22, -10, 0)),
        Key(left=_AKIMBO, right=(15, 25, 5, 40, 40, 0), hands="relaxed point", head=(-18, -5, 0)),
    )),
    "Angry_Gesture": Clip(1.8, (
        both((50, -50, 5, 15, 20, 0), hands="fist", spine=(10, 12, 0), head=(4, 0, 0)),
        both((35, -62, -5, -30, 40, 15), hands="fist", spine=(16, -8, 0), **crouch(0.03)),
        Key(left=(60, -40, 40, 30, -30, -20), right=(45, -60, 0, 20, 10, 0), hands="open fist",
            spine=(2, -25, 0), head=(-6, 15, 4)),
        both((55, -20, -10, 65, 30, 0), hands="cupped", spine=(-6, 0, 0), head=(-8, 0, 0)),
    )),
    "Standing_Arguing": Clip(3.0, (
        both((45, -58, 25, 5, -50, -10), hands="open", spine=(4, 10, 0)),
        Key(left=_AKIMBO, right=(25, -35, 10, 12, 60, -20), hands="relaxed point",
            spine=(8, 20, 0), pelvis=(0, 0.05, 0)),
        both((84, -40, 84, 20, -70, -25), hands="open", spine=(-4, -8, 0), head=(-6, 0, 6)),
        Key(left=(30, -60, -55, -10), right=(40, -50, -35, 25, 20, 0), spine=(4, -25, 0),
            pelvis=(0, -0.05, 0)),
    )),
    "Taunt_Gesture": Clip(1.6, (
        both((85, -35, 70, 10, -60, 0), hands="open", spine=(-6, 0, 0), head=(-12, 0, 0)),
        both((70, -45, 20, 35, -70, 45), hands="cupped", spine=(-2, 12, 6), head=(-5, 10, 8)),
        both((122, -35, 110, -12, -50, -15), hands="open", spine=(-10, -12, -6), head=(-10, -10, -6)),
    )),
    "Happy_Hand_Gesture": Clip(1.7, (
        both((60, -40, 10, 60, 30, 0), hands="open", head=(-6, 0, 5)),
        both((75, 40, 60, 75, 20, -10), hands="open", spine=(-8, 12, 0), head=(-14, 0, 0)),
        both(_CHEST, hands="cupped", spine=(6, 0, 0), head=(10, 0, -5), **crouch(0.05)),
        both((87, -34, 86, 18, 10, -10), hands="open", spine=(-4, -15, 0), head=(0, -10, 0)),
    )),
    "Counting__1_": Clip(3.2, (
        Key(left=(40, -58, -10, 20, -40, 0), right=(40, -55, -35, 15, 60, 10), hands="open point"),
        Key(left=(42, -56, -8, 26, -50, 0), right=(45, -50, -20, 22, 60, 20), hands="two point"),
        Key(left=(40, -58, -10, 20, -40, 0), right=(40, -55, -38, 17, 60, 10), hands="fist point"),
        Key(left=(60, -62, 10, -20), right=(60, -30, 30, 45, -20, 0), hands="relaxed two",
            head=(-5, -12, 0), spine=(0, -10, 0)),
    ), gaze="hands"),
    "Fist_Pump": Clip(1.5, (
        Key(right=(40, -30, 10, 65, -20, 0), hands="fist", spine=(2, 10, 0)),
        Key(right=(30, 62, 10, 84, 0, 0), hands="fist", spine=(-8, -8, 6), head=(-14, 0, 0)),
        Key(right=(60, -68, 5, 25, -30, 15), hands="fist", spine=(14, -15, -6), head=(8, 0, 0),
            left=(60, -70, 0, 0, 20, 0), **crouch(0.08)),
    )),
    "Hand_Raising": Clip(3.0, (
        Key(right=(40, 65, 20, 82, 30, 0), hands="relaxed open", spine=(0, 0, 8)),
        Key(right=(60, 70, 90, 86, 30, 0), hands="relaxed open", spine=(0, -15, 10),
            head=(-10, -15, 0)),
        Key(left=(60, -60, -45, -15), right=(85, -40, 88, 24, 40, 0), hands="relaxed open"),
    )),
    "Crazy_Gesture": Clip(1.8, (
        Key(right=(65, 0, 20, 60, 30, 0), hands="relaxed point", head=(0, 10, -10)),
        Key(right=(75, 5, -5, 70, 10, 20), hands="relaxed point", head=(4, -10, 8)),
        Key(right=(70, -10, 50, 50, 60, -20), left=(86, -30, 84, 6, -60, 0), hands="open point",
            spine=(-6, 10, 6)),
    )),
    # Reacting
    "Rifle_Punch": Clip(1.6, (
        Key(left=(20, -45, -30, 15, 0, 0), right=(70, -65, -20, -5, 40, 10), hands="fist",
            spine=(6, -25, 0), left_foot=(0.12, 0.04, 0, 0), right_foot=(-0.15, 0.06, 0, 0),
            pelvis=(0, 0, 0.06)),
        Key(left=(10, -20, -25, 10, 0, 0), right=(25, -15, -12, 4, 60, 0), hands="fist",
            spine=(14, 32, 0), left_foot=(0.12, 0.04, 0, 0), right_foot=(-0.15, 0.06, 0, 35),
            pelvis=(0.06, 0, 0.09)),
        Key(left=(30, -55, -35, 25, 0, 0), right=(50, -60, -30, 10, 30, 0), hands="fist",
            spine=(8, 0, 0), left_foot=(0.12, 0.04, 0, 0), right_foot=(-0.15, 0.06, 0, 0),
            pelvis=(0, 0, 0.06)),
    )),
    "Dismissing_Gesture": Clip(2.2, (
        Key(right=(35, -40, -30, 30, 40, 30), spine=(0, 12, 0), head=(0, 15, 5)),
        Key(right=(86, -22, 92, -4, 30, -35), hands="relaxed open", spine=(-4, -22, 0),
            head=(4, 30, 6)),
        Key(left=(75, -60, 30, -35), right=(92, -26, 96, -8, 20, -20), spine=(-2, -12, -4),
            head=(-4, 20, -6)),
    )),
    "Beckoning": Clip(1.5, (
        Key(right=(15, -22, 5, 5, -75, -10), hands="relaxed open", spine=(5, 12, 0)),
        Key(right=(30, -45, -10, 50, -70, 45), hands="relaxed cupped", spine=(-2, 0, 0)),
        Key(right=(40, -25, 30, 10, -75, -15), left=_AKIMBO, hands="relaxed open",
            spine=(2, -15, 0), head=(0, -12, 0)),
    )),
    "Pain_Gesture": Clip(3.3, (
        Key(left=(30, -68, -62, -12, 30, 10), right=(45, -60, -60, -15, 30, 10), hands="cupped",
            spine=(30, 8, 4), hips=18, head=(12, 0, 0), **crouch(0.1)),
        Key(left=(30, -66, -60, -5, 30, 10), right=(20, -50, -20, -50, 70, 0), hands="cupped",
            spine=(48, -14, 8), hips=30, head=(-8, 0, 0), **crouch(0.18)),
        Key(left=(30, -68, -62, -12, 30, 10), right=(55, 0, -25, 60, 30, 20), hands="cupped",
            spine=(18, 15, 6), hips=10, head=(18, -15, 6), **crouch(0.06)),
    )),
    "Terrified": Clip(2.2, (
        both((70, -42, 70, 26, 50, -20), hands="open", head=(-8, 15, 0), spine=(-8, 0, 0),
             **crouch(0.06)),
        both((30, -10, -30, 62, 60, -10), hands="cupped", head=(18, -10, 0), spine=(24, -12, 0),
             hips=12, **crouch(0.16)),
        both((60, -30, 30, 40, 60, -40), hands="open", head=(0, -30, 0), spine=(4, -25, 0),
             pelvis=(-0.08, 0, 0.08), right_foot=(-0.25, 0.02, 0, 0)),
        both((20, 5, 5, 25, 70, -50), hands="open", head=(4, 35, 0), spine=(0, 30, 0),
             pelvis=(-0.04, 0, 0.06), right_foot=(-0.1, 0.02, 0, 0)),
    )),
    "Surprised": Clip(2.4, (
        both((70, -35, 40, 40, 50, -30), hands="open", spine=(-12, 0, 0), head=(-10, 0, 0),
             pelvis=(-0.05, 0, 0.02), left_foot=(-0.14, 0.02, 0, 0)),
        both((30, -45, -25, 60, 20, 0), hands="cupped", spine=(6, 0, 0), head=(2, 10, 8)),
        both((88, -32, 86, 6, -60, -30), hands="open", spine=(-8, 12, 0), head=(-4, -18, 0)),
    )),
    "Clapping": Clip(0.9, (
        both((35, -48, -36, 8, 0, 0), hands="open", spine=(5, 4, 0), joined=True),
        both((50, -46, 10, 10, -15, -10), hands="open", spine=(3, -4, 0)),
    )),
    "Rallying": Clip(1.6, (
        Key(left=(60, -62, 10, -15), right=(45, 45, 20, 75, 20, 0), hands="fist",
            spine=(-6, -15, 0), head=(-12, 0, 0)),
        Key(left=(55, -60, 5, 0), right=(20, 0, 5, 30, 40, 0), hands="fist", spine=(10, 18, 0)),
        both((80, 45, 65, 75, 10, 0), hands="fist", spine=(-10, 0, 0), head=(-16, 0, 0)),
        Key(left=HANG, right=(90, -30, 92, 10, -20, 0), hands="relaxed open", spine=(0, -40, 0),
            head=(0, -10, 0)),
    )),
    "Loser": Clip(2.4, (
        Key(right=(50, 10, -20, 62, 40, 0), hands="relaxed two", head=(-4, 0, 6)),
        Key(right=(35, -5, 0, 20, 60, 0), left=_AKIMBO, hands="relaxed point", spine=(8, 10, 0)),
        both((60, -52, -30, 35, 20, 0), hands="thumb", spine=(-6, 0, 6), head=(-8, 0, -8)),
    )),
}  # fmt: skip
