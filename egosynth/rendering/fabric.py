"""The body's surface on the device: what an outfit uploads, and from a point to its colour and the
tilt of its folds. Patterns are procedural and blurred to the size of a pixel; folds come from three
small periodic swatches of slopes, scaled by how much the cloth is compressed just there.
"""

# ruff: noqa: UP018 - Warp wants float(0.0) for a variable that a branch or loop changes

from functools import cache

import numpy as np
import warp as wp

from egosynth.rendering.materials import Hit, band

SWATCH_PX, SWATCH_M = 256, 0.64
PLACKET_M, BUTTONS_M = 0.008, 0.09  # half widths from here on have buttons; one every so far
STEEPEST = 0.9  # tangent of a fold's slope; steeper ones would turn away from the light
PATTERNS = (
    "plain", "stripes", "pinstripes", "checks", "dots", "camouflage", "melange", "denim", "print",
    "strands", "ribs",
)  # fmt: skip
PLAIN, STRIPES, PINSTRIPES, CHECKS, DOTS, CAMOUFLAGE = 0, 1, 2, 3, 4, 5
MELANGE, DENIM, PRINT, STRANDS, RIBS = 6, 7, 8, 9, 10


Slopes = wp.types.vector(length=6, dtype=float)  # along and around of wrinkles, drape, crumple


@wp.struct
class ClothOnDevice:
    garment: int  # 0 skin, 1 shirt, ... as in the object ids
    pattern: int  # index into PATTERNS
    plain: wp.vec3
    second: wp.vec3
    size_m: float  # of one repeat of the pattern
    folds: float  # how readily it wrinkles
    fastener_m: float  # half the width of the zip or placket, 0 without
    fastener_colour: wp.vec3
    top_m: float  # where the fastener begins and a print hangs from, in the trunk's frame
    trim_below_m: float  # below this height `second` replaces `plain` (a sole)


@wp.struct
class BodyOnDevice:
    faces: wp.array2d(dtype=int)
    tags: wp.array2d(dtype=int)  # per face: cloth, chart
    places: wp.array2d(dtype=wp.vec3)  # per face and corner: position in the chart's frame
    rings: wp.array3d(dtype=int)  # per vertex: the other two corners of each of its faces
    rest: wp.array(dtype=wp.vec3)
    grains: wp.array(dtype=wp.vec3)  # the direction along the limb at rest
    bone_indices: wp.array2d(dtype=int)
    bone_weights: wp.array2d(dtype=float)
    parts: wp.array(dtype=int)
    tints: wp.array(dtype=wp.vec3)  # of the skin
    slack: wp.array(dtype=wp.vec2)  # folds at rest: across the limb, along the limb
    give: wp.array(dtype=float)  # 0 follows the bones, 1 follows its neighbours
    lift: wp.array(dtype=float)
    cloths: wp.array(dtype=ClothOnDevice)
    chart_radii: wp.array(dtype=float)
    swatches: wp.array2d(dtype=Slopes)
    points: wp.array(dtype=wp.vec3)
    strains: wp.array(dtype=wp.vec2)
    garment_step: int


@cache
def swatches():
    """Slopes (along, around) of three periodic height maps with mean square 1: wrinkles across
    the limb, folds along it, crumple -> (3, SWATCH_PX, SWATCH_PX, 2) float32, row = along."""
    rng = np.random.default_rng(11)
    frequency = np.fft.fftfreq(SWATCH_PX, 1 / SWATCH_PX) / SWATCH_M  # cycles a metre
    along, around = np.meshgrid(frequency, frequency, indexing="ij")
    slopes = []
    for wavelengths_m in ((0.035, 0.16), (0.40, 0.075), (0.06, 0.05)):
        radius = np.hypot(along * wavelengths_m[0], around * wavelengths_m[1])
        spectrum = np.exp(-(((radius - 1) / 0.45) ** 2))
        noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=radius.shape)) * spectrum).real
        noise /= noise.std()
        height = -np.abs(noise + 0.25) + 0.25 * noise  # valleys round, crests sharp
        spectrum = np.fft.fft2(height) * np.exp(-((np.hypot(along, around) * 0.006) ** 2))
        slope = np.stack(
            [np.fft.ifft2(2j * np.pi * axis * spectrum).real for axis in (along, around)], -1
        )
        slopes.append(slope / np.sqrt((slope**2).sum(-1).mean()))
    return np.array(slopes, np.float32)


