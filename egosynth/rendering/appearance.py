"""What a ray meets, ready to be lit: colour, normal, gloss and object id of body, place and furniture."""

import warp as wp

from egosynth.rendering.fabric import BodyOnDevice, body_paint
from egosynth.rendering.intersect import BODY, CEILING, FLOOR, GROUND, SOLID, WALL
from egosynth.rendering.materials import (
    Hit,
    RoomOnDevice,
    cell_value,
    solid_paint,
    surface_paint,
)
from egosynth.rendering.surroundings import outside

SKIN_GLOSS, SKIN_ROUGHNESS = 0.05, 0.42
CLOTH_GLOSS, CLOTH_ROUGHNESS = 0.025, 0.75
CORNER_M = 0.3  # near which walls and floor darken each other
TILE_TILT = 0.006  # of laid tiles against each other, radians


@wp.struct
class Surface:
    """What a ray meets, ready to be lit."""

    colour: wp.vec3
    normal: wp.vec3
    gloss: float
    roughness: float
    emitted: wp.vec3
    object_id: int


@wp.func
def smooth_normal(body: wp.array(dtype=BodyOnDevice), normals: wp.array(dtype=wp.vec3), hit: Hit, tilt: wp.vec3,
                  ray: wp.vec3):  # fmt: skip
    w = 1.0 - hit.u - hit.v
    smooth = wp.normalize(
        hit.u * normals[body[0].faces[hit.index, 0]]
        + hit.v * normals[body[0].faces[hit.index, 1]]
        + w * normals[body[0].faces[hit.index, 2]]
    )
    smooth = wp.normalize(smooth + tilt)
    return wp.where(wp.dot(smooth, ray) < 0.0, smooth, hit.normal)


@wp.func
def floor_surface(room: wp.array(dtype=RoomOnDevice), point: wp.vec3, blur: float):
    """The floor: a terrace or rug in the middle, open ground beyond."""
    paint = room[0].floor
    if wp.abs(point[0]) > room[0].terrace_m[0] or wp.abs(point[1]) > room[0].terrace_m[1]:
        paint = room[0].ground
    rug_x = wp.abs(point[0] - room[0].rug[0])
    rug_y = wp.abs(point[1] - room[0].rug[1])
    if rug_x < room[0].rug[2] and rug_y < room[0].rug[3]:
        paint = room[0].rug_surface
    surface = Surface()
    colour, shine = surface_paint(paint, room[0].noise, point[0], point[1], blur)
    surface.colour = colour
    surface.gloss = paint.gloss * shine
    surface.roughness = paint.roughness
    surface.normal = wp.vec3(0.0, 0.0, 1.0)
    if paint.style == 1:
        x = paint.turn[0] * point[0] + paint.turn[1] * point[1]
        y = paint.turn[0] * point[1] - paint.turn[1] * point[0]
        row = int(wp.floor(y / paint.size_m[1]))
        column = int(wp.floor(x / paint.size_m[0] + paint.stagger * float(row)))
        lean = wp.vec3(cell_value(column, row, 5) - 0.5, cell_value(column, row, 6) - 0.5, 0.0)
        surface.normal = wp.normalize(surface.normal + 2.0 * TILE_TILT * lean)
    near = wp.min(room[0].half[0] - wp.abs(point[0]), room[0].half[1] - wp.abs(point[1]))
    if room[0].open_air == 0:
        surface.colour = surface.colour * (1.0 - 0.4 * wp.exp(-near / CORNER_M))
    return surface


@wp.func
def ground_surface(room: wp.array(dtype=RoomOnDevice), point: wp.vec3, blur: float):
    """The ground outside a room or terrace; it mirrors nothing."""
    surface = Surface()
    colour, _ = surface_paint(room[0].ground, room[0].noise, point[0], point[1], blur)
    surface.colour = colour
    surface.normal = wp.vec3(0.0, 0.0, 1.0)
    return surface


@wp.func
def wall_surface(room: wp.array(dtype=RoomOnDevice), hit: Hit, point: wp.vec3, blur: float):
    """A wall beside its windows."""
    surface = Surface()
    surface.normal = hit.normal
    surface.object_id = room[0].surface_ids[1]
    surface.roughness = 0.5
    along = wp.where(wp.abs(hit.normal[0]) > 0.5, point[1], point[0])
    colour, shine = surface_paint(room[0].wall, room[0].noise, along, point[2], blur)
    surface.colour = colour
    surface.gloss = room[0].wall.gloss * shine
    if point[2] < 0.08:
        surface.colour = 0.6 * surface.colour + 0.1 * room[0].wall.second
    surface.colour = surface.colour * (1.0 - 0.4 * wp.exp(-point[2] / CORNER_M))
    return surface


@wp.func
def surface_of(
    body: wp.array(dtype=BodyOnDevice), normals: wp.array(dtype=wp.vec3), room: wp.array(dtype=RoomOnDevice), hit: Hit,
    point: wp.vec3, ray: wp.vec3, pixel_radians: float,
):  # fmt: skip
    surface = Surface()
    blur = pixel_radians * hit.distance / wp.max(wp.abs(wp.dot(hit.normal, ray)), 0.05)
    if hit.kind == BODY:
        colour, object_id, tilt = body_paint(body, hit, blur)
        surface.colour = colour
        surface.object_id = object_id
        surface.normal = smooth_normal(body, normals, hit, tilt, ray)
        skin = object_id <= body[0].garment_step
        surface.gloss = wp.where(skin, SKIN_GLOSS, CLOTH_GLOSS)
        surface.roughness = wp.where(skin, SKIN_ROUGHNESS, CLOTH_ROUGHNESS)
    elif hit.kind == FLOOR:
        surface = floor_surface(room, point, blur)
        surface.object_id = room[0].surface_ids[0]
    elif hit.kind == GROUND:
        surface = ground_surface(room, point, blur)
        surface.object_id = room[0].surface_ids[0]
    elif hit.kind == WALL:
        surface = wall_surface(room, hit, point, blur)
    elif hit.kind == CEILING:
        surface.colour = room[0].ceiling
        surface.normal = hit.normal
        surface.object_id = room[0].surface_ids[2]
        surface.roughness = 1.0
    elif hit.kind == SOLID:
        solid = room[0].face_solids[hit.index]
        surface.colour = solid_paint(room, solid, point, hit.normal, blur)
        surface.normal = hit.normal
        surface.gloss = room[0].solid_gloss[solid]
        surface.roughness = 0.3
        surface.object_id = room[0].solid_ids[solid]
    else:
        surface.emitted = outside(room, ray, 0.0)
        surface.object_id = room[0].surface_ids[3]
    return surface
