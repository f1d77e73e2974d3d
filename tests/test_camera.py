import cv2
import numpy as np
import pytest

from egolib import camera


def test_the_optical_axis_projects_to_the_principal_point():
    assert np.allclose(camera.project([0, 0, 1.0]), (camera.XR_EGOPOSE.cx, camera.XR_EGOPOSE.cy))


def test_project_unproject_round_trip_up_to_the_lens_plane():
    rng = np.random.default_rng(0)
    theta, phi = rng.uniform(0, np.radians(89.4), 2000), rng.uniform(0, 2 * np.pi, 2000)
    rays = np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1
    )
    assert np.allclose(camera.unproject(camera.project(rays)), rays, atol=1e-9)


def test_unproject_agrees_with_opencv_where_opencv_holds():
    pixels = np.random.default_rng(1).uniform((400, 150), (900, 650), (500, 2))
    lens = camera.XR_EGOPOSE
    plane = cv2.fisheye.undistortPoints(
        pixels[:, None], lens.matrix, np.array(lens.distortion)
    ).reshape(-1, 2)
    rays = camera.unproject(pixels)
    assert np.allclose(rays[:, :2] / rays[:, 2:], plane, atol=1e-6)


def test_points_behind_the_lens_plane_are_mirrored_by_opencv_and_flagged():
    """The trap: 89.9 degrees off axis is on the right, 91 degrees on the left."""
    angles = np.radians([89.9, 91.0])
    points = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], -1)
    u = camera.project(points)[:, 0]
    assert u[0] == pytest.approx(1114, abs=1)
    assert u[1] == pytest.approx(198, abs=1)
    assert camera.in_front(points).tolist() == [True, False]


def test_the_circle_is_the_hemisphere():
    rim = camera.unproject([camera.XR_EGOPOSE.circle_cx + camera.XR_EGOPOSE.circle_radius, 399.9])
    assert np.degrees(np.arccos(rim[2])) == pytest.approx(89.4, abs=0.5)
    assert camera.inside_circle([653.7, 399.9])
    assert not camera.inside_circle([100.0, 400.0])


def test_square_pixels():
    # The outer corner of the first pixel of the crop is the corner of the square, at any size.
    assert np.allclose(camera.native_to_square([239.5, -0.5], 128), (-0.5, -0.5))
    assert np.allclose(camera.native_to_square([1039.5, 799.5], 128), (127.5, 127.5))
    corners = np.array([[-0.4, -0.4], [127.4, 127.4], [127.6, 50], [50, -0.6]])
    assert camera.inside_square(corners, 128).tolist() == [True, True, False, False]


@pytest.mark.parametrize("height", [800, 160, 80])
def test_crop_square_takes_columns_240_to_1039(height):
    image = np.tile(np.arange(height * 8 // 5), (height, 1))
    crop = camera.crop_square(image)
    assert crop.shape == (height, height)
    assert crop[0, 0] == 240 * height // 800
    with pytest.raises(ValueError, match="is not 8:5"):
        camera.crop_square(image[:, :-1])


def test_world_to_camera_inverts_the_camera_entry():
    matrix = camera.world_to_camera([10.0, 150.0, -4.0], [-80.0, 20.0, 5.0])
    trans, rot = camera.camera_trans_and_rot(matrix)
    assert np.allclose(camera.world_to_camera(trans, rot), matrix)
    assert np.allclose(matrix @ [10.0, 150.0, -4.0, 1.0], [0, 0, 0, 1])
    # An unrotated camera looks along the world's -z, as OpenGL's does.
    assert np.allclose(camera.world_to_camera([0, 0, 0], [0, 0, 0]) @ [0, 0, -1, 1], [0, 0, 1, 1])
