"""The Warp kernels: trace one ray a pixel, light what it meets. One source for CPU and
CUDA; metres, Z up, linear RGB until the last line. Nothing here is random, so nothing is noisy.
"""

# ruff: noqa: UP018 - Warp wants float(0.0) for a variable that a branch or loop changes

import warp as wp

from egolib.miniature.fabric import BodyOnDevice, body_paint
from egolib.miniature.intersect import BODY, BOX, FLOOR, WALL, blocked, find_hit
from egolib.miniature.materials import RoomOnDevice, floor_paint, wall_paint

# Fast math takes a third off the time on a CPU; nothing here counts on infinities.
wp.set_module_options(
    {
        "enable_backward": False,
        "cpu_compiler_flags": f"{wp.config.cpu_compiler_flags} -ffast-math",
    }
)

AMBIENT_RAYS = 3
AMBIENT_REACH_M = 0.45
NEAR_BODY_M = 0.75  # horizontally; further off the body darkens no floor
BIAS_M = 0.006  # where secondary rays start, above the bumps of the triangles


@wp.func
def ambient_share(mesh: wp.uint64, point: wp.vec3, normal: wp.vec3):
    """How open the surroundings are, by a few fixed directions that fade with distance: 0 to 1."""
    helper = wp.vec3(1.0, 0.0, 0.0)
    if wp.abs(normal[0]) > 0.8:
        helper = wp.vec3(0.0, 1.0, 0.0)
    across = wp.normalize(wp.cross(normal, helper))
    along = wp.cross(normal, across)
    open = float(0.0)
    for k in range(AMBIENT_RAYS):
        angle = 2.0 * wp.pi * (float(k) + 0.25) / float(AMBIENT_RAYS)
        ray = 0.68 * normal + 0.73 * (wp.cos(angle) * across + wp.sin(angle) * along)
        query = wp.mesh_query_ray(mesh, point, ray, AMBIENT_REACH_M)
        if query.result:
            open += wp.sqrt(query.t / AMBIENT_REACH_M)
        else:
            open += 1.0
    return open / float(AMBIENT_RAYS)


@wp.func
def illuminate(
    mesh: wp.uint64,
    room: RoomOnDevice,
    body_centre: wp.vec3,
    point: wp.vec3,
    normal: wp.vec3,
    ray: wp.vec3,
    gloss: float,
):
    """Light of all lamps at a point: (diffuse, specular)."""
    diffuse = wp.vec3(0.0)
    shine = wp.vec3(0.0)
    for i in range(room.lights.shape[0]):
        lamp = room.lights[i]
        towards = wp.vec3(lamp[0], lamp[1], lamp[2]) - lamp[3] * point
        reach = wp.where(lamp[3] > 0.5, wp.length(towards), 20.0)
        strength = wp.where(lamp[3] > 0.5, 1.0 / (reach * reach + 0.1), 1.0)
        towards = wp.normalize(towards)
        facing = wp.dot(normal, towards)
        if facing > 0.0 and not blocked(mesh, room, body_centre, point, towards, reach):
            light = strength * room.light_colours[i]
            diffuse += facing * light
            middle = wp.normalize(towards - ray)
            shine += gloss * wp.pow(wp.max(wp.dot(normal, middle), 0.0), 200.0) * light
    return diffuse, shine


@wp.kernel
def trace(
    mesh: wp.uint64,
    normals: wp.array(dtype=wp.vec3),
    body: BodyOnDevice,
    room: RoomOnDevice,
    body_centre: wp.vec3,
    camera_turn: wp.mat33,
    camera_centre: wp.vec3,
    pixel_radians: float,
    rays: wp.array(dtype=wp.vec3),
    targets: wp.array(dtype=int),
    rgb: wp.array2d(dtype=wp.uint8),
    distances: wp.array(dtype=float),
    object_ids: wp.array(dtype=wp.uint8),
):
    """One ray a pixel: picture, distance along the ray in metres, object id."""
    i = wp.tid()
    ray = camera_turn * rays[i]
    hit = find_hit(mesh, room, camera_centre, ray)
    point = camera_centre + hit.distance * ray
    normal = hit.normal
    blur = pixel_radians * hit.distance / wp.max(wp.abs(wp.dot(normal, ray)), 0.05)
    gloss = float(0.0)
    object_id = int(room.surface_ids[2])
    colour = wp.vec3(0.8, 0.8, 0.78)
    if hit.kind == BODY:
        colour, object_id, tilt = body_paint(body, hit, blur)
        w = 1.0 - hit.u - hit.v
        smooth = wp.normalize(
            hit.u * normals[body.faces[hit.index, 0]]
            + hit.v * normals[body.faces[hit.index, 1]]
            + w * normals[body.faces[hit.index, 2]]
        )
        smooth = wp.normalize(smooth + tilt)
        normal = wp.where(wp.dot(smooth, ray) < 0.0, smooth, normal)
    elif hit.kind == FLOOR:
        colour = floor_paint(room, point, blur)
        gloss = room.floor_gloss * 3.0
        object_id = room.surface_ids[0]
    elif hit.kind == WALL:
        colour = wall_paint(room, point, normal, blur)
        object_id = room.surface_ids[1]
    elif hit.kind == BOX:
        colour = room.box_colours[hit.index]
        object_id = room.box_ids[hit.index]
    raised = point + BIAS_M * hit.normal
    diffuse, shine = illuminate(mesh, room, body_centre, raised, normal, ray, gloss)
    open = float(1.0)
    beside = wp.vec2(point[0] - body_centre[0], point[1] - body_centre[1])
    shaded = hit.kind == BODY and body.parts[body.faces[hit.index, 0]] != body.head_part
    if shaded or (hit.kind != BODY and wp.length(beside) < NEAR_BODY_M):
        open = ambient_share(mesh, raised, normal)
    sky = 0.5 + 0.5 * normal[2]
    light = diffuse + open * wp.lerp(room.ambient_below, room.ambient_above, sky)
    shown = wp.cw_mul(colour, light) + shine
    pixel = targets[i]
    for k in range(3):
        exposed = 1.0 - wp.exp(-1.6 * shown[k])
        rgb[pixel, k] = wp.uint8(wp.clamp(255.0 * wp.pow(exposed, 1.0 / 2.2) + 0.5, 0.0, 255.0))
    distances[pixel] = hit.distance
    object_ids[pixel] = wp.uint8(object_id)
