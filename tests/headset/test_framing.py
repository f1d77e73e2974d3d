"""Other cameras' images come out as the data set's lens would have drawn them."""

import functools
import json

import cv2
import numpy as np
import pytest

from egolib.camera import XR_EGOPOSE, FisheyeCamera, inside_circle, square_to_native, unproject
from egolib.data.images import resize_square
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.calibration import read_calibration
from egolib.headset.cameras.framing import Framing
from egolib.headset.cameras.imagecircle import find_circle

SIDE = 128
OTHER = FisheyeCamera(
    fx=231.0, fy=229.0, cx=330.5, cy=296.0, distortion=(0.03, -0.012, 0.004, -0.0008),
    width=640, height=600, circle_cx=330.5, circle_cy=296.0, circle_radius=350.0,
)  # fmt: skip


def scene(rays):
    """What a camera at the centre of a painted sphere sees along rays (..., 3): smooth RGB."""
    x, y, z = np.moveaxis(rays, -1, 0)
    waves = [np.sin(4 * x + 3 * y), np.sin(5 * y - 2 * z + 1), np.sin(3 * z - 4 * x + 2)]
    return np.rint(128 + 90 * np.stack(waves, -1)).astype(np.uint8)


def pixels_of(width, height):
    return np.moveaxis(np.indices((height, width))[::-1], 0, -1).astype(float)


