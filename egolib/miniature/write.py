"""One sequence of the miniature -> files in the official layout, metadata last.

Files are in centimetres, Y up, floor at 0; pixels are native 1280x800 whatever the pictures' size.
Anny's (x, y, z) in metres, Z up, becomes 100 (x, z, -y).
"""

import json

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from egolib.camera import camera_entry, project, world_to_camera
from egolib.errors import EgolibError
from egolib.files import write_atomically
from egolib.skeleton import RIG_PREFIX

DEPTH_UNIT_M = 0.02
DEPTH_FAR = 255  # 5.08 m or more
CAMERA_FOV_DEGREES = 178.8  # the measured circle reaches 89.4 degrees off axis
PNG_SETTINGS = [cv2.IMWRITE_PNG_COMPRESSION, 1]
DECIMALS_CM, DECIMALS_DEGREES, DECIMALS_RADIANS, DECIMALS_PX = 6, 9, 6, 4
TO_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def meta_path(folder, character, first_number):
    """The file whose presence says that a sequence is complete."""
    return folder / "meta" / f"{character}.meta.{first_number:06d}.json"


def encode_depth(distances_m):
    """Metres along the ray (H, W) -> uint8: 2 cm a unit, 0 nothing, 255 for 5.08 m or more."""
    units = np.clip(np.round(distances_m / DEPTH_UNIT_M), 1, DEPTH_FAR)
    return np.where(distances_m > 0, units, 0).astype(np.uint8)


def decode_depth(depth):
    """Inverse of `encode_depth`, to half a unit: uint8 (H, W) -> metres, 0 where nothing."""
    return depth.astype(np.float32) * DEPTH_UNIT_M


def label(clip, stature_m, bones, joints_m, rotations, camera_turn, camera_centre_m):
    """The json of one frame, every number consistent with the others after rounding.

    joints_m: (J, 3), rotations: (J, 3, 3) relative to the parent, camera-to-world rotation (3, 3)
    and centre (3,): all in Anny's axes.
    """
    world_cm = np.round(100 * joints_m @ TO_WORLD.T, DECIMALS_CM)
    trans, rot = _camera(camera_turn, camera_centre_m)
    matrix = world_to_camera(trans, rot)
    in_camera = np.round(world_cm @ matrix[:3, :3].T + matrix[:3, 3], DECIMALS_CM)
    pixels = np.round(project(in_camera), DECIMALS_PX)
    turns = Rotation.from_matrix(TO_WORLD @ rotations @ TO_WORLD.T).as_euler("xyz")
    turns = np.round(turns, DECIMALS_RADIANS)
    return {
        "action": clip,
        "camera": {"cam_fov": CAMERA_FOV_DEGREES, "trans": trans.tolist(), "rot": rot.tolist()},
        "char_height": round(100 * stature_m, 2),
        "joints": [
            {"name": RIG_PREFIX + bone, "trans": place.tolist(), "rot": turn.tolist()}
            for bone, place, turn in zip(bones, world_cm, turns, strict=True)
        ],
        "pts2d_fisheye": pixels.T.tolist(),
        "pts3d_fisheye": in_camera.T.tolist(),
    }


def _camera(camera_turn, camera_centre_m):
    """-> the json's trans (3,) in centimetres and rot (3,) in degrees, rounded."""
    to_world = np.eye(4)
    to_world[:3, :3] = TO_WORLD @ camera_turn
    to_world[:3, 3] = 100 * TO_WORLD @ camera_centre_m
    trans, rot = camera_entry(np.linalg.inv(to_world))
    return np.round(trans, DECIMALS_CM), np.round(rot, DECIMALS_DEGREES)


def write_frame(folder, character, number, picture, distances_m, object_ids, labels):
    """Write the four files of a frame below `folder` (.../cam_down)."""
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    rgba = np.dstack([picture[..., ::-1], alpha])
    digits = f"{number:06d}"
    _write_png(folder / "rgba" / f"{character}.rgba.{digits}.png", rgba)
    _write_png(folder / "depth" / f"{character}.depth.{digits}.png", encode_depth(distances_m))
    _write_png(folder / "objectId" / f"{character}.objectId.{digits}.png", object_ids)
    write_atomically(folder / "json" / f"{character}_{digits}.json", json.dumps(labels))


def _write_png(path, pixels):
    done, encoded = cv2.imencode(".png", pixels, PNG_SETTINGS)
    if not done:
        raise EgolibError(f"{path}: OpenCV could not encode this picture")
    write_atomically(path, encoded.tobytes())


def write_json(path, content):
    """Write a dictionary as indented json, whole or not at all."""
    write_atomically(path, json.dumps(content, indent=1) + "\n")
