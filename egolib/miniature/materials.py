"""What surfaces look like, on the device: the structs that the kernels share, and functions from a
point to its colour. Procedural; lines are blurred to the size of a pixel, so nothing flickers.
"""

# ruff: noqa: UP018, RUF046 - Warp wants float(0.0) for a variable that a branch or loop changes

import warp as wp


@wp.struct
class RoomOnDevice:
    half: wp.vec3
    floor_style: int
    floor_colour: wp.vec3
    floor_second: wp.vec3
    floor_size_m: float
    floor_cos: float
    floor_sin: float
    floor_gloss: float
    wall_style: int
    wall_colour: wp.vec3
    wall_second: wp.vec3
    ambient_above: wp.vec3
    ambient_below: wp.vec3
    box_centres: wp.array(dtype=wp.vec3)
    box_halves: wp.array(dtype=wp.vec3)
    box_turns: wp.array(dtype=wp.vec2)
    box_colours: wp.array(dtype=wp.vec3)
    box_ids: wp.array(dtype=int)
    lights: wp.array(dtype=wp.vec4)
    light_colours: wp.array(dtype=wp.vec3)
    surface_ids: wp.vec3i  # floor, wall, ceiling


@wp.struct
class Hit:
    kind: int
    distance: float
    normal: wp.vec3
    index: int
    u: float
    v: float


@wp.func
def band(position: float, size: float, width: float, blur: float):
    """How much of a joint of `width` covers a periodic line: 0 off it, 1 on it, blurred afar."""
    phase = position / size - wp.floor(position / size)
    away = wp.min(phase, 1.0 - phase) * size
    covered = wp.clamp((0.5 * width + 0.5 * blur - away) / wp.max(blur, 1.0e-4), 0.0, 1.0)
    return covered * wp.min(1.0, 1.5 * width / wp.max(blur, 1.0e-4))


@wp.func
def floor_paint(room: RoomOnDevice, point: wp.vec3, blur: float):
    x = room.floor_cos * point[0] + room.floor_sin * point[1]
    y = room.floor_cos * point[1] - room.floor_sin * point[0]
    size = room.floor_size_m
    state = wp.rand_init(7)
    mottle = wp.noise(state, wp.vec2(x, y) * 3.0) + 0.5 * wp.noise(state, wp.vec2(x, y) * 9.0)
    colour = room.floor_colour * (1.0 + 0.10 * mottle)
    if room.floor_style == 0:
        cell = wp.noise(state, wp.vec2(wp.floor(x / size), wp.floor(y / size)) * 1.37)
        joint = wp.max(band(x, size, 0.010, blur), band(y, size, 0.010, blur))
        colour = wp.lerp(colour * (1.0 + 0.12 * cell), room.floor_second, joint)
    if room.floor_style == 1:
        row = wp.floor(x / size)
        shift = 1.7 * wp.noise(state, wp.vec2(row * 1.61, 0.5))
        cell = wp.noise(state, wp.vec2(row * 1.37, wp.floor((y + shift) / 1.4) * 1.91))
        grain = wp.noise(state, wp.vec2(x * 60.0, y * 2.5)) * wp.min(1.0, 0.012 / blur)
        joint = wp.max(band(x, size, 0.004, blur), band(y + shift, 1.4, 0.004, blur))
        mixed = wp.lerp(room.floor_colour, room.floor_second, 0.5 + 0.6 * cell + 0.25 * grain)
        colour = wp.lerp(mixed, room.floor_second * 0.4, joint)
    if room.floor_style == 2:
        weave = wp.noise(state, wp.vec2(x, y) * 45.0) * wp.min(1.0, 0.02 / blur)
        colour = wp.lerp(colour, room.floor_second, 0.4 + 0.4 * weave)
    if room.floor_style == 3:
        colour = wp.lerp(colour, room.floor_second, 0.5 + 0.5 * mottle)
    return colour


@wp.func
def wall_paint(room: RoomOnDevice, point: wp.vec3, normal: wp.vec3, blur: float):
    along = point[0]
    if wp.abs(normal[0]) > 0.5:
        along = point[1]
    colour = room.wall_colour
    if room.wall_style == 1:
        row = wp.floor(point[2] / 0.09)
        shift = 0.12 * (row - 2.0 * wp.floor(row / 2.0))
        joint = wp.max(band(point[2], 0.09, 0.012, blur), band(along + shift, 0.24, 0.012, blur))
        colour = wp.lerp(colour, room.wall_second, joint)
    if room.wall_style == 2:
        joint = band(along, 0.9, 0.03, blur)
        colour = wp.lerp(colour, room.wall_second, joint)
        if point[2] < 0.9:
            colour = wp.lerp(room.wall_second, room.wall_colour, 0.3 * joint)
    if point[2] < 0.09:
        colour = room.wall_second * 0.7
    return colour
