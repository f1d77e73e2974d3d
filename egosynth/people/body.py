"""The people of the miniature: one Anny body per official character, its skeleton and its camera.

Rests on Anny (naver/anny, MakeHuman assets): Z up, metres, the face towards -y, x to the wearer's
left. Anny gives the shapes once; posing is repeated here in numpy, so that the rendering processes
need neither torch nor Anny (a test holds that both agree).
"""

import sys
import zlib
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation

from egolib.skeleton import RIG_PREFIX, parse_character

STATURE_M = {  # mean and spread by (gender, height); Anny's own default is 1.91 m for a man
    ("male", "average"): (1.76, 0.04),
    ("male", "short"): (1.65, 0.03),
    ("female", "average"): (1.64, 0.04),
    ("female", "short"): (1.55, 0.03),
}
AGES = (0.62, 0.95)  # of Anny's scale, on which 0.67 is a young adult and 1 is very old
SOFTENING = 4  # passes over the mesh
BONES_PER_POINT = 5
NOSE_MIDLINE_M = 0.012
BEFORE_NOSE_M, BELOW_NOSE_M = (0.006, 0.02), (0.015, 0.028)  # where the camera sits
TILT_DEGREES, TILT_SPREAD_DEGREES = np.array([[-5, 0, 0], [5, 3, 2]])  # pitch, roll, yaw
TILT_OF_PERSON, TILT_OF_SEQUENCE = 0.8, 0.6  # shares of the spread; squares add up to 1


@dataclass(frozen=True, eq=False)
class Rig:
    """What all bodies share: J bones, V vertices, F triangles, at most K bones a vertex."""

    bones: tuple  # J names without the prefix, parents before children
    parents: tuple  # J indices, -1 for the root
    faces: np.ndarray  # (F, 3) int32
    bone_indices: np.ndarray  # (V, K) int32
    bone_weights: np.ndarray  # (V, K) float32, rows sum to 1

    def index(self, bone):
        return self.bones.index(bone)

    @cache  # noqa: B019 - a process has one Rig
    def weight_of(self, *bones):
        """Summed skinning weight of `bones` at every vertex -> (V,)."""
        return self.weights @ np.isin(self.bones, bones).astype(np.float32)

    @cached_property
    def neighbour_average(self):
        """Sparse (V, V) matrix that replaces each vertex by the mean of its neighbours."""
        start, end = self.faces.ravel(), self.faces[:, [1, 2, 0]].ravel()
        shape = (len(self.bone_weights),) * 2
        links = sparse.coo_matrix((np.ones(len(start)), (start, end)), shape).tocsr()
        links = ((links + links.T) > 0).astype(float)
        return sparse.diags(1 / np.asarray(links.sum(1)).ravel()) @ links

    @cached_property
    def weights(self):
        """Skinning weights of all bones (V, J)."""
        dense = np.zeros((len(self.bone_weights), len(self.bones)), np.float32)
        np.add.at(dense, (np.arange(len(dense))[:, None], self.bone_indices), self.bone_weights)
        return dense

    @cached_property
    def soft_weights(self):
        """Skinning weights (V, J) that pass more gradually from bone to bone, as cloth does."""
        soft = self.weights
        for _ in range(SOFTENING):
            soft = self.neighbour_average @ soft
        return soft.astype(np.float32)

    @cached_property
    def strongest(self):
        """`strongest_bones` of `weights`."""
        return strongest_bones(self.weights)

    @cached_property
    def soft_strongest(self):
        """`strongest_bones` of `soft_weights`."""
        return strongest_bones(self.soft_weights)

    @cached_property
    def tongue(self):
        """Indices of the tongue's vertices: of the mesh's closed parts the second largest."""
        _, part = connected_components(self.neighbour_average)
        return np.flatnonzero(part == np.argsort(np.bincount(part))[-2])

    @cached_property
    def dominant_bones(self):
        """The bone that moves each vertex most -> (V,) indices."""
        best = self.bone_weights.argmax(1)
        return self.bone_indices[np.arange(len(best)), best]


def strongest_bones(weights):
    """The bones that move each of N points most, and their weights -> two (N, BONES_PER_POINT)."""
    bones = np.argpartition(-weights, BONES_PER_POINT, axis=1)[:, :BONES_PER_POINT]
    return bones.astype(np.int32), np.take_along_axis(weights, bones, axis=1)


@dataclass(frozen=True, eq=False)
class Character:
    """One person at rest: vertices (V, 3) and bone heads (J, 3) in metres, feet at z = 0."""

    name: str
    phenotype: dict
    stature_m: float
    vertices: np.ndarray
    heads: np.ndarray
    camera: np.ndarray  # (3,) camera centre in the rest pose


def stable_rng(*keys):
    """A generator that depends on `keys` (strings, integers) alone, on every machine."""
    numbers = [zlib.crc32(key.encode()) if isinstance(key, str) else key for key in keys]
    return np.random.default_rng(np.random.SeedSequence(numbers))


def build_characters(names):
    """Official character names -> (Rig, {name: Character}). Imports Anny, which takes a while."""
    print("Building the bodies (the first time on a machine takes minutes) ...", file=sys.stderr)
    import warp as wp

    wp.config.log_level = wp.LOG_ERROR
    import anny

    model = anny.Anny(rig="mixamo", phenotypes="all")
    phenotypes = [_draw_phenotype(name) for name in names]
    targets = np.array([_draw_stature_m(name) for name in names])
    bodies = _bodies_of_stature(model, phenotypes, targets)
    rig = Rig(
        bones=tuple(label.removeprefix(RIG_PREFIX) for label in model.bone_labels),
        parents=tuple(int(parent) for parent in model.bone_parents),
        faces=model.get_triangular_faces().numpy().astype(np.int32),
        bone_indices=model.vertex_bone_indices.numpy().astype(np.int32),
        bone_weights=model.vertex_bone_weights.numpy().astype(np.float32),
    )
    characters = {
        name: _character(rig, name, phenotype, vertices, heads)
        for name, phenotype, vertices, heads in zip(names, *bodies, strict=True)
    }
    return rig, characters


