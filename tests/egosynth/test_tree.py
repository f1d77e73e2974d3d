"""The miniature on disk: official layout, exact labels, images that agree with them, resuming,
and the same bytes whatever the number of workers."""

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_body import cast
from test_channels import read_frame

from egolib.camera import XR_EGOPOSE, in_front, inside_circle, project, unproject, world_to_camera
from egolib.config import RenderConfig
from egolib.foundation.errors import EgolibError
from egolib.skeleton import ACTION_CLIPS, JOINTS, RIG_PREFIX, SPLITS, action_of_clip
from egosynth import OBJECT_IDS, plan, planned_sequences, render_tree, tree
from egosynth.motion.clips import CLIPS
from egosynth.people.body import stable_rng
from egosynth.people.wardrobe import GARMENT_STEP, PARTS
from egosynth.rendering.renderer import image_size, pixel_centres
from egosynth.sequence_renderer import SequenceRenderer
from egosynth.write import TO_WORLD

TINY = RenderConfig(
    scale=0.1, train_frames=2, val_frames=1, test_frames=1, characters=1,
    train_clips=9, val_clips=9, test_clips=9,
)  # fmt: skip
SEED = 5
LARGE_FRAMES, LARGE_CLIPS = 3, ("walking", "Reaching_Out", "Boxing", "lower_stretching")
FRAMES = 60  # of a sequence long enough to tell a leak of frames
LIMB_RADIUS_M, LIMB_LENGTH_M = 0.12, 0.5
NEAR_PARTS = {  # what may cover a joint when its own surface is what the ray meets first
    "Arm": ("upper_arm", "torso", "forearm"),
    "ForeArm": ("upper_arm", "forearm"),
    "Hand": ("forearm", "hand"),
    "UpLeg": ("hips", "thigh"),
    "Leg": ("thigh", "shin"),
    "Foot": ("shin", "foot", "toes"),
    "ToeBase": ("foot", "toes"),
}


@pytest.fixture(scope="module", autouse=True)
def few_clips():
    """One clip of each category, or these tests would render for minutes."""
    first = {action_of_clip(clip): clip for clip in (*reversed(CLIPS), *LARGE_CLIPS)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "CLIPS", {clip: CLIPS[clip] for clip in first.values()})
        yield


@pytest.fixture(scope="module")
def known_cast():
    """Rendering without building the bodies anew each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "build_characters", lambda names: cast())
        yield


@pytest.fixture(scope="module")
def tiny(known_cast, tmp_path_factory):
    out = tmp_path_factory.mktemp("miniature") / "tiny"
    render_tree(out, TINY, SEED, workers=1)
    return out


@pytest.fixture(scope="module")
def large_frames(tmp_path_factory):
    """Frames at half size of one person -> frames of `read_frame`."""
    root = tmp_path_factory.mktemp("large")
    config = dataclasses.replace(TINY, scale=0.5, train_frames=LARGE_FRAMES)
    stage = SequenceRenderer(root, config, SEED, *cast())
    for sequence in planned_sequences(config, SEED):
        if sequence.split == "TrainSet" and sequence.clip in LARGE_CLIPS:
            stage.play(sequence)
    return [read_frame(path) for path in sorted(root.rglob("json/*.json"))]


def test_memory_stays_flat_however_many_frames_are_rendered(tmp_path):
    """After two sequences, in which caches fill, a frame leaves less behind than its mask would take."""
    stage = SequenceRenderer(tmp_path, TINY, SEED, *cast())
    resident_kb = []
    for take in range(5):
        stage.play(
            plan.Sequence("TestSet", "male_001_a_a", "env_001", "Boxing", take, 1000 * take, FRAMES)
        )
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident_kb.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e3)
    growth = (resident_kb[-1] - resident_kb[1]) / (3 * FRAMES)
    assert growth < 80 * 128 / 1e3  # kB a frame: one channel of 8 bits


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_layout_and_names(tiny):
    characters = {split.name: {c.name for c in split.iterdir()} for split in tiny.glob("*Set")}
    assert {split: len(names) for split, names in characters.items()} == dict.fromkeys(SPLITS, 1)
    assert all(names <= set(SPLITS[split]) for split, names in characters.items())
    planned = [s for s in planned_sequences(TINY, SEED) if s.split == "ValSet"]
    for env in ("env_001", "env_002", "env_003"):
        folder = tiny / "ValSet/male_008_a_a" / env / "cam_down"
        sequences = sum(s.environment == env for s in planned)
        assert len(list((folder / "meta").iterdir())) == sequences
        numbers = {path.stem[-6:] for path in (folder / "json").iterdir()}
        assert len(numbers) == TINY.val_frames * sequences
        for kind in ("rgba", "depth", "objectId", "worldp"):
            expected = {f"male_008_a_a.{kind}.{number}.png" for number in numbers}
            assert {path.name for path in (folder / kind).iterdir()} == expected
        expected = {f"male_008_a_a_{number}.json" for number in numbers}
        assert {path.name for path in (folder / "rot").iterdir()} == expected
    assert json.loads((tiny / "miniature.json").read_text())["object_ids"] == OBJECT_IDS


def test_labels_agree_with_the_camera(tiny):
    paths = sorted(tiny.rglob("json/*.json"))
    assert len(paths) == sum(sequence.frames for sequence in planned_sequences(TINY, SEED))
    for path in paths:
        label = json.loads(path.read_text())
        world = np.array([joint["trans"] for joint in label["joints"]])
        matrix = world_to_camera(label["camera"]["trans"], label["camera"]["rot"])
        expected = world @ matrix[:3, :3].T + matrix[:3, 3]
        in_camera = np.array(label["pts3d_fisheye"]).T
        np.testing.assert_allclose(in_camera, expected, rtol=1e-6, atol=2e-6)
        pixels = np.array(label["pts2d_fisheye"]).T
        assert np.abs(project(in_camera) - pixels).max() < 0.01
        assert action_of_clip(label["action"]) in ACTION_CLIPS
        assert {RIG_PREFIX + name for name in JOINTS} <= {j["name"] for j in label["joints"]}
        assert -2 < world[:, 1].min() < 15
        assert 60 < label["camera"]["trans"][1] < 200


def test_labels_carry_the_tilt_of_the_headset(tiny):
    head, tilts = cast()[0].index("Head"), []
    to_head = TO_WORLD @ np.diag([1.0, -1, -1])  # a camera that looks straight down
    for path in sorted(tiny.rglob("meta/*.json")):
        meta = json.loads(path.read_text())
        number = f"{meta['first_number']:06d}"
        label = json.loads(next(path.parent.parent.glob(f"json/*_{number}.json")).read_text())
        rotations = json.loads(next(path.parent.parent.glob(f"rot/*_{number}.json")).read_text())
        head_turn = _world_rotations(rotations)[head]
        to_camera = world_to_camera(label["camera"]["trans"], label["camera"]["rot"])[:3, :3]
        tilt = Rotation.from_matrix((to_camera @ head_turn @ to_head).T)
        np.testing.assert_allclose(
            tilt.as_euler("xyz", degrees=True), meta["headset_tilt_degrees"], atol=0.01
        )
        tilts.append(meta["headset_tilt_degrees"])
    assert len({tuple(tilt) for tilt in tilts}) == len(tilts) > 9  # no two sequences alike


def _world_rotations(rotations):
    """Of all bones (J, 3, 3) in the files' axes, from the channel `rot` of one frame."""
    rig = cast()[0]
    turns = Rotation.from_quat([joint["quaternion"] for joint in rotations["joints"]]).as_matrix()
    for bone, parent in enumerate(rig.parents):
        if parent >= 0:
            turns[bone] = turns[parent] @ turns[bone]
    return turns


