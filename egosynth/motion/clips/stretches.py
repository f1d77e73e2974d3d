"""UpperStretching and LowerStretching: the bulk of the official frames, and the widest poses."""

from egosynth.motion.clips.pose import SEATED_FOOT, Clip, Key, both, crouch, seated

_LAP = (35, -62, -8, -22, 60, 5)
_AKIMBO = (70, -50, -50, -48, 40, 35)
_WIDE = (88, -14, 88, -11, 60, 0)
_BACK = (126, 5, 122, 3, 30, 0)
_LOW_BACK = (138, -42, 132, -34, 20, 0)
_ASIDE = (114, -4, 100, 0, 60, 0)
_REACH = (58, -22, 46, -16, 50, 0)
_LOW = (45, -55, 20, -40, 40, 0)
_BENT = (82, -36, -25, -14, 30, 0)


def _turned(left, right, chest_yaw):
    """Upright, the chest turned below a head that looks a little down."""
    return Key(left=left, right=right, hands="open", spine=(1, chest_yaw, 0), head=(5, 0, 0))


STRETCHES = {
    # UpperStretching
    "upper_stretching": Clip(20.0, (
        _turned(_WIDE, _WIDE, 0),
        _turned(_WIDE, _WIDE, 52),
        _turned(_WIDE, _WIDE, -52),
        _turned(_BACK, _BACK, 30),
        _turned(_BACK, _BACK, -30),
        _turned(_BACK, _REACH, 46),
        _turned(_REACH, _BACK, -46),
        _turned(_ASIDE, _LOW, 46),
        _turned(_LOW, _ASIDE, -46),
        _turned(_ASIDE, _BENT, 50),
        _turned(_BENT, _ASIDE, -50),
        _turned(_LOW_BACK, _LOW_BACK, -35),
        _turned(_BENT, _BENT, 42),
        both((75, 70, 60, 84, 20, 0), hands="open", spine=(-4, 0, 0), head=(-8, 0, 0)),
        Key(left=(90, 60, -50, 75, 20, 0), right=_AKIMBO, spine=(0, 0, -26)),
        Key(left=_AKIMBO, right=(90, 60, -50, 75, 20, 0), spine=(0, 0, 26)),
        Key(left=(-25, -5, -40, 0, 30, 0), right=(20, -30, -40, 30, 20, 0), spine=(2, -15, 0)),
        both(_AKIMBO, spine=(-10, 0, 0), head=(-6, 0, 0)),
        both(_AKIMBO, spine=(4, 46, 0)),
        both(_WIDE, hands="open", spine=(20, 25, 0), hips=8),
        both((8, 0, 0, 2, 60, 0), hands="cupped", spine=(16, 0, 0), head=(10, 0, 0)),
    ), shuffled=True),
    "Tpose_Take_001": Clip(4.0, (
        both(_WIDE, hands="open"),
        both((88, -19, 88, -15, 75, 0), hands="open", spine=(0, 30, 0)),
        both((110, -14, 106, -12, 40, 0), hands="open", spine=(0, -25, 0)),
    )),
    "Standing_2H_Cast_Spell_01": Clip(2.2, (
        both((60, -60, 0, -20, 0, 0), hands="cupped", spine=(10, 0, 0), **crouch(0.08)),
        both((112, -10, 60, 40, 20, -20), hands="open", spine=(-12, 0, 0), head=(-8, 0, 0)),
        both((12, 2, 0, 8, 60, -45), hands="open", spine=(14, 0, 0), pelvis=(0.08, 0, 0.08),
             left_foot=(0.24, 0.02, 0, 0)),
        both((95, 10, 85, 20, 0, -20), hands="open", spine=(-4, 25, 0)),
    )),
    "Standing_1H_Magic_Attack_01": Clip(2.0, (
        Key(left=(20, -45, -20, 20), right=(120, -5, 90, 50, 20, -20), hands="cupped",
            spine=(-6, -38, 0), left_foot=(0.16, 0.02, 0, 0), pelvis=(-0.04, 0, 0.05)),
        Key(left=(80, -55, 60, -20), right=(5, 5, 0, 6, 70, -40), hands="cupped open",
            spine=(16, 35, 0), left_foot=(0.16, 0.02, 0, 0), pelvis=(0.07, 0, 0.07)),
        Key(left=(70, -60, 40, -25), right=(-15, -30, -40, -15, 60, 0), hands="open",
            spine=(20, 25, 0), left_foot=(0.16, 0.02, 0, 0), pelvis=(0.03, 0, 0.07)),
    )),
    "Standing_Thumbs_Up": Clip(2.6, (
        Key(right=(25, -40, 5, 20, 0, 0), hands="relaxed thumb", spine=(2, 8, 0)),
        both((30, -25, 5, 15, 0, 0), hands="thumb", spine=(-2, 0, 0)),
        Key(right=(15, 0, 5, 20, 0, 0), left=_AKIMBO, hands="relaxed thumb", spine=(4, 20, 0)),
        Key(left=(75, -30, 50, 40, 10, 0), hands="thumb relaxed", spine=(0, -20, 4)),
    )),
    "Thinking": Clip(3.2, (
        Key(left=(30, -62, -62, -4, 40, 10), right=(22, -58, -28, 62, 0, 15),
            hands="relaxed cupped", head=(8, 8, 5), pelvis=(0, 0.06, 0)),
        Key(left=(30, -62, -62, -4, 40, 10), right=(28, -50, -25, 66, 0, 10),
            hands="relaxed point", head=(-14, -22, 0), spine=(-3, -15, 0)),
        both((100, -50, -20, -35, 40, 20), spine=(4, 20, 0), head=(18, 15, 0)),
        Key(left=_AKIMBO, right=(80, 10, -40, 72, 20, 10), hands="relaxed cupped",
            head=(4, 18, -6)),
    )),
    "Counting": Clip(3.0, (
        Key(right=(35, -40, 5, 55, 40, 0), hands="relaxed point"),
        Key(right=(35, -38, 5, 58, 40, 0), hands="relaxed two", spine=(0, 10, 0)),
        both((35, -38, 5, 55, 40, 0), hands="two open"),
        both((45, -10, 15, 65, 40, -10), hands="open", spine=(-3, -12, 0)),
    )),
    # LowerStretching
    "lower_stretching": Clip(12.0, (
        both((15, -45, 0, -40, 60, 0), hands="open", spine=(45, 0, 0), hips=55, head=(8, 0, 0)),
        both((60, -50, -35, -25, 60, 0), spine=(14, 0, 0), hips=22, **crouch(0.36, 6, 0.08)),
        Key(left=(20, -40, -10, -35, 60, 0), right=(100, 10, 95, 20, 30, 0), hands="open",
            spine=(34, -40, 0), hips=42, left_foot=(0, 0.18, 0, 0), right_foot=(0, 0.18, 0, 0),
            pelvis=(0, 0, 0.06)),
        Key(left=(40, -58, -20, -30, 60, 0), right=(40, -58, -20, -30, 60, 0), spine=(10, 0, 0),
            hips=12, left_foot=(0.5, 0.02, 0, 0), right_foot=(-0.5, 0.02, 0, 50),
            pelvis=(0.05, 0, 0.3)),
        Key(left=(25, -45, -20, -20, 20, 10), right=(25, -45, -20, -20, 20, 10), hands="cupped",
            left_foot=(0.3, 0.02, 0.5, 20), pelvis=(0, -0.1, 0.03), spine=(6, 0, 4)),
        Key(left=(90, -10, 90, -5, 60, 0), right=(125, -60, 170, -55, 30, 0), hands="open cupped",
            right_foot=(-0.28, 0.02, 0.5, 60), pelvis=(0, 0.1, 0.03), spine=(6, 0, -4)),
        Key(left=(50, -55, -15, -40, 60, 0), right=(50, -55, -15, -40, 60, 0), spine=(22, 12, 0),
            hips=25, left_foot=(0, 0.32, 0, 0), right_foot=(0, 0.3, 0, 0),
            pelvis=(0, 0.22, 0.28)),
        both(_AKIMBO, spine=(-12, 0, 0), left_foot=(0, 0.1, 0, 0), right_foot=(0, 0.1, 0, 0)),
        both((8, 0, 0, 0, 70, 0), hands="open", spine=(12, 0, 0), hips=24,
             **crouch(0.46, 14, 0.1)),
        Key(left=(10, -50, -20, -45, 60, 0), right=(30, -55, -15, -50, 60, 0), hands="open",
            spine=(46, 22, 0), hips=58, head=(10, 0, 0), left_foot=(0.2, 0, 0, 0),
            pelvis=(-0.02, 0, 0.03)),
    ), shuffled=True),
    "Sitting_Thumbs_Up": Clip(2.8, (
        seated(left=_LAP, right=_LAP, spine=(10, 0, 0)),
        seated(left=_LAP, right=(30, -38, 0, 20, 0, 0), hands="relaxed thumb", spine=(4, 12, 0)),
        seated(left=(35, -30, 10, 20, 0, 0), right=(45, -30, 20, 32, 0, 0), hands="thumb",
               spine=(-6, -10, 0)),
        seated(left=_LAP, right=(75, -10, 60, 40, 20, 0), hands="relaxed thumb", spine=(4, -30, 0),
               right_foot=(0.6, 0.06, 0, 0)),
    ), seat=True),
    "Sitting_Disapproval": Clip(2.8, (
        seated(left=(35, -55, -58, 2, 30, 10), right=(35, -58, -58, -8, 30, 10),
               spine=(-6, 0, 0), head=(4, 22, 0)),
        seated(left=_LAP, right=(35, -35, -10, 40, 50, 0), hands="relaxed point",
               spine=(14, 18, 0), hips=10, head=(2, -24, 0)),
        seated(left=(86, -36, 84, 14, -60, -10), right=(86, -36, 84, 14, -60, -10), hands="open",
               spine=(-4, -14, 0), head=(0, 20, 8)),
        seated(left=_LAP, right=(60, -25, -20, 62, 20, 10), hands="relaxed cupped",
               spine=(24, -6, 0), hips=12, head=(22, 0, -6)),
        seated(left=(80, -55, 30, -40, 60, 0), right=_LAP, spine=(6, 38, 0), head=(0, 15, 0),
               left_foot=(SEATED_FOOT[0] - 0.12, 0.05, 0, 25)),
    ), seat=True),
}  # fmt: skip
