"""What surfaces look like, on the device: the structs that the kernels share, and functions from a
point to its colour. Procedural; lines are blurred to the size of a pixel, so nothing flickers.
"""

import warp as wp


@wp.struct
class SurfaceOnDevice:
    style: int
    colour: wp.vec3
    second: wp.vec3
    joint: wp.vec3
    size_m: wp.vec2
    stagger: float
    joint_m: float
    variation: float
    checker: float
    grain: float
    mottle: float
    speckle: float
    turn: wp.vec2
    gloss: float
    roughness: float
    seed: int


@wp.struct
class RoomOnDevice:
    open_air: int
    half: wp.vec3
    floor: SurfaceOnDevice
    ground: SurfaceOnDevice
    wall: SurfaceOnDevice
    terrace_m: wp.vec2
    rug: wp.vec4
    rug_surface: SurfaceOnDevice
    ceiling: wp.vec3
    windows: wp.array(dtype=wp.vec4)
    window_walls: wp.array(dtype=int)
    window_bars_m: float
    sky_above: wp.vec3
    sky_low: wp.vec3
    scenery: wp.vec3
    scenery_second: wp.vec3
    scenery_height: float
    clouds: float
    ambient_above: wp.vec3
    ambient_below: wp.vec3
    lights: wp.array(dtype=wp.vec4)
    light_across: wp.array(dtype=wp.vec3)
    light_along: wp.array(dtype=wp.vec3)
    light_front: wp.array(dtype=wp.vec3)
    light_colour: wp.array(dtype=wp.vec3)
    noise: wp.array2d(dtype=wp.vec4)
    face_solids: wp.array(dtype=int)
    solid_colours: wp.array(dtype=wp.vec3)
    solid_seconds: wp.array(dtype=wp.vec3)
    solid_styles: wp.array(dtype=int)
    solid_gloss: wp.array(dtype=float)
    solid_ids: wp.array(dtype=int)
    surface_ids: wp.vec4i  # floor, wall, ceiling, sky and windows


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
def noise_at(noise: wp.array2d(dtype=wp.vec4), x: float, y: float):
    """The tile of `noise_tile` (period 1, bilinear): clouds, fine grain, stone joints, stone tone."""
    side = noise.shape[0]
    u = x * float(side)
    v = y * float(side)
    column = int(wp.floor(u))
    row = int(wp.floor(v))
    fx = u - float(column)
    fy = v - float(row)
    c0 = column & (side - 1)
    c1 = (column + 1) & (side - 1)
    r0 = row & (side - 1)
    r1 = (row + 1) & (side - 1)
    low = (1.0 - fx) * noise[r0, c0] + fx * noise[r0, c1]
    high = (1.0 - fx) * noise[r1, c0] + fx * noise[r1, c1]
    return (1.0 - fy) * low + fy * high


@wp.func
def cell_value(i: int, j: int, seed: int):
    """A number from 0 to 1 of its own for every cell of a grid."""
    return wp.randf(wp.rand_init(i * 7919 + j * 104729, seed))


@wp.func
def grid_paint(s: SurfaceOnDevice, x: float, y: float, clouds: wp.vec4, fine: float, blur: float,
               noise: wp.array2d(dtype=wp.vec4)):  # fmt: skip
    """Tiles, bricks, planks: cells of a size, rows shifted, joints between. -> colour, joint."""
    row = int(wp.floor(y / s.size_m[1]))
    shift = s.stagger * float(row) * s.size_m[0]
    column = int(wp.floor((x + shift) / s.size_m[0]))
    tone = cell_value(column, row, s.seed)
    second = cell_value(row, column, s.seed + 1)
    along = noise_at(noise, 0.06 * x + 0.7 * tone, 1.1 * y + 0.9 * second)
    mix = s.grain * (0.5 + 0.8 * along[0] + 0.2 * fine)
    mix += s.checker * float((row + column) & 1)
    colour = wp.lerp(s.colour, s.second, wp.clamp(mix, 0.0, 1.0))
    colour = colour * (1.0 + s.variation * (2.0 * tone - 1.0) + s.mottle * clouds[0])
    joint = wp.max(
        band(x + shift, s.size_m[0], s.joint_m, blur), band(y, s.size_m[1], s.joint_m, blur)
    )
    return wp.lerp(colour, s.joint, joint), joint