def test_two_takes_of_a_clip_move_and_look_differently(tmp_path):
    stage = SequenceRenderer(tmp_path, TINY, SEED, *cast())
    for take in (0, 1):
        stage.play(
            plan.Sequence("TestSet", "male_001_a_a", "env_001", "Boxing", take, 1000 * take, 1)
        )
    labels, images = (sorted(tmp_path.rglob(f"{kind}/*")) for kind in ("json", "rgba"))
    first, second = (np.array(json.loads(p.read_text())["pts3d_fisheye"]) for p in labels)
    assert np.abs(first - second).max() > 5  # cm
    assert images[0].read_bytes() != images[1].read_bytes()


def test_images_are_black_outside_the_circle_and_full_inside(tiny):
    outside = ~inside_circle(pixel_centres(TINY.scale))
    for path in sorted(tiny.rglob("*.png"))[::7]:
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert image.shape[:2] == (80, 128)
        colour = image[..., :3] if image.ndim == 3 else image
        assert not colour[outside].any(), path
        if image.ndim == 2 or image.dtype == np.uint16:
            assert (image[~outside] > 0).all(), path
        else:
            assert (image[..., 3] == 255).all()
            assert colour[~outside].std() > 15, path


def test_visible_joints_lie_just_below_the_body_in_the_depth_image(large_frames):
    gaps_m = []
    assert len(large_frames) == LARGE_FRAMES * len(LARGE_CLIPS)
    for frame in large_frames:
        label, depth, ids = frame.labels, frame.depth_m, frame.ids
        names = [joint["name"].removeprefix(RIG_PREFIX) for joint in label["joints"]]
        for name in JOINTS[2:]:
            column = names.index(name)
            point = np.array(label["pts3d_fisheye"])[:, column] / 100
            native = np.array(label["pts2d_fisheye"])[:, column]
            if not in_front(point) or not inside_circle(native):
                continue
            x, y = np.round((native + 0.5) * 0.5 - 0.5).astype(int)
            if not (0 <= y < depth.shape[0]):
                continue
            assert 0 < ids[y, x] < 200, name
            distance = np.linalg.norm(point)
            assert depth[y, x] < distance + 0.03, name
            part = PARTS[(ids[y, x] - 1) % GARMENT_STEP]
            limb = name.removeprefix("Left").removeprefix("Right")
            same_side = not part.startswith("right" if name.startswith("Left") else "left")
            if same_side and part.split("_", 1)[-1] in NEAR_PARTS[limb]:
                gaps_m.append(distance - depth[y, x])
    assert len(gaps_m) > 40
    assert np.median(gaps_m) < LIMB_RADIUS_M
    assert max(gaps_m) < LIMB_LENGTH_M  # a ray that comes down along the limb