@wp.func
def slopes_at(body: wp.array(dtype=BodyOnDevice), along: float, around: float):
    """Slopes of the three swatches, interpolated."""
    x = along / SWATCH_M
    y = around / SWATCH_M
    x = (x - wp.floor(x)) * float(SWATCH_PX)
    y = (y - wp.floor(y)) * float(SWATCH_PX)
    i = wp.min(int(x), SWATCH_PX - 1)
    j = wp.min(int(y), SWATCH_PX - 1)
    p = x - float(i)
    q = y - float(j)
    k = (i + 1) % SWATCH_PX
    m = (j + 1) % SWATCH_PX
    return (1.0 - p) * ((1.0 - q) * body[0].swatches[i, j] + q * body[0].swatches[i, m]) + p * (
        (1.0 - q) * body[0].swatches[k, j] + q * body[0].swatches[k, m]
    )


@wp.func
def soft_step(value: float, softness: float):
    return wp.clamp(0.5 + value / wp.max(softness, 1.0e-4), 0.0, 1.0)


@wp.func
def print_paint(cloth: ClothOnDevice, along: float, around: float, blur: float):
    """How much of the printed colour lies on a chest: a badge with rows of signs below."""
    s = around
    t = along - cloth.top_m + 0.17
    if wp.abs(s) > 0.11 or wp.abs(t) > 0.11:
        return 0.0
    state = wp.rand_init(29)
    if t < 0.0:
        cell = 0.35 * cloth.size_m
        signs = wp.noise(
            state, wp.vec2(wp.floor(s / cell) * 1.37 + 900.0 * cell, wp.floor(t / cell) * 2.71)
        )
        row = band(t + 0.022, 0.045, 0.03, blur)
        return row * wp.where(signs > -0.1, 1.0, 0.0) * wp.min(1.0, 0.02 / blur)
    reach = 0.04 + 0.012 * wp.sin(wp.atan2(s, t - 0.055) * wp.floor(3.0 + 60.0 * cloth.size_m))
    return soft_step(reach - wp.length(wp.vec2(s, t - 0.055)), blur)


@wp.func
def cloth_paint(
    cloth: ClothOnDevice, place: wp.vec3, along: float, around: float, chart: int, blur: float
):
    """Albedo of a cloth at a place of its chart; `blur` is the pixel's size in metres."""
    size = cloth.size_m
    share = float(0.0)
    state = wp.rand_init(23)
    if cloth.pattern == STRIPES:
        share = band(along, size, 0.45 * size, blur)
    elif cloth.pattern == PINSTRIPES:
        share = band(around, size, 0.12 * size, blur)
    elif cloth.pattern == CHECKS:
        share = 0.5 * band(along, size, 0.4 * size, blur) + 0.5 * band(
            around, size, 0.4 * size, blur
        )
    elif cloth.pattern == DOTS:
        s = around / size - wp.floor(around / size) - 0.5
        t = along / size - wp.floor(along / size) - 0.5
        share = soft_step(0.25 - wp.length(wp.vec2(s, t)), blur / size) * wp.min(1.0, size / blur)
    elif cloth.pattern == CAMOUFLAGE:
        spot = wp.vec2(along, around) * (0.6 / size)
        share = soft_step(wp.noise(state, spot) + 0.5 * wp.noise(state, 2.3 * spot), 0.05)
    elif cloth.pattern == MELANGE:
        fleck = wp.noise(state, wp.vec2(along * 160.0, around * 320.0))
        share = 0.35 + 0.5 * fleck * wp.min(1.0, 0.004 / blur)
    elif cloth.pattern == DENIM:
        worn = wp.noise(state, wp.vec2(along * 6.0, around * 9.0))
        twill = wp.noise(state, wp.vec2((along + around) * 500.0, along * 40.0))
        share = 0.3 + 0.35 * worn + 0.3 * twill * wp.min(1.0, 0.003 / blur)
    elif cloth.pattern == PRINT:
        if chart == 0 and place[1] < 0.0:
            share = print_paint(cloth, along, around, blur)
    elif cloth.pattern == STRANDS:
        share = 0.5 + 0.7 * wp.noise(state, wp.vec2(along * 9.0, around * 420.0))
    elif cloth.pattern == RIBS:
        share = 0.6 * band(around, size, 0.35 * size, blur)
    share = wp.where(place[2] < cloth.trim_below_m, 1.0, wp.clamp(share, 0.0, 1.0))
    colour = wp.lerp(cloth.plain, cloth.second, share)
    if cloth.fastener_m > 0.0 and chart == 0 and place[1] < 0.0:
        wave = 0.0012 * wp.sin(along * 45.0) + 0.0025 * wp.sin(along * 17.0)
        half = cloth.fastener_m
        below = cloth.top_m - along
        if below > 0.0 and below < 0.045 and half < PLACKET_M:  # the puller of a zip
            half = 1.7 * half
        inside = soft_step(half - wp.abs(place[0] + wave), blur) * soft_step(below, 0.01)
        inside *= wp.min(1.0, 2.5 * half / wp.max(blur, 1.0e-4))
        seam = soft_step(0.006 - wp.abs(wp.abs(place[0]) - 0.03), 0.006 + blur)
        colour *= 1.0 - 0.25 * seam
        colour = wp.lerp(colour, cloth.fastener_colour, inside)
        if half >= PLACKET_M:
            down = below / BUTTONS_M - wp.floor(below / BUTTONS_M) - 0.5
            away = wp.length(wp.vec2(place[0], down * BUTTONS_M))
            button = soft_step(0.0045 - away, blur) * wp.min(1.0, 0.012 / wp.max(blur, 1.0e-4))
            colour = wp.lerp(colour, cloth.second, button * soft_step(below, 0.01))
    return colour


