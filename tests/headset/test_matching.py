"""Which way is up, which circle is the lens's, and what is no headset view."""

import json
import shlex

import cv2
import numpy as np
import pytest
from conftest import write_toy_tree

from egolib import cli
from egolib.camera import XR_EGOPOSE
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.framing import Framing
from egolib.headset.cameras.matching import doubts_of, match, match_sheet, sample_images
from egolib.headset.cameras.sources import open_sources
from egolib.headset.deploy import runtimes
from egolib.headset.deploy.runtimes import Runtime
from egolib.headset.predict import predict


def sure_of_a_bright_top(squares):
    """Stands for a trained network: as sure as the image is brighter at its top, where a headset's
    has the wearer's face, than below."""
    top = squares[:, :12, 24:40].mean((1, 2, 3)) - squares[:, 20:].mean((1, 2, 3))
    confidence = np.repeat(np.clip(top / 255, 0, 1)[:, None], 15, 1)
    return {"confidence": confidence, "joints_px": np.full((len(squares), 15, 2), 32.0)}


RUNTIME = Runtime("stub", "heatmaps", "stub", 64, sure_of_a_bright_top)


def headset_images(count=4, scale=0.2, shift=0.0, radius=1.0):
    """Miniatures of what the data set's headset gives: a bright face at the top, a dim floor, black
    outside the lens's circle (moved to the right by `shift` native pixels, `radius` times as large)."""
    row, column = np.indices((round(800 * scale), round(1280 * scale)))
    x, y = (column + 0.5) / scale - 0.5, (row + 0.5) / scale - 0.5
    centre = (XR_EGOPOSE.circle_cx + shift, XR_EGOPOSE.circle_cy)
    inside = np.hypot(x - centre[0], y - centre[1]) < XR_EGOPOSE.circle_radius * radius
    face = np.hypot(x - centre[0], y - (centre[1] - 400 * radius)) < 200 * radius
    rng, images = np.random.default_rng(0), []
    for _ in range(count):
        image = rng.integers(60, 90, (*row.shape, 3)).astype(np.uint8)
        image[face] = 250
        image[~inside] = 0
        images.append(image)
    return images


def matched(images, **options):
    return match(images, RUNTIME, **options)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("square", [False, True])
