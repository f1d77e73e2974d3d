"""Soft light, traced coarser than the image: which part of each lamp and of the sky a point sees.

Every pixel of a coarse grid takes its own few of a fixed set of samples; a filter over
`interleave` x `interleave` neighbours of the same surface joins them, so that nothing is noisy
and nothing random. `gather` reads the result at a pixel of the image, edges respected.
"""

# ruff: noqa: UP018 - Warp wants float(0.0) for a variable that a branch or loop changes

import warp as wp

from egosynth.rendering.intersect import BODY, FLOOR, SKY, blocked, is_outside
from egosynth.rendering.materials import Hit, RoomOnDevice

wp.set_module_options(
    {
        "enable_backward": False,
        "cpu_compiler_flags": f"{wp.config.cpu_compiler_flags} -ffast-math -w",
    }
)

AMBIENT_REACH_M = 0.8
BIAS_M = 0.006  # where secondary rays start, above the bumps of the triangles


@wp.struct
class Lit:
    """A spot of the coarse grid: how much of lamps 0 to 3, of the sky and of the mirror image it
    sees, 0 to 1, and which surface it is on."""

    lamps: wp.vec4
    open: float
    mirror: float
    point: wp.vec3
    normal: wp.vec3
    kind: int


@wp.func
def tangents(normal: wp.vec3):
    helper = wp.where(wp.abs(normal[0]) > 0.8, wp.vec3(0.0, 1.0, 0.0), wp.vec3(1.0, 0.0, 0.0))
    across = wp.normalize(wp.cross(normal, helper))
    return across, wp.cross(normal, across)


@wp.func
def sample_square(index: int, count: int):
    """Of `count` well-spread points of the unit square one: Fibonacci's lattice, an even share of
    the points in every strip."""
    u = (float(index) + 0.5) / float(count)
    v = 0.5 + 0.6180339887 * float(index)
    return u - wp.floor(u), v - wp.floor(v)


@wp.func
def light_spot(
    mesh: wp.uint64, room: wp.array(dtype=RoomOnDevice), point: wp.vec3, normal: wp.vec3, ray: wp.vec3, kind: int,
    first: int, step: int, rays: int,
):  # fmt: skip
    """Trace samples first, first + step, ... (`rays` for each lamp and for the sky) from a point."""
    lit = Lit()
    lit.point = point
    lit.normal = normal
    lit.kind = kind
    raised = point + BIAS_M * normal
    lamps = wp.vec4(0.0)
    outdoors = is_outside(room, raised)
    for i in range(room[0].lights.shape[0]):
        lamp = room[0].lights[i]
        if outdoors and lamp[3] > 0.5:
            continue
        centre = wp.vec3(lamp[0], lamp[1], lamp[2])
        seen = float(0.0)
        for k in range(rays):
            u, v = sample_square(first + k * step + 5 * i, rays * step)
            spot = centre + (2.0 * u - 1.0) * room[0].light_across[i]
            spot = spot + (2.0 * v - 1.0) * room[0].light_along[i]
            towards = spot - lamp[3] * raised
            if wp.dot(normal, towards) > 0.0 and not blocked(mesh, room, lamp, raised, towards):
                seen += 1.0
        lamps[i] = seen / float(rays)
    lit.lamps = lamps
    across, along = tangents(normal)
    open = float(0.0)
    for k in range(rays):
        u, v = sample_square(first + k * step, rays * step)
        slant = wp.sqrt(u)
        angle = 2.0 * wp.pi * v
        up = wp.sqrt(1.0 - u) * normal
        way = up + slant * (wp.cos(angle) * across + wp.sin(angle) * along)
        query = wp.mesh_query_ray(mesh, raised, way, AMBIENT_REACH_M)
        open += wp.where(query.result, query.t / AMBIENT_REACH_M, 1.0)
    lit.open = open / float(rays)
    lit.mirror = 1.0
    if kind == FLOOR and room[0].floor.gloss > 0.0:
        bounced = ray - 2.0 * wp.dot(ray, normal) * normal
        lit.mirror = wp.where(wp.mesh_query_ray_anyhit(mesh, raised, bounced, 6.0), 0.0, 1.0)
    return lit


