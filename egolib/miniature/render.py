"""Pictures of a dressed body in a room through the exact lens, by NVIDIA Warp on CPU or CUDA."""

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR

from egolib.camera import XR_EGOPOSE, inside_circle, unproject  # noqa: E402
from egolib.errors import EgolibError  # noqa: E402
from egolib.miniature import fabric, materials, shading, skinning  # noqa: E402
from egolib.miniature.fitting import RELAXATIONS  # noqa: E402
from egolib.miniature.room import FLOORS, WALLS  # noqa: E402
from egolib.miniature.wardrobe import GARMENT_STEP, PARTS, ROOM_IDS  # noqa: E402


def picture_size(scale):
    """Width and height in pixels of a picture at `scale`; EgolibError unless it stays 8:5."""
    if not 0 < scale <= 1 or abs(scale * 80 - round(scale * 80)) > 1e-6:
        raise EgolibError(
            f"render scale {scale}: use a multiple of 1/80 up to 1, such as 0.2 or 1.0"
        )
    return round(XR_EGOPOSE.width * scale), round(XR_EGOPOSE.height * scale)


def pixel_centres(scale):
    """Native coordinates of the pixel centres of a picture at `scale` -> (H, W, 2)."""
    width, height = picture_size(scale)
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    return (np.stack([u, v], -1) + 0.5) / scale - 0.5


def camera_rays(scale):
    """Unit rays of the pixel centres in the camera frame -> float32 (H, W, 3); 0 outside the
    lens's circle."""
    centres = pixel_centres(scale)
    return (unproject(centres) * inside_circle(centres)[..., None]).astype(np.float32)


def compile_kernels():
    """Compile for the preferred device; afterwards other processes find the result on disk."""
    for module in (skinning, shading):
        wp.load_module(module, device=wp.get_preferred_device())


def _cloth_on_device(cloth):
    device = fabric.ClothOnDevice()
    device.garment, device.pattern = cloth.garment, fabric.PATTERNS.index(cloth.pattern)
    for name in ("plain", "second", "fastener_colour"):
        setattr(device, name, wp.vec3(*getattr(cloth, name)))
    for name in ("size_m", "folds", "fastener_m", "top_m", "trim_below_m"):
        setattr(device, name, float(getattr(cloth, name)))
    return device


