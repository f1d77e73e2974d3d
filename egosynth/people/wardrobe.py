"""Who wears what: object ids of body parts and garments, skin tones, and an outfit per person."""

from functools import lru_cache

import numpy as np

from egolib.skeleton import without_side
from egosynth.people.body import stable_rng
from egosynth.people.draping import Draping
from egosynth.people.figure import Figure

PARTS = ("head", "neck", "torso", "hips") + tuple(
    f"{side}_{part}"
    for side in ("left", "right")
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toes")
)
GARMENTS = ("skin", "shirt", "trousers", "shoes", "hair", "accessory")
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


def part_ids(rig):
    """Object id of each vertex's body part without garment -> (V,) int32."""
    of_bone = [1 + PARTS.index(_part(bone)) for bone in rig.bones]
    return np.array(of_bone, np.int32)[rig.dominant_bones]


def _part(bone):
    if bone in TRUNK:
        return TRUNK[bone]
    side = "left" if bone.startswith("Left") else "right"
    limb = without_side(bone)
    if limb == "Shoulder":
        return "torso"
    return f"{side}_{LIMBS.get(limb, 'hand')}"


def skin_tone(character):
    """Linear RGB (3,) of a character's skin, the same in every tree."""
    rng = stable_rng("skin", character.name)
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(tone)
    tones = np.array(SKIN_TONES)
    return tones[low] + (tone - low) * (tones[min(low + 1, len(tones) - 1)] - tones[low])


def dress(rig, character, rng):
    """Draw an outfit for `character` from `rng` and put it on -> Outfit."""
    return Draping(_figure(rig, character), skin_tone(character), rng).outfit()


@lru_cache(maxsize=2)  # sequences come one character after the other
def _figure(rig, character):
    return Figure(rig, character, part_ids(rig))


def sole_points(rig, outfit):
    """Points of the undersides of shoes or feet -> (bone indices (P,), rest positions (P, 3))."""
    mesh = outfit.mesh
    strongest = mesh.bone_weights.argmax(1)
    bones = mesh.bone_indices[np.arange(len(strongest)), strongest]
    foot = [rig.index(side + name) for side in ("Left", "Right") for name in ("Foot", "ToeBase")]
    of_foot = np.isin(bones, foot)
    under = of_foot & (mesh.vertices[:, 2] < mesh.vertices[of_foot, 2].min() + 0.012)
    chosen = np.flatnonzero(under)[::3]
    return bones[chosen], mesh.vertices[chosen]
