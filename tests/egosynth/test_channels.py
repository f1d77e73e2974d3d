"""Every channel of a rendered frame, read back from its file: they agree with each other and with
the labels, to the quantum of their encoding."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_body import cast

from egolib.camera import inside_circle, project, unproject, world_to_camera
from egolib.config import RenderConfig
from egosynth import (
    OBJECT_IDS,
    decode_depth,
    decode_worldp,
    encode_depth,
    encode_worldp,
    planned_sequences,
)
from egosynth.rendering.renderer import pixel_centres
from egosynth.sequence_renderer import SequenceRenderer
from egosynth.write import DEPTH_UNIT_M, WORLDP_UNIT_M

CONFIG = RenderConfig(scale=0.2, train_frames=2, characters=1)
SHOWN_CLIPS = ("walking", "Boxing", "lower_stretching")
WORLDP_ERROR_M = np.sqrt(3) / 2 * WORLDP_UNIT_M + 1e-4  # half a unit in each of three axes
INSIDE = inside_circle(pixel_centres(CONFIG.scale))


def read_frame(json_path):
    """All channels of a frame, decoded."""
    folder, number = json_path.parent.parent, json_path.stem[-6:]

    def image(kind):
        path = next((folder / kind).glob(f"*.{kind}.{number}.png"))
        return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

    return SimpleNamespace(
        rgba=image("rgba"),
        depth_m=decode_depth(image("depth")),
        ids=image("objectId"),
        world_m=decode_worldp(cv2.cvtColor(image("worldp"), cv2.COLOR_BGR2RGB)),
        labels=json.loads(json_path.read_text()),
        rot=json.loads((folder / "rot" / json_path.name).read_text()),
    )


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("channels")
    stage = SequenceRenderer(root, CONFIG, 0, *cast())
    for sequence in planned_sequences(CONFIG):
        if sequence.split == "TrainSet" and sequence.clip in SHOWN_CLIPS:
            stage.play(sequence)
    found = [read_frame(path) for path in sorted(root.rglob("json/*.json"))]
    assert {frame.labels["action"] for frame in found} == set(SHOWN_CLIPS)
    return found


def in_camera_m(frame):
    """World positions of the pixels inside the circle, through the json's camera -> (P, 3)."""
    camera = frame.labels["camera"]
    matrix = world_to_camera(camera["trans"], camera["rot"])
    return frame.world_m[INSIDE] @ matrix[:3, :3].T + matrix[:3, 3] / 100


def test_world_positions_project_onto_their_pixels(frames):
    centres = pixel_centres(CONFIG.scale)[INSIDE]
    rays = unproject(centres)
    for frame in frames:
        points = in_camera_m(frame)
        along = (points * rays).sum(-1, keepdims=True)
        assert np.linalg.norm(points - along * rays, axis=-1).max() < WORLDP_ERROR_M
        far = (along[:, 0] > 1) & (points[:, 2] > 0.2)
        off_px = np.linalg.norm(project(points[far]) - centres[far], axis=-1)
        assert far.mean() > 0.1
        assert off_px.max() < 360 * WORLDP_ERROR_M  # fx times the angle at a metre


def test_world_positions_agree_with_depth(frames):
    for frame in frames:
        distances_m = np.linalg.norm(in_camera_m(frame), axis=-1)
        depth_m = frame.depth_m[INSIDE]
        near = depth_m < decode_depth(np.uint8(255))
        gap_m = np.abs(distances_m - depth_m)[near]
        assert gap_m.max() < DEPTH_UNIT_M / 2 + WORLDP_ERROR_M
        assert (distances_m[~near] > depth_m[~near] - 0.02).all()
        assert near.mean() > 0.5


def test_the_sky_is_far_also_behind_windows(frames):
    """In rooms with windows, on terraces and in gardens nothing called sky has a nearer distance."""
    for frame in frames:
        sky = frame.ids == OBJECT_IDS["sky"]
        assert (frame.depth_m[sky] == decode_depth(np.uint8(255))).all()
        assert (np.linalg.norm(in_camera_m(frame)[sky[INSIDE]], axis=-1) > 99).all()
    assert sum((frame.ids == OBJECT_IDS["sky"]).any() for frame in frames) > 1


def test_the_floor_lies_at_height_zero(frames):
    for frame in frames:
        floor = frame.world_m[frame.ids == OBJECT_IDS["floor"]]
        assert len(floor) > 100
        assert np.abs(floor[:, 1]).max() <= WORLDP_UNIT_M / 2 + 1e-6


def test_every_channel_is_empty_outside_the_circle_and_full_inside(frames):
    for frame in frames:
        assert (frame.rgba[..., 3] == 255).all()
        for channel in (frame.depth_m, frame.ids, np.isfinite(frame.world_m).all(-1)):
            assert not channel[~INSIDE].any()
            assert (channel[INSIDE] > 0).all()


def test_rotations_are_those_of_the_labels(frames):
    for frame in frames:
        joints, turns = frame.labels["joints"], frame.rot["joints"]
        assert [joint["name"] for joint in turns] == [joint["name"] for joint in joints]
        quaternions = np.array([joint["quaternion"] for joint in turns])
        np.testing.assert_allclose(np.linalg.norm(quaternions, axis=-1), 1, atol=1e-6)
        assert (quaternions[:, 3] >= 0).all()
        expected = Rotation.from_euler("xyz", [joint["rot"] for joint in joints])
        difference = Rotation.from_quat(quaternions) * expected.inv()
        assert difference.magnitude().max() < 1e-5


def test_rotations_and_fixed_bones_give_the_joints(frames):
    """Forward kinematics by `rot` and the bones of one frame gives the other frame's joints."""
    rig, _ = cast()
    bones_cm = []
    for frame in frames:
        places = np.array([joint["trans"] for joint in frame.labels["joints"]])
        local = Rotation.from_quat([joint["quaternion"] for joint in frame.rot["joints"]])
        world = [None] * len(places)
        for bone, parent in enumerate(rig.parents):
            world[bone] = local[bone] if parent < 0 else world[parent] * local[bone]
        bones_cm.append(
            [
                world[p].inv().apply(places[b] - places[p])
                for b, p in enumerate(rig.parents)
                if p >= 0
            ]
        )
    bones_cm = np.array(bones_cm)
    assert np.linalg.norm(bones_cm[0], axis=-1).max() > 30
    assert np.abs(bones_cm - bones_cm[0]).max() < 0.01


def test_encodings_come_back_to_half_a_unit():
    rng = np.random.default_rng(0)
    points_m = rng.uniform(-100, 100, (40, 50, 3)).astype(np.float32)
    points_m[:5] = np.nan
    coded = encode_worldp(points_m)
    assert coded.dtype == np.uint16
    assert not coded[:5].any()
    back = decode_worldp(coded)
    assert np.isnan(back[:5]).all()
    assert np.abs(back - points_m)[5:].max() < WORLDP_UNIT_M / 2 + 1e-4
    far = decode_worldp(encode_worldp(np.array([[[1e6, 2, -1e6]]], np.float32)))[0, 0]
    np.testing.assert_allclose(far, (163.835, 2, -163.84), atol=1e-3)

    distances_m = rng.uniform(0.02, 5, (40, 50))
    distances_m[0] = 0
    assert list(encode_depth(np.array([5.08, 5.1, 60]))) == [254, 255, 255]
    back = decode_depth(encode_depth(distances_m))
    assert not back[0].any()
    assert np.abs(back - distances_m).max() < DEPTH_UNIT_M / 2 + 1e-6