def test_two_shards_and_two_workers_give_the_same_bytes(tiny, tmp_path):
    out = tmp_path / "again"
    render_tree(out, TINY, SEED, workers=2, shard=(1, 2))
    rendered = set(digests(out))
    assert 0.3 < len(rendered) / len(digests(tiny)) < 0.8
    render_tree(out, TINY, SEED, workers=1, shard=(2, 2))
    assert digests(out) == digests(tiny)


def test_every_shard_describes_the_whole_tree_alike(tiny, known_cast, tmp_path, monkeypatch):
    monkeypatch.setattr(tree.SequenceRenderer, "play", lambda *_: 0)
    whole = {name: value for name, value in digests(tiny).items() if "cam_down" not in name}
    assert len(whole) == 1 + len(SPLITS)
    for i in (1, 2, 3):
        render_tree(tmp_path / str(i), TINY, SEED, workers=1, shard=(i, 3))
        assert digests(tmp_path / str(i)) == whole


def test_resuming_renders_only_what_is_missing(tiny, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    meta = sorted(copy.rglob("meta/*.json"))[20]
    meta.unlink()
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("json/*.json")}
    render_tree(copy, TINY, SEED, workers=1)
    changed = [path for path, time in before.items() if path.stat().st_mtime_ns != time]
    assert {path.parent.parent for path in changed} == {meta.parent.parent}
    assert 1 <= len(changed) <= TINY.train_frames
    assert digests(copy) == digests(tiny)


def test_a_tree_of_other_settings_is_refused(tiny):
    with pytest.raises(EgolibError, match=r"miniature\.json.*seed.*another folder"):
        render_tree(tiny, TINY, SEED + 1)
    with pytest.raises(EgolibError, match="render"):
        render_tree(tiny, dataclasses.replace(TINY, fps=30), SEED)


def test_a_tree_is_bound_to_the_captured_motion_but_not_to_its_folder(tmp_path):
    here, there, out = (tmp_path / name for name in ("here", "there", "tree"))
    for folder in (here, there):
        folder.mkdir()
        (folder / "walking_01.bvh").write_text("HIERARCHY")
    captured, moved = (dataclasses.replace(TINY, motion=str(f)) for f in (here, there))
    tree._bind(out, captured, SEED)
    tree._bind(out, moved, SEED)
    (there / "walking_01.bvh").write_text("HIERARCHY, recorded anew")
    for changed in (moved, TINY):
        with pytest.raises(EgolibError, match="motion_capture"):
            tree._bind(out, changed, SEED)


def test_a_tree_of_another_renderer_is_refused(tiny, tmp_path, monkeypatch):
    path = tmp_path / "miniature.json"
    path.write_bytes((tiny / "miniature.json").read_bytes())
    monkeypatch.setattr(tree, "renderer_digest", lambda: "of other code")
    with pytest.raises(EgolibError, match=r"miniature\.json.*another version.*delete its folder"):
        render_tree(tmp_path, TINY, SEED)


def test_a_scale_that_does_not_divide_is_refused(tmp_path):
    with pytest.raises(EgolibError, match="multiple of 1/80"):
        render_tree(tmp_path / "odd", dataclasses.replace(TINY, scale=0.123), SEED)
    assert not (tmp_path / "odd").exists()
    assert image_size(0.2) == (256, 160)


def test_a_failing_worker_surfaces_as_its_error(known_cast, tmp_path):
    blocked = next(s for s in planned_sequences(TINY, SEED))
    tree._bind(tmp_path, TINY, SEED)
    folder = tmp_path / blocked.folder
    folder.mkdir(parents=True)
    (folder / "rgba").write_text("a file where a folder should be")
    with pytest.raises(OSError, match="rgba"):
        render_tree(tmp_path, TINY, SEED, workers=2)


def test_frames_of_another_origin_are_not_mixed_with(tmp_path):
    (tmp_path / "TestSet").mkdir()
    with pytest.raises(EgolibError, match="of another origin"):
        render_tree(tmp_path, TINY, SEED)


def test_rays_of_the_pixels_project_back_onto_them():
    centres = pixel_centres(0.1)
    rays = unproject(centres[inside_circle(centres)])
    assert np.abs(project(rays) - centres[inside_circle(centres)]).max() < 1e-6
    corners = centres[[0, -1], [0, -1]]
    np.testing.assert_allclose(corners, [[4.5, 4.5], [XR_EGOPOSE.width - 5.5, 794.5]])


def test_generators_depend_on_their_keys_alone():
    assert stable_rng(1, "a").random() == stable_rng(1, "a").random()
    assert stable_rng(1, "a").random() != stable_rng(1, "b").random()
