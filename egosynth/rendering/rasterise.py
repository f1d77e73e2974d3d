"""Which triangle of the body every pixel's ray meets first: exactly as tracing would find it, several
times as fast. Each triangle tests the rays of the pixels around its image in the fisheye lens.
"""

import warp as wp

wp.set_module_options(
    {
        "enable_backward": False,
        "cpu_compiler_flags": f"{wp.config.cpu_compiler_flags} -ffast-math -w",
    }
)

FACE_BITS = wp.constant(wp.int64(1 << 24))  # a key is the distance in 0.1 um, then the face
NOTHING = (1 << 62) - 1
STEPS_PER_M = 1.0e7


@wp.struct
class Lens:
    """The fisheye lens in pixels of the image: `camera.project` on the device."""

    focal: wp.vec2
    middle: wp.vec2
    distortion: wp.vec4


@wp.func
def image_of(lens: Lens, point: wp.vec3):
    """Column and row of a point of the camera's frame."""
    across = wp.sqrt(point[0] * point[0] + point[1] * point[1])
    theta = wp.atan2(across, point[2])
    square = theta * theta
    k = lens.distortion
    bent = 1.0 + square * (k[0] + square * (k[1] + square * (k[2] + square * k[3])))
    stretch = theta * bent / wp.max(across, 1.0e-9)
    return wp.vec2(
        lens.middle[0] + lens.focal[0] * stretch * point[0],
        lens.middle[1] + lens.focal[1] * stretch * point[1],
    )


@wp.func
def volumes(a: wp.vec3, b: wp.vec3, c: wp.vec3, ray: wp.vec3):
    """Of the tetrahedra between a ray from the origin and the sides of a triangle: all of one sign
    if it is met. The side of two neighbours gives opposite numbers, so nothing slips between."""
    return wp.vec3(
        wp.dot(ray, wp.cross(b, c)), wp.dot(ray, wp.cross(c, a)), wp.dot(ray, wp.cross(a, b))
    )


@wp.kernel
def see_points(
    points: wp.array(dtype=wp.vec3), camera_turn: wp.mat33, camera_centre: wp.vec3, lens: Lens,
    in_camera: wp.array(dtype=wp.vec3), images: wp.array(dtype=wp.vec2),
):  # fmt: skip
    """Points in the camera's frame and in the image."""
    i = wp.tid()
    in_camera[i] = wp.transpose(camera_turn) * (points[i] - camera_centre)
    images[i] = image_of(lens, in_camera[i])


@wp.kernel
def rasterise(
    in_camera: wp.array(dtype=wp.vec3), images: wp.array(dtype=wp.vec2),
    faces: wp.array2d(dtype=int), lens: Lens, rays: wp.array2d(dtype=wp.vec3),
    nearest: wp.array2d(dtype=wp.int64),
):  # fmt: skip
    """Note every face at the pixels where it is the nearest so far."""
    face = wp.tid()
    a = in_camera[faces[face, 0]]
    b = in_camera[faces[face, 1]]
    c = in_camera[faces[face, 2]]
    if a[2] < 0.0 and b[2] < 0.0 and c[2] < 0.0:
        return
    pa = images[faces[face, 0]]
    pb = images[faces[face, 1]]
    pc = images[faces[face, 2]]
    low = wp.min(pa, wp.min(pb, pc))
    high = wp.max(pa, wp.max(pb, pc))
    size = wp.max(high[0] - low[0], high[1] - low[1])
    # Straight sides are bent in the image, the more the longer they are.
    margin = 0.02 + wp.min(0.25, 0.5 * size / lens.focal[0]) * size
    if size > 0.5 * lens.focal[0]:
        margin = 4.0 * lens.focal[0]
    left = wp.max(int(wp.floor(low[0] - margin)) + 1, 0)
    right = wp.min(int(wp.floor(high[0] + margin)), rays.shape[1] - 1)
    top = wp.max(int(wp.floor(low[1] - margin)) + 1, 0)
    bottom = wp.min(int(wp.floor(high[1] + margin)), rays.shape[0] - 1)
    normal = wp.cross(b - a, c - a)
    height = wp.dot(a, normal)
    sides_a = wp.cross(b, c)
    sides_b = wp.cross(c, a)
    sides_c = wp.cross(a, b)
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            ray = rays[row, column]
            u = wp.dot(ray, sides_a)
            v = wp.dot(ray, sides_b)
            w = wp.dot(ray, sides_c)
            if (u >= 0.0 and v >= 0.0 and w >= 0.0) or (u <= 0.0 and v <= 0.0 and w <= 0.0):
                distance = height / wp.dot(ray, normal)
                if distance > 0.0 and distance < 100.0:
                    key = wp.int64(distance * STEPS_PER_M) * FACE_BITS + wp.int64(face)
                    wp.atomic_min(nearest, row, column, key)
