"""From a pose to the surface of the dressed body, on the device: bones move the vertices, cloth
gives way to its neighbours, and what is left of each edge's length says how much it wrinkles.
"""

# ruff: noqa: UP018 - Warp wants float(0.0) for a variable that a branch or loop changes

import warp as wp

from egosynth.rendering.fabric import BodyOnDevice

TAUT = 0.03  # the share of its length that cloth loses before it wrinkles


@wp.kernel
def skin_body(
    body: wp.array(dtype=BodyOnDevice),
    turns: wp.array(dtype=wp.mat33),
    shifts: wp.array(dtype=wp.vec3),
    points: wp.array(dtype=wp.vec3),
):
    """Linear blend skinning: points = sum w (turn rest + shift)."""
    i = wp.tid()
    point = wp.vec3(0.0)
    for k in range(body[0].bone_indices.shape[1]):
        bone = body[0].bone_indices[i, k]
        point += body[0].bone_weights[i, k] * (turns[bone] * body[0].rest[i] + shifts[bone])
    points[i] = point


@wp.kernel
def relax(
    body: wp.array(dtype=BodyOnDevice),
    points: wp.array(dtype=wp.vec3),
    relaxed: wp.array(dtype=wp.vec3),
):
    """Move each vertex towards the mean of its neighbours by its `give`."""
    i = wp.tid()
    mean = wp.vec3(0.0)
    count = float(0.0)
    for k in range(body[0].rings.shape[1]):
        j = body[0].rings[i, k, 0]
        if j >= 0:
            mean += points[j]
            count += 1.0
    relaxed[i] = wp.lerp(points[i], mean / wp.max(count, 1.0), body[0].give[i])


@wp.kernel
def settle(
    body: wp.array(dtype=BodyOnDevice),
    relaxed: wp.array(dtype=wp.vec3),
    points: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    strains: wp.array(dtype=wp.vec2),
):
    """Unit normals, vertices lifted back to the volume that relaxing took, and compression along
    and around the limb (0 none, 1 all of the length)."""
    i = wp.tid()
    here = relaxed[i]
    normal = wp.vec3(0.0)
    short = wp.vec2(0.0)
    total = wp.vec2(1.0e-6)
    for k in range(body[0].rings.shape[1]):
        j = body[0].rings[i, k, 0]
        if j >= 0:
            edge = relaxed[j] - here
            normal += wp.cross(edge, relaxed[body[0].rings[i, k, 1]] - here)
            rest = body[0].rest[j] - body[0].rest[i]
            length = wp.length(rest)
            along = wp.dot(rest, body[0].grains[i]) / wp.max(length, 1.0e-6)
            share = wp.vec2(along * along, 1.0 - along * along)
            total += share
            short += share * (1.0 - wp.length(edge) / wp.max(length, 1.0e-6))
    normal = wp.normalize(normal)
    normals[i] = normal
    points[i] = here + body[0].lift[i] * normal
    strains[i] = wp.vec2(
        wp.clamp(short[0] / total[0] - TAUT, 0.0, 0.5),
        wp.clamp(short[1] / total[1] - TAUT, 0.0, 0.5),
    )
