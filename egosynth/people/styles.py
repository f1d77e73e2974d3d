"""What people wear, as tables: kinds of garments and how often, the ranges they are drawn from,
colours and patterns.
"""

from dataclasses import dataclass, field

import numpy as np

SKIN, SHIRT, TROUSERS, SHOES, HAIR, ACCESSORY = range(6)  # garments, as in the object ids
CLOTH_COLOURS = (  # linear RGB and how often: what is worn, not what is possible
    ((0.012, 0.012, 0.013), 0.17), ((0.045, 0.045, 0.048), 0.13), ((0.13, 0.13, 0.13), 0.08),
    ((0.38, 0.38, 0.38), 0.07), ((0.62, 0.61, 0.59), 0.08), ((0.012, 0.018, 0.045), 0.12),
    ((0.040, 0.040, 0.025), 0.08), ((0.42, 0.34, 0.24), 0.05), ((0.09, 0.045, 0.022), 0.04),
    ((0.05, 0.13, 0.30), 0.04), ((0.30, 0.45, 0.62), 0.03), ((0.28, 0.012, 0.020), 0.03),
    ((0.55, 0.03, 0.03), 0.02), ((0.02, 0.12, 0.05), 0.02), ((0.60, 0.38, 0.03), 0.01),
    ((0.55, 0.22, 0.26), 0.01),
)  # fmt: skip
DENIM = ((0.015, 0.030, 0.075), (0.045, 0.085, 0.18), (0.14, 0.22, 0.35), (0.012, 0.012, 0.016))
PATTERN_SIZES_M = {
    "stripes": (0.03, 0.11), "pinstripes": (0.03, 0.05), "checks": (0.04, 0.10),
    "dots": (0.035, 0.06), "camouflage": (0.06, 0.14), "ribs": (0.012, 0.025),
}  # fmt: skip
METAL, CREAM = (0.62, 0.61, 0.60), (0.7, 0.68, 0.62)
SLEEVES = {  # where a sleeve ends: 0 shoulder, 1 elbow, 2 wrist
    "none": (-0.15, -0.05), "short": (0.45, 0.85), "elbow": (0.9, 1.15),
    "three_quarter": (1.3, 1.6), "long": (1.84, 2.0),
}  # fmt: skip
NECKLINES = {  # rise all round, depth in front, half width, in metres
    "round": ((0.005, 0.025), (0.005, 0.03), (0.07, 0.09)),
    "wide": ((-0.01, 0.0), (0.02, 0.045), (0.09, 0.13)),
    "v": ((-0.005, 0.01), (0.04, 0.09), (0.05, 0.07)),
    "high": ((0.035, 0.06), (0.0, 0.005), (0.07, 0.09)),
    "open_collar": ((0.01, 0.03), (0.03, 0.06), (0.035, 0.05)),
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
    skirt_end: tuple = ()  # how far a coat reaches down the legs: 0 hip, 1 knee


PRINTED = ("plain", "plain", "plain", "plain", "plain", "print", "stripes", "melange")
BULKY_CLOTHS = ("plain", "plain", "plain", "plain", "plain", "denim", "melange", "checks")
TOPS = {
    "t_shirt": Style((0.13, 0.12), ("round", "round", "v"), ("short", "short", "elbow"),
                     (0.005, 0.028), (0.2, 1.0), PRINTED),
    "long_sleeve": Style((0.07, 0.08), ("round", "v", "wide"), ("long", "long", "three_quarter"),
                         (0.004, 0.018), (0.1, 0.7), PRINTED),
    "shirt": Style((0.13, 0.09), ("open_collar",), ("long", "long", "three_quarter", "short"),
                   (0.008, 0.028), (0.3, 1.0),
                   ("plain", "plain", "plain", "plain", "checks", "stripes", "dots", "denim"),
                   (0.7, 1.2), (-0.02, 0.15), "collar", "buttons"),
    "polo": Style((0.06, 0.03), ("open_collar",), ("short", "short", "elbow"), (0.006, 0.02),
                  (0.2, 0.8), ("plain", "plain", "plain", "stripes", "melange"), (0.5, 1.0),
                  (0.03, 0.12), "collar", "buttons"),
    "jacket": Style((0.27, 0.22), ("open_collar",), ("long",), (0.020, 0.045), (0.6, 1.0),
                    BULKY_CLOTHS, (0.25, 0.8), (-0.02, 0.14), "collar", "zip"),
    "coat": Style((0.07, 0.08), ("open_collar",), ("long",), (0.025, 0.050), (0.7, 1.0),
                  BULKY_CLOTHS, (0.25, 0.7), (0.02, 0.10), "collar", "buttons", (0.35, 0.95)),
    "zipped_hoodie": Style((0.07, 0.07), ("round", "open_collar"), ("long", "three_quarter"),
                           (0.018, 0.040), (0.6, 1.0), ("plain", "plain", "melange"), (0.4, 0.9),
                           (0.0, 0.12), "hood", "zip"),
    "hoodie": Style((0.08, 0.07), ("round",), ("long",), (0.018, 0.042), (0.6, 1.0),
                    ("plain", "plain", "melange", "print"), (0.4, 1.0), (0.0, 0.12), "hood"),
    "sweater": Style((0.10, 0.10), ("round", "round", "v", "high"), ("long", "long", "elbow"),
                     (0.012, 0.035), (0.4, 1.0), ("plain", "plain", "ribs", "melange", "stripes"),
                     (0.4, 0.9), (0.0, 0.10)),
    "tank_top": Style((0.02, 0.04), ("wide", "round"), ("none",), (0.004, 0.015), (0.0, 0.7),
                      ("plain", "plain", "plain", "print", "stripes"), (0.4, 0.9)),
    "blouse": Style((0.0, 0.10), ("wide", "v", "round"), ("none", "short", "three_quarter", "long"),
                    (0.006, 0.03), (0.3, 1.0), ("plain", "plain", "plain", "dots", "stripes"),
                    (0.7, 1.3), (0.0, 0.12)),
}  # fmt: skip
BOTTOMS = {  # how often (men, women), end of the legs, ease in metres, tube, patterns
    "jeans": ((0.42, 0.34), (1.9, 2.15), (0.004, 0.016), (0.0, 0.5), ("denim",)),
    "trousers": ((0.34, 0.16), (1.9, 2.2), (0.008, 0.03), (0.3, 1.0),
                 ("plain", "plain", "plain", "melange", "pinstripes", "camouflage")),
    "leggings": ((0.02, 0.16), (1.75, 1.97), (0.003, 0.004), (0.0, 0.0), ("plain",)),
    "shorts": ((0.22, 0.14), (0.45, 1.15), (0.008, 0.03), (0.3, 1.0),
               ("plain", "plain", "denim", "camouflage", "checks")),
    "skirt": ((0.0, 0.12), (0.5, 1.6), (0.01, 0.02), (0.0, 0.0),
              ("plain", "plain", "checks", "dots", "stripes")),
    "dress": ((0.0, 0.08), (0.6, 1.6), (0.01, 0.02), (0.0, 0.0), ("plain",)),
}  # fmt: skip
SHOES_WORN = {"sneakers": 0.55, "shoes": 0.25, "boots": 0.10, "barefoot": 0.10}
LIGHT_SHOES_SHARE = 0.4
LIGHT_SHOES = ((0.70, 0.70, 0.68), (0.70, 0.70, 0.68), (0.50, 0.36, 0.24), (0.55, 0.33, 0.24))


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


def draw_colour(rng):
    """Linear RGB (3,) of a cloth."""
    colours, shares = zip(*CLOTH_COLOURS, strict=True)
    chosen = np.array(colours)[rng.choice(len(colours), p=np.array(shares) / sum(shares))]
    return np.clip(chosen * rng.uniform(0.75, 1.35) * rng.uniform(0.9, 1.1, 3), 0, 0.7)


def draw_cloth(garment, pattern, folds, rng):
    """A Cloth of a drawn colour, with a second colour that shows on it."""
    plain, second = draw_colour(rng), draw_colour(rng)
    if pattern == "denim":
        plain = np.array(DENIM[rng.integers(len(DENIM))]) * rng.uniform(0.8, 1.2)
        second = 1.8 * plain
    elif pattern in ("melange", "ribs", "camouflage"):
        second = plain * rng.uniform(0.3, 0.65) if plain.mean() > 0.1 else plain * 2.3
    elif pattern != "plain" and abs(np.log(second.mean() / plain.mean())) < 0.7:
        second = np.array(CREAM) if plain.mean() < 0.25 else plain * 0.15
    size_m = rng.uniform(*PATTERN_SIZES_M.get(pattern, (0.03, 0.08)))
    return Cloth(garment, plain, pattern, second, float(size_m), folds)
