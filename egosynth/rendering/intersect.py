"""Where rays meet the place (floor, walls, ceiling, the ground outside: exactly) and what stands in
it (one triangle mesh: the body's faces first, then the furniture's), on the device.
"""

# ruff: noqa: UP018 - Warp wants float(0.0) for a variable that a branch or loop changes

import warp as wp

from egosynth.rendering.materials import Hit, RoomOnDevice

BODY, FLOOR, WALL, CEILING, SOLID, SKY, GROUND = 1, 2, 3, 4, 5, 6, 7
SKY_M = 100.0  # the distance that the sky and everything beyond is given


@wp.func
def open_hit(origin: wp.vec3, ray: wp.vec3, ground: int):
    """Where a ray in the open air meets the ground, a hit of the kind `ground`; else the sky."""
    hit = Hit()
    hit.kind = SKY
    hit.distance = float(SKY_M)
    hit.normal = -ray
    if ray[2] < -1.0e-6 and origin[2] < -SKY_M * ray[2]:
        hit.kind = ground
        hit.distance = -origin[2] / ray[2]
        hit.normal = wp.vec3(0.0, 0.0, 1.0)
    return hit


@wp.func
def shell_hit(room: wp.array(dtype=RoomOnDevice), origin: wp.vec3, ray: wp.vec3):
    """Where a ray from inside meets floor, walls or ceiling; the sky in the open air."""
    if room[0].open_air > 0:
        return open_hit(origin, ray, FLOOR)
    hit = Hit()
    hit.distance = float(SKY_M)
    for k in range(3):
        slope = ray[k]
        if wp.abs(slope) > 1.0e-9:
            wall = wp.sign(slope) * room[0].half[k]
            if k == 2 and slope < 0.0:
                wall = 0.0
            distance = (wall - origin[k]) / slope
            if distance < hit.distance and distance >= 0.0:
                hit.distance = distance
                normal = wp.vec3(0.0)
                normal[k] = -wp.sign(slope)
                hit.normal = normal
                hit.kind = WALL
                if k == 2:
                    hit.kind = wp.where(slope < 0.0, FLOOR, CEILING)
    return hit


@wp.func
def window_share(
    room: wp.array(dtype=RoomOnDevice), point: wp.vec3, normal: wp.vec3, soft_m: float
):
    """How much of the surroundings of a wall's point is open window: 0 to 1, edges softened."""
    axis = wp.where(wp.abs(normal[0]) > 0.5, 0, 1)
    wall = 2 * axis + wp.where(normal[axis] < 0.0, 0, 1)  # 0: +x, 1: -x, 2: +y, 3: -y
    soft = wp.max(soft_m, 0.004)
    share = float(0.0)
    for i in range(room[0].windows.shape[0]):
        if room[0].window_walls[i] == wall:
            frame = room[0].windows[i]
            x = wp.abs(point[1 - axis] - frame[0])
            z = wp.abs(point[2] - frame[1])
            inside = wp.clamp(0.5 + (frame[2] - x) / soft, 0.0, 1.0)
            inside = inside * wp.clamp(0.5 + (frame[3] - z) / soft, 0.0, 1.0)
            if room[0].window_bars_m > 0.0:
                bar = wp.min(x, z)
                inside = inside * wp.clamp(0.6 + (bar - room[0].window_bars_m) / soft, 0.0, 1.0)
            share = wp.max(share, inside)
    return share


@wp.func
def is_outside(room: wp.array(dtype=RoomOnDevice), point: wp.vec3):
    """Whether a point lies beyond the walls."""
    beyond = wp.max(wp.abs(point[0]) - room[0].half[0], wp.abs(point[1]) - room[0].half[1])
    return room[0].open_air == 0 and beyond > 1.0e-3


@wp.func
def place_hit(
    mesh: wp.uint64, first: int, room: wp.array(dtype=RoomOnDevice), origin: wp.vec3, ray: wp.vec3,
    limit_m: float,
):  # fmt: skip
    """The nearest surface of a place and of the mesh that a ray meets. The mesh's faces from `first`
    on are furniture, those before are the body's; `index` counts either from 0. Furniture further
    off than the limit is not looked for."""
    hit = shell_hit(room, origin, ray)
    if hit.kind == WALL and window_share(room, origin + hit.distance * ray, hit.normal, 0.0) > 0.5:
        hit = open_hit(origin, ray, GROUND)  # and what stands before it
    query = wp.mesh_query_ray(mesh, origin, ray, wp.min(hit.distance, limit_m))
    if query.result:
        hit.kind = BODY
        hit.index = query.face
        if query.face >= first:
            hit.kind = SOLID
            hit.index = query.face - first
        hit.distance = query.t
        hit.u = query.u
        hit.v = query.v
        hit.normal = -wp.sign(wp.dot(query.normal, ray)) * query.normal
    return hit


@wp.func
def blocked(
    mesh: wp.uint64,
    room: wp.array(dtype=RoomOnDevice),
    lamp: wp.vec4,
    point: wp.vec3,
    towards: wp.vec3,
):
    """Whether anything stands between a point and a spot of a lamp (w = 1) or of the sun (w = 0,
    which shines into a room through its windows alone, and not through it)."""
    reach = wp.length(towards)
    ray = towards / reach
    reach = reach - 0.35
    if lamp[3] < 0.5:
        reach = 30.0
        if is_outside(room, point):
            roof = point + (room[0].half[2] - point[2]) / ray[2] * ray
            if not is_outside(room, roof):
                return True
        elif room[0].open_air == 0:
            shell = shell_hit(room, point, ray)
            if shell.kind != WALL:
                return True
            if window_share(room, point + shell.distance * ray, shell.normal, 0.0) < 0.5:
                return True
    return wp.mesh_query_ray_anyhit(mesh, point, ray, reach)
