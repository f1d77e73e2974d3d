"""One person gets dressed: draws the garments from the tables and puts them on, from the outside in."""

from dataclasses import dataclass, replace

import numpy as np

from egolib.miniature import garments, hair, trimmings
from egolib.miniature.body import stable_rng
from egolib.miniature.figure import CHART_RADII_M
from egolib.miniature.styles import (
    ACCESSORY,
    BOTTOMS,
    CLOTH_COLOURS,
    CREAM,
    DENIM,
    HAIR,
    METAL,
    NECKLINES,
    SHIRT,
    SHOES,
    SHOES_WORN,
    SKIN,
    SLEEVES,
    TOPS,
    TROUSERS,
    Cloth,
)
from egolib.miniature.tailoring import Assembly, assemble, smoothstep, vertex_normals

RELAXATIONS = 3  # passes of cloth giving way to its neighbours, each frame
SINK_M = 0.008  # of skin below cloth, so that none shows through


@dataclass(frozen=True)
class Outfit:
    """A dressed person at rest: one mesh, the cloths it is made of, and words about them."""

    mesh: Assembly
    cloths: tuple
    chart_radii_m: tuple
    description: dict


class Fitting:
    """Collects pieces, cloths and words while one person gets dressed, from the outside in."""

    def __init__(self, figure, skin, rng):
        self.figure, self.skin, self.rng = figure, skin, rng
        self.female = figure.character.phenotype["gender"] > 0.5
        self.pieces, self.cloths, self.words = [], [], {}
        self.hidden = np.full(len(figure.vertices), -1.0)

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
            chart_radii_m=CHART_RADII_M,
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

    def _slack(self, ease_m, hang):
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
        line = garments.neckline(figure, *(self._between(bounds) for bounds in NECKLINES[neckline]))
        hem = self._between(style.hem_m)
        worn_field = garments.top_field(figure, line, self._between(SLEEVES[sleeve]), hem)
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
            worn_field = garments.open_front(figure, worn_field, self._between((0.05, 0.16)))
        gather = rng.uniform(0.3, 0.9) if style.finish == "hood" or rng.random() < 0.4 else 0.0
        worn = garments.stand_off(
            figure, worn_field, ease, tube=smoothstep(ease, 0.008, 0.03), hang=hang,
            gather=0.9 if tucked else gather,
        )  # fmt: skip
        slack = self._slack(ease, hang)

        def body(number):
            return garments.piece_of_body(
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
        torso = figure.part_at("Spine2")
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
                lambda number: trimmings.collar(figure, number, piece, tip, back, opening, torso),
            )
        elif style.finish == "hood":
            self._add(
                replace(made, fastener_m=0.0, pattern="plain"),
                lambda number: trimmings.hood(
                    figure, number, piece, self._between((0.012, 0.022)), torso
                ),
            )
            if rng.random() < 0.7:
                self._add(
                    Cloth(SHIRT, np.array(CREAM) if rng.random() < 0.5 else plain),
                    lambda number: trimmings.cords(
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
            part = figure.part_at("Hips")
            self._add(
                made,
                lambda number: trimmings.skirt(figure, number, length, flare, waist, ease, part),
            )
            self._cover(garments.trousers_field(figure, end, waist) - 0.03)
        else:
            worn_field = garments.trousers_field(figure, end, waist)
            worn = garments.stand_off(figure, worn_field, ease, tube=tube, passes=2)
            slack = self._slack(ease, 0.2)
            self._add(
                made,
                lambda number: garments.piece_of_body(
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
            worn_field = garments.foot_field(figure, {"boots": 0.14}.get(kind, -0.005))
            worn = garments.stand_off(figure, worn_field, 0.012, passes=12)
            shod = worn_field > 0
            sole = np.quantile(worn[shod, 2], 0.08)
            worn[shod, 2] = np.maximum(worn[shod, 2], sole)
            ankle = figure.head("LeftFoot")
            leg_m = np.linalg.norm(figure.head("LeftUpLeg") - ankle)
            made = replace(made, trim_below_m=float(0.012 - leg_m - ankle[2]))
            still = np.zeros((len(worn), 2))
            self._add(
                made,
                lambda number: garments.piece_of_body(
                    figure, number, worn_field, worn, still, self._give(0.0), self.hidden
                ),
            )
            self._cover(worn_field)
            if rng.random() < 0.6:
                self._sock(self._between((0.04, 0.16)))
        self.words["shoes"] = {"kind": kind, "linear_rgb": np.round(made.plain, 4).tolist()}

    def _sock(self, height_m):
        figure = self.figure
        worn_field = garments.foot_field(figure, height_m)
        worn = garments.stand_off(figure, worn_field, 0.002, passes=1)
        still = np.zeros((len(worn), 2))
        self._add(
            self._fabric(SHOES, "plain", 0.2),
            lambda number: garments.piece_of_body(
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
            Cloth(SKIN, self.skin),
            lambda number: garments.piece_of_body(
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
        part = figure.part_at("Head")
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
            worn_field = garments.sleeve_band(
                figure, start, start + self._between((0.04, 0.12)), left
            )
            worn = garments.stand_off(figure, worn_field, 0.005, passes=1)
            still = np.zeros((len(worn), 2))
            made = self._fabric(ACCESSORY, "plain", 0.0)
            self._add(
                made,
                lambda number: garments.piece_of_body(
                    figure, number, worn_field, worn, still, self._give(0.0)
                ),
            )
            self.words["wristband"] = "left" if left else "right"
