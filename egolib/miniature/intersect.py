"""Where rays meet the room (planes and boxes, exactly) and the body (a triangle mesh), on the device."""

# ruff: noqa: UP018, RUF046 - Warp wants float(0.0) for a variable that a branch or loop changes

import warp as wp

from egolib.miniature.materials import Hit, RoomOnDevice

BODY, FLOOR, WALL, CEILING, BOX = 1, 2, 3, 4, 5
BODY_RADIUS_M = 1.15  # around the joints' mean; nothing of the body lies outside
FAR_M = 1.0e6


@wp.func
def box_entry(room: RoomOnDevice, i: int, origin: wp.vec3, ray: wp.vec3):
    """Where a ray enters box i: (distance or FAR_M, axis entered through)."""
    turn = room.box_turns[i]
    offset = origin - room.box_centres[i]
    o = wp.vec3(
        turn[0] * offset[0] + turn[1] * offset[1],
        turn[0] * offset[1] - turn[1] * offset[0],
        offset[2],
    )
    d = wp.vec3(turn[0] * ray[0] + turn[1] * ray[1], turn[0] * ray[1] - turn[1] * ray[0], ray[2])
    near = float(-FAR_M)
    far = float(FAR_M)
    axis = int(0)
    for k in range(3):
        slope = d[k]
        if wp.abs(slope) < 1.0e-9:
            slope = 1.0e-9
        a = (-room.box_halves[i][k] - o[k]) / slope
        b = (room.box_halves[i][k] - o[k]) / slope
        if wp.min(a, b) > near:
            near = wp.min(a, b)
            axis = k
        far = wp.min(far, wp.max(a, b))
    if near > far or near < 0.001:
        near = FAR_M
    return near, axis


@wp.func
def find_hit(mesh: wp.uint64, room: RoomOnDevice, origin: wp.vec3, ray: wp.vec3):
    """The nearest surface a ray from inside the room meets."""
    hit = Hit()
    hit.kind = FLOOR
    hit.distance = float(FAR_M)
    for k in range(3):
        slope = ray[k]
        if wp.abs(slope) > 1.0e-9:
            wall = wp.sign(slope) * room.half[k]
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
    for i in range(room.box_centres.shape[0]):
        distance, axis = box_entry(room, i, origin, ray)
        if distance < hit.distance:
            hit.distance = distance
            hit.kind = BOX
            hit.index = i
            turn = room.box_turns[i]
            side = wp.vec3(0.0, 0.0, 1.0)
            if axis == 0:
                side = wp.vec3(turn[0], turn[1], 0.0)
            if axis == 1:
                side = wp.vec3(-turn[1], turn[0], 0.0)
            hit.normal = -wp.sign(wp.dot(side, ray)) * side
    query = wp.mesh_query_ray(mesh, origin, ray, hit.distance)
    if query.result:
        hit.kind = BODY
        hit.distance = query.t
        hit.index = query.face
        hit.u = query.u
        hit.v = query.v
        hit.normal = -wp.sign(wp.dot(query.normal, ray)) * query.normal
    return hit


@wp.func
def blocked(
    mesh: wp.uint64,
    room: RoomOnDevice,
    body_centre: wp.vec3,
    origin: wp.vec3,
    ray: wp.vec3,
    reach: float,
):
    """Whether anything stands on the first `reach` metres of a ray."""
    for i in range(room.box_centres.shape[0]):
        distance, _axis = box_entry(room, i, origin, ray)
        if distance < reach:
            return True
    offset = body_centre - origin
    along = wp.max(wp.dot(offset, ray), 0.0)
    if wp.length(offset - along * ray) > BODY_RADIUS_M:
        return False
    return wp.mesh_query_ray_anyhit(mesh, origin, ray, reach)
