"""Clothes: garments as signed fields on the body at rest, thickness, colours and object ids.

A field is the distance in metres to a garment's hem, positive below the cloth. The renderer
interpolates it inside a triangle, so a hem is a clean line whatever the mesh.
"""

from dataclasses import dataclass

import numpy as np

from egolib.miniature.body import stable_rng

PARTS = ("head", "neck", "torso", "hips") + tuple(
    f"{side}_{part}"
    for side in ("left", "right")
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toes")
)
GARMENTS = ("skin", "shirt", "trousers", "shoes")
GARMENT_STEP = 32
ROOM_IDS = {
    "floor": 200, "wall": 201, "furniture": 202, "stool": 203, "ceiling": 204, "sky": 205,
    "plant": 206, "lamp": 207,
}  # fmt: skip
OBJECT_IDS = {
    "outside_the_lens": 0,
    **{
        f"{part}:{garment}": 1 + index + GARMENT_STEP * layer
        for layer, garment in enumerate(GARMENTS)
        for index, part in enumerate(PARTS)
    },
    **ROOM_IDS,
}
THICKNESS_M = {"shirt": 0.013, "trousers": 0.008, "shoes": 0.012}
HEM_SLOPE_M = 0.012  # over which cloth rises from the skin to its full thickness
SMOOTHING = {"shirt": 6, "trousers": 3, "shoes": 12}  # passes; hides navels and toes
SKIN_TONES = (  # linear RGB, light to dark
    (0.72, 0.47, 0.37), (0.62, 0.38, 0.28), (0.48, 0.27, 0.18), (0.34, 0.17, 0.10),
    (0.20, 0.095, 0.055), (0.10, 0.048, 0.030),
)  # fmt: skip
LIMBS = {
    "UpLeg": "thigh", "Leg": "shin", "Foot": "foot", "ToeBase": "toes",
    "Arm": "upper_arm", "ForeArm": "forearm",
}  # fmt: skip
TRUNK = {
    "Hips": "hips", "Spine": "torso", "Spine1": "torso", "Spine2": "torso", "Neck": "neck",
    "Head": "head",
}  # fmt: skip


@dataclass(frozen=True)
class Outfit:
    """A dressed body at rest and how to paint it.

    vertices, normals: (V, 3); fields: (V, 3) metres for shirt, trousers, shoes; parts: (V,) ids;
    colours: (5, 3) linear RGB of skin, shirt, trousers, shoes, shirt pattern.
    """

    vertices: np.ndarray
    normals: np.ndarray
    fields: np.ndarray
    parts: np.ndarray
    colours: np.ndarray
    pattern: int  # 0 plain, 1 stripes across, 2 checks, 3 a zip and a collar
    long_sleeves: bool
    long_legs: bool


def part_ids(rig):
    """Object id of each vertex's body part without garment -> (V,) int32."""
    of_bone = [1 + PARTS.index(_part(bone)) for bone in rig.bones]
    return np.array(of_bone, np.int32)[rig.dominant_bones]


def _part(bone):
    if bone in TRUNK:
        return TRUNK[bone]
    side = "left" if bone.startswith("Left") else "right"
    limb = bone.removeprefix("Left").removeprefix("Right")
    if limb == "Shoulder":
        return "torso"
    return f"{side}_{LIMBS.get(limb, 'hand')}"


def vertex_normals(vertices, faces):
    """Area-weighted unit normals (V, 3)."""
    corners = vertices[faces]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [
            np.bincount(faces.ravel(), np.repeat(face[:, axis], 3), len(vertices))
            for axis in range(3)
        ],
        axis=1,
    )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def skin_tone(character):
    """Linear RGB (3,) of a character's skin, the same in every tree."""
    rng = stable_rng("skin", character.name)
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(tone)
    tones = np.array(SKIN_TONES)
    return tones[low] + (tone - low) * (tones[min(low + 1, len(tones) - 1)] - tones[low])


def dress(rig, character, rng):
    """Draw an outfit for `character` from `rng` and put it on -> Outfit."""
    long_sleeves, long_legs = rng.random() < 0.65, rng.random() < 0.8
    fields = np.stack(
        [
            _shirt(rig, character, rng, long_sleeves),
            _trousers(rig, character, rng, long_legs),
            _shoes(rig, character),
        ],
        axis=1,
    )
    vertices = _thicken(rig, character, fields)
    return Outfit(
        vertices=vertices,
        normals=vertex_normals(vertices, rig.faces),
        fields=fields,
        parts=part_ids(rig),
        colours=_colours(character, rng),
        pattern=int(rng.choice(4, p=[0.35, 0.2, 0.15, 0.3])),
        long_sleeves=bool(long_sleeves),
        long_legs=bool(long_legs),
    )


def _bones_of(rig, *words):
    return [bone for bone in rig.bones if any(word in bone for word in words)]