def drawn(rays, mirror, turn):
    """The scene, black beyond 89 degrees, as a camera mounted so sees it: to be upright its image
    has to be mirrored, then turned clockwise."""
    x, y, z = np.moveaxis(rays, -1, 0)
    x = -x if mirror else x
    for _ in range(turn // 90):
        x, y = -y, x
    rays = np.stack([x, y, z], -1)
    return np.where(rays[..., 2:] > np.cos(np.deg2rad(89)), scene(rays), 0).astype(np.uint8)


@functools.cache
def truth():
    """The square crop of the data set's own lens -> (image, where its lens sees)."""
    fine = square_to_native(pixels_of(4 * SIDE, 4 * SIDE), 4 * SIDE)
    image = np.where(inside_circle(fine)[..., None], scene(unproject(fine)), 0)
    native = square_to_native(pixels_of(SIDE, SIDE), SIDE)
    inside = inside_circle(native) & (unproject(native)[..., 2] > np.cos(np.deg2rad(86)))
    return resize_square(image.astype(np.uint8), SIDE), inside


def both_see(framing):
    """Where the other lens's image reaches, too."""
    white = framing.square(np.full((600, 640, 3), 255, np.uint8), SIDE)
    return truth()[1] & (white.min(-1) == 255)


def kannala_brandt_file(path):
    matrix, distortion = OTHER.matrix.tolist(), list(OTHER.distortion)
    path.write_text(
        json.dumps({"K": matrix, "D": distortion, "image_width": 640, "image_height": 600})
    )
    return path


def kannala_brandt_image(mirror=False, turn=0):
    """By the study's own inverse of the model (Newton), which lenses.py does not use."""
    return drawn(unproject(pixels_of(640, 600), OTHER), mirror, turn)


@functools.cache
def scaramuzza_fit():
    """A polynomial of degree 5 (no linear term, in OCamCalib's sign) near OTHER."""
    theta = np.linspace(0.01, np.deg2rad(95), 500)
    k = np.array([1.0, *OTHER.distortion])
    radius = 230 * sum(each * theta ** (2 * i + 1) for i, each in enumerate(k))
    powers = np.stack([radius**p for p in (0, 2, 3, 4, 5)], -1)
    a = np.linalg.lstsq(powers, -radius / np.tan(theta), rcond=None)[0]
    return [a[0], 0.0, *a[1:]]


def scaramuzza_file(path):
    polynomial = " ".join(f"{each:.12e}" for each in scaramuzza_fit())
    path.write_text(
        "#polynomial coefficients for the DIRECT mapping function (ocam_model.ss in MATLAB)\n\n"
        f"6 {polynomial}\n\n#inverse mapping function\n\n3 1 2 3\n\n"
        '#center: "row" and "column", starting from 0 (C convention)\n\n296.0 330.5\n\n'
        '#affine parameters "c", "d", "e"\n\n1.01 0.002 -0.003\n\n'
        '#image size: "height" and "width"\n\n600 640\n'
    )
    return path


def scaramuzza_image(mirror=False, turn=0):
    """By OCamCalib's own way from pixels to rays: rows and columns, z away from the scene."""
    column, row = np.moveaxis(pixels_of(640, 600), -1, 0)
    stretch = np.linalg.inv([[1.01, 0.002], [-0.003, 1.0]])
    x, y = np.tensordot(stretch, np.stack([row - 296.0, column - 330.5]), 1)
    z = np.polynomial.Polynomial(scaramuzza_fit())(np.hypot(x, y))
    rays = np.stack([y, x, -z], -1)
    return drawn(rays / np.linalg.norm(rays, axis=-1, keepdims=True), mirror, turn)


LENSES = {
    "kannala_brandt": (kannala_brandt_file, kannala_brandt_image),
    "scaramuzza": (scaramuzza_file, scaramuzza_image),
}


@pytest.mark.parametrize("model", LENSES)
@pytest.mark.parametrize(("mirror", "turn"), [(False, 0), (True, 90), (False, 270)])
def test_another_lens_is_remapped_into_the_data_sets(tmp_path, model, mirror, turn):
    write, draw = LENSES[model]
    framing = Framing(mirror, turn, lens=read_calibration(write(tmp_path / "lens")))
    (expected, _), inside = truth(), both_see(framing)
    assert inside.mean() > 0.75
    found = framing.square(draw(mirror, turn), SIDE)
    away = np.abs(found.astype(int) - expected)[inside]
    assert away.mean() < 1.0
    assert np.percentile(away, 99.5) < 6
    # Without the calibration it is another image altogether.
    circle = Framing(mirror, turn, circle=(OTHER.circle_cx, OTHER.circle_cy, OTHER.circle_radius))
    assert np.abs(circle.square(draw(mirror, turn), SIDE).astype(int) - expected)[inside].mean() > 4


def test_a_calibration_holds_for_the_same_image_at_another_size(tmp_path):
    lens = read_calibration(kannala_brandt_file(tmp_path / "lens.json"))
    (expected, _), inside = truth(), both_see(Framing(lens=lens))
    half = cv2.resize(kannala_brandt_image(), (320, 300), interpolation=cv2.INTER_AREA)
    found = Framing(lens=lens).square(half, SIDE)
    assert np.abs(found.astype(int) - expected)[inside].mean() < 1.5
    with pytest.raises(EgolibError, match="320x310 is not of the calibration's shape, 640x600"):
        Framing(lens=lens).square(np.zeros((310, 320, 3), np.uint8), SIDE)


FRAMINGS = [
    Framing(),
    Framing(True, 90),
    Framing(False, 180, (640.0, 385.0, 300.0)),
    Framing(True, 270, (640.0, 385.0, 300.0)),
]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_place_in_the_square_is_found_again_in_the_given_image(framing):
    given_of_dot, shape = np.array([700.0, 330.0]), (800, 1280, 3)
    if framing.turn == 90:
        given_of_dot, shape = given_of_dot[::-1], (1280, 800, 3)
    image = np.zeros(shape, np.uint8)
    cv2.circle(image, tuple(given_of_dot.astype(int).tolist()), 12, (255, 255, 255), -1)
    square = framing.square(image, SIDE).astype(float).mean(-1)
    centre = (pixels_of(SIDE, SIDE) * square[..., None]).sum((0, 1)) / square.sum()
    assert framing.to_given(centre, SIDE, shape) == pytest.approx(given_of_dot, abs=1)


def test_a_place_is_found_again_through_a_lens(tmp_path):
    lens = read_calibration(kannala_brandt_file(tmp_path / "lens.json"))
    ray = np.array([0.3, 0.5, 0.6])
    square = Framing(True, 90, lens=lens)
    rays = unproject(square_to_native([80.0, 90.0], SIDE))
    x, y, z = rays
    # Upright is mirrored, then turned: (x, y) of the given image became (-y, -x).
    expected, _ = cv2.fisheye.projectPoints(
        np.array([[[-y, -x, z]]]),
        np.zeros(3),
        np.zeros(3),
        OTHER.matrix,
        np.array(OTHER.distortion),
    )
    found = square.to_given([80.0, 90.0], SIDE, (600, 640, 3))
    assert found == pytest.approx(expected.ravel(), abs=1e-3)
    assert np.isnan(lens.project([*ray[:2], -9.0])).all()


def test_turned_and_mirrored_images_come_back_bit_by_bit():
    image = np.random.default_rng(0).integers(0, 255, (80, 128, 3), np.uint8)
    upright = Framing().square(image, 40)
    for turn in (0, 90, 180, 270):
        given = np.rot90(image, turn // 90)
        assert np.array_equal(Framing(turn=turn).square(given, 40), upright)
        assert np.array_equal(Framing(True, turn).square(given[:, ::-1], 40), upright)


def test_a_circle_is_laid_over_the_data_sets():
    """The same image at another scale and place comes out the same, and black outside."""
    scale, left, top = 0.5, 100, 60
    place = pixels_of(1280, 800)
    native = np.where(inside_circle(place)[..., None], scene(unproject(place)), 0).astype(np.uint8)
    small = cv2.resize(native, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    given = np.full((600, 900, 3), 50, np.uint8)
    given[top : top + 400, left : left + 640] = small
    circle = (
        (XR_EGOPOSE.circle_cx + 0.5) * scale - 0.5 + left,
        (XR_EGOPOSE.circle_cy + 0.5) * scale - 0.5 + top,
        XR_EGOPOSE.circle_radius * scale,
    )
    found = Framing(circle=circle).square(given, 100)
    expected = Framing().square(native, 100)
    within = np.hypot(*(np.moveaxis(pixels_of(100, 100), -1, 0) - 50)) < 48
    assert np.abs(found.astype(int) - expected)[within].mean() < 2
    assert found[0, 0].max() == 0


@pytest.mark.parametrize(
    "circle", [(100.0, 100.0, 2.0), (100.0, 100.0, 1e5), (-5000.0, 100.0, 90.0), (640, 400, 150)]
)
def test_a_circle_that_is_no_lenss_is_refused(circle):
    framing = Framing(circle=circle)
    with pytest.raises(EgolibError, match="is not that of a 300x200 image"):
        framing.square(np.zeros((200, 300, 3), np.uint8), SIDE)


def test_the_circle_is_found_in_the_dark_and_among_specks():
    rng = np.random.default_rng(0)
    place = pixels_of(320, 240)
    inside = np.hypot(place[..., 0] - 170.3, place[..., 1] - 118.6) < 130.4
    images = []
    for _ in range(8):
        image = rng.integers(0, 6, (240, 320, 3)).astype(np.uint8)
        image[inside] = rng.integers(60, 200, (inside.sum(), 3))
        row, column = rng.integers(0, 240), rng.integers(0, 320)
        image[max(0, row - 30) : row + 30, max(0, column - 30) : column + 30] = 0
        image[rng.random((240, 320)) < 0.002] = 90
        images.append(image)
    assert find_circle(images) == pytest.approx((170.3, 118.6, 130.4), abs=0.5)


@pytest.mark.parametrize("kind", ["noise", "flat", "gradient", "boxes", "black"])
def test_no_circle_where_there_is_none(kind):
    image = np.zeros((240, 320, 3), np.uint8)
    if kind == "noise":
        image = np.random.default_rng(0).integers(0, 255, image.shape, np.uint8)
    elif kind == "flat":
        image[:] = 128
    elif kind == "gradient":
        image[:] = np.linspace(0, 255, 320).astype(np.uint8)[None, :, None]
    elif kind == "boxes":
        image[40:200, 60:260] = 200
    assert find_circle([image]) is None


MATRIX = "[[231, 0, 330], [0, 229, 296], [0, 0, 1]]"


@pytest.mark.parametrize(
    "text",
    [
        f'{{"camera_matrix": {MATRIX}, "dist_coeffs": [[0.03], [-0.012], [0.004], [-0.0008]],\n'
        '\t"image_size": [640, 600]}',
        "cam0:\n  intrinsics: [231, 229, 330, 296]\n  distortion_coeffs: [0.03, -0.012, 4e-3, "
        "-0.0008]\n  distortion_model: equidistant\n  resolution: [640, 600]\n",
        "image_width: 640\nimage_height: 600\ndistortion_model: equidistant\ncamera_matrix:\n"
        "  rows: 3\n  cols: 3\n  data: [231, 0, 330, 0, 229, 296, 0, 0, 1]\n"
        "distortion_coefficients:\n  rows: 1\n  cols: 4\n  data: [0.03, -0.012, 0.004, -0.0008]\n",
    ],
)
def test_the_usual_ways_to_write_a_calibration(tmp_path, text):
    path = tmp_path / "lens.yaml"
    path.write_text(text)
    lens = read_calibration(path)
    expected, _ = cv2.fisheye.projectPoints(
        np.array([[[0.5, -0.3, 0.4]]]), np.zeros(3), np.zeros(3),
        np.array([[231.0, 0, 330], [0, 229, 296], [0, 0, 1]]), np.array(OTHER.distortion),
    )  # fmt: skip
    assert lens.project([0.5, -0.3, 0.4]) == pytest.approx(expected.ravel(), abs=1e-3)


def test_what_opencv_writes_is_read(tmp_path):
    for name in ("lens.yml", "lens.json"):
        storage = cv2.FileStorage(str(tmp_path / name), cv2.FILE_STORAGE_WRITE)
        storage.write("K", OTHER.matrix)
        storage.write("D", np.array(OTHER.distortion).reshape(4, 1))
        storage.write("image_width", 640)
        storage.write("image_height", 600)
        storage.release()
        lens = read_calibration(tmp_path / name)
        assert lens.project([0, 0, 1.0]) == pytest.approx((OTHER.cx, OTHER.cy))


def test_a_data_sets_json_is_the_same_lens_as_the_text(tmp_path):
    text = read_calibration(scaramuzza_file(tmp_path / "calib_results.txt"))
    entries = {
        "polynomialC2W": scaramuzza_fit(), "image_center": [330.5, 296.0],
        "affine": [1.01, 0.002, -0.003], "size": [600, 640],
    }  # fmt: skip
    (tmp_path / "lens.json").write_text(json.dumps(entries))
    ray = [0.4, 0.2, 0.3]
    assert read_calibration(tmp_path / "lens.json").project(ray) == pytest.approx(text.project(ray))


def entries(**changes):
    good = {"K": OTHER.matrix.tolist(), "D": [0, 0, 0, 0], "image_width": 640, "image_height": 600}
    return json.dumps({key: value for key, value in (good | changes).items() if value is not None})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (entries(D=[0, 0, 0, 0, 0]), "4 distortion coefficients"),
        (entries(D=None), "lacks .*distortion_coefficients"),
        (entries(image_width=None), "lacks .*image_size"),
        (entries(image_width=0), "0x600 pixels"),
        (entries(image_width=6400), "not about the middle"),
        (entries(K=[[1e-3, 0, 320], [0, 1e-3, 300], [0, 0, 1]]), "45 degrees from the axis"),
        (entries(K=[[1e6, 0, 320], [0, 1e6, 300], [0, 0, 1]]), "45 degrees from the axis"),
        (entries(K=[[200, 0, 320], [0, 400, 300], [0, 0, 1]]), "stretched"),
        (entries(K=[[float("nan"), 0, 320], [0, 400, 300], [0, 0, 1]]), "finite"),
        (entries(D=[-5, 0, 0, 0]), "turns back"),
        (entries(D=["x", 0, 0, 0]), "holds a str"),
        (entries(K=[1, 2]), "reshape"),
        (entries(distortion_model="plumb_bob"), "plumb_bob"),
        ("", "no named entries"),
        ("[1, 2", "lens.json"),
        ("# polynomial coefficients for the DIRECT mapping\n\n1 2\n", "lens.json"),
    ],
)
def test_absurd_calibrations_are_refused_in_one_line(tmp_path, text, line):
    path = tmp_path / "lens.json"
    path.write_text(text)
    with pytest.raises(EgolibError, match=line) as caught:
        read_calibration(path)
    assert str(caught.value).startswith(f"{path}: not the calibration of a fisheye lens")
    assert "\n" not in str(caught.value)


def test_a_calibration_that_is_missing(tmp_path):
    with pytest.raises(EgolibError, match="no such file"):
        read_calibration(tmp_path / "lens.json")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (entries(K=[[-200, 0, 320], [0, -200, 300], [0, 0, 1]]), "not above 0"),
        (entries(K=[[200, 0, 320], [0, -200, 300], [0, 0, 1]]), "not above 0"),
        (entries(K=[[200, 0, "320"], [0, 200, 300], [0, 0, 1]]), "holds a str"),
        (entries(K=[[200, 0, True], [0, 200, 300], [0, 0, 1]]), "holds a bool"),
        (entries(K=[[10**400, 0, 320], [0, 200, 300], [0, 0, 1]]), "401 digits"),
        (entries()[:-1] + ', "D": [0, 0, 0, 0]}', "'D' occurs twice"),
        ("a: [*b, *b]\nb: &b 1\n", "lens.json"),
        ("K: &k [1, 2]\nD: *k\n", "YAML alias"),
        ("K: 1\nK: 2\n", "'K' occurs twice"),
        ("[" * 20000, "nested too deeply"),
        ('{"a":' * 20000, "nested too deeply"),
        (f"K: {'9' * 400}\n", "lens.json"),
        ("K: !!python/object/apply:os.system [true]\n", "lens.json"),
        (
            json.dumps({"camera_model": "pinhole", **json.loads(entries())}),
            "the model is 'pinhole'",
        ),
    ],
)
def test_calibrations_that_would_be_misread(tmp_path, text, line):
    path = tmp_path / "lens.json"
    path.write_text(text)
    with pytest.raises(EgolibError, match=line) as caught:
        read_calibration(path)
    assert "\n" not in str(caught.value)


