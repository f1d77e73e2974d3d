"""What people wear: garments, colours and patterns drawn by their frequency, put on a character as
one mesh, and the object ids of body parts and garments.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from egolib.miniature import garments as cloth
from egolib.miniature import hair
from egolib.miniature.body import stable_rng
from egolib.miniature.tailoring import Assembly, assemble, smoothstep, vertex_normals

PARTS = ("head", "neck", "torso", "hips") + tuple(
    f"{side}_{part}"
    for side in ("left", "right")
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toes")
)
GARMENTS = ("skin", "shirt", "trousers", "shoes", "hair", "accessory")
SKIN, SHIRT, TROUSERS, SHOES, HAIR, ACCESSORY = range(6)
GARMENT_STEP = 32
ROOM_IDS = {"floor": 200, "wall": 201, "furniture": 202, "stool": 203, "ceiling": 204}
OBJECT_IDS = {
    "outside_the_lens": 0,
    **{
        f"{part}:{garment}": 1 + index + GARMENT_STEP * layer
        for layer, garment in enumerate(GARMENTS)
        for index, part in enumerate(PARTS)
    },
    **ROOM_IDS,
}
SINK_M = 0.008  # of skin below cloth, so that none shows through
RELAXATIONS = 3  # passes of cloth giving way to its neighbours, each frame
SKIN_TONES = (  # linear RGB, light to dark
    (0.72, 0.47, 0.37), (0.62, 0.38, 0.28), (0.48, 0.27, 0.18), (0.34, 0.17, 0.10),
    (0.20, 0.095, 0.055), (0.10, 0.048, 0.030),
)  # fmt: skip
CLOTH_COLOURS = (  # linear RGB and how often: what is worn, not what is possible
    ((0.012, 0.012, 0.013), 0.17), ((0.045, 0.045, 0.048), 0.13), ((0.13, 0.13, 0.13), 0.08),
    ((0.38, 0.38, 0.38), 0.07), ((0.75, 0.74, 0.72), 0.10), ((0.012, 0.018, 0.045), 0.12),
    ((0.040, 0.040, 0.025), 0.08), ((0.42, 0.34, 0.24), 0.05), ((0.09, 0.045, 0.022), 0.04),
    ((0.05, 0.13, 0.30), 0.04), ((0.30, 0.45, 0.62), 0.03), ((0.28, 0.012, 0.020), 0.03),
    ((0.55, 0.03, 0.03), 0.02), ((0.02, 0.12, 0.05), 0.02), ((0.60, 0.38, 0.03), 0.01),
    ((0.55, 0.22, 0.26), 0.01),
)  # fmt: skip
DENIM = ((0.015, 0.030, 0.075), (0.045, 0.085, 0.18), (0.14, 0.22, 0.35), (0.012, 0.012, 0.016))
METAL, CREAM = (0.62, 0.61, 0.60), (0.7, 0.68, 0.62)
LIMBS = {
    "UpLeg": "thigh", "Leg": "shin", "Foot": "foot", "ToeBase": "toes",
    "Arm": "upper_arm", "ForeArm": "forearm",
}  # fmt: skip
TRUNK = {
    "Hips": "hips", "Spine": "torso", "Spine1": "torso", "Spine2": "torso", "Neck": "neck",
    "Head": "head",
}  # fmt: skip
SLEEVES = {  # where a sleeve ends: 0 shoulder, 1 elbow, 2 wrist
    "none": (-0.15, -0.05), "short": (0.45, 0.85), "elbow": (0.9, 1.15),
    "three_quarter": (1.3, 1.6), "long": (1.84, 2.0),
}  # fmt: skip
NECKLINES = {  # rise all round, depth in front, half width, in metres
    "round": ((0.0, 0.012), (0.005, 0.03), (0.07, 0.09)),
    "wide": ((-0.01, 0.0), (0.02, 0.045), (0.09, 0.13)),
    "v": ((-0.005, 0.01), (0.04, 0.09), (0.05, 0.07)),
    "high": ((0.035, 0.06), (0.0, 0.005), (0.07, 0.09)),
    "open_collar": ((0.0, 0.012), (0.03, 0.06), (0.035, 0.05)),
}


@dataclass(frozen=True)
class Style:
    """A kind of top: how often (men, women), and the ranges from which one is drawn."""

    often: tuple
    necklines: tuple
    sleeves: tuple
    ease_m: tuple
    hang: tuple
    patterns: tuple
    folds: tuple = (0.6, 1.1)
    hem_m: tuple = (0.03, 0.14)  # below the hip joints
    finish: str = ""  # collar, hood
    fastener: str = ""  # zip, buttons


PRINTED = ("plain", "plain", "plain", "print", "print", "stripes", "melange", "camouflage")
TOPS = {
    "t_shirt": Style((0.17, 0.15), ("round", "round", "v"), ("short", "short", "elbow"),
                     (0.005, 0.028), (0.2, 1.0), PRINTED),
    "long_sleeve": Style((0.08, 0.10), ("round", "v", "wide"), ("long", "long", "three_quarter"),
                         (0.004, 0.018), (0.1, 0.7), PRINTED),
    "shirt": Style((0.14, 0.10), ("open_collar",), ("long", "long", "three_quarter", "short"),
                   (0.008, 0.028), (0.3, 1.0),
                   ("plain", "plain", "checks", "pinstripes", "stripes", "dots", "denim"),
                   (0.8, 1.3), (-0.02, 0.15), "collar", "buttons"),
    "polo": Style((0.06, 0.03), ("open_collar",), ("short", "short", "elbow"), (0.006, 0.02),
                  (0.2, 0.8), ("plain", "plain", "stripes", "melange"), (0.5, 1.0), (0.03, 0.12),
                  "collar", "buttons"),
    "jacket": Style((0.26, 0.18), ("open_collar",), ("long",), (0.014, 0.042), (0.5, 1.0),
                    ("plain", "plain", "plain", "denim", "melange"), (0.5, 1.1), (-0.02, 0.14),
                    "collar", "zip"),
    "zipped_hoodie": Style((0.07, 0.06), ("round", "open_collar"), ("long", "three_quarter"),
                           (0.015, 0.035), (0.5, 1.0), ("plain", "melange"), (0.6, 1.1),
                           (0.0, 0.12), "hood", "zip"),
    "hoodie": Style((0.08, 0.06), ("round",), ("long",), (0.015, 0.04), (0.5, 1.0),
                    ("plain", "melange", "print", "print"), (0.6, 1.2), (0.0, 0.12), "hood"),
    "sweater": Style((0.10, 0.10), ("round", "round", "v", "high"), ("long", "long", "elbow"),
                     (0.010, 0.032), (0.3, 1.0), ("ribs", "plain", "melange", "stripes"),
                     (0.5, 1.0), (0.0, 0.10)),
    "tank_top": Style((0.04, 0.06), ("wide", "round"), ("none",), (0.004, 0.015), (0.0, 0.7),
                      ("plain", "plain", "print", "stripes"), (0.4, 0.9)),
    "blouse": Style((0.0, 0.16), ("wide", "v", "round"), ("none", "short", "three_quarter", "long"),
                    (0.006, 0.03), (0.3, 1.0), ("plain", "dots", "stripes", "plain", "camouflage"),
                    (0.7, 1.4), (0.0, 0.12)),
}  # fmt: skip
BOTTOMS = {  # how often (men, women), end of the legs, ease in metres, tube, patterns
    "jeans": ((0.42, 0.34), (1.85, 2.0), (0.004, 0.016), (0.0, 0.5), ("denim",)),
    "trousers": ((0.34, 0.16), (1.85, 2.02), (0.008, 0.03), (0.3, 1.0),
                 ("plain", "plain", "plain", "melange", "pinstripes", "camouflage")),
    "leggings": ((0.02, 0.16), (1.75, 1.97), (0.003, 0.004), (0.0, 0.0), ("plain",)),
    "shorts": ((0.22, 0.14), (0.45, 1.15), (0.008, 0.03), (0.3, 1.0),
               ("plain", "plain", "denim", "camouflage", "checks")),
    "skirt": ((0.0, 0.12), (0.5, 1.6), (0.01, 0.02), (0.0, 0.0),
              ("plain", "plain", "checks", "dots", "stripes")),
    "dress": ((0.0, 0.08), (0.6, 1.6), (0.01, 0.02), (0.0, 0.0), ("plain",)),
}  # fmt: skip
SHOES_WORN = {"sneakers": 0.55, "shoes": 0.25, "boots": 0.10, "barefoot": 0.10}


@dataclass(frozen=True)
class Cloth:
    """How one cloth of an outfit looks; see `fabric.ClothOnDevice`."""

    garment: int
    plain: np.ndarray
    pattern: str = "plain"
    second: np.ndarray = field(default_factory=lambda: np.array(CREAM))
    size_m: float = 0.06
    folds: float = 0.0
    fastener_m: float = 0.0
    fastener_colour: tuple = METAL
    top_m: float = 0.0
    trim_below_m: float = -1.0


@dataclass(frozen=True)
class Outfit:
    """A dressed person at rest: one mesh, the cloths it is made of, and words about them."""

    mesh: Assembly
    cloths: tuple
    chart_radii_m: tuple
    description: dict


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


def skin_tone(character):
    """Linear RGB (3,) of a character's skin, the same in every tree."""
    rng = stable_rng("skin", character.name)
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(tone)
    tones = np.array(SKIN_TONES)
    return tones[low] + (tone - low) * (tones[min(low + 1, len(tones) - 1)] - tones[low])