def _shirt(rig, character, rng, long_sleeves):
    """Inside below the neckline, above the hem at the hips, up to the sleeves' ends."""
    vertices, heads = character.vertices, character.heads
    neck, hips = heads[rig.index("Neck")], heads[rig.index("Hips")]
    collar = neck[2] + rng.uniform(0.0, 0.02) + 0.5 * np.clip(vertices[:, 1] - neck[1], -0.09, 0)
    off_axis = np.hypot(vertices[:, 0] - neck[0], vertices[:, 1] - neck[1]) - 0.095
    neckline = np.maximum(collar - vertices[:, 2], np.minimum(off_axis, 0.1))
    neckline = np.minimum(neckline, 0.06 - 0.2 * rig.weight_of("Head"))
    hem = vertices[:, 2] - (hips[2] - rng.uniform(0.02, 0.08))
    reach = rng.uniform(1.88, 1.94) if long_sleeves else rng.uniform(0.55, 0.8)
    arm = rig.weight_of(*_bones_of(rig, "Arm", "Hand"))
    sleeve = np.full(len(vertices), 0.1)
    for side in ("Left", "Right"):
        along, length = _along_arm(rig, character, side)
        here = np.sign(vertices[:, 0]) == (1 if side == "Left" else -1)
        sleeve[here] = ((reach - along) * length)[here]
    return arm * np.clip(sleeve, -0.1, 0.1) + (1 - arm) * np.minimum(neckline, hem)


def _along_arm(rig, character, side):
    """How far down the arm a vertex lies (0 shoulder, 1 elbow, 2 wrist) and metres per unit."""
    shoulder, elbow, wrist = (
        character.heads[rig.index(side + name)] for name in ("Arm", "ForeArm", "Hand")
    )
    upper, lower = elbow - shoulder, wrist - elbow
    first = (character.vertices - shoulder) @ upper / (upper @ upper)
    second = (character.vertices - elbow) @ lower / (lower @ lower)
    fore = rig.weight_of(*(b for b in _bones_of(rig, side) if "ForeArm" in b or "Hand" in b))
    return (1 - fore) * np.minimum(first, 1.1) + fore * (1 + second), np.linalg.norm(lower)


def _trousers(rig, character, rng, long_legs):
    vertices, heads = character.vertices, character.heads
    legs = rig.weight_of(*_bones_of(rig, "Leg"), "Hips", "LeftFoot", "RightFoot", "Spine")
    knee, ankle = heads[rig.index("LeftLeg")][2], heads[rig.index("LeftFoot")][2]
    end = ankle - 0.01 if long_legs else knee + rng.uniform(-0.02, 0.1)
    waist = heads[rig.index("Hips")][2] + 0.08
    worn = np.minimum(vertices[:, 2] - end, waist - vertices[:, 2])
    return np.where(legs > 0.5, worn, -0.1)


def _shoes(rig, character):
    feet = rig.weight_of(*_bones_of(rig, "Foot", "Toe"), "LeftLeg", "RightLeg")
    ankle = character.heads[rig.index("LeftFoot")][2]
    return np.where(feet > 0.5, ankle - 0.005 - character.vertices[:, 2], -0.1)


def garment_of(fields):
    """The outermost garment of each vertex (V,): 0 skin, 1 shirt, 2 trousers, 3 shoes."""
    shirt, trousers, shoes = fields.T
    return np.select([shirt > 0, trousers > 0, shoes > 0], [1, 2, 3], 0)


def _thicken(rig, character, fields):
    """Smooth what a garment covers and move it out along the normals; soles become flat."""
    vertices, faces = character.vertices.copy(), rig.faces
    outer = garment_of(fields)
    for layer, (garment, thickness) in enumerate(THICKNESS_M.items()):
        field = np.clip(fields[:, layer] / HEM_SLOPE_M, 0, 1) * (outer == layer + 1)
        cover = (field * field * (3 - 2 * field))[:, None]
        for _ in range(SMOOTHING[garment]):
            vertices += 0.6 * cover * (rig.neighbour_average @ vertices - vertices)
        vertices += thickness * cover * vertex_normals(vertices, faces)
    shoes = outer == 3
    sole = np.quantile(vertices[shoes, 2], 0.08)
    vertices[shoes, 2] = np.maximum(vertices[shoes, 2], sole)
    return vertices


def sole_points(rig, outfit):
    """Points of the shoes' undersides -> (bone indices (P,), rest positions (P, 3))."""
    bones = rig.dominant_bones
    foot = [rig.index(side + name) for side in ("Left", "Right") for name in ("Foot", "ToeBase")]
    lowest = outfit.vertices[:, 2].min()
    under = np.isin(bones, foot) & (outfit.vertices[:, 2] < lowest + 0.012)
    chosen = np.flatnonzero(under)[::3]
    return bones[chosen], outfit.vertices[chosen]


def _colours(character, rng):
    def cloth(lightness):
        hue = rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2])
        return np.clip(lightness * (1 + rng.uniform(0, 0.6) * np.cos(hue)), 0.01, 0.85)

    shirt = cloth(rng.choice([0.03, 0.08, 0.2, 0.4, 0.65]))
    contrast = cloth(0.45 if shirt.mean() < 0.25 else 0.08)
    trousers = cloth(rng.choice([0.02, 0.05, 0.12, 0.3]))
    return np.stack(
        [skin_tone(character), shirt, trousers, cloth(rng.choice([0.03, 0.2, 0.6])), contrast]
    )
