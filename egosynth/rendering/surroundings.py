"""What the far surroundings look like in a direction: sky, scenery, the walls of a room and its
bright windows; sharp where the lens sees them, softened where a rough floor mirrors them.
"""

import warp as wp

from egosynth.rendering.intersect import (
    CEILING,
    FLOOR,
    WALL,
    is_outside,
    shell_hit,
    window_share,
)
from egosynth.rendering.materials import RoomOnDevice, noise_at


@wp.func
def outside(room: wp.array(dtype=RoomOnDevice), ray: wp.vec3, softness: float):
    """Radiance of sky and scenery (trees, houses) in a direction; softness in radians."""
    azimuth = wp.atan2(ray[1], ray[0]) / (2.0 * wp.pi)
    lookup = noise_at(room[0].noise, 2.0 * azimuth, 0.5 * ray[2])
    sky = wp.lerp(room[0].sky_low, room[0].sky_above, wp.clamp(1.6 * ray[2], 0.0, 1.0))
    sky = sky * (1.0 + room[0].clouds * lookup[0] / (1.0 + 4.0 * softness))
    top = room[0].scenery_height * (1.0 + 0.8 * lookup[0])
    soft = 0.02 + softness
    covered = wp.clamp(0.5 + (top - ray[2]) / soft, 0.0, 1.0)
    leaves = noise_at(room[0].noise, 7.0 * azimuth, 1.6 * ray[2])
    contrast = 1.0 / (1.0 + 12.0 * softness)
    mix = wp.clamp(0.4 + contrast * (0.9 * leaves[0] + 0.5 * leaves[1]), 0.0, 1.0)
    return wp.lerp(sky, wp.lerp(room[0].scenery, room[0].scenery_second, mix), covered)


@wp.func
def mirrored(room: wp.array(dtype=RoomOnDevice), point: wp.vec3, ray: wp.vec3, softness: float):
    """Radiance that arrives at a point from a direction, without body and furniture."""
    if room[0].open_air > 0 or is_outside(room, point):
        return outside(room, ray, softness)
    shell = shell_hit(room, point, ray)
    if shell.kind == CEILING:
        return wp.cw_mul(room[0].ceiling, room[0].ambient_below)
    if shell.kind == FLOOR:
        return wp.cw_mul(room[0].floor.colour, room[0].ambient_above)
    if shell.kind == WALL:
        place = point + shell.distance * ray
        open = window_share(room, place, shell.normal, 2.0 * softness * shell.distance)
        paint = 0.5 * wp.cw_mul(room[0].wall.colour, room[0].ambient_above + room[0].ambient_below)
        return wp.lerp(paint, outside(room, ray, softness), open)
    return outside(room, ray, softness)