class Renderer:
    """Renders frames of one size; `dress` and `furnish` first, then `render` frame by frame."""

    def __init__(self, scale):
        self.device = wp.get_preferred_device()
        self.width, self.height = picture_size(scale)
        centres = pixel_centres(scale).reshape(-1, 2)
        inside = np.flatnonzero(inside_circle(centres))
        self.pixel_radians = 1 / (XR_EGOPOSE.fx * scale)
        self.rays = self._upload(unproject(centres[inside]), wp.vec3)
        self.targets = self._upload(inside, int)
        self.rgb = wp.zeros((len(centres), 3), dtype=wp.uint8, device=self.device)
        self.distances = wp.zeros(len(centres), dtype=float, device=self.device)
        self.object_ids = wp.zeros(len(centres), dtype=wp.uint8, device=self.device)
        self.swatches = self._upload(fabric.swatches(), wp.vec2)

    def _upload(self, values, dtype):
        kind = np.int32 if dtype is int else np.float32
        return wp.array(np.ascontiguousarray(values, kind), dtype=dtype, device=self.device)

    def dress(self, outfit):
        """Take the mesh and the cloths of an Outfit."""
        mesh, body = outfit.mesh, fabric.BodyOnDevice()
        kinds = {
            "faces": int, "tags": int, "places": wp.vec3, "rings": int, "grains": wp.vec3,
            "bone_indices": int, "bone_weights": float, "parts": int, "tints": wp.vec3,
            "slack": wp.vec2, "give": float, "lift": float,
        }  # fmt: skip
        for name, kind in kinds.items():
            setattr(body, name, self._upload(getattr(mesh, name), kind))
        body.rest = self._upload(mesh.vertices, wp.vec3)
        body.cloths = wp.array(
            [_cloth_on_device(cloth) for cloth in outfit.cloths],
            dtype=fabric.ClothOnDevice,
            device=self.device,
        )
        body.chart_radii = self._upload(outfit.chart_radii_m, float)
        body.swatches = self.swatches
        body.points, body.strains = wp.empty_like(body.rest), wp.empty_like(body.slack)
        body.garment_step, body.head_part = GARMENT_STEP, 1 + PARTS.index("head")
        self.body, self.points = body, body.points
        self.normals = wp.empty_like(body.rest)
        self.relaxing = [wp.empty_like(body.rest) for _ in range(2)]
        self.triangles = body.faces.flatten()
        self.mesh = None

    def furnish(self, room):
        """Take the Room in which the next frames are set."""
        device = materials.RoomOnDevice()
        device.half = wp.vec3(*room.half)
        device.floor_style, device.wall_style = FLOORS.index(room.floor), WALLS.index(room.wall)
        device.floor_colour, device.floor_second = (wp.vec3(*c) for c in room.floor_colours)
        device.wall_colour, device.wall_second = (wp.vec3(*c) for c in room.wall_colours)
        device.floor_size_m, device.floor_gloss = room.floor_size_m, room.floor_gloss
        device.floor_cos, device.floor_sin = np.cos(room.floor_yaw), np.sin(room.floor_yaw)
        device.ambient_above, device.ambient_below = (wp.vec3(*c) for c in room.ambient)
        boxes = room.boxes
        device.box_centres = self._upload([box.centre for box in boxes], wp.vec3)
        device.box_halves = self._upload([box.half for box in boxes], wp.vec3)
        device.box_turns = self._upload([(np.cos(b.yaw), np.sin(b.yaw)) for b in boxes], wp.vec2)
        device.box_colours = self._upload([box.colour for box in boxes], wp.vec3)
        device.box_ids = self._upload([ROOM_IDS[box.object_name] for box in boxes], int)
        device.lights = self._upload(room.lights, wp.vec4)
        device.light_colours = self._upload(room.light_colours, wp.vec3)
        device.surface_ids = wp.vec3i(*(ROOM_IDS[name] for name in ("floor", "wall", "ceiling")))
        self.room = device

    def pose(self, heads, world, joints):
        """Skin the body: heads (J, 3) at rest, world rotations (J, 3, 3), joints (J, 3)."""
        shifts = joints - np.einsum("jik,jk->ji", world, heads)
        now, then = self.relaxing
        self._launch(
            skinning.skin_body,
            [self.body, self._upload(world, wp.mat33), self._upload(shifts, wp.vec3), now],
        )
        for _ in range(RELAXATIONS):
            self._launch(skinning.relax, [self.body, now, then])
            now, then = then, now
        self._launch(
            skinning.settle, [self.body, now, self.points, self.normals, self.body.strains]
        )
        if self.mesh is None:
            self.mesh = wp.Mesh(points=self.points, indices=self.triangles)
        else:
            self.mesh.refit()
        self.body_centre = wp.vec3(*joints.mean(0))

    def _launch(self, kernel, inputs):
        wp.launch(kernel, dim=len(self.points), inputs=inputs, device=self.device)

    def render(self, camera_turn, camera_centre):
        """Picture of the posed body from camera-to-world rotation (3, 3) and centre (3,) ->
        rgb (H, W, 3) uint8, distance along the ray (H, W) metres, object ids (H, W) uint8;
        all 0 outside the lens's circle."""
        wp.launch(
            shading.trace,
            dim=len(self.rays),
            inputs=[
                self.mesh.id, self.normals, self.body, self.room, self.body_centre,
                wp.mat33(camera_turn.astype(np.float32)), wp.vec3(*camera_centre),
                self.pixel_radians, self.rays, self.targets,
                self.rgb, self.distances, self.object_ids,
            ],
            device=self.device,
        )  # fmt: skip
        shape = (self.height, self.width)
        return (
            self.rgb.numpy().reshape(*shape, 3),
            self.distances.numpy().reshape(shape),
            self.object_ids.numpy().reshape(shape),
        )