def _draw_phenotype(name):
    gender, _, body, _ = parse_character(name)
    rng = stable_rng("phenotype", name)
    origins = rng.dirichlet((0.6, 0.6, 0.6))
    return {
        "gender": float(gender == "female"),
        "age": rng.uniform(*AGES),
        "muscle": rng.uniform(0.3, 0.75),
        "weight": rng.uniform(0.78, 1.0) if body == "full" else rng.uniform(0.38, 0.64),
        "proportions": rng.uniform(0.3, 0.9),
        "cupsize": rng.uniform(0.3, 0.75),
        "firmness": rng.uniform(0.3, 0.7),
        **dict(zip(("african", "asian", "caucasian"), origins.tolist(), strict=True)),
    }


def _draw_stature_m(name):
    gender, _, _, height = parse_character(name)
    mean, spread = STATURE_M[gender, height]
    return mean + spread * stable_rng("stature", name).uniform(-1, 1)


def _rest_bodies(model, phenotypes, heights):
    import torch

    columns = {key: [p[key] for p in phenotypes] for key in phenotypes[0]} | {"height": heights}
    columns = {key: torch.tensor(np.array(value)) for key, value in columns.items()}
    identity = torch.eye(4, dtype=torch.float64).repeat(len(heights), model.bone_count, 1, 1)
    with torch.no_grad():
        rest = model(pose_parameters=identity, phenotype_kwargs=columns)
    return rest["rest_vertices"].numpy(), rest["rest_bone_heads"].numpy()


def _bodies_of_stature(model, phenotypes, targets_m):
    """Bisect Anny's height parameter of all bodies at once until each has its stature."""
    low, high = np.zeros(len(targets_m)), np.ones(len(targets_m))
    for _ in range(16):
        heights = (low + high) / 2
        vertices, heads = _rest_bodies(model, phenotypes, heights)
        too_tall = np.ptp(vertices[..., 2], axis=1) > targets_m
        low, high = np.where(too_tall, low, heights), np.where(too_tall, heights, high)
    described = [p | {"height": float(h)} for p, h in zip(phenotypes, heights, strict=True)]
    return described, vertices, heads


def _character(rig, name, phenotype, vertices, heads):
    to_floor = np.array([0, 0, vertices[:, 2].min()])
    vertices, heads = vertices - to_floor, heads - to_floor
    return Character(
        name=name,
        phenotype=phenotype,
        stature_m=float(np.ptp(vertices[:, 2])),
        vertices=vertices,
        heads=heads,
        camera=_camera_at_rest(rig, name, vertices),
    )


def _camera_at_rest(rig, name, vertices):
    """Before the tip of the nose and below it, as no two people wear it alike."""
    rng = stable_rng("mount", name)
    face = vertices[(rig.weight_of("Head") > 0.9) & (np.abs(vertices[:, 0]) < NOSE_MIDLINE_M)]
    nose = face[face[:, 1].argmin()]
    return nose * (0, 1, 1) - (0, rng.uniform(*BEFORE_NOSE_M), rng.uniform(*BELOW_NOSE_M))


def headset_tilt(name, rng):
    """`tilt_degrees` (3,) of `camera_poses`: a person's own way to wear it, and by `rng` each time."""
    own, slip = stable_rng("tilt", name).normal(size=3), rng.normal(size=3)
    spread = np.clip(TILT_OF_PERSON * own + TILT_OF_SEQUENCE * slip, -2, 2)
    return TILT_DEGREES + TILT_SPREAD_DEGREES * spread


def pose_skeleton(rig, heads, rotations, root_positions):
    """Forward kinematics of N frames.

    heads: (J, 3) at rest; rotations: (N, J, 3, 3) relative to the parent, about body-aligned axes
    in the bind frame; root_positions: (N, 3) of the hips.
    -> world rotations (N, J, 3, 3), joint positions (N, J, 3).
    """
    world = np.empty_like(rotations)
    joints = np.empty(rotations.shape[:2] + (3,))
    for bone, parent in enumerate(rig.parents):
        if parent < 0:
            world[:, bone], joints[:, bone] = rotations[:, bone], root_positions
            continue
        world[:, bone] = world[:, parent] @ rotations[:, bone]
        joints[:, bone] = joints[:, parent] + world[:, parent] @ (heads[bone] - heads[parent])
    return world, joints


def camera_poses(rig, character, world, joints, tilt_degrees=(0, 0, 0)):
    """Camera-to-world of N posed frames -> rotations (N, 3, 3), centres (N, 3), metres, Z up.

    The camera is rigid in the head's frame: x to the wearer's left, y forward, z down, turned by
    `tilt_degrees` about these: pitch (up looks back at the body), roll (up looks left), yaw.
    """
    head = rig.index("Head")
    seat = np.diag([1, -1, -1]) @ Rotation.from_euler("xyz", tilt_degrees, degrees=True).as_matrix()
    offset = character.camera - character.heads[head]
    return world[:, head] @ seat, joints[:, head] + world[:, head] @ offset