def test_turned_and_mirrored_images_are_recognised_and_undone(turn, mirror, square):
    upright = [p[:, 48:208] if square else p for p in headset_images()]
    given = [np.rot90(p, turn // 90) for p in upright]
    given = [p[:, ::-1] if mirror else p for p in given]
    found = matched(given)
    assert found.framing == Framing(mirror, turn)
    assert found.own_framing
    assert found.doubts == ()
    expected = Framing().square(upright[0], 64)
    assert np.array_equal(found.framing.square(given[0], 64), expected)


def test_without_a_network_the_circle_still_says_what_is_not_turned():
    found = match([np.rot90(p) for p in headset_images()])
    assert found.framing.turn in (90, 270)
    assert "no network" in " ".join(found.doubts)


def test_another_lens_is_brought_to_the_data_sets_by_its_circle():
    given = [np.rot90(p) for p in headset_images(shift=-60, radius=0.8)]
    found = matched(given)
    assert not found.own_framing
    assert found.framing.turn == 90
    assert not found.framing.mirror
    assert found.framing.circle[2] == pytest.approx(0.8 * 458 * 0.2, abs=0.5)
    expected, inside = Framing().square(headset_images()[0], 64), slice(12, 52)
    got = found.framing.square(given[0], 64)
    assert np.abs(got.astype(int) - expected)[inside, inside].mean() < 12
    assert "another lens" in found.doubts[0]


def test_what_is_given_is_not_guessed():
    images = headset_images()
    assert matched(images, turn=180, mirror=True).framing == Framing(True, 180)
    found = matched(images, circle=(100.0, 80.0, 60.0))
    assert found.framing.circle == (100.0, 80.0, 60.0)


@pytest.mark.parametrize("kind", ["noise", "flat", "upside"])
def test_what_does_not_look_like_a_headset_view_is_said(kind):
    rng = np.random.default_rng(0)
    images = {
        "noise": [rng.integers(0, 255, (160, 256, 3), np.uint8)],
        "flat": [np.full((160, 256, 3), 128, np.uint8)],
        "upside": headset_images(),
    }[kind]
    found = matched(images, turn=180 if kind == "upside" else None)
    assert any("images say little" in doubt for doubt in found.doubts) == (kind != "upside")
    assert any("does not look like a downward headset view" in doubt for doubt in found.doubts)
    if kind != "upside":
        assert any("no image circle" in doubt for doubt in found.doubts)


def test_a_shape_that_nothing_says_how_to_crop_is_refused():
    with pytest.raises(EgolibError, match=r"300x160 is neither 8:5 nor square.*--circle"):
        match([np.full((160, 300, 3), 128, np.uint8)])
    with pytest.raises(EgolibError, match="256x160 is neither 8:5 nor square when it is upright"):
        match([np.full((160, 256, 3), 128, np.uint8)], turn=90)
    assert match([np.full((256, 160, 3), 128, np.uint8)]).framing.turn == 90


def test_images_are_sampled_over_the_whole_input(tmp_path):
    tree = write_toy_tree(tmp_path / "tree", frames=40)
    folder = next(tree.rglob("rgba"))
    (source,) = open_sources([folder])
    assert len(sample_images(source)) == 16
    for path in folder.iterdir():
        path.write_text("no image")
    with pytest.raises(EgolibError, match=r"images: .*no image"):
        sample_images(source)


def test_the_sheet_shows_before_and_after():
    found = matched(headset_images())
    figure = match_sheet(found, RUNTIME)
    assert len(figure.axes) == 8
    given, seen = figure.axes[0], figure.axes[4]
    assert given.images[0].get_array().shape == (160, 256, 3)
    assert seen.images[0].get_array().shape[0] == seen.images[0].get_array().shape[1]
    assert given.patches  # the circle
    assert seen.lines  # the joints


def test_the_command_prints_what_predict_takes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runtimes, "open_fastest", lambda network: RUNTIME)
    for i, image in enumerate(headset_images(shift=40, radius=0.7)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), image)
    sheet = tmp_path / "sheet.png"
    assert cli.main(["match", str(tmp_path), "--turn", "0", "--out", str(sheet)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith("--circle 138.")
    assert cv2.imread(str(sheet)).shape[1] > 500
    assert cli.main(["match", str(tmp_path), "--out", str(tmp_path / "sheet.xyz")]) == 2
    assert "name an image" in capsys.readouterr().err
    video = str(tmp_path / "clip.avi")
    writer = cv2.VideoWriter(video, cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 200))
    writer.write(np.zeros((200, 320, 3), np.uint8))
    writer.release()
    assert cli.main(["match", str(tmp_path), video]) == 2
    assert "one camera at a time, not images, clip.avi" in capsys.readouterr().err


def test_the_shape_that_most_images_have_is_looked_at(tmp_path, capsys):
    for i, image in enumerate(headset_images(5)):
        square = image[:, 48:208]
        cv2.imwrite(str(tmp_path / f"{i}.png"), (image if i == 0 else square)[..., ::-1])
    images = sample_images(open_sources([tmp_path])[0])
    assert [image.shape for image in images] == [(160, 160, 3)] * 4
    assert capsys.readouterr().err == "1 of 5 images are not 160x160 and are left out\n"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_predict_doubts_images_that_are_turned(turn):
    images = headset_images()
    assert doubts_of("clip", images, Framing(), RUNTIME) == ()
    given = [np.rot90(image[:, 48:208], turn // 90) for image in images]
    (doubt,) = doubts_of("clip", given, Framing(), RUNTIME)
    assert f"clip: with --turn {turn} the mean confidence is" in doubt
    assert doubts_of("clip", given, Framing(turn=turn), RUNTIME) == ()


def test_predict_doubts_images_of_no_headset():
    noise = list(np.random.default_rng(0).integers(0, 255, (4, 160, 160, 3), np.uint8))
    (doubt,) = doubts_of("clip", noise, Framing(), RUNTIME)
    assert doubt.startswith("clip: this does not look like a downward headset view")
    assert doubts_of("clip", noise[:3], Framing(), RUNTIME) == ()  # few images say little


def test_the_doubts_of_predict_are_printed(tmp_path):
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((160, 160, 3), 50 * i, np.uint8))
    report = predict([tmp_path], tmp_path / "out", RUNTIME)
    assert str(report).splitlines()[-1].startswith("images: this does not look like")


def test_the_words_to_paste_are_quoted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runtimes, "open_fastest", lambda path: RUNTIME)
    for i, image in enumerate(headset_images()):
        cv2.imwrite(str(tmp_path / f"{i}.png"), image[..., ::-1])
    lens = tmp_path / "my lens; rm x.json"
    lens.write_text(json.dumps({"K": [[80, 0, 128], [0, 80, 80], [0, 0, 1]], "D": [0, 0, 0, 0],
                                "image_size": [256, 160]}))  # fmt: skip
    out = str(tmp_path / "match.png")
    assert (
        cli.main(["match", str(tmp_path / "*.png"), "--calibration", str(lens), "--out", out]) == 0
    )
    words = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert words[:2] == ["--calibration", str(lens)]
