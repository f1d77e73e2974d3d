import pytest

from egolib import skeleton
from egolib.foundation.errors import EgolibError


def test_the_joints_are_a_tree_rooted_at_the_neck():
    children = [child for _, child in skeleton.BONES]
    assert sorted([*children, "Neck"]) == sorted(skeleton.JOINTS)
    assert len(skeleton.LIMBS) == 14
    assert len(skeleton.HEATMAP_JOINTS) == 15
    assert "Head" not in skeleton.HEATMAP_JOINTS


def test_every_clip_has_one_action():
    clips = [clip for clips in skeleton.ACTION_CLIPS.values() for clip in clips]
    assert len(skeleton.ACTIONS) == 9
    assert len(clips) == len(set(clips))


@pytest.mark.parametrize(
    ("clip", "action"),
    [
        ("Boxing", "Gaming"),
        ("walking", "Walking"),
        ("Talking_mixamo_com_Skeleton_001", "Talking"),
        ("Counting__1_", "Gesticulating"),
        ("Breakdance", skeleton.UNKNOWN_ACTION),
    ],
)
def test_action_of_clip(clip, action):
    assert skeleton.action_of_clip(clip) == action


def test_nobody_is_in_two_splits():
    names = [name for names in skeleton.SPLITS.values() for name in names]
    assert len(names) == len(set(names)) == 34
    assert skeleton.SPLITS["ValSet"] == ("male_008_a_a",)
    for name in names:
        skeleton.parse_character(name)


def test_character_names():
    assert skeleton.parse_character("male_010_f_s") == ("male", "010", "full", "short")
    with pytest.raises(EgolibError, match="bob"):
        skeleton.parse_character("bob")