def test_sides_of_an_image_in_either_order(tmp_path):
    path, matrix = tmp_path / "lens.json", [[300, 0, 645], [0, 300, 475], [0, 0, 1]]
    for size in ([1280, 960], [960, 1280]):
        path.write_text(json.dumps({"K": matrix, "D": [0, 0, 0, 0], "image_size": size}))
        lens = read_calibration(path)
        assert (lens.width, lens.height) == (1280, 960)


def test_polynomials_that_contradict_each_other(tmp_path):
    """The inverse of r = -300 tan(angle) is not that of another lens."""
    angle = np.linspace(-np.pi / 2, -0.5, 50)
    inverse = np.polynomial.Polynomial.fit(angle, 300 / np.tan(-angle), 8).convert().coef
    content = {"size": [640, 600], "image_center": [320, 300], "polynomialC2W": [-300.0, 0, 0, 0]}
    path = tmp_path / "lens.json"
    path.write_text(json.dumps({**content, "polynomialW2C": inverse.tolist()}))
    read_calibration(path)
    path.write_text(json.dumps({**content, "polynomialW2C": (1.2 * inverse).tolist()}))
    with pytest.raises(EgolibError, match="contradict each other by"):
        read_calibration(path)


def test_a_tiny_image_is_no_body():
    with pytest.raises(EgolibError, match="16x16 is too small to show a body"):
        Framing().square(np.zeros((16, 16, 3), np.uint8), 64)
