"""Images of a dressed body in a room through the exact lens, by NVIDIA Warp on CPU or CUDA."""

from dataclasses import dataclass, fields

import numpy as np
import warp as wp

wp.config.log_level = wp.LOG_ERROR

from egolib.camera import XR_EGOPOSE, inside_circle, unproject  # noqa: E402
from egolib.foundation.errors import EgolibError  # noqa: E402
from egosynth.people.draping import RELAXATIONS  # noqa: E402
from egosynth.people.wardrobe import GARMENT_STEP, ROOM_IDS  # noqa: E402
from egosynth.rendering import (  # noqa: E402
    fabric,
    lighting,
    materials,
    rasterise,
    shading,
    skinning,
)
from egosynth.rendering.noise import noise_tile  # noqa: E402
from egosynth.rendering.sensor import Film  # noqa: E402


def image_size(scale):
    """Width and height in pixels of an image at `scale`; EgolibError unless it stays 8:5."""
    if not 0 < scale <= 1 or abs(scale * 80 - round(scale * 80)) > 1e-6:
        raise EgolibError(
            f"render scale {scale}: use a multiple of 1/80 up to 1, such as 0.2 or 1.0"
        )
    return round(XR_EGOPOSE.width * scale), round(XR_EGOPOSE.height * scale)


def pixel_centres(scale):
    """Native coordinates of the pixel centres of an image at `scale` -> (H, W, 2)."""
    width, height = image_size(scale)
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    return (np.stack([u, v], -1) + 0.5) / scale - 0.5


def camera_rays(scale):
    """Unit rays of the pixel centres in the camera frame -> float32 (H, W, 3); 0 outside the
    lens's circle."""
    centres = pixel_centres(scale)
    return (unproject(centres) * inside_circle(centres)[..., None]).astype(np.float32)


@dataclass(frozen=True)
class LightQuality:
    """How finely soft light is traced: at every `grid_step`-th pixel both ways, `rays` to each lamp
    and the sky, the samples of `interleave` x `interleave` neighbours joined."""

    grid_step: int = 3
    interleave: int = 3
    rays: int = 1


LEAF_FACES = 8  # of the trees of triangles: the quickest of 1, 2, 4 and 8 to build and to trace
BRUTE_FORCE = LightQuality(grid_step=1, interleave=1, rays=48)


