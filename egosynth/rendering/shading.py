"""The Warp kernels of the image: find what every pixel sees, paint and light it. One
source for CPU and CUDA; metres, Z up, linear RGB. Nothing here is random, so nothing is noisy.
"""

# ruff: noqa: SIM109 - Warp knows no `in`

import warp as wp

from egosynth.rendering.appearance import Surface, surface_of
from egosynth.rendering.fabric import BodyOnDevice
from egosynth.rendering.intersect import (
    BODY,
    FLOOR,
    SKY,
    SKY_M,
    SOLID,
    is_outside,
    place_hit,
)
from egosynth.rendering.lighting import Lit, gather, light_spot
from egosynth.rendering.materials import Hit, RoomOnDevice
from egosynth.rendering.rasterise import FACE_BITS, STEPS_PER_M, volumes
from egosynth.rendering.surroundings import mirrored

EDGE_PX, EDGE_SHARE = 0.35, 0.4  # where the second ray of an edge goes, and what it counts

# Fast math takes a third off the time on a CPU; nothing here counts on infinities.
wp.set_module_options(
    {
        "enable_backward": False,
        "cpu_compiler_flags": f"{wp.config.cpu_compiler_flags} -ffast-math -w",
    }
)


@wp.func
def fresnel(gloss: float, cosine: float):
    """Schlick: the mirrored share grows from `gloss` straight on to 1 at grazing angles."""
    slant = 1.0 - wp.clamp(cosine, 0.0, 1.0)
    square = slant * slant
    return gloss + (1.0 - gloss) * square * square * slant


@wp.func
def lamp_light(
    room: wp.array(dtype=RoomOnDevice), lit: Lit, surface: Surface, point: wp.vec3, ray: wp.vec3
):
    """Light of all lamps: (arriving, mirrored towards the eye)."""
    arriving = wp.vec3(0.0)
    shine = wp.vec3(0.0)
    for i in range(room[0].lights.shape[0]):
        lamp = room[0].lights[i]
        towards = wp.vec3(lamp[0], lamp[1], lamp[2]) - lamp[3] * point
        away = wp.length(towards)
        towards = towards / away
        facing = wp.dot(surface.normal, towards)
        if facing > 0.0 and lit.lamps[i] > 0.0:
            strength = wp.where(lamp[3] > 0.5, 1.0 / (away * away + 0.1), 1.0)
            front = room[0].light_front[i]
            if wp.length_sq(front) > 0.5:
                strength = strength * wp.max(-wp.dot(front, towards), 0.0)
            light = lit.lamps[i] * strength * room[0].light_colour[i]
            arriving += facing * light
            if wp.length_sq(front) < 0.5 and surface.gloss > 0.0:  # windows are mirrored as such
                size = wp.length(room[0].light_across[i]) / away
                rough = wp.min(surface.roughness * surface.roughness + 0.3 * size, 1.0)
                power = 2.0 / (rough * rough)
                middle = wp.normalize(towards - ray)
                fall = power * (1.0 - wp.dot(surface.normal, middle))
                if fall < 8.0:
                    share = fresnel(surface.gloss, wp.dot(towards, middle))
                    shine += share * (power + 2.0) / 8.0 * wp.exp(-fall) * facing * light
    return arriving, shine


@wp.func
def lit_colour(room: wp.array(dtype=RoomOnDevice), lit: Lit, surface: Surface, kind: int, point: wp.vec3,
               ray: wp.vec3):  # fmt: skip
    """Linear RGB towards the eye."""
    arriving, shine = lamp_light(room, lit, surface, point, ray)
    above = room[0].ambient_above
    below = room[0].ambient_below
    if is_outside(room, point):  # nothing but the sky and what the ground returns
        above = 0.5 * (room[0].sky_low + room[0].sky_above)
        below = 0.3 * above
    sky = wp.lerp(below, above, 0.5 + 0.5 * surface.normal[2])
    shown = surface.emitted + wp.cw_mul(surface.colour, arriving) + shine
    for k in range(3):  # what covers the sky is of about the same colour and bounces light
        albedo = surface.colour[k]
        shown[k] += albedo * sky[k] * lit.open / (1.0 - 0.8 * albedo * (1.0 - lit.open))
    if surface.gloss > 0.0:
        share = fresnel(surface.gloss, -wp.dot(surface.normal, ray))
        rough = surface.roughness
        share = wp.lerp(share, surface.gloss, wp.where(kind == BODY, wp.sqrt(rough), rough))
        image = sky * lit.open
        if kind == FLOOR or kind == SOLID:
            bounced = ray - 2.0 * wp.dot(ray, surface.normal) * surface.normal
            rough = surface.roughness * surface.roughness
            image = mirrored(room, point, bounced, rough)
            image = wp.lerp(0.15 * below, image, lit.mirror)
        shown = (1.0 - share) * shown + share * image
    return shown


