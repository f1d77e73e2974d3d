"""A folder of images becomes poses.csv and overlays; scores agree with a count by hand."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest
from toy_network import SPEC, toy_network

from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.framing import Framing
from egolib.headset.deploy.runtimes import on_torch
from egolib.headset.poses.posetable import HEADER
from egolib.headset.predict import Predictor, predict
from egolib.headset.scoring import score_poses
from egolib.models.checkpoints import NetworkSpec
from egolib.skeleton import JOINTS


@pytest.fixture(scope="module")
def network():
    return toy_network()


@pytest.fixture(scope="module")
def predicted(network, tmp_path_factory):
    """(Report, poses.csv as DataFrame, out folder) of native, square and bad images."""
    folder, out = tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("out")
    rng = np.random.default_rng(0)
    native = cv2.resize(rng.integers(0, 255, (10, 16, 3), np.uint8), (320, 200))
    cv2.imwrite(str(folder / "native.png"), native)
    cv2.imwrite(str(folder / "square.png"), native[:, 60:260])
    cv2.imwrite(str(folder / "twin.png"), native)
    cv2.imwrite(str(folder / "twin.BMP".lower()), native)
    cv2.imwrite(str(folder / "wide.png"), native[:, :300])
    for name in ("cut.png", "cut.jpg"):
        whole = cv2.imencode(name[3:], native)[1].tobytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpeg").write_text("no image")
    (folder / "notes.txt").write_text("not looked at")
    report = predict([folder], out, on_torch(network, SPEC), batch_size=3)
    return report, pd.read_csv(out / "poses.csv"), out


def test_bad_images_are_skipped_and_listed(predicted):
    report, _, _ = predicted
    reasons = {skip.name: skip.reason for skip in report.skipped}
    assert report.done == 4
    assert reasons.keys() == {"wide.png", "cut.png", "cut.jpg", "text.jpeg"}
    assert "cut short" in reasons["cut.png"]
    assert "cut short" in reasons["cut.jpg"]
    assert reasons["wide.png"] == "300x200 is neither 8:5 nor square; try `egolib match`"
    assert "4 images done, 4 skipped" in str(report)
    assert "wide.png" in str(report)


def test_header_and_rows(predicted):
    _, poses, out = predicted
    first = (out / "poses.csv").read_text().splitlines()[0]
    assert first == ",".join(HEADER)
    assert first.startswith("image,joint,u_px,v_px,confidence,x_mm,y_mm,z_mm,neck_x_mm,")
    assert poses.image.unique().tolist() == ["native.png", "square.png", "twin.bmp", "twin.png"]
    assert (poses.groupby("image").joint.agg(list).map(tuple) == JOINTS).all()
    head = poses[poses.joint == "Head"]
    assert head[["u_px", "v_px", "confidence"]].isna().all().all()
    said = [*HEADER[:8], "in_view"]
    assert poses.loc[poses.joint != "Head", said].notna().all().all()
    assert head.z_mm.notna().all()
    assert (head.in_view == 0).all()
    unsaid = [f"neck_{axis}_mm" for axis in "xyz"] + ["expected_error_mm", "time_s"]
    assert poses[unsaid].isna().all().all()
    assert all(poses[name].dtype == float for name in HEADER[2:] if name != "in_view")
    assert poses.in_view.dtype == int


def test_places_are_pixels_of_the_given_image(predicted):
    _, poses, _ = predicted
    by_image = poses.set_index("image")
    native, square = by_image.loc["native.png"], by_image.loc["square.png"]
    seen = (native.joint != "Head").to_numpy()
    assert (native.u_px - 60).to_numpy()[seen] == pytest.approx(square.u_px.to_numpy()[seen])
    assert native.v_px.to_numpy()[seen] == pytest.approx(square.v_px.to_numpy()[seen])
    assert native.x_mm.to_numpy() == pytest.approx(square.x_mm.to_numpy())
    assert native.v_px.max() > 64  # not pixels of the network's input
    assert native.u_px.nunique() > 3


def test_overlays_are_large_and_keep_same_stems_apart(predicted):
    _, _, out = predicted
    names = sorted(path.name for path in (out / "overlays").iterdir())
    assert names == ["native.png", "square.png", "twin.bmp.png", "twin.png.png"]
    overlay = cv2.imread(str(out / "overlays" / "square.png"))
    assert overlay.shape == (512, 512 + 256, 3)
    assert (overlay[:, 512:] < 200).any()  # a skeleton on the white panel


def test_a_heatmap_network_gives_no_depth(network, tmp_path):
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), np.full((64, 64, 3), 90, np.uint8))
    spec = NetworkSpec(**{**vars(SPEC), "kind": "heatmaps"})
    runtime = on_torch(network.heatmap_network, spec)
    predict([tmp_path / "in"], tmp_path / "out", runtime)
    poses = pd.read_csv(tmp_path / "out" / "poses.csv")
    assert poses[["x_mm", "y_mm", "z_mm"]].isna().all().all()
    assert poses.u_px.notna().sum() == 15
    with pytest.raises(EgolibError, match="no poses"):
        predict([tmp_path / "in"], tmp_path / "other", runtime, bvh=True)


def test_what_cannot_be_predicted_is_refused(network, tmp_path):
    with pytest.raises(EgolibError, match="no such image"):
        predict([tmp_path / "none"], tmp_path / "out", on_torch(network, SPEC))
    with pytest.raises(EgolibError, match="holds no image"):
        predict([tmp_path], tmp_path / "out", on_torch(network, SPEC))
    assert not (tmp_path / "out").exists()


def poses_text(*rows):
    """A table as version 0.1 wrote it, whose places are still scored."""
    return "\n".join([",".join(HEADER[:8]), *rows]) + "\n"


@pytest.fixture
def scored(tmp_path):
    """Writes poses and labels -> their paths."""

    def write(poses, labels):
        paths = tmp_path / "poses.csv", tmp_path / "labels.json"
        paths[0].write_text(poses)
        paths[1].write_text(labels if isinstance(labels, str) else json.dumps(labels))
        return paths

    return write


def test_scores_by_hand(scored):
    poses = poses_text(
        "a.png,LeftHand,10,10,1,,,",
        "a.png,RightHand,50,10,1,,,",
        "a.png,Head,,,,,,",
        "b.png,LeftHand,0,40,1,,,",
        "b.png,Neck,5,5,1,,,",
    )
    labels = {
        "a.png": {"LeftHand": [13, 14], "RightHand": [50, 36]},
        "b.png": {"LeftHand": [0, 0], "Neck": [5, 5]},
        "c.png": {"LeftHand": [1, 1]},
    }
    table = score_poses(*scored(poses, labels))
    assert table.index.tolist() == ["Neck", "Hand", "All"]
    hand = table.loc["Hand"]
    assert (hand.joints, hand.missing) == (4, 1)
    assert hand.within == pytest.approx(50)  # 5 and 26 px hit; 40 px and the missing one do not
    assert hand.median_px == pytest.approx(26)
    assert hand.low <= hand.within <= hand.high
    assert table.loc["All", "within"] == pytest.approx(60)
    assert table.loc["All", "missing"] == 1
    assert table.loc["Neck", "within"] == 100
    assert np.isnan(table.loc["Neck", "low"])
    assert score_poses(*scored(poses, labels), threshold_px=4).loc["Hand", "within"] == 0


@pytest.mark.parametrize(
    ("poses", "labels", "culprit"),
    [
        ("image,joint,u,v\n", {"a": {"Neck": [1, 1]}}, "poses.csv: the header"),
        ("", {"a": {"Neck": [1, 1]}}, "poses.csv: the header"),
        (poses_text("a,Tail,1,1,1,,,"), {"a": {"Neck": [1, 1]}}, "poses.csv: .*line 2"),
        (poses_text("a,Neck,1"), {"a": {"Neck": [1, 1]}}, "poses.csv"),
        (poses_text("a,Neck,x,1,1,,,"), {"a": {"Neck": [1, 1]}}, "poses.csv"),
        (poses_text(), "{", "labels.json"),
        (poses_text(), "[1]", "labels.json"),
        (poses_text(), {"a": {"Neck": [1]}}, "labels.json"),
        (poses_text(), {"a": {"Neck": None}}, "labels.json"),
        (poses_text(), {"a": {"Tail": [1, 1]}}, "labels.json: .*Tail"),
        (poses_text(), {"a": {"Neck": [1, float("nan")]}}, "labels.json: Neck"),
        (poses_text(), {}, "labels.json: holds no"),
    ],
)
def test_bad_files_are_named(scored, poses, labels, culprit):
    with pytest.raises(EgolibError, match=culprit):
        score_poses(*scored(poses, labels))


def test_the_predictor_gives_the_poses_that_predict_writes(network, predicted, tmp_path):
    images = [np.random.default_rng(i).integers(0, 255, (200, 320, 3), np.uint8) for i in range(3)]
    for i, image in enumerate(images):
        cv2.imwrite(str(tmp_path / f"{i}.png"), image[..., ::-1])
    predict([tmp_path], tmp_path / "out", on_torch(network, SPEC))
    written = np.load(tmp_path / "out" / "poses.npz")
    predictor = Predictor(on_torch(network, SPEC), Framing())
    poses = predictor.predict(images)
    assert poses.pose_m.shape == (3, 16, 3)
    np.testing.assert_allclose(poses.pose_m, written["pose_m"], atol=1e-4)  # written at 0.1 mm
    one = predictor.predict(images[1])
    assert len(one) == 1
    np.testing.assert_allclose(one.pose_m[0], poses.pose_m[1], atol=1e-5)
    np.testing.assert_allclose(one.joints_px[0], poses.joints_px[1], atol=1e-3)


@pytest.mark.parametrize("images", [np.zeros((200, 320)), np.zeros((200, 320, 3)), [], [None],
                                    np.zeros((200, 300, 3), np.uint8)])  # fmt: skip
def test_the_predictor_refuses_what_is_no_image(network, images):
    with pytest.raises(EgolibError, match=r"image|8:5"):
        Predictor(on_torch(network, SPEC), Framing()).predict(images)


def test_labels_of_joints_without_a_2d_prediction_are_left_out_and_counted(tmp_path, capsys):
    poses = tmp_path / "poses.csv"
    poses.write_text(
        "image,joint,u_px,v_px,confidence,x_mm,y_mm,z_mm\na.png,Head,,,,1,2,3\na.png,Neck,10,20,1,1,2,3\n"
    )
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"a.png": {"Head": [1, 2], "Neck": [10, 21]}}))
    assert score_poses(poses, labels).loc["All", "joints"] == 1
    assert "1 labels of Head are left out" in capsys.readouterr().err
    labels.write_text(json.dumps({"a.png": {"Head": [1, 2]}}))
    with pytest.raises(EgolibError, match="no labelled joint that can be scored"):
        score_poses(poses, labels)


@pytest.mark.parametrize("place", ['"12"', "[true, 1]", '["1", 2]', "[1]", "[1, 2, 3]", "[[1, 2]]", "1",
                                   "[1e400, 1]", "[" * 5000, "9" * 400, "null"])  # fmt: skip
def test_places_that_are_none(tmp_path, place):
    poses, labels = tmp_path / "poses.csv", tmp_path / "labels.json"
    poses.write_text("image,joint,u_px,v_px,confidence,x_mm,y_mm,z_mm\na.png,Neck,10,20,1,1,2,3\n")
    labels.write_text(f'{{"a.png": {{"Neck": {place}}}}}')
    with pytest.raises(EgolibError, match=str(labels)) as caught:
        score_poses(poses, labels)
    assert "\n" not in str(caught.value)
    labels.write_text('{"a.png": {"Neck": [1, 2]}, "a.png": {"Neck": [3, 4]}}')
    with pytest.raises(EgolibError, match=r"'a\.png' occurs twice"):
        score_poses(poses, labels)