@wp.kernel
def light_coarsely(
    mesh: wp.uint64, room: wp.array(dtype=RoomOnDevice), camera_turn: wp.mat33, camera_centre: wp.vec3,
    rays: wp.array2d(dtype=wp.vec3), hits: wp.array2d(dtype=Hit), targets: wp.array(dtype=wp.vec2i),
    grid_step: int, interleave: int, light_rays: int, spots: wp.array2d(dtype=Lit),
):  # fmt: skip
    """One spot for every `grid_step`-th pixel both ways."""
    cell = targets[wp.tid()]
    row = cell[0]
    column = cell[1]
    hit = hits[row * grid_step, column * grid_step]
    if hit.kind == SKY or hit.kind == 0:
        spots[row, column].kind = hit.kind
        return
    ray = camera_turn * rays[row * grid_step, column * grid_step]
    first = (row % interleave) * interleave + column % interleave
    spots[row, column] = light_spot(
        mesh, room, camera_centre + hit.distance * ray, hit.normal, ray, hit.kind,
        first, interleave * interleave, light_rays,
    )  # fmt: skip


@wp.func
def likeness(spot: Lit, point: wp.vec3, normal: wp.vec3, kind: int, tolerance_m: float):
    """How much a spot tells about a point: 1 on the same plane, 0 on another surface."""
    if spot.kind != kind:
        return 0.0
    facing = wp.max(wp.dot(spot.normal, normal), 0.0)
    off_plane = wp.abs(wp.dot(spot.point - point, normal))
    if kind == BODY:
        off_plane = wp.max(off_plane, 0.25 * wp.length(spot.point - point))
    return facing * facing * wp.max(1.0 - off_plane / tolerance_m, 0.0)


@wp.kernel
def join_samples(
    spots: wp.array2d(dtype=Lit), targets: wp.array(dtype=wp.vec2i), interleave: int,
    tolerance: float, camera_centre: wp.vec3, joined: wp.array2d(dtype=Lit),
):  # fmt: skip
    """Average the samples of the neighbours that lie on the same surface."""
    cell = targets[wp.tid()]
    here = spots[cell[0], cell[1]]
    if here.kind == SKY or here.kind == 0:
        joined[cell[0], cell[1]].kind = here.kind
        return
    lamps = wp.vec4(0.0)
    open = float(0.0)
    mirror = float(0.0)
    total = float(0.0)
    margin = 0.01 + tolerance * wp.length(here.point - camera_centre)
    for i in range(interleave):
        for j in range(interleave):
            row = wp.clamp(cell[0] + i - interleave / 2, 0, spots.shape[0] - 1)
            column = wp.clamp(cell[1] + j - interleave / 2, 0, spots.shape[1] - 1)
            other = spots[row, column]
            share = likeness(other, here.point, here.normal, here.kind, margin)
            total += share
            lamps += share * other.lamps
            open += share * other.open
            mirror += share * other.mirror
    here.lamps = lamps / total
    here.open = open / total
    here.mirror = mirror / total
    joined[cell[0], cell[1]] = here


@wp.func
def gather(
    joined: wp.array2d(dtype=Lit), row: float, column: float, point: wp.vec3, normal: wp.vec3,
    kind: int, margin_m: float,
):  # fmt: skip
    """The light at a point from the four spots around it -> Lit, with kind 0 if none is alike."""
    top = int(wp.floor(row))
    left = int(wp.floor(column))
    fy = row - float(top)
    fx = column - float(left)
    result = Lit()
    total = float(0.0)
    for i in range(2):
        for j in range(2):
            y = wp.clamp(top + i, 0, joined.shape[0] - 1)
            x = wp.clamp(left + j, 0, joined.shape[1] - 1)
            spot = joined[y, x]
            share = wp.where(i == 0, 1.0 - fy, fy) * wp.where(j == 0, 1.0 - fx, fx) + 0.01
            share = share * likeness(spot, point, normal, kind, margin_m)
            total += share
            result.lamps += share * spot.lamps
            result.open += share * spot.open
            result.mirror += share * spot.mirror
    if total > 1.0e-3:
        result.lamps = result.lamps / total
        result.open = result.open / total
        result.mirror = result.mirror / total
        result.kind = kind
    return result
