"""One person gets dressed: draws the garments from the tables and puts them on, from the outside in."""

from dataclasses import dataclass, replace

import numpy as np

from egosynth.people import garments, hair, trimmings
from egosynth.people.body import stable_rng
from egosynth.people.figure import CHART_RADII_M
from egosynth.people.garments import piece_of_body
from egosynth.people.styles import (
    ACCESSORY,
    BOTTOMS,
    CREAM,
    HAIR,
    LIGHT_SHOES,
    LIGHT_SHOES_SHARE,
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
    draw_cloth,
    draw_colour,
)
from egosynth.people.tailoring import Assembly, assemble, smoothstep

TUCKED_SHARE = 0.2  # of tops
OPEN_SHARE = 0.25  # of garments with a zip
RELAXATIONS = 3  # passes of cloth giving way to its neighbours, each frame
SINK_M = 0.008  # of skin below cloth, so that none shows through


@dataclass(frozen=True)
class Outfit:
    """A dressed person at rest: one mesh, the cloths it is made of, and words about them."""

    mesh: Assembly
    cloths: tuple
    chart_radii_m: tuple
    description: dict


class Draping:
    """Collects pieces, cloths and words while one person gets dressed."""

    def __init__(self, figure, skin, rng):
        self.figure, self.skin, self.rng = figure, skin, rng
        self.female = figure.character.phenotype["gender"] > 0.5
        self.pieces, self.cloths, self.words = [], [], {}
        self.hidden = np.full(len(figure.vertices), -1.0)  # the outer garments' field

    def outfit(self):
        style_name = self._pick({name: s.often[self.female] for name, s in TOPS.items()})
        bottom_name = self._pick({name: b[0][self.female] for name, b in BOTTOMS.items()})
        if bottom_name != "dress" and self.rng.random() < TUCKED_SHARE:
            self._bottom(bottom_name, belted=self.rng.random() < 0.6)
            top, _ = self._top(style_name, tucked_into=self.hidden)
        else:
            top, top_cloth = self._top(style_name)
            self._bottom(bottom_name, dress_cloth=top_cloth)
        self._shoes()
        self._accessories(top)
        self._skin()
        self._hair(top)
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

    def _add(self, cloth, make, *arguments, **named):
        """Register a cloth and what `make` sews of it: a Piece or a list of them."""
        made = make(self.figure, len(self.cloths), *arguments, **named)
        self.cloths.append(cloth)
        self.pieces += made if isinstance(made, list) else [made]
        return made

    def _wear(self, cloth, field, worn, slack=None, give=0.0):
        """Put on a garment cut from the body's surface -> Piece."""
        count = len(field)
        slack = np.zeros((count, 2)) if slack is None else slack
        piece = self._add(
            cloth, piece_of_body, field, worn, slack, np.full(count, give), self.hidden
        )
        self.hidden = np.maximum(self.hidden, field)
        return piece

    def _top(self, name, tucked_into=None, inner=False):
        style, figure, rng = TOPS[name], self.figure, self.rng
        neckline, sleeve, pattern = (
            str(rng.choice(options)) for options in (style.necklines, style.sleeves, style.patterns)
        )
        ease, hang = self._between(style.ease_m), self._between(style.hang)
        if inner:
            ease, hang = 0.004, 0.2
        line = garments.neckline(figure, *(self._between(b) for b in NECKLINES[neckline]))
        field = garments.top_field(
            figure, line, self._between(SLEEVES[sleeve]), self._between(style.hem_m)
        )
        opened = style.fastener == "zip" and rng.random() < OPEN_SHARE
        cloth = self._fastened(draw_cloth(SHIRT, pattern, self._between(style.folds), rng),
                               "" if opened else style.fastener, line)  # fmt: skip
        if opened:
            field = garments.open_front(figure, field, self._between((0.05, 0.16)))
        tucked = tucked_into is not None
        if tucked:
            field = np.minimum(field, 0.025 - tucked_into)
        gathered = tucked or style.finish == "hood" or rng.random() < 0.4
        gather = 0.9 if tucked else self._between((0.3, 0.9)) * gathered
        tube = smoothstep(ease, 0.008, 0.03)
        worn = garments.stand_off(figure, field, ease, tube, hang, gather)
        slack = garments.slack_at_rest(figure, ease, hang)
        piece = self._wear(cloth, field, worn, slack, give=0.7)
        self.words["inner_top" if inner else "top"] = {
            "kind": name, "neckline": neckline, "sleeves": sleeve, "pattern": pattern,
            "ease_m": round(ease, 4), "hang": round(hang, 3), "open": bool(opened),
            "tucked": bool(tucked), "linear_rgb": np.round(cloth.plain, 4).tolist(),
        }  # fmt: skip
        if not inner:
            self._finish(style, ease, cloth, piece)
        if opened:
            self._top(str(rng.choice(["t_shirt", "t_shirt", "tank_top"])), inner=True)
        return piece, cloth

    def _fastened(self, cloth, fastener, line):
        """The cloth with its zip or buttons, which begin where the neckline ends in front."""
        x, y, z = self.figure.vertices.T
        front = (line > 0) & (np.abs(x) < 0.015) & (y < self.figure.head("Spine")[1])
        cloth = replace(cloth, top_m=float(z[front].max()))
        if fastener == "zip":
            metal = np.clip(np.array(METAL) * self._between((0.5, 1.35)), 0, 0.85)
            colour = metal if self.rng.random() < 0.7 else draw_colour(self.rng)
            half = self._between((0.002, 0.0035))
            return replace(cloth, fastener_m=half, fastener_colour=tuple(colour))
        if fastener == "buttons":
            return replace(cloth, fastener_m=0.012, fastener_colour=tuple(0.8 * cloth.plain))
        return cloth

    def _finish(self, style, ease, cloth, piece):
        """Collar or hood, in the garment's own cloth or a contrasting one; the skirt of a coat."""
        rng, torso = self.rng, self.figure.part_at("Spine2")
        contrast = draw_colour(rng)
        same = rng.random() < 0.5
        plain = cloth.plain if same else contrast
        if style.finish == "collar":
            tip = self._between((0.06, 0.09) if ease > 0.018 else (0.05, 0.085))
            back = self._between((0.045, 0.07))
            opening = 0.06 if cloth.fastener_m else 0.5
            pattern = cloth.pattern if same else "plain"
            stiff = replace(
                cloth, plain=plain, pattern=pattern, folds=0.4 * cloth.folds, fastener_m=0.0
            )
            self._add(stiff, trimmings.collar, piece, tip, back, opening, torso)
        elif style.finish == "hood":
            rolled = replace(cloth, fastener_m=0.0, pattern="plain")
            self._add(rolled, trimmings.hood, piece, self._between((0.012, 0.022)), torso)
            if rng.random() < 0.7:
                colour = np.array(CREAM) if rng.random() < 0.5 else plain
                length = self._between((0.1, 0.22))
                self._add(Cloth(SHIRT, colour), trimmings.cords, piece, length, torso)
        if style.skirt_end:
            end, flare = self._between(style.skirt_end), self._between((0.0, 0.12))
            hips = self.figure.part_at("Hips")
            self._add(cloth, trimmings.skirt, end, flare, 0.06, ease, hips)

    def _bottom(self, name, belted=False, dress_cloth=None):
        figure, rng = self.figure, self.rng
        _, ends, eases, tubes, patterns = BOTTOMS[name]
        end, ease, tube = (self._between(bounds) for bounds in (ends, eases, tubes))
        cloth = draw_cloth(TROUSERS, str(rng.choice(patterns)), self._between((0.5, 1.1)), rng)
        waist = self._between((0.02, 0.12))
        field = garments.trousers_field(figure, end, waist)
        if name == "dress":
            cloth = replace(dress_cloth, garment=TROUSERS)
        if name in ("skirt", "dress"):
            cloth = replace(cloth, fastener_m=0.0)
            flare, hips = self._between((0.0, 0.25)), figure.part_at("Hips")
            self._add(cloth, trimmings.skirt, end, flare, waist, ease, hips)
            self.hidden = np.maximum(self.hidden, field - 0.03)
        else:
            worn = garments.stand_off(figure, field, ease, tube, passes=2)
            slack = garments.slack_at_rest(figure, ease, hang=0.2)
            if belted:
                belt = garments.belt_field(figure, waist - 0.02)
                leather = draw_cloth(TROUSERS, "plain", 0.0, rng)
                self._wear(leather, belt, garments.stand_off(figure, belt, ease + 0.008))
            self._wear(cloth, field, worn, slack, give=0.6)
        self.words["bottom"] = {
            "kind": name, "leg_end": round(end, 3), "pattern": cloth.pattern,
            "linear_rgb": np.round(cloth.plain, 4).tolist(),
        }  # fmt: skip

    def _shoes(self):
        figure, rng = self.figure, self.rng
        kind = self._pick(SHOES_WORN)
        cloth = draw_cloth(SHOES, "plain", 0.25, rng)
        if rng.random() < LIGHT_SHOES_SHARE:
            light = np.array(LIGHT_SHOES[rng.integers(len(LIGHT_SHOES))])
            cloth = replace(cloth, plain=light * self._between((0.8, 1.1)))
        if kind != "barefoot":
            field = garments.foot_field(figure, -0.005)
            soled, thickness_m = replace(cloth, trim_below_m=0.010), self._between((0.008, 0.015))
            self._add(soled, trimmings.shoes, field, thickness_m)
            self.hidden = np.maximum(self.hidden, field + garments.HIDDEN_M)
            if kind == "boots":
                shaft = garments.foot_field(figure, self._between((0.08, 0.2)))
                shaft = np.minimum(shaft, 0.02 - field)
                self._wear(cloth, shaft, garments.stand_off(figure, shaft, 0.012))
            if rng.random() < 0.6:
                sock = garments.foot_field(figure, self._between((0.04, 0.16)))
                sock = np.minimum(sock, 0.03 - field)
                worn = garments.stand_off(figure, sock, 0.0, passes=1)
                self._wear(draw_cloth(SHOES, "plain", 0.2, rng), sock, worn)
        self.words["shoes"] = {"kind": kind, "linear_rgb": np.round(cloth.plain, 4).tolist()}

    def _accessories(self, top):
        figure, rng = self.figure, self.rng
        self.words["accessories"] = []
        if rng.random() < 0.05:
            field = garments.glove_field(figure, self._between((1.85, 2.0)))
            worn = garments.stand_off(figure, field, 0.0, passes=0)
            self._wear(draw_cloth(ACCESSORY, "plain", 0.5, rng), field, worn)
            self.words["accessories"].append("gloves")
        elif rng.random() < 0.3 and self.words["top"]["sleeves"] != "long":
            start, wide = self._between((1.78, 1.88)), self._between((0.04, 0.12))
            field = garments.sleeve_band(figure, start, start + wide, left=rng.random() < 0.7)
            worn = garments.stand_off(figure, field, 0.005, passes=1)
            self._wear(draw_cloth(ACCESSORY, "plain", 0.0, rng), field, worn)
            self.words["accessories"].append("wristband")
        if rng.random() < 0.04:
            scarf = draw_cloth(ACCESSORY, str(rng.choice(["plain", "stripes", "checks"])), 1.0, rng)
            radius, torso = self._between((0.025, 0.04)), figure.part_at("Spine2")
            self._add(scarf, trimmings.hood, top, radius, torso)
            self.words["accessories"].append("scarf")

    def _skin(self):
        figure, rng = self.figure, self.rng
        vertices = figure.vertices
        self.stubble = 0.0 if self.female else rng.choice([0.0, self._between((0.1, 0.9))])
        tints = hair.face_tints(figure, self.stubble, self._between((0.3, 1.0)))
        bare = smoothstep(1 - figure.rig.weight_of("Head"), 0.7, 1.0) * (figure.along_arm < 1.8)
        give = 0.5 * bare * (figure.along_leg < 1.8)
        sunk = SINK_M * smoothstep(self.hidden, -0.006, 0.014)[:, None]
        worn = vertices - sunk * figure.normals
        everywhere, still = np.ones(len(vertices)), np.zeros((len(vertices), 2))
        cloth, hidden = Cloth(SKIN, self.skin), self.hidden
        self._add(
            cloth, piece_of_body, everywhere, worn, still, give, hidden, tints=tints, soft=False
        )
        self.words["stubble"] = round(float(self.stubble), 3)

    def _hair(self, top):
        rng = self.rng
        colour = hair.hair_colour(stable_rng("hair", self.figure.character.name))
        cloth = Cloth(HAIR, colour, "strands", 0.6 * colour, 0.02, 0.2)
        self.words["hair"], self.words["beard"] = "short", False
        if rng.random() < (0.25 if self.female else 0.02):
            length, forward = self._between((0.05, 0.28)), self._between((0.0, 1.0)) ** 3
            head = self.figure.part_at("Head")
            self._add(cloth, hair.long_hair, top, length, forward, head, rng)
            self.words["hair"] = "long"
        if self.stubble > 0.5 and rng.random() < 0.6:
            length, cheeks = self._between((0.003, 0.012)), self._between((0.2, 1.0))
            self._add(replace(cloth, pattern="melange"), hair.beard, length, cheeks, rng)
            self.words["beard"] = True