@wp.func
def fold_tilt(
    body: wp.array(dtype=BodyOnDevice),
    hit: Hit,
    cloth: ClothOnDevice,
    along: float,
    around: float,
    blur: float,
):
    """What folds add to the unit normal: minus the slope of the cloth's relief, in the world."""
    a = body[0].faces[hit.index, 0]
    b = body[0].faces[hit.index, 1]
    c = body[0].faces[hit.index, 2]
    w = 1.0 - hit.u - hit.v
    loose = hit.u * body[0].slack[a] + hit.v * body[0].slack[b] + w * body[0].slack[c]
    squeezed = hit.u * body[0].strains[a] + hit.v * body[0].strains[b] + w * body[0].strains[c]
    slopes = slopes_at(body, along, around)
    slope = (loose[0] + 3.0 * squeezed[0]) * wp.vec2(slopes[0], slopes[1])
    slope += (loose[1] + 2.0 * squeezed[1]) * wp.vec2(slopes[2], slopes[3])
    slope += 0.13 * wp.vec2(slopes[4], slopes[5])
    slope *= cloth.folds * wp.min(1.0, 0.02 / blur)
    slope *= STEEPEST / wp.max(wp.length(slope), STEEPEST)
    edge = body[0].points[b] - body[0].points[a]
    other = body[0].points[c] - body[0].points[a]
    face = wp.cross(edge, other)
    rise = body[0].places[hit.index, 1][2] - body[0].places[hit.index, 0][2]
    other_rise = body[0].places[hit.index, 2][2] - body[0].places[hit.index, 0][2]
    up = wp.normalize(rise * wp.cross(other, face) + other_rise * wp.cross(face, edge))
    return -(slope[0] * up + slope[1] * wp.normalize(wp.cross(face, up)))


@wp.func
def body_paint(body: wp.array(dtype=BodyOnDevice), hit: Hit, blur: float):
    """Albedo, object id and what folds add to the unit normal at a point of the body."""
    w = 1.0 - hit.u - hit.v
    # Warp's barycentrics: u weighs the first corner, v the second.
    a = body[0].faces[hit.index, 0]
    b = body[0].faces[hit.index, 1]
    c = body[0].faces[hit.index, 2]
    nearest = a
    if hit.v > hit.u and hit.v > w:
        nearest = b
    if w > hit.u and w > hit.v:
        nearest = c
    cloth = body[0].cloths[body[0].tags[hit.index, 0]]
    chart = body[0].tags[hit.index, 1]
    place = (
        hit.u * body[0].places[hit.index, 0]
        + hit.v * body[0].places[hit.index, 1]
        + w * body[0].places[hit.index, 2]
    )
    along = place[2]
    around = wp.atan2(place[0], -place[1]) * body[0].chart_radii[chart]
    colour = cloth_paint(cloth, place, along, around, chart, blur)
    if cloth.garment == 0:
        tint = hit.u * body[0].tints[a] + hit.v * body[0].tints[b] + w * body[0].tints[c]
        colour = wp.cw_mul(colour, tint)
    tilt = wp.vec3(0.0)
    if cloth.folds > 0.0:
        tilt = fold_tilt(body, hit, cloth, along, around, blur)
    object_id = body[0].parts[nearest] + body[0].garment_step * cloth.garment
    return colour, object_id, tilt
