"""Clothes of the miniature: cut along clean lines, skinned whole, opaque, folded where limbs bend."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_body import cast

from egosynth.people import styles, tailoring
from egosynth.people.body import camera_poses, pose_skeleton, stable_rng
from egosynth.people.draping import Draping
from egosynth.people.figure import Figure
from egosynth.people.wardrobe import (
    GARMENT_STEP,
    OBJECT_IDS,
    PARTS,
    dress,
    part_ids,
    sole_points,
)
from egosynth.places.room import furnish
from egosynth.rendering.fabric import PATTERNS, SWATCH_M, SWATCH_PX, swatches
from egosynth.rendering.renderer import Renderer
from egosynth.rendering.sensor import draw_sensor

WEARERS = ("female_004_a_a", "female_012_f_s", "male_001_a_a", "male_010_f_s")
BELOW_KNEE = (1.1, 1.2)


@cache
def outfits():
    """[(character, Outfit)]: two draws for each of four people."""
    rig, characters = cast()
    return [
        (characters[name], dress(rig, characters[name], stable_rng("test", name, draw)))
        for name in WEARERS
        for draw in range(2)
    ]


def long_sleeved(name, top="sweater", bottom="trousers"):
    """A long-sleeved top, by default a closed sweater, and trousers on a character; skirts, and those
    of coats, reach below the knee."""
    rig, characters = cast()
    figure = Figure(rig, characters[name], part_ids(rig))
    fitting = Draping(figure, np.full(3, 0.5), stable_rng("sweater", name))
    with pytest.MonkeyPatch.context() as patch:
        for kind, style in styles.TOPS.items():
            often = (1, 1) if kind == top else (0, 0)
            end = style.skirt_end and BELOW_KNEE
            patch.setitem(styles.TOPS, kind, dataclasses.replace(style, often=often, skirt_end=end))
        patch.setitem(styles.SLEEVES, "elbow", styles.SLEEVES["long"])
        for kind, row in styles.BOTTOMS.items():
            often = (1, 1) if kind == bottom else (0, 0)
            ends = BELOW_KNEE if kind in ("skirt", "dress") else row[1]
            patch.setitem(styles.BOTTOMS, kind, (often, ends, *row[2:]))
        return characters[name], fitting.outfit()


def bent(elbow_degrees):
    """Rotations (1, J, 3, 3) of a body whose left elbow is bent forward."""
    rig, _ = cast()
    rotations = np.tile(np.eye(3), (1, len(rig.bones), 1, 1))
    turn = Rotation.from_euler("x", -elbow_degrees, degrees=True).as_matrix()
    rotations[0, rig.index("LeftForeArm")] = turn
    return rotations


def folded(hip_degrees, knee_degrees, apart_degrees):
    """Rotations (1, J, 3, 3) of a body that bends both hips and knees, its knees apart."""
    rig, _ = cast()
    rotations = np.tile(np.eye(3), (1, len(rig.bones), 1, 1))
    for side, sign in (("Left", 1), ("Right", -1)):
        hip = Rotation.from_euler("xz", [-hip_degrees, sign * apart_degrees], degrees=True)
        knee = Rotation.from_euler("x", knee_degrees, degrees=True)
        rotations[0, rig.index(side + "UpLeg")] = hip.as_matrix()
        rotations[0, rig.index(side + "Leg")] = knee.as_matrix()
    return rotations


def posed(character, outfit, rotations, scale=0.1):
    rig, _ = cast()
    root = character.heads[[rig.index("Hips")]]
    world, joints = pose_skeleton(rig, character.heads, rotations, root)
    renderer = Renderer(scale)
    renderer.dress(outfit)
    renderer.furnish(furnish(stable_rng("room")))
    renderer.load(draw_sensor(stable_rng("sensor")))
    renderer.pose(character.heads, world[0], joints[0])
    turns, centres = camera_poses(rig, character, world, joints)
    return renderer, renderer.render(turns[0], centres[0], stable_rng("frame"))


def test_a_cut_follows_the_line_and_keeps_the_area():
    x, y = np.meshgrid(np.linspace(0, 1, 8), np.linspace(0, 1, 8))
    points = np.stack([x, y, 0 * x], -1).reshape(-1, 3)
    faces = tailoring.grid_faces(8, 8)
    blend, cut, triangles, sources = tailoring.cut(faces, 0.43 - points[:, 0] - 0.2 * points[:, 1])
    corners = (blend @ points)[cut]
    sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.all(sides[:, 2] * np.cross(*np.diff(points[faces[0]], axis=0))[2] > 0)
    assert np.abs(sides[:, 2]).sum() / 2 == pytest.approx(0.33)
    assert (corners @ [1, 0.2, 0]).max() == pytest.approx(0.43)
    assert len(triangles) == len(cut)
    assert len(sources) == blend.shape[0]


def test_outfits_are_sound_meshes_that_name_their_parts():
    known = set(OBJECT_IDS.values())
    for _, outfit in outfits():
        mesh = outfit.mesh
        assert np.isfinite(mesh.vertices).all()
        assert np.isfinite(mesh.lift).all()
        assert mesh.faces.min() >= 0
        assert mesh.faces.max() < len(mesh.vertices)
        np.testing.assert_allclose(mesh.bone_weights.sum(1), 1, atol=1e-5)
        garments = np.array([cloth.garment for cloth in outfit.cloths])[mesh.tags[:, 0]]
        ids = mesh.parts[mesh.faces[:, 0]] + GARMENT_STEP * garments
        assert set(ids.tolist()) <= known
        assert ids.max() < 200
        assert {1, 2} <= set(garments.tolist())
        assert 10_000 < len(mesh.vertices) < 25_000


def test_an_outfit_depends_on_its_generator_alone():
    rig, characters = cast()
    character = characters[WEARERS[0]]
    first, again, other = (dress(rig, character, stable_rng(k)) for k in ("a", "a", "b"))
    assert first.description == again.description != other.description
    np.testing.assert_array_equal(first.mesh.vertices, again.mesh.vertices)


def test_tables_name_what_exists():
    for style in styles.TOPS.values():
        assert set(style.patterns) <= set(PATTERNS)
        assert set(style.necklines) <= set(styles.NECKLINES)
        assert set(style.sleeves) <= set(styles.SLEEVES)
    assert all(set(row[-1]) <= set(PATTERNS) for row in styles.BOTTOMS.values())
    dark = sum(share for colour, share in styles.CLOTH_COLOURS if np.mean(colour) < 0.06)
    assert 0.4 < dark / sum(share for _, share in styles.CLOTH_COLOURS) < 0.8


@pytest.mark.parametrize("gender", [0, 1])
def test_about_half_of_the_tops_are_bulky_and_most_are_plain(gender):
    often = np.array([style.often[gender] for style in styles.TOPS.values()])
    bulky = [style.ease_m[1] >= 0.035 for style in styles.TOPS.values()]
    plain = [np.mean([p == "plain" for p in style.patterns]) for style in styles.TOPS.values()]
    assert 0.45 < often @ bulky / often.sum() < 0.65
    assert 0.5 < often @ plain / often.sum() < 0.75


def test_a_coat_has_a_skirt_over_the_thighs():
    rig, _ = cast()
    character, outfit = long_sleeved("male_001_a_a", "coat")
    mesh = outfit.mesh
    garments = np.array([cloth.garment for cloth in outfit.cloths])[mesh.tags[:, 0]]
    hip, knee = (character.heads[rig.index(bone), 2] for bone in ("LeftUpLeg", "LeftLeg"))

    def reach(garment):
        """How far from the middle a garment goes between hip and knee joints, in front."""
        corners = mesh.vertices[mesh.faces[garments == garment]].reshape(-1, 3)
        thigh = (corners[:, 2] < hip - 0.02) & (corners[:, 2] > 0.7 * hip + 0.3 * knee)
        return -corners[thigh & (np.abs(corners[:, 0]) < 0.15), 1].min()

    assert reach(styles.SHIRT) > reach(styles.TROUSERS) + 0.005


def test_soles_are_under_both_feet():
    rig, _ = cast()
    for character, outfit in outfits():
        bones, points = sole_points(rig, outfit)
        assert len(points) > 20
        assert {rig.bones[bone][:4] for bone in bones} == {"Left", "Righ"}
        assert np.ptp(points[:, 2]) < 0.013
        assert points[:, 2].max() < 0.02
        assert np.abs(points[:, 1]).max() < 0.3 * character.stature_m


def test_at_rest_the_device_gives_back_the_shape_that_was_sewn():
    character, outfit = outfits()[2]
    renderer, _ = posed(character, outfit, bent(0))
    off = np.linalg.norm(
        renderer.points.numpy()[: len(outfit.mesh.vertices)] - outfit.mesh.vertices, axis=1
    )
    assert np.median(off) < 0.001
    assert np.quantile(off, 0.99) < 0.008
    np.testing.assert_allclose(np.linalg.norm(renderer.normals.numpy(), axis=1), 1, atol=1e-3)


def test_cloth_folds_where_the_elbow_bends_and_nowhere_else():
    rig, _ = cast()
    character, outfit = long_sleeved("male_001_a_a")
    mesh = outfit.mesh
    garments = np.array([cloth.garment for cloth in outfit.cloths])[mesh.tags[:, 0]]
    of_shirt = np.isin(np.arange(len(mesh.vertices)), mesh.faces[garments == styles.SHIRT])
    squeezed = {}
    for degrees in (0, 100):
        renderer, _ = posed(character, outfit, bent(degrees))
        strains = renderer.dressed.strains.numpy()[:, 0]
        for side in ("Left", "Right"):
            elbow = character.heads[rig.index(side + "ForeArm")]
            near = np.linalg.norm(mesh.vertices - elbow, axis=1) < 0.09
            squeezed[side, degrees] = np.quantile(strains[near & of_shirt], 0.9)
    assert squeezed["Left", 0] < 0.02
    assert squeezed["Left", 100] > 0.08
    assert squeezed["Right", 100] == pytest.approx(squeezed["Right", 0])


@pytest.mark.parametrize("name", ["male_001_a_a", "female_012_f_s"])
def test_no_skin_shows_through_cloth(name):
    covered = [1 + PARTS.index(f"{side}_upper_arm") for side in ("left", "right")]
    covered += [1 + PARTS.index(part) for part in ("hips", "left_thigh", "right_thigh")]
    character, outfit = long_sleeved(name)
    for degrees in (0, 60, 110):
        _, (_, _, ids) = posed(character, outfit, bent(degrees), scale=0.2)
        skin = np.isin(ids, covered).sum()
        cloth = np.isin(ids % GARMENT_STEP, covered).sum() - skin
        assert cloth > 300
        assert skin < 0.01 * cloth, (degrees, skin, cloth)


@pytest.mark.parametrize("pose", [(85, 85, 12), (115, 130, 20)], ids=["seated", "crouching"])
@pytest.mark.parametrize(
    ("name", "worn"),
    [
        ("female_012_f_s", {"bottom": "skirt"}),
        ("female_004_a_a", {"bottom": "dress"}),
        ("male_001_a_a", {"top": "coat"}),
    ],
    ids=["skirt", "dress", "coat"],
)
def test_a_skirt_lies_over_the_thighs_of_who_sits(name, worn, pose):
    character, outfit = long_sleeved(name, **worn)
    _, (_, _, ids) = posed(character, outfit, folded(*pose), scale=0.2)
    part, garment = (ids - 1) % GARMENT_STEP, (ids - 1) // GARMENT_STEP
    thighs = [PARTS.index("left_thigh"), PARTS.index("right_thigh")]
    shown = (np.isin(part, thighs) & np.isin(garment, (styles.SKIN, styles.TROUSERS))).sum()
    skirt = ((part == PARTS.index("hips")) & (garment != styles.SKIN)).sum()
    assert skirt > 300
    assert shown < 0.01 * skirt, (shown, skirt)


def test_swatches_repeat_without_a_seam():
    slopes = swatches()
    assert slopes.shape == (3, SWATCH_PX, SWATCH_PX, 2)
    np.testing.assert_allclose((slopes**2).sum(-1).mean((1, 2)), 1, rtol=1e-3)
    inner = np.abs(np.diff(slopes, axis=1)).mean()
    seam = np.abs(slopes[:, 0] - slopes[:, -1]).mean()
    assert seam < 1.5 * inner
    assert SWATCH_M / SWATCH_PX < 0.003