def compile_kernels():
    """Compile for the preferred device; afterwards other processes find the result on disk."""
    for module in (skinning, rasterise, lighting, shading):
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
    """Renders frames of one size; `dress`, `furnish` and `load` first, then `pose` and `render`
    frame by frame."""

    def __init__(self, scale, quality=None):
        self.device = wp.get_preferred_device()
        self.quality = quality or LightQuality()
        self.width, self.height = image_size(scale)
        centres = pixel_centres(scale)
        inside = inside_circle(centres)
        self.pixel_radians = 1 / (XR_EGOPOSE.fx * scale)
        self.tolerance = 3 * self.quality.grid_step * self.pixel_radians
        self.rays = self._upload(unproject(centres), wp.vec3)
        step = self.quality.grid_step
        self.targets = self._upload(tile_order(inside), wp.vec2i)
        self.spot_targets = self._upload(tile_order(inside[::step, ::step]), wp.vec2i)
        shape, coarse = (self.height, self.width), inside[::step, ::step].shape
        self.lens = _lens(scale)
        self.nearest = wp.zeros(shape, dtype=wp.int64, device=self.device)
        self.hits = wp.zeros(shape, dtype=materials.Hit, device=self.device)
        self.radiance = wp.zeros(shape, dtype=wp.vec3, device=self.device)
        self.distances = wp.zeros(shape, dtype=float, device=self.device)
        self.object_ids = wp.zeros(shape, dtype=wp.uint8, device=self.device)
        self.spots = wp.zeros(coarse, dtype=lighting.Lit, device=self.device)
        self.joined = wp.zeros(coarse, dtype=lighting.Lit, device=self.device)
        self.noise = self._upload(noise_tile(), wp.vec4)
        self.swatches = self._upload(
            np.moveaxis(fabric.swatches(), 0, 2).reshape(fabric.SWATCH_PX, fabric.SWATCH_PX, -1),
            fabric.Slopes,
        )
        circle = np.array([XR_EGOPOSE.circle_cx, XR_EGOPOSE.circle_cy])
        self.film = Film((centres - circle) / XR_EGOPOSE.circle_radius)

    def _upload(self, values, dtype):
        kind = np.int32 if dtype in (int, wp.vec2i) else np.float32
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
        body.strains = wp.empty_like(body.slack)
        body.garment_step = GARMENT_STEP
        self.dressed = body
        self.normals = wp.empty_like(body.rest)
        self.relaxing = [wp.empty_like(body.rest) for _ in range(2)]
        self.triangles = body.faces.flatten()
        self.mesh = None

    def furnish(self, room):
        """Take the Room in which the next frames are set."""
        device, light = materials.RoomOnDevice(), room.light
        device.open_air = int(room.kind == "garden")
        device.half, device.terrace_m = wp.vec3(*room.half), wp.vec2(*room.half[:2])
        for name in ("floor", "ground", "wall", "rug_surface"):
            setattr(device, name, _surface(getattr(room, name)))
        device.rug, device.ceiling = wp.vec4(*room.rug), wp.vec3(*room.ceiling)
        frames = [(w.along, w.height, w.half_width, w.half_height) for w in room.windows]
        device.windows = self._upload(np.reshape(frames, (-1, 4)), wp.vec4)
        device.window_walls = self._upload([w.wall for w in room.windows], int)
        device.window_bars_m = room.window_bars_m
        device.sky_above, device.sky_low = wp.vec3(*light.sky.above), wp.vec3(*light.sky.low)
        device.scenery = wp.vec3(*light.sky.scenery)
        device.scenery_second = wp.vec3(*light.sky.second)
        device.scenery_height, device.clouds = light.sky.height, light.sky.clouds
        device.ambient_above = wp.vec3(*light.ambient_above)
        device.ambient_below = wp.vec3(*light.ambient_below)
        places = np.reshape([lamp.place for lamp in light.lamps], (-1, 4))
        device.lights = self._upload(places, wp.vec4)
        for name in ("across", "along", "front", "colour"):
            values = np.reshape([getattr(lamp, name) for lamp in light.lamps], (-1, 3))
            setattr(device, f"light_{name}", self._upload(values, wp.vec3))
        device.noise = self.noise
        corners = [solid.triangles() for solid in room.boxes]
        device.face_solids = self._upload(
            np.repeat(np.arange(len(corners)), [len(c) for c in corners]), int
        )
        buried = np.full((1, 3, 3), -100.0)  # a mesh may not be empty
        self.solid_points = np.concatenate([*corners, buried]).reshape(-1, 3)
        self.solids = wp.Mesh(
            points=self._upload(self.solid_points, wp.vec3),
            indices=self._upload(np.arange(len(self.solid_points)), int),
            bvh_leaf_size=LEAF_FACES,
        )
        seconds = [s.colour if s.second is None else s.second for s in room.boxes]
        device.solid_colours = self._upload(
            np.reshape([solid.colour for solid in room.boxes], (-1, 3)), wp.vec3
        )
        device.solid_seconds = self._upload(np.reshape(seconds, (-1, 3)), wp.vec3)
        device.solid_styles = self._upload([solid.style for solid in room.boxes], int)
        device.solid_gloss = self._upload([solid.gloss for solid in room.boxes], float)
        device.solid_ids = self._upload([ROOM_IDS[s.object_name] for s in room.boxes], int)
        names = ("floor", "wall", "ceiling", "sky")
        device.surface_ids = wp.vec4i(*(ROOM_IDS[name] for name in names))
        self.furnished, self.mesh = device, None  # keeps alive what `room` points to
        self.room = wp.array([device], dtype=materials.RoomOnDevice, device=self.device)

    def load(self, sensor):
        """Take the Sensor with which the next frames are photographed."""
        self.film.load(sensor)

    def pose(self, heads, world, joints):
        """Skin the body: heads (J, 3) at rest, world rotations (J, 3, 3), joints (J, 3)."""
        shifts = joints - np.einsum("jik,jk->ji", world, heads)
        now, then = self.relaxing
        vertices = len(now)
        if self.mesh is None:
            everything = np.concatenate([np.zeros((vertices, 3)), self.solid_points])
            self.points = self._upload(everything, wp.vec3)
            self.dressed.points = self.points
            self.body = wp.array([self.dressed], dtype=fabric.BodyOnDevice, device=self.device)
            self.in_camera = wp.empty(vertices, dtype=wp.vec3, device=self.device)
            self.images = wp.empty(vertices, dtype=wp.vec2, device=self.device)
        turns, shifts = self._upload(world, wp.mat33), self._upload(shifts, wp.vec3)
        self._launch(skinning.skin_body, now, self.body, turns, shifts, now)
        for _ in range(RELAXATIONS):
            self._launch(skinning.relax, now, self.body, now, then)
            now, then = then, now
        self._launch(
            skinning.settle, now, self.body, now, self.points, self.normals, self.dressed.strains
        )
        if self.mesh is None:
            faces = np.arange(len(self.solid_points)) + vertices
            indices = np.concatenate([self.triangles.numpy(), faces])
            self.mesh = wp.Mesh(
                points=self.points, indices=self._upload(indices, int), bvh_leaf_size=LEAF_FACES
            )
        else:
            self.mesh.refit()

    def render(self, camera_turn, camera_centre, rng):
        """Image of the posed body from camera-to-world rotation (3, 3) and centre (3,) ->
        rgb (H, W, 3) uint8, distance along the ray (H, W) metres, object ids (H, W) uint8;
        all 0 outside the lens's circle. `rng` is the sensor's in this frame."""
        self.trace(camera_turn, camera_centre)
        image = self.film.develop(self.radiance.numpy(), rng)
        return image, self.distances.numpy(), self.object_ids.numpy()

    def trace(self, camera_turn, camera_centre):
        """Fill `radiance` (linear RGB), `distances` and `object_ids` on the device."""
        turn, centre = wp.mat33(camera_turn.astype(np.float32)), wp.vec3(*camera_centre)
        quality, faces = self.quality, len(self.triangles) // 3
        self.nearest.fill_(rasterise.NOTHING)
        self._launch(
            rasterise.see_points, self.in_camera,
            self.points, turn, centre, self.lens, self.in_camera, self.images,
        )  # fmt: skip
        self._launch(
            rasterise.rasterise, self.dressed.faces,
            self.in_camera, self.images, self.dressed.faces, self.lens, self.rays, self.nearest,
        )  # fmt: skip
        self._launch(
            shading.find_surfaces, self.targets,
            self.points, self.body, self.nearest, self.solids.id, self.room, turn, centre,
            self.rays, self.targets, self.hits, self.distances,
        )  # fmt: skip
        self._launch(
            lighting.light_coarsely, self.spot_targets,
            self.mesh.id, self.room, turn, centre, self.rays, self.hits, self.spot_targets,
            quality.grid_step, quality.interleave, quality.rays, self.spots,
        )  # fmt: skip
        for noisy, smooth in ((self.spots, self.joined), (self.joined, self.spots)):
            self._launch(
                lighting.join_samples, self.spot_targets,
                noisy, self.spot_targets, quality.interleave, self.tolerance, centre, smooth,
            )  # fmt: skip
        self._launch(
            shading.paint_image, self.targets,
            self.mesh.id, faces, self.normals, self.body, self.room, turn, centre,
            self.pixel_radians, self.rays, self.targets, self.hits, self.spots,
            quality.grid_step, self.tolerance, self.radiance, self.object_ids,
        )  # fmt: skip

    def _launch(self, kernel, targets, *inputs):
        wp.launch(kernel, dim=len(targets), inputs=list(inputs), device=self.device)