def dress(rig, character, rng):
    """Draw an outfit for `character` from `rng` and put it on -> Outfit."""
    return _Fitting(rig, character, rng).outfit()


class _Fitting:
    """Collects pieces, cloths and words while one person gets dressed, from the outside in."""

    def __init__(self, rig, character, rng):
        self.figure = cloth.Figure(rig, character, part_ids(rig))
        self.rng = rng
        self.female = character.phenotype["gender"] > 0.5
        self.pieces, self.cloths, self.words = [], [], {}
        self.hidden = np.full(len(character.vertices), -1.0)

    def outfit(self):
        style_name = self._pick({name: s.often[self.female] for name, s in TOPS.items()})
        bottom_name = self._pick({name: b[0][self.female] for name, b in BOTTOMS.items()})
        top, top_cloth = self._top(style_name, tucked=self.rng.random() < 0.2)
        self._bottom(bottom_name, top_cloth)
        self._shoes()
        self._skin()
        self._hair(top)
        self._accessories()
        return Outfit(
            mesh=assemble(self.pieces, RELAXATIONS),
            cloths=tuple(self.cloths),
            chart_radii_m=cloth.CHART_RADII_M,
            description=self.words,
        )

    def _pick(self, shares):
        values = np.array(list(shares.values()))
        return str(self.rng.choice(list(shares), p=values / values.sum()))

    def _between(self, bounds):
        return float(self.rng.uniform(*bounds))

    def _colour(self):
        colours, shares = zip(*CLOTH_COLOURS, strict=True)
        chosen = np.array(colours)[self.rng.choice(len(colours), p=np.array(shares) / sum(shares))]
        return np.clip(
            chosen * self.rng.uniform(0.75, 1.35) * self.rng.uniform(0.9, 1.1, 3), 0, 0.8
        )

    def _fabric(self, garment, pattern, folds):
        """A Cloth of a drawn colour, with a second colour that shows on it."""
        plain, second = self._colour(), self._colour()
        if pattern == "denim":
            plain = np.array(DENIM[self.rng.integers(len(DENIM))]) * self.rng.uniform(0.8, 1.2)
            second = 1.8 * plain
        elif pattern in ("melange", "ribs"):
            second = plain * self.rng.uniform(0.4, 0.7) if plain.mean() > 0.1 else plain * 2.2
        elif pattern == "camouflage":
            second = plain * self.rng.uniform(0.25, 0.5) if plain.mean() > 0.1 else 2.5 * plain
        elif pattern != "plain" and abs(np.log(second.mean() / plain.mean())) < 0.7:
            second = np.array(CREAM) if plain.mean() < 0.25 else plain * 0.15
        sizes = {"stripes": (0.02, 0.11), "pinstripes": (0.015, 0.04), "checks": (0.03, 0.10),
                 "dots": (0.02, 0.05), "camouflage": (0.04, 0.12), "ribs": (0.010, 0.02)}  # fmt: skip
        return Cloth(
            garment, plain, pattern, second, self._between(sizes.get(pattern, (0.03, 0.08))), folds
        )

    def _add(self, made, *pieces):
        """Register a cloth and the pieces cut from it (functions of the cloth's number)."""
        number = len(self.cloths)
        self.cloths.append(made)
        new = [piece(number) for piece in pieces]
        for piece in new:
            self.pieces += piece if isinstance(piece, list) else [piece]
        return new[0]

    def _slack(self, field_m, ease_m, hang):
        """Folds at rest: sleeves and legs bunch at their ends and above the middle joint, cloth on
        the trunk falls in folds below the chest."""
        figure, room = self.figure, 0.35 + ease_m / 0.03
        limb = np.maximum(figure.arm, figure.leg)
        along = np.where(figure.arm > figure.leg, figure.along_arm, figure.along_leg)
        bunched = 0.16 * np.exp(-(((along - 0.9) / 0.3) ** 2)) + 0.20 * np.exp(
            -(((along - 1.85) / 0.2) ** 2)
        )
        level = self.figure.head("Spine2")[2] - figure.vertices[:, 2]
        waist = 0.12 * np.exp(-((smoothstep(level, 0, 0.25) - 0.7) ** 2) / 0.06)
        across = limb * bunched + (1 - limb) * waist
        fallen = (0.05 + 0.30 * hang * smoothstep(level, -0.05, 0.3)) * (1 - limb) + 0.12 * limb
        return room * np.stack([across, fallen], axis=1)

    def _cover(self, field_m):
        self.hidden = np.maximum(self.hidden, field_m)

    def _give(self, loose):
        """Cloth gives way to its neighbours; not on feet, whose shape is the shoe's."""
        return np.full(len(self.figure.vertices), loose)

    def _top(self, name, tucked=False, inner=False):
        style, figure, rng = TOPS[name], self.figure, self.rng
        neckline, sleeve = (
            str(rng.choice(options)) for options in (style.necklines, style.sleeves)
        )
        pattern = str(rng.choice(style.patterns))
        ease, hang = self._between(style.ease_m), self._between(style.hang)
        if inner:
            ease, hang = 0.004, 0.2
        made = self._fabric(SHIRT, pattern, self._between(style.folds))
        line = cloth.neckline(figure, *(self._between(bounds) for bounds in NECKLINES[neckline]))
        hem = self._between(style.hem_m)
        worn_field = cloth.top_field(figure, line, self._between(SLEEVES[sleeve]), hem)
        opened = style.fastener == "zip" and rng.random() < 0.25
        trunk_top = figure.vertices[(line > 0) & (np.abs(figure.vertices[:, 0]) < 0.015)
                                    & (figure.vertices[:, 1] < figure.head("Spine")[1]), 2].max()  # fmt: skip
        if style.fastener and not opened:
            buttons = style.fastener == "buttons"
            bright = (
                np.array(METAL) * rng.uniform(0.5, 1.4) if rng.random() < 0.7 else self._colour()
            )
            made = replace(
                made,
                fastener_m=0.012 if buttons else self._between((0.002, 0.0035)),
                fastener_colour=tuple(made.plain * 0.8 if buttons else np.clip(bright, 0, 0.85)),
            )
        made = replace(made, top_m=float(trunk_top))
        if opened:
            worn_field = cloth.open_front(figure, worn_field, self._between((0.05, 0.16)))
        gather = rng.uniform(0.3, 0.9) if style.finish == "hood" or rng.random() < 0.4 else 0.0
        worn = cloth.stand_off(
            figure, worn_field, ease, tube=smoothstep(ease, 0.008, 0.03), hang=hang,
            gather=0.9 if tucked else gather,
        )  # fmt: skip
        slack = self._slack(worn_field, ease, hang)

        def body(number):
            return cloth.piece_of_body(
                figure, number, worn_field, worn, slack, self._give(0.7), self.hidden
            )

        piece = self._add(made, body)
        self._cover(worn_field)
        self.words["inner_top" if inner else "top"] = {
            "kind": name, "neckline": neckline, "sleeves": sleeve, "pattern": pattern,
            "ease_m": round(ease, 4), "hang": round(hang, 3), "open": bool(opened),
            "tucked": bool(tucked), "linear_rgb": np.round(made.plain, 4).tolist(),
        }  # fmt: skip
        if not inner:
            self._finish(style, name, made, piece)
        if opened:
            self._top(str(rng.choice(["t_shirt", "t_shirt", "tank_top"])), inner=True)
        return piece, made

    def _finish(self, style, name, made, piece):
        figure, rng = self.figure, self.rng
        torso = 1 + PARTS.index("torso")
        plain = made.plain if rng.random() < 0.5 else self._fabric(SHIRT, "plain", 0).plain
        if style.finish == "collar":
            contrast = replace(
                made, plain=plain, folds=0.4 * made.folds, fastener_m=0.0,
                pattern=made.pattern if plain is made.plain else "plain",
            )  # fmt: skip
            tip = self._between((0.075, 0.12)) if name == "jacket" else self._between((0.05, 0.085))
            back = self._between((0.045, 0.07))
            opening = 0.5 if made.fastener_m == 0 else 0.06
            self._add(
                contrast,
                lambda number: cloth.collar(figure, number, piece, tip, back, opening, torso),
            )
        elif style.finish == "hood":
            self._add(
                replace(made, fastener_m=0.0, pattern="plain"),
                lambda number: cloth.hood(
                    figure, number, piece, self._between((0.012, 0.022)), torso
                ),
            )
            if rng.random() < 0.7:
                self._add(
                    Cloth(SHIRT, np.array(CREAM) if rng.random() < 0.5 else plain),
                    lambda number: cloth.cords(
                        figure, number, piece, self._between((0.1, 0.22)), torso
                    ),
                )

    def _bottom(self, name, top_cloth):
        figure, rng = self.figure, self.rng
        _, ends, eases, tubes, patterns = BOTTOMS[name]
        end, ease, tube = (self._between(bounds) for bounds in (ends, eases, tubes))
        pattern = str(rng.choice(patterns))
        made = self._fabric(TROUSERS, pattern, self._between((0.5, 1.1)))
        waist = self._between((0.02, 0.12))
        if name in ("skirt", "dress"):
            made = replace(top_cloth, garment=TROUSERS) if name == "dress" else made
            made = replace(made, fastener_m=0.0)
            hip, knee, ankle = (figure.head("Left" + b)[2] for b in ("UpLeg", "Leg", "Foot"))
            length = figure.head("Hips")[2] + waist - np.interp(end, (0, 1, 2), (hip, knee, ankle))
            flare = self._between((0.0, 0.25))
            part = 1 + PARTS.index("hips")
            self._add(
                made,
                lambda number: cloth.skirt(figure, number, length, flare, waist, ease, part),
            )
            self._cover(cloth.trousers_field(figure, end, waist) - 0.03)
        else:
            worn_field = cloth.trousers_field(figure, end, waist)
            worn = cloth.stand_off(figure, worn_field, ease, tube=tube, passes=2)
            slack = self._slack(worn_field, ease, 0.2)
            self._add(
                made,
                lambda number: cloth.piece_of_body(
                    figure, number, worn_field, worn, slack, self._give(0.6), self.hidden
                ),
            )
            self._cover(worn_field)
        self.words["bottom"] = {
            "kind": name, "leg_end": round(end, 3), "pattern": made.pattern,
            "linear_rgb": np.round(made.plain, 4).tolist(),
        }  # fmt: skip

    def _shoes(self):
        figure, rng = self.figure, self.rng
        kind = self._pick(SHOES_WORN)
        made = self._fabric(SHOES, "plain", 0.25)
        if kind == "sneakers" and rng.random() < 0.4:
            made = replace(made, plain=np.array([0.7, 0.7, 0.68]))
        if kind != "barefoot":
            worn_field = cloth.foot_field(figure, {"boots": 0.14}.get(kind, -0.005))
            worn = cloth.stand_off(figure, worn_field, 0.012, passes=12)
            shod = worn_field > 0
            sole = np.quantile(worn[shod, 2], 0.08)
            worn[shod, 2] = np.maximum(worn[shod, 2], sole)
            ankle = figure.head("LeftFoot")
            leg_m = np.linalg.norm(figure.head("LeftUpLeg") - ankle)
            made = replace(made, trim_below_m=float(0.012 - leg_m - ankle[2]))
            still = np.zeros((len(worn), 2))
            self._add(
                made,
                lambda number: cloth.piece_of_body(
                    figure, number, worn_field, worn, still, self._give(0.0), self.hidden
                ),
            )
            self._cover(worn_field)
            if rng.random() < 0.6:
                self._sock(self._between((0.04, 0.16)))
        self.words["shoes"] = {"kind": kind, "linear_rgb": np.round(made.plain, 4).tolist()}

    def _sock(self, height_m):
        figure = self.figure
        worn_field = cloth.foot_field(figure, height_m)
        worn = cloth.stand_off(figure, worn_field, 0.002, passes=1)
        still = np.zeros((len(worn), 2))
        self._add(
            self._fabric(SHOES, "plain", 0.2),
            lambda number: cloth.piece_of_body(
                figure, number, worn_field, worn, still, self._give(0.0), self.hidden
            ),
        )
        self._cover(worn_field)

    def _skin(self):
        figure, rng = self.figure, self.rng
        vertices = figure.vertices
        self.stubble = 0.0 if self.female else rng.choice([0.0, self._between((0.1, 0.9))])
        tints = hair.face_tints(figure, self.stubble, rng.uniform(0.3, 1.0))
        bare = smoothstep(1 - figure.rig.weight_of("Head"), 0.7, 1.0) * (figure.along_arm < 1.8)
        give = 0.5 * bare * (figure.along_leg < 1.8)
        sunk = SINK_M * smoothstep(self.hidden, -0.006, 0.014)[:, None]
        worn = vertices - sunk * vertex_normals(vertices, figure.rig.faces)
        self._add(
            Cloth(SKIN, skin_tone(figure.character)),
            lambda number: cloth.piece_of_body(
                figure, number, np.ones(len(vertices)), worn, np.zeros((len(vertices), 2)),
                give, self.hidden, tints=tints,
            ),
        )  # fmt: skip
        self.words["stubble"] = round(float(self.stubble), 3)

    def _hair(self, top):
        figure, rng = self.figure, self.rng
        colour = stable_rng("hair", figure.character.name)
        colour = hair.hair_colour(colour)
        made = Cloth(HAIR, colour, "strands", 0.45 * colour, 0.02, 0.3)
        part = 1 + PARTS.index("head")
        self.words["hair"], self.words["beard"] = "short", False
        if rng.random() < (0.5 if self.female else 0.04):
            length, forward = self._between((0.05, 0.32)), self._between((0.0, 1.0))
            self._add(
                made,
                lambda number: hair.long_hair(figure, number, top, length, forward, part, rng),
            )
            self.words["hair"] = "long"
        if self.stubble > 0.5 and rng.random() < 0.6:
            length, cheeks = self._between((0.003, 0.012)), self._between((0.2, 1.0))
            self._add(
                replace(made, pattern="melange"),
                lambda number: hair.beard(figure, number, length, cheeks, rng),
            )
            self.words["beard"] = True

    def _accessories(self):
        figure, rng = self.figure, self.rng
        if rng.random() < 0.25 and self.words["top"]["sleeves"] != "long":
            start, left = self._between((1.78, 1.88)), rng.random() < 0.7
            worn_field = cloth.sleeve_band(figure, start, start + self._between((0.04, 0.12)), left)
            worn = cloth.stand_off(figure, worn_field, 0.005, passes=1)
            still = np.zeros((len(worn), 2))
            made = self._fabric(ACCESSORY, "plain", 0.0)
            self._add(
                made,
                lambda number: cloth.piece_of_body(
                    figure, number, worn_field, worn, still, self._give(0.0)
                ),
            )
            self.words["wristband"] = "left" if left else "right"


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
