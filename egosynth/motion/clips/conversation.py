"""Greeting, Talking and Patting."""

from egosynth.motion.clips.pose import Clip, Key, both, crouch

_REST = (50, -62, -25, -12, 20, 5)
_FOLDED = (35, -60, -62, -2, 30, 10)

CONVERSATION = {
    # Greeting
    "Standing_Greeting": Clip(2.8, (
        Key(right=(25, -40, 5, -6, 0, 0), hands="relaxed open", spine=(6, 10, 0)),
        Key(right=(30, -30, 15, 20, 20, -10), hands="relaxed open", spine=(10, 6, 0), hips=6),
        Key(right=(80, -20, 100, 50, 50, 0), hands="relaxed open", head=(0, -10, 4)),
        both((86, -30, 85, 6, -30, 0), hands="open", spine=(-4, 15, 0), head=(-4, 0, 0)),
    )),
    "Shaking_Hands_2": Clip(1.3, (
        Key(right=(22, -48, 0, 2, 0, 0), hands="relaxed cupped", spine=(8, 14, 0), hips=6,
            pelvis=(0.05, 0, 0.03), right_foot=(0.22, 0, 0, 0)),
        Key(right=(22, -50, 0, -16, 0, 5), hands="relaxed cupped", spine=(10, 12, 0), hips=8,
            pelvis=(0.05, 0, 0.03), right_foot=(0.22, 0, 0, 0), head=(8, 0, 0)),
        Key(left=(20, -35, -20, -5, 40, 0), right=(22, -46, 0, 6, 0, 0), hands="cupped",
            spine=(10, 2, 0), hips=6, pelvis=(0.05, 0, 0.03), right_foot=(0.22, 0, 0, 0)),
    )),
    "Quick_Formal_Bow": Clip(2.6, (
        Key(spine=(-3, 0, 0), head=(-4, 0, 0)),
        Key(left=(75, -70, -60, -25, 40, 0), right=(10, -70, -60, -10, 30, 10),
            spine=(34, 0, 0), hips=38, head=(16, 0, 0)),
        Key(left=(70, -76, 10, -72), right=(70, -76, 10, -72), hands="open", spine=(20, 0, 0),
            hips=20, head=(10, 0, 0)),
    )),
    "Hands_Forward_Gesture": Clip(2.2, (
        both((15, -20, 0, -2, 20, -20), hands="open", spine=(6, 0, 0)),
        both((30, -50, 5, 15, -60, 0), hands="open", spine=(0, 12, 0)),
        both((20, 2, 5, 6, 70, -60), hands="open", spine=(8, -10, 0), left_foot=(0.16, 0, 0, 0),
             pelvis=(0.05, 0, 0.03)),
        both((55, -12, 40, 0, -50, -15), hands="open", spine=(2, 0, 0), head=(-5, 0, 0)),
    )),
    "Shake_Fist": Clip(1.0, (
        Key(right=(30, -20, 0, 62, 10, 0), hands="relaxed fist", spine=(6, 12, 0)),
        Key(right=(25, -28, 5, 38, 20, 15), hands="relaxed fist", spine=(10, 16, 0)),
        Key(right=(35, -12, 5, 70, 0, -10), hands="relaxed fist", spine=(4, 6, 0),
            head=(-4, -8, 0)),
    )),
    # Talking
    "Talking": Clip(2.8, (
        both((55, -64, 5, -8, -30, 0), hands="cupped", spine=(2, 6, 0)),
        Key(left=(50, -58, 25, 14, -50, -10), right=_REST, hands="open relaxed", spine=(3, 12, 0),
            pelvis=(0, 0.05, 0)),
        Key(left=(60, -66, 0, -30), right=(45, -55, -5, 25, -20, 0), head=(0, -14, -3),
            spine=(4, -10, 0)),
        both((84, -40, 84, 18, -60, -15), hands="open", spine=(-2, 0, 4), pelvis=(0, -0.05, 0)),
    )),
    "Reaching_Out": Clip(2.6, (
        both((15, -22, 0, -6, 20, 0), hands="open", spine=(18, 0, 0), hips=12),
        Key(left=(25, -38, -10, 0), right=(86, -20, 86, -10), spine=(10, -25, 0), hips=6),
        Key(right=(5, 5, 0, 8, -20, 0), hands="relaxed open", spine=(20, 28, 0), hips=10,
            right_foot=(0.24, 0, 0, 0), pelvis=(0.12, 0, 0.06), head=(-8, 0, 0)),
    )),
    "Agreeing": Clip(1.8, (
        both(_REST, head=(14, 0, 0), spine=(4, 0, 0)),
        Key(left=_FOLDED, right=(40, -58, -15, 15, -30, 0), head=(-6, 5, 0), spine=(0, 5, 0)),
        Key(left=_REST, right=(45, -55, 10, 20, 0, 0), hands="relaxed thumb", head=(14, 0, 0)),
        both((84, -40, 84, 14, -30, 0), head=(-4, -8, 4), pelvis=(0, 0.05, 0)),
    )),
    "No": Clip(1.7, (
        Key(right=(35, -35, 10, 45, 50, -20), hands="relaxed point", head=(2, 28, 0)),
        Key(right=(35, -35, -15, 45, 50, 10), hands="relaxed point", head=(2, -28, 0)),
        both((45, -50, -20, 10, 60, -20), hands="open", head=(4, 24, 0), spine=(-4, 8, 0)),
        both((86, -34, 86, 10, 60, -20), hands="open", head=(4, -24, 0), spine=(-6, -8, 0)),
    )),
    "Plotting": Clip(2.6, (
        both((40, -52, -45, 8, 10, 10), hands="cupped", spine=(16, 10, 0), head=(8, 0, 0),
             joined=True),
        both((45, -50, -38, 18, 30, -10), hands="open", spine=(20, -12, 0), head=(2, 20, 4),
             joined=True),
        Key(left=_FOLDED, right=(25, -50, -35, 60, 10, 20), hands="relaxed cupped",
            spine=(12, 0, 0), head=(4, -20, -6)),
    )),
    "Happy": Clip(1.6, (
        both((86, -38, 84, 14, 10, -10), hands="open", spine=(-4, 15, 6), pelvis=(0, 0.07, 0.02)),
        both((80, 30, 50, 75, 10, 0), hands="fist", spine=(-8, 0, 0), head=(-10, 0, 0)),
        both((70, -50, 20, 25, 10, -10), hands="open", spine=(-2, -15, -6),
             pelvis=(0, -0.07, 0.02)),
        both((50, -48, -36, 25, 0, 0), hands="fist", spine=(10, 0, 0), head=(12, 0, 0),
             joined=True, **crouch(0.07)),
    )),
    # Patting
    "Patting": Clip(1.0, (
        Key(right=(25, -42, 0, -2, 70, -10), hands="relaxed open", spine=(12, 8, 0), hips=4),
        Key(right=(25, -50, 0, -34, 70, 15), hands="relaxed open", spine=(16, 12, 0), hips=6),
        Key(right=(28, -40, 4, 2, 70, -15), hands="relaxed open", spine=(12, 4, 0), hips=4),
        Key(right=(30, -52, -8, -30, 70, 15), hands="relaxed open", spine=(18, 14, 0), hips=8),
    ), gaze="hands"),
    "Petting": Clip(2.0, (
        Key(right=(10, -45, 0, -34, 75, 5), hands="relaxed open", spine=(30, 10, 0), hips=28,
            **crouch(0.08)),
        Key(right=(40, -58, 0, -45, 75, 15), hands="relaxed open", spine=(28, -6, 0), hips=26,
            **crouch(0.08)),
        Key(right=(25, -50, -25, -30, 75, 5), left=(40, -60, 0, -35, 40, 0),
            hands="relaxed cupped", spine=(34, 16, 0), hips=30, **crouch(0.1)),
    ), gaze="hands"),
    "Petting_Animal": Clip(2.0, (
        Key(right=(20, -30, 0, -34, 75, 5), left=(55, -40, 0, -15, 40, 5),
            hands="relaxed open", spine=(26, 6, 0), hips=18, **crouch(0.52, 20, 0.08)),
        Key(right=(40, -32, 5, -36, 75, 15), left=(55, -40, 0, -15, 40, 5),
            hands="relaxed cupped", spine=(30, 10, 0), hips=16, **crouch(0.55, 22, 0.08)),
        Key(right=(10, -22, -8, -30, 75, 0), left=(25, -32, 0, -26, 60, 0), hands="open",
            spine=(34, 18, 0), hips=18, head=(-8, 10, 0), **crouch(0.5, 20, 0.08)),
    ), gaze="hands"),
}  # fmt: skip
