"""Bodies of the miniature: statures, posing as Anny poses, and the camera outside every face."""

from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egolib.skeleton import JOINTS, SPLITS, parse_character
from egosynth.people import body

EVERYBODY = tuple(name for names in SPLITS.values() for name in names)


@cache
def cast():
    """(Rig, {name: Character}) of all 34 characters, built once for all tests."""
    return body.build_characters(EVERYBODY)


def test_every_official_joint_is_a_bone():
    rig, _ = cast()
    assert set(JOINTS) <= set(rig.bones)
    assert all(parent < bone for bone, parent in enumerate(rig.parents))


def test_statures_and_weights_follow_the_names():
    _, characters = cast()
    for name, character in characters.items():
        gender, _, build, height = parse_character(name)
        mean, spread = body.STATURE_M[gender, height]
        assert abs(character.stature_m - mean) < spread + 0.01, name
        assert (character.phenotype["weight"] > 0.7) == (build == "full"), name
        assert abs(character.vertices[:, 2].min()) < 1e-9


def test_people_are_adults_of_all_ages_and_builds():
    _, characters = cast()
    phenotypes = [character.phenotype for character in characters.values()]
    ages = [phenotype["age"] for phenotype in phenotypes]
    assert body.AGES[0] <= min(ages) < 0.7
    assert 0.87 < max(ages) <= body.AGES[1]
    for key in ("muscle", "proportions", "african", "asian", "caucasian"):
        assert np.std([phenotype[key] for phenotype in phenotypes]) > 0.1, key


def test_posing_agrees_with_anny():
    import anny
    import torch

    rig, characters = cast()
    character = characters["female_002_f_s"]
    turns = np.random.default_rng(0).normal(0, 0.3, (len(rig.bones), 3))
    rotations = Rotation.from_rotvec(turns).as_matrix()[None]
    poses = torch.eye(4, dtype=torch.float64).repeat(1, len(rig.bones), 1, 1)
    poses[:, :, :3, :3] = torch.tensor(rotations)
    theirs = anny.Anny(rig="mixamo", phenotypes="all")(
        pose_parameters=poses, phenotype_kwargs=dict(character.phenotype)
    )["bone_poses"][0, :, :3, 3].numpy()
    _, found = body.pose_skeleton(rig, character.heads, rotations, np.zeros((1, 3)))
    np.testing.assert_allclose(found[0], theirs - theirs[0], atol=1e-6)


def test_camera_is_outside_every_head():
    rig, characters = cast()
    for name, character in characters.items():
        distances = np.linalg.norm(character.vertices - character.camera, axis=1)
        assert distances.min() > 0.005, name
        assert distances.min() < 0.04, name
        corners = character.vertices[rig.faces] - character.camera
        assert abs(_winding_number(corners)) < 0.01, name


def _winding_number(corners):
    """How often a closed mesh encloses the origin; corners (F, 3, 3)."""
    lengths = np.linalg.norm(corners, axis=-1)
    a, b, c = corners.transpose(1, 0, 2)
    top = np.einsum("fi,fi->f", a, np.cross(b, c))
    dots = [(p * q).sum(1) for p, q in ((a, b), (b, c), (c, a))]
    bottom = lengths.prod(1) + dots[0] * lengths[:, 2] + dots[1] * lengths[:, 0]
    bottom = bottom + dots[2] * lengths[:, 1]
    return np.arctan2(top, bottom).sum() / (2 * np.pi)


def test_upright_camera_looks_down_with_x_to_the_wearers_left():
    rig, characters = cast()
    character = characters["male_008_a_a"]
    still = np.tile(np.eye(3), (1, len(rig.bones), 1, 1))
    root = character.heads[[rig.index("Hips")]]
    turns, centres = body.camera_poses(
        rig, character, *body.pose_skeleton(rig, character.heads, still, root)
    )
    np.testing.assert_allclose(centres[0], character.camera, atol=1e-9)
    left = character.heads[rig.index("LeftArm")] - character.heads[rig.index("RightArm")]
    assert turns[0][:, 0] @ left > 0
    np.testing.assert_allclose(turns[0][:, 2], (0, 0, -1), atol=1e-12)


@pytest.mark.parametrize(
    ("tilt_degrees", "axis", "towards"),
    [((5, 0, 0), 2, (0, 1, 0)), ((0, 5, 0), 2, (1, 0, 0)), ((0, 0, 5), 1, (-1, 0, 0))],
    ids=["pitch looks back", "roll looks left", "yaw turns the image's down to the right"],
)
def test_a_tilted_headset_turns_the_camera(tilt_degrees, axis, towards):
    rig, characters = cast()
    character = characters["male_008_a_a"]
    posed = body.pose_skeleton(
        rig, character.heads, np.tile(np.eye(3), (1, len(rig.bones), 1, 1)), np.zeros((1, 3))
    )
    turns, centres = body.camera_poses(rig, character, *posed, tilt_degrees)
    assert abs(turns[0][:, axis] @ towards - np.sin(np.radians(5))) < 1e-9
    np.testing.assert_array_equal(centres, body.camera_poses(rig, character, *posed)[1])


def test_headsets_sit_a_little_aslant_on_everybody_and_each_time():
    tilts = np.array([
        [body.headset_tilt(name, body.stable_rng("wearing", i)) for i in range(30)]
        for name in EVERYBODY
    ])  # fmt: skip
    spread = tilts.std((0, 1))
    assert (np.abs(spread - body.TILT_SPREAD_DEGREES) < 0.3 * body.TILT_SPREAD_DEGREES).all()
    assert (tilts.std(1).mean(0) < 0.8 * spread).all()  # the same person: nearly the same way
    assert np.abs(tilts - body.TILT_DEGREES).max() <= 2 * body.TILT_SPREAD_DEGREES.max()