@wp.func
def wild_paint(s: SurfaceOnDevice, x: float, y: float, clouds: wp.vec4):
    """Blobs and waves of three colours that no shop sells."""
    wave = wp.sin(6.28 * (x / s.size_m[0] + s.stagger * clouds[0]))
    wave = wave * wp.sin(6.28 * (y / s.size_m[1] + s.stagger * clouds[3])) + s.checker * clouds[0]
    colour = wp.lerp(s.colour, s.second, wp.clamp(0.5 + 4.0 * wave, 0.0, 1.0))
    return wp.lerp(colour, s.joint, wp.clamp(0.5 + 6.0 * (clouds[0] - 0.3), 0.0, 1.0))


@wp.func
def surface_paint(
    s: SurfaceOnDevice, noise: wp.array2d(dtype=wp.vec4), px: float, py: float, blur: float
):
    """Linear RGB and share of the gloss (0 to 1) of a flat surface at a point in metres."""
    x = s.turn[0] * px + s.turn[1] * py
    y = s.turn[0] * py - s.turn[1] * px
    clouds = noise_at(noise, 0.21 * x, 0.21 * y)
    fine = noise_at(noise, 1.7 * x, 1.7 * y)[1] * wp.min(1.0, 0.004 / wp.max(blur, 1.0e-4))
    shine = 1.0 - 0.5 * wp.abs(clouds[0])
    colour = s.colour
    if s.style == 0:
        mix = 0.5 + s.mottle * clouds[0] + s.speckle * fine
        colour = wp.lerp(s.colour, s.second, wp.clamp(mix, 0.0, 1.0))
    elif s.style == 1:
        colour, joint = grid_paint(s, x, y, clouds, fine, blur, noise)
        colour = colour * (1.0 + s.speckle * fine)
        shine = shine * (1.0 - joint)
    elif s.style == 2:
        stones = noise_at(noise, x / s.size_m[0], y / s.size_m[0])
        colour = wp.lerp(s.colour, s.second, stones[3]) * (1.0 + s.mottle * clouds[0])
        edge = 16.0 * s.joint_m / s.size_m[0]
        covered = wp.clamp(1.5 - stones[2] / wp.max(edge, 0.01), 0.0, 1.0)
        colour = wp.lerp(colour * (1.0 + s.speckle * fine), s.joint, covered)
        shine = shine * (1.0 - covered)
    elif s.style == 3:
        blades = noise_at(noise, 0.9 * x, 0.9 * y)
        mix = 0.5 + 0.5 * blades[0] + 0.5 * clouds[0] + s.speckle * fine
        colour = wp.lerp(s.colour, s.second, wp.clamp(mix, 0.0, 1.0))
        colour = wp.lerp(colour, s.joint, wp.clamp(2.0 * clouds[0] - 0.9, 0.0, 1.0))
    else:
        colour = wild_paint(s, x, y, clouds)
    return wp.max(colour, wp.vec3(0.004)), shine


@wp.func
def solid_paint(
    room: wp.array(dtype=RoomOnDevice), solid: int, p: wp.vec3, normal: wp.vec3, blur: float
):
    """Linear RGB of furniture and plants: plain, wood, woven or leafy."""
    across = p[0] + 0.7 * p[1]
    up = p[2]
    if wp.abs(normal[2]) > 0.7:
        across = p[0]
        up = p[1]
    style = room[0].solid_styles[solid]
    colour = room[0].solid_colours[solid]
    second = room[0].solid_seconds[solid]
    clouds = noise_at(room[0].noise, 0.3 * across + 0.137 * float(solid), 0.3 * up)
    if style == 1:
        grain = noise_at(room[0].noise, 1.3 * across, 0.09 * up + 0.137 * float(solid))
        return wp.lerp(colour, second, wp.clamp(0.5 + 0.9 * grain[0], 0.0, 1.0))
    if style == 2:
        weave = 0.5 * (band(across, 0.12, 0.05, blur) + band(up, 0.12, 0.05, blur))
        return wp.lerp(colour, second, weave)
    if style == 3:
        leaves = noise_at(room[0].noise, 0.8 * across + 0.137 * float(solid), 0.8 * up)
        mix = 0.45 + 0.9 * leaves[0] + 0.4 * leaves[1]
        return wp.lerp(colour, second, wp.clamp(mix, 0.0, 1.0)) * wp.clamp(
            0.25 + 2.2 * leaves[2], 0.1, 1.0
        )
    if style == 4:
        print_ = wp.clamp(0.5 + 5.0 * (clouds[0] + 0.3 * clouds[3] - 0.1), 0.0, 1.0)
        return wp.lerp(colour, second, print_)
    return colour * (1.0 + 0.12 * clouds[0])