def tile_order(inside, side=8):
    """The pixels of a mask (H, W), square tile by tile, so that neighbours are traced together
    -> rows and columns (N, 2)."""
    rows, columns = np.nonzero(inside)
    order = np.lexsort((columns % side, rows % side, columns // side, rows // side))
    return np.stack([rows[order], columns[order]], -1)


def _lens(scale):
    """The calibrated lens in pixels of an image at `scale`."""
    lens, camera = rasterise.Lens(), XR_EGOPOSE
    lens.focal = wp.vec2(scale * camera.fx, scale * camera.fy)
    lens.middle = wp.vec2(scale * (camera.cx + 0.5) - 0.5, scale * (camera.cy + 0.5) - 0.5)
    lens.distortion = wp.vec4(*camera.distortion)
    return lens


def _surface(surface):
    """A `surfaces.Surface` as the kernels take it."""
    device = materials.SurfaceOnDevice()
    for name in ("colour", "second", "joint"):
        setattr(device, name, wp.vec3(*getattr(surface, name)))
    device.size_m = wp.vec2(*surface.size_m)
    device.turn = wp.vec2(np.cos(surface.yaw), np.sin(surface.yaw))
    for name in (f.name for f in fields(surface)):
        if name not in ("name", "colour", "second", "joint", "size_m", "yaw"):
            setattr(device, name, getattr(surface, name))
    return device
