"""One sequence of the miniature -> files in the official layout, metadata last.

The world of the files is Y up, floor at 0: Anny's (x, y, z), Z up, becomes (x, z, -y). Labels are in
centimetres; pixels are native 1280x800 whatever the images' size.
"""

import json

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from egolib.camera import camera_trans_and_rot, project, world_to_camera
from egolib.foundation.files import write_atomically
from egolib.skeleton import RIG_PREFIX
from egosynth.png import encode_png

DEPTH_UNIT_M = 0.02
DEPTH_FAR = 255  # 5.09 m or more
CAMERA_FOV_DEGREES = 178.8  # the measured circle reaches 89.4 degrees off axis
WORLDP_UNIT_M = 0.005
WORLDP_ZERO = 32768  # the 16-bit value of 0 m
DECIMALS_CM, DECIMALS_DEGREES, DECIMALS_RADIANS, DECIMALS_PX = 6, 9, 6, 4
DECIMALS_QUATERNION = 7
TO_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def meta_path(folder, character, first_number):
    """The file whose presence says that a sequence is complete."""
    return folder / "meta" / f"{character}.meta.{first_number:06d}.json"


def encode_depth(distances_m):
    """Metres along the ray (H, W) -> uint8: 2 cm a unit, 0 nothing, 255 for 5.09 m or more."""
    units = np.clip(np.round(distances_m / DEPTH_UNIT_M), 1, DEPTH_FAR)
    return np.where(distances_m > 0, units, 0).astype(np.uint8)


def decode_depth(depth):
    """Inverse of `encode_depth`, to half a unit: uint8 (H, W) -> metres, 0 where nothing."""
    return depth.astype(np.float32) * DEPTH_UNIT_M


def world_positions(rays, distances_m, camera_turn, camera_centre_m):
    """Where in the files' world each pixel's ray ends -> float32 (H, W, 3) metres, NaN where nothing.

    rays: float32 (H, W, 3), unit vectors in the camera frame; distances_m: float32 (H, W), 0 where
    nothing; camera-to-world rotation (3, 3) and centre (3,) in Anny's axes.
    """
    to_world = TO_WORLD @ np.column_stack([camera_turn, camera_centre_m])
    along = np.where(distances_m > 0, distances_m, np.float32(np.nan))
    return cv2.transform(rays * along[..., None], to_world)


def encode_worldp(points_m):
    """World positions (H, W, 3) in metres -> uint16, 5 mm a unit, 32768 for 0 m, clipped at 163 m in
    each direction; 0 in all three channels where a position is NaN."""
    units = points_m * np.float32(1 / WORLDP_UNIT_M)
    units += WORLDP_ZERO + 0.5
    np.fmax(units, 0, out=units)  # of NaN and 0 this is 0
    return np.minimum(units, 65535, out=units).astype(np.uint16)


def decode_worldp(worldp):
    """Inverse of `encode_worldp`, to half a unit: uint16 (H, W, 3), red is x -> float32 metres in
    the files' world, NaN where nothing."""
    points = (worldp.astype(np.float32) - WORLDP_ZERO) * WORLDP_UNIT_M
    points[~worldp.any(-1)] = np.nan
    return points


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
    trans, rot = camera_trans_and_rot(np.linalg.inv(to_world))
    return np.round(trans, DECIMALS_CM), np.round(rot, DECIMALS_DEGREES)


def joint_rotations(bones, rotations):
    """The `rot` file of one frame: unit quaternions x, y, z, w with w >= 0 in the files' world axes,
    relative to the parent in the bind frame. rotations: (J, 3, 3) in Anny's axes."""
    turns = Rotation.from_matrix(TO_WORLD @ rotations @ TO_WORLD.T).as_quat(canonical=True)
    return {
        "joints": [
            {"name": RIG_PREFIX + bone, "quaternion": turn}
            for bone, turn in zip(bones, turns.round(DECIMALS_QUATERNION).tolist(), strict=True)
        ]
    }


def write_frame(folder, character, number, *, image, distances_m, object_ids, points_m, labels,
                rotations):  # fmt: skip
    """Write the six files of a frame below `folder` (.../cam_down).

    image: uint8 RGB (H, W, 3); distances_m: (H, W) along the ray; object_ids: uint8 (H, W);
    points_m: (H, W, 3) of `world_positions`; labels, rotations: the two json files' content.
    """
    digits = f"{number:06d}"
    images = {
        "rgba": cv2.cvtColor(image, cv2.COLOR_RGB2RGBA),
        "depth": encode_depth(distances_m),
        "objectId": object_ids,
        "worldp": encode_worldp(points_m),
    }
    for kind, pixels in images.items():
        path = folder / kind / f"{character}.{kind}.{digits}.png"
        write_atomically(path, encode_png(pixels))
    for kind, content in {"json": labels, "rot": rotations}.items():
        write_atomically(folder / kind / f"{character}_{digits}.json", json.dumps(content))


def write_json(path, content):
    """Write a dictionary as indented json, whole or not at all."""
    write_atomically(path, json.dumps(content, indent=1) + "\n")