@wp.kernel
def find_surfaces(
    points: wp.array(dtype=wp.vec3), body: wp.array(dtype=BodyOnDevice), nearest: wp.array2d(dtype=wp.int64),
    solids: wp.uint64, room: wp.array(dtype=RoomOnDevice), camera_turn: wp.mat33,
    camera_centre: wp.vec3, rays: wp.array2d(dtype=wp.vec3), targets: wp.array(dtype=wp.vec2i),
    hits: wp.array2d(dtype=Hit), distances: wp.array2d(dtype=float),
):  # fmt: skip
    """What the middle of every pixel sees: the body's rasterised face or what stands before it."""
    pixel = targets[wp.tid()]
    ray = camera_turn * rays[pixel[0], pixel[1]]
    key = nearest[pixel[0], pixel[1]]
    distance = float(key / FACE_BITS) / STEPS_PER_M
    hit = place_hit(solids, 0, room, camera_centre, ray, distance)
    if distance < hit.distance:
        face = int(key % FACE_BITS)
        a = points[body[0].faces[face, 0]] - camera_centre
        b = points[body[0].faces[face, 1]] - camera_centre
        c = points[body[0].faces[face, 2]] - camera_centre
        shares = volumes(a, b, c, ray)
        total = shares[0] + shares[1] + shares[2]
        normal = wp.normalize(wp.cross(b - a, c - a))
        hit.kind = BODY
        hit.index = face
        hit.distance = distance
        hit.u = shares[0] / total
        hit.v = shares[1] / total
        hit.normal = -wp.sign(wp.dot(normal, ray)) * normal
    hits[pixel[0], pixel[1]] = hit
    distances[pixel[0], pixel[1]] = hit.distance


@wp.func
def beyond_edge(
    body: wp.array(dtype=BodyOnDevice), room: wp.array(dtype=RoomOnDevice),
    hits: wp.array2d(dtype=Hit), row: int, column: int,
):  # fmt: skip
    """The way (down, right) to the neighbours that see something else, another cloth, or the same
    further off; 0 where there are none."""
    here = hits[row, column]
    way = wp.vec2(0.0)
    for k in range(4):
        down = wp.where(k == 1, 1, 0) - wp.where(k == 0, 1, 0)
        right = wp.where(k == 3, 1, 0) - wp.where(k == 2, 1, 0)
        y = row + down
        x = column + right
        if y < 0 or x < 0 or y >= hits.shape[0] or x >= hits.shape[1]:
            continue
        there = hits[y, x]
        if there.kind == 0:
            continue
        apart = there.kind != here.kind
        if there.kind == BODY and here.kind == BODY:
            apart = wp.abs(there.distance - here.distance) > 0.02 + 0.05 * here.distance
            if body[0].tags[there.index, 0] != body[0].tags[here.index, 0]:
                apart = True
        if there.kind == SOLID and here.kind == SOLID:
            apart = room[0].face_solids[there.index] != room[0].face_solids[here.index]
        if apart:  # of opposite neighbours the later one counts a little more
            way += (1.0 + 0.1 * float(k)) * wp.vec2(float(down), float(right))
    return wp.normalize(way)


@wp.kernel
def paint_image(
    mesh: wp.uint64, body_faces: int, normals: wp.array(dtype=wp.vec3), body: wp.array(dtype=BodyOnDevice),
    room: wp.array(dtype=RoomOnDevice), camera_turn: wp.mat33, camera_centre: wp.vec3, pixel_radians: float,
    rays: wp.array2d(dtype=wp.vec3), targets: wp.array(dtype=wp.vec2i),
    hits: wp.array2d(dtype=Hit), joined: wp.array2d(dtype=Lit), grid_step: int, tolerance: float,
    radiance: wp.array2d(dtype=wp.vec3), object_ids: wp.array2d(dtype=wp.uint8),
):  # fmt: skip
    """Linear RGB of every pixel and its object id. At an edge a second ray, towards what lies
    beyond, says whether that covers a part of the pixel."""
    pixel = targets[wp.tid()]
    row = pixel[0]
    column = pixel[1]
    way = EDGE_PX * beyond_edge(body, room, hits, row, column)
    samples = wp.where(wp.length_sq(way) > 0.0, 2, 1)
    shown = wp.vec3(0.0)
    middle = Lit()
    for k in range(samples):
        direction = rays[row, column]
        hit = hits[row, column]
        y = float(row)
        x = float(column)
        if k > 0:
            y += way[0]
            x += way[1]
            right = wp.where(column + 1 < rays.shape[1], 1, -1)
            below = wp.where(row + 1 < rays.shape[0], 1, -1)
            direction += way[1] * float(right) * (rays[row, column + right] - rays[row, column])
            direction += way[0] * float(below) * (rays[row + below, column] - rays[row, column])
            direction = wp.normalize(direction)
        ray = camera_turn * direction
        if k > 0:
            hit = place_hit(mesh, body_faces, room, camera_centre, ray, SKY_M)
        point = camera_centre + hit.distance * ray
        surface = surface_of(body, normals, room, hit, point, ray, pixel_radians)
        lit = gather(
            joined, y / float(grid_step), x / float(grid_step),
            point, hit.normal, hit.kind, 0.01 + tolerance * hit.distance,
        )  # fmt: skip
        if lit.kind == 0 and hit.kind != SKY:
            if k == 0 or middle.kind == SKY or middle.kind == 0:
                lit = light_spot(mesh, room, point, hit.normal, ray, hit.kind, 0, 1, 4)
            else:
                lit = middle
        colour = wp.min(lit_colour(room, lit, surface, hit.kind, point, ray), wp.vec3(30.0))
        if k == 0:
            middle = lit
            shown = colour
            object_ids[row, column] = wp.uint8(surface.object_id)
        else:
            shown = wp.lerp(shown, colour, EDGE_SHARE)
    radiance[row, column] = shown
