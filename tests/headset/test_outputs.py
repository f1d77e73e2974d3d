"""What predict writes beside poses.csv, read back by others: numpy, the data set's reader, a video
player, a reader of BVH; whole also after a kill."""

from dataclasses import replace

import av
import cv2
import numpy as np
import pybvh
import pytest
from conftest import STANDING_M

from egolib.camera import project, world_to_camera
from egolib.data.labels import load_json, read_labels
from egolib.headset.cameras.captures import open_capture
from egolib.headset.deploy.runtimes import Runtime
from egolib.headset.poses.estimates import USUAL_NECK_M
from egolib.headset.poses.poseseries import read_series
from egolib.headset.poses.rig import BONES, FITTED
from egolib.headset.predict import predict
from egolib.skeleton import JOINTS, RIG_PREFIX

FRAMES = 12


def still_runtime(neck_m=STANDING_M[0]):
    """Sees the same pose in every image; the left hand moves with the image's brightness."""

    def run(squares):
        count = len(squares)
        pose_m = np.tile(STANDING_M - STANDING_M[0], (count, 1, 1))
        pose_m[:, JOINTS.index("LeftHand"), 2] += squares.mean((1, 2, 3)) / 1000
        outputs = {
            "joints_px": np.full((count, 15, 2), 31.5),
            "confidence": np.full((count, 15), 0.9),
            "pose_m": pose_m,
        }
        if neck_m is not None:
            outputs["neck_m"] = np.tile(neck_m, (count, 1))
            outputs["expected_error_m"] = np.full((count, 16), 0.02)
        return {name: values.astype(np.float32) for name, values in outputs.items()}

    return Runtime("a test", "end_to_end", "none", 64, run)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A video of 12 frames, 128 px, 25 frames a second, ever brighter."""
    path = tmp_path_factory.mktemp("clip") / "walk.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (128, 128))
    for number in range(FRAMES):
        writer.write(np.full((128, 128, 3), 20 * number, np.uint8))
    writer.release()
    return path


@pytest.fixture(scope="module")
def written(clip, tmp_path_factory):
    """The folder that predict fills from a video and two stills, all forms asked for."""
    folder, out = tmp_path_factory.mktemp("stills"), tmp_path_factory.mktemp("out")
    for name in ("a_000007.png", "b_000008.png"):
        cv2.imwrite(str(folder / name), np.full((80, 128, 3), 100, np.uint8))
    predict([clip, folder], out, still_runtime(), bvh=True, labels=True)
    return out


def test_npz_says_what_it_holds(written):
    with np.load(written / "poses.npz", allow_pickle=False) as stored:
        values = dict(stored)
    assert values["joints"].tolist() == list(JOINTS)
    assert str(values["axes"]).startswith("camera: x to the wearer's left")
    assert values["pose_m"].shape == (FRAMES + 2, 16, 3)
    assert values["pose_m"][0, 1] == pytest.approx(STANDING_M[1] - STANDING_M[0], abs=1e-4)
    assert values["neck_m"][0] == pytest.approx(STANDING_M[0], abs=1e-4)
    assert values["expected_error_m"] == pytest.approx(0.02)
    assert all(f"unit_of_{name}" in values for name in ("pose_m", "neck_m", "joints_px"))
    fitted = values["rig_bones"][values["rig_fitted"]]
    assert sorted(fitted) == sorted(FITTED)
    assert np.isfinite(values["rig_joints_m"]).all()


def test_the_series_knows_its_sources_and_times(written):
    series = read_series(written / "poses.csv")
    of_clip = series[series.source == "walk.mp4"]
    assert len(of_clip) == FRAMES
    assert of_clip.fps == pytest.approx(25, rel=0.01)
    assert np.isnan(series[series.source == "images"].time_s).all()


def test_out_of_view_is_said(tmp_path):
    low = STANDING_M[0] - (0, 0, STANDING_M[JOINTS.index("LeftHand"), 2] + 0.2)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64, 3), np.uint8))
    predict([tmp_path / "a.png"], tmp_path / "out", still_runtime(low))
    seen = dict(zip(JOINTS, read_series(tmp_path / "out" / "poses.csv").in_view[0], strict=True))
    assert seen["LeftHand"] == seen["Head"] == 0  # behind the lens plane
    assert seen["LeftFoot"] == 1


def test_a_place_that_the_lens_does_not_see_is_left_empty(tmp_path):
    runtime = still_runtime()

    def run(squares):
        return {**runtime.run(squares), "joints_px": np.full((len(squares), 15, 2), np.nan)}

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((80, 128, 3), np.uint8))
    predict([tmp_path / "a.png"], tmp_path / "out", replace(runtime, run=run))
    table = (tmp_path / "out" / "poses.csv").read_text()
    assert "a.png,LeftHand,,,0.900," in table
    assert "nan" not in table


def test_the_data_sets_reader_reads_the_json(written):
    files = sorted((written / "json").iterdir())
    assert len(files) == FRAMES + 2
    assert files[0].name == "a_000007.json"
    _, pixels, joints_m, rotations = read_labels(files[0])
    expected = STANDING_M.copy()
    expected[JOINTS.index("LeftHand"), 2] += 0.1
    assert joints_m == pytest.approx(expected, abs=2e-3)
    assert pixels == pytest.approx(project(joints_m), abs=0.05)
    assert np.isfinite(rotations).all()
    labels = load_json(files[0])
    camera = world_to_camera(labels["camera"]["trans"], labels["camera"]["rot"])
    world = np.array([joint["trans"] for joint in labels["joints"]])
    in_camera = world @ camera[:3, :3].T + camera[:3, 3]
    assert in_camera == pytest.approx(np.array(labels["pts3d_fisheye"]).T, abs=0.01)
    heights = {joint["name"]: joint["trans"][1] for joint in labels["joints"]}
    assert (
        heights[f"{RIG_PREFIX}Head"]
        > heights[f"{RIG_PREFIX}Hips"]
        > heights[f"{RIG_PREFIX}LeftFoot"]
    )
    marked = {j["name"].removeprefix(RIG_PREFIX) for j in labels["joints"] if j["fitted"]}
    assert marked == set(FITTED)
    assert labels["neck"] == "predicted"


def test_a_neck_that_nobody_predicted_is_called_usual(clip, tmp_path):
    predict([clip], tmp_path, still_runtime(neck_m=None), labels=True)
    labels = load_json(tmp_path / "json" / "walk.mp4-000000.json")
    assert labels["neck"] == "usual"
    assert np.array(labels["pts3d_fisheye"]).T[BONES.index("Neck")] == pytest.approx(
        100 * USUAL_NECK_M, abs=0.01
    )
    assert np.isnan(read_series(tmp_path / "poses.csv").neck_m).all()


def test_bvh_of_a_video_and_of_all_stills(written):
    for name, frames, fps in (("walk.mp4.bvh", FRAMES, 25), ("images.bvh", 2, 30)):
        read = pybvh.read_bvh_file(written / name, world_up="+y")
        assert (read.frame_count, read.fps) == (frames, pytest.approx(fps, rel=0.01))
        at = read.joint_names.index(f"{RIG_PREFIX}LeftFoot")
        x, y, z = np.asarray(read.joint_positions())[0, at] / 100
        assert (x, z, -y) == pytest.approx(STANDING_M[JOINTS.index("LeftFoot")], abs=0.01)


def test_the_overlay_video_plays_as_long_as_the_video(written):
    with av.open(written / "walk.mp4.overlay.mp4") as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert (stream.codec.name, float(stream.average_rate)) == ("h264", pytest.approx(25))
    assert len(frames) == FRAMES
    height, width = frames[0].shape[:2]
    assert width > height  # the skeleton stands beside the image
    assert frames[-1][:, :height].mean() > frames[0][:, :height].mean() + 100
    assert frames[0][:, height:].mean() > 200  # on white


def test_a_killed_run_ends_with_the_same_files(clip, written, tmp_path):
    class KilledError(Exception):
        pass

    calls = []

    def run(squares):
        calls.append(len(squares))
        if len(calls) == 2:
            raise KilledError
        return still_runtime().run(squares)

    dying = Runtime("a test", "end_to_end", "none", 64, run)
    with pytest.raises(KilledError):
        predict([clip], tmp_path, dying, batch_size=5)
    others = [path.name for path in tmp_path.iterdir() if "poses" not in path.name]
    assert others == ["made_by.json"]
    report = predict([clip], tmp_path, still_runtime(), bvh=True, batch_size=5)
    assert report.done == FRAMES
    assert open_capture(str(tmp_path / "walk.mp4.overlay.mp4")).frames == FRAMES
    once = [line for line in (written / "poses.csv").read_text().splitlines() if "walk" in line]
    assert (tmp_path / "poses.csv").read_text().splitlines()[1:] == once


def test_steady_is_calmer(tmp_path):
    path = tmp_path / "flicker.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (128, 128))
    for number in range(20):
        writer.write(np.full((128, 128, 3), 100 + 20 * (number % 2), np.uint8))
    writer.release()
    jitter = []
    for steady in (False, True):
        out = tmp_path / str(steady)
        predict([path], out, still_runtime(), steady=steady)
        hand = read_series(out / "poses.csv").pose_m[:, JOINTS.index("LeftHand"), 2]
        jitter.append(np.abs(np.diff(hand)).mean())
    assert jitter[0] == pytest.approx(0.02, rel=0.2)
    assert jitter[1] < 0.5 * jitter[0]


def test_a_video_at_uneven_times_keeps_them(tmp_path):
    """Overlay and BVH last as long as the video, and a whole file is not called cut short."""
    ticks = [0, 1, 2, 3, 12, 13, 14, 15, 26, 27, 28, 29]  # of a thirtieth of a second
    for suffix in ("mp4", "mkv"):
        path = tmp_path / f"clip.{suffix}"
        with av.open(path, "w") as container:
            stream = container.add_stream("mpeg4", 30, width=128, height=128, pix_fmt="yuv420p")
            for tick in ticks:
                image = np.full((128, 128, 3), 8 * tick, np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts = tick
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        report = predict([path], tmp_path / suffix, still_runtime(), bvh=True)
        assert (report.done, report.skipped) == (len(ticks), ())
        with av.open(tmp_path / suffix / f"clip.{suffix}.overlay.mp4") as overlay:
            times_s = [frame.time for frame in overlay.decode(video=0)]
        assert times_s == pytest.approx(np.array(ticks) / 30, abs=0.002)
        motion = pybvh.read_bvh_file(tmp_path / suffix / f"clip.{suffix}.bvh")
        assert motion.frame_count * motion.frame_time == pytest.approx(30 / 30, abs=0.05)
