"""Gaming and Walking."""

from egosynth.motion.clips.pose import HANG, Clip, Key, both, crouch

_GUARD = (35, -55, -15, 45, 20, 0)
_BOXER = {"left_foot": (0.14, 0.04, 0, 0), "right_foot": (-0.14, 0.06, 0, 12), "hands": "fist"}
_AIM = {
    "left": (5, -10, -22, -4, 20, 0),
    "right": (15, -8, -10, -2, 10, 0),
    "hands": "fist",
    "joined": True,
}
_PUTT = {
    "spine": (24, 0, 0),
    "hips": 30,
    "hands": "fist",
    "joined": True,
    **crouch(0.08, spread=0.1),
}
_PUTTING = (
    Key(left=(-10, -62, -8, -58, 30, 0), right=(20, -68, -22, -62, 0, 0), **_PUTT),
    Key(left=(-35, -58, -30, -50, 30, 0), right=(60, -66, 20, -60, 0, 0),
        **(_PUTT | {"spine": (24, -14, 0)})),
    Key(left=(45, -62, 20, -55, 30, 0), right=(-25, -58, -35, -48, 0, 0),
        **(_PUTT | {"spine": (22, 18, 0)})),
)  # fmt: skip

GAMES = {
    # Gaming
    "Boxing": Clip(1.6, (
        both(_GUARD, spine=(8, -15, 0), pelvis=(0, 0, 0.07), **_BOXER),
        Key(left=(5, -6, -5, 0, 70, 0), right=_GUARD, spine=(10, -30, 0), pelvis=(0.05, 0, 0.08),
            **_BOXER),
        both(_GUARD, spine=(14, 10, 8), pelvis=(0, 0.05, 0.14), **_BOXER),
        Key(left=_GUARD, right=(5, -4, -8, 2, 70, 0), spine=(12, 35, 0), pelvis=(0.05, 0, 0.08),
            **_BOXER),
        Key(left=_GUARD, right=(45, -45, -30, 40, 20, 0), spine=(6, 25, -8),
            pelvis=(0, -0.05, 0.1), **_BOXER),
    )),
    "Shooting_Gun": Clip(2.4, (
        Key(**_AIM, **crouch(0.05)),
        Key(left=(5, -2, -22, 10, 20, 0), right=(15, 0, -10, 12, 10, -10), hands="fist",
            spine=(-4, 0, 0)),
        Key(**_AIM, spine=(4, 40, 0), **crouch(0.08)),
        Key(left=(20, -50, -20, -35, 20, 0), right=(30, -50, -20, -35, 20, 0), hands="fist",
            spine=(6, -15, 0)),
        Key(**_AIM, spine=(4, -38, 0), head=(0, 8, 0), **crouch(0.08)),
    )),
    "Dribble": Clip(0.9, (
        Key(left=(70, -50, 20, -20, 40, 0), right=(35, -48, 5, -5, 80, -15), hands="open",
            spine=(22, -8, 0), hips=14, **crouch(0.14)),
        Key(left=(70, -50, 20, -20, 40, 0), right=(30, -52, 5, -45, 80, 25), hands="open",
            spine=(26, -12, 0), hips=16, **crouch(0.17)),
        Key(left=(65, -45, 20, -15, 40, 0), right=(40, -45, 0, 0, 80, -15), hands="open",
            spine=(22, 10, 0), hips=14, head=(-10, 20, 0), **crouch(0.14)),
        Key(left=(65, -45, 20, -15, 40, 0), right=(15, -50, -10, -48, 80, 25), hands="open",
            spine=(26, 14, 0), hips=16, **crouch(0.18)),
    )),
    "Baseball_Umpire": Clip(2.2, (
        both((40, -45, -15, -40, 60, 0), spine=(26, 0, 0), hips=30, **crouch(0.3, spread=0.12)),
        Key(left=(45, -60, 0, -20), right=(60, -20, 10, 60, 0, 0), hands="fist", spine=(4, -20, 0),
            left_foot=(0, 0.1, 0, 0), right_foot=(0, 0.1, 0, 0), pelvis=(0, 0, 0.06)),
        both((87, -16, 87, -12, 70, 0), hands="open", spine=(4, 0, 0),
             left_foot=(0, 0.1, 0, 0), right_foot=(0, 0.1, 0, 0), pelvis=(0, 0, 0.05)),
        both((40, -15, -35, 0, 70, 0), hands="open", spine=(10, 15, 0),
             left_foot=(0, 0.1, 0, 0), right_foot=(0, 0.1, 0, 0), pelvis=(0, 0, 0.08)),
    )),
    "Golf_Putt_Failure": Clip(3.6, (
        *_PUTTING,
        both((60, -30, -30, 62, 30, 0), hands="cupped", spine=(8, 0, 0), head=(14, 0, 0)),
        both((87, -34, 85, 4, -40, 0), hands="open", spine=(4, 10, 0), head=(6, 0, 5)),
    ), gaze="hands"),
    "Golf_Putt_Victory": Clip(3.6, (
        *_PUTTING,
        Key(right=(40, 55, 10, 80, 0, 0), left=(55, -60, 5, -10), hands="fist", spine=(-8, -10, 0),
            head=(-12, 0, 0)),
        both((80, 40, 60, 75, 10, 0), hands="fist", spine=(-10, 12, 0), head=(-14, 0, 0)),
    ), gaze="hands"),
    "Revealing_Dice": Clip(2.2, (
        Key(left=_GUARD[:2] + (-38, 2, 10, 10), right=(35, -52, -36, 2, 10, 10), hands="cupped",
            spine=(12, 0, 0), joined=True),
        Key(left=(35, -52, -30, 14, 10, 10), right=(40, -48, -30, 20, 10, 0), hands="fist",
            spine=(6, 12, 0), joined=True),
        Key(left=(55, -60, 10, -20), right=(20, -30, 5, -25, 60, 0), hands="relaxed open",
            spine=(24, 20, 0), hips=16, **crouch(0.1)),
        both((86, -34, 86, 8, -70, 0), hands="open", spine=(8, -10, 0), head=(10, 0, 0)),
    ), gaze="hands"),
    "Charge": Clip(1.2, (
        Key(left=(15, -30, -10, 30, 20, 0), right=(120, -55, 60, -30, 20, 0), hands="fist",
            spine=(18, -18, 0), hips=8),
        Key(left=(35, -45, -10, 25, 20, 0), right=(60, -50, 0, 10, 20, 0), hands="fist",
            spine=(22, 0, 0), hips=10),
        Key(left=(110, -55, 60, -30, 20, 0), right=(20, 20, 5, 45, 20, 0), hands="fist",
            spine=(16, 20, 0), hips=8),
    ), speed_m_per_s=1.4),
    # Walking
    "walking": Clip(4.0, (
        Key(), Key(spine=(3, 0, 0)), Key(head=(12, 0, 0)),
    ), speed_m_per_s=1.15),
    "anim_Clip1": Clip(5.0, (
        Key(), Key(head=(0, 35, 0), spine=(2, 12, 0)),
        Key(right=(45, -50, -15, 20, -30, 0), hands="relaxed cupped", head=(22, -5, 0)),
        Key(left=(70, -35, 60, 0, -20, 0), hands="open relaxed", head=(0, -35, 0)),
        both((87, -24, 87, -10, 30, 0), hands="open", spine=(0, -10, 0)),
    ), speed_m_per_s=0.75),
    "Weight_Shift_Gesture": Clip(3.6, (
        Key(pelvis=(0, 0.1, 0.01), spine=(2, 0, -5)),
        Key(pelvis=(0, 0.11, 0.02), right_foot=(0.18, 0.02, 0.28, 10), spine=(2, -8, -5),
            right=(60, -64, 0, -25), left=(86, -30, 86, 2)),
        Key(pelvis=(0, -0.1, 0.01), spine=(2, 0, 5), left=HANG, right=(70, -55, -40, -30, 40, 20)),
        Key(pelvis=(0, -0.11, 0.02), left_foot=(0.18, 0.02, 0.28, 10), spine=(3, 8, 5),
            left=(60, -64, 0, -25), right=(86, -30, 86, 2)),
        Key(right_foot=(0.3, 0, 0, 0), pelvis=(0.13, 0, 0.04), spine=(4, 14, 0)),
        Key(right_foot=(-0.22, 0.02, 0, 0), pelvis=(-0.1, 0, 0.04), spine=(0, -14, 0)),
    )),
}  # fmt: skip
