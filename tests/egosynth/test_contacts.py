"""Hands stay out of the body: signed distances to the skin itself, average and full people."""

import numpy as np
import warp as wp
from test_body import cast
from test_motion import PEOPLE, shown

from egosynth.motion.clips import CLIPS

BODY = ("Hips", "Spine", "Spine1", "Spine2", "LeftShoulder", "RightShoulder", "Neck", "Head",
        "LeftUpLeg", "RightUpLeg", "LeftLeg", "RightLeg")  # fmt: skip
FAR_M = 0.3


@wp.kernel
def signed_distances(mesh: wp.uint64, points: wp.array(dtype=wp.vec3), out: wp.array(dtype=float)):
    i = wp.tid()
    nearest = wp.mesh_query_point_sign_winding_number(mesh, points[i], 0.3)
    out[i] = 0.3
    if nearest.result:
        skin = wp.mesh_eval_position(mesh, nearest.face, nearest.u, nearest.v)
        out[i] = nearest.sign * wp.length(points[i] - skin)


def skinned(rig, character, vertices, world, joints):
    """Vertices (indices) of one posed frame -> (V, 3)."""
    rest = character.vertices[vertices]
    bones, weights = rig.bone_indices[vertices], rig.bone_weights[vertices]
    moved = np.einsum("vkij,vkj->vki", world[bones], rest[:, None] - character.heads[bones])
    return (weights[..., None] * (joints[bones] + moved)).sum(1)


def test_hands_do_not_pass_through_torso_or_thighs():
    rig, characters = cast()
    owner = rig.dominant_bones
    of_body = np.isin(owner, [rig.index(bone) for bone in BODY])
    faces = rig.faces[of_body[rig.faces].all(1)]
    body = np.unique(faces)
    triangles = wp.array(np.searchsorted(body, faces).ravel().astype(np.int32), dtype=int)
    fingers = [i for i, bone in enumerate(rig.bones) if "Hand" in bone]
    hands = np.flatnonzero(np.isin(owner, fingers))[::8]
    both = np.concatenate([body, hands])
    deepest = []
    for number, clip in enumerate(CLIPS):
        name = PEOPLE[number % len(PEOPLE)]
        _, world, joints = shown(clip, seconds=4.0, character=name, take=1, fps=10)
        for frame in range(0, len(world), 7):
            skin = skinned(rig, characters[name], both, world[frame], joints[frame])
            mesh = wp.Mesh(
                wp.array(skin[: len(body)], dtype=wp.vec3), triangles, support_winding_number=True
            )
            distances = wp.zeros(len(hands), dtype=float)
            points = wp.array(skin[len(body) :], dtype=wp.vec3)
            wp.launch(signed_distances, len(hands), [mesh.id, points, distances])
            deepest.append(distances.numpy().min())
    assert np.mean(np.array(deepest) < -0.02) < 0.01
    assert min(deepest) > -0.06
