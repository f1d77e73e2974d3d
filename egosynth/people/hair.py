"""Hair that the lens can see: long locks that fall beside the face onto the chest, and beards."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from egosynth.people.garments import piece_of_body
from egosynth.people.tailoring import Surface, smoothstep
from egosynth.people.trimmings import tubes

HAIR_COLOURS = (  # linear RGB and how often
    ((0.010, 0.008, 0.007), 0.35), ((0.035, 0.018, 0.010), 0.30), ((0.10, 0.050, 0.022), 0.15),
    ((0.33, 0.20, 0.085), 0.10), ((0.16, 0.035, 0.012), 0.04), ((0.40, 0.39, 0.37), 0.06),
)  # fmt: skip
LOCK_POINTS = 14


def hair_colour(rng):
    """Linear RGB (3,)."""
    colours, shares = zip(*HAIR_COLOURS, strict=True)
    return np.array(colours)[rng.choice(len(colours), p=shares)] * rng.uniform(0.8, 1.25)


def long_hair(figure, cloth, top, length_m, forward, part, rng, locks=30):
    """Locks from beside the cheeks over the shoulders; `forward` (0 to 1) is the share that falls
    onto the chest, `length_m` how far below the neck joint they end."""
    surface = Surface(top, len(figure.rig.bones))
    neck, mouth = figure.head("Neck"), figure.mouth
    side = np.tile([1.0, -1.0], locks)
    count = len(side)
    front = rng.uniform(size=count) < forward
    depth = rng.uniform(-0.015, 0.05, count)
    drop = length_m * rng.uniform(0.75, 1.1, count) * np.where(front, 1, 0.8)
    inner = rng.uniform(0.06, 0.13, count)
    fall = np.where(front, neck[1] - rng.uniform(0.07, 0.11, count), neck[1] + 0.09)
    knots = np.array(
        [
            np.stack([side * rng.uniform(0.075, 0.088, count), neck[1] + depth - 0.01,
                      np.full(count, mouth[2] + 0.05)], 1),
            np.stack([side * rng.uniform(0.082, 0.098, count), neck[1] + depth,
                      np.full(count, mouth[2] - 0.03)], 1),
            np.stack([side * (0.5 * inner + 0.055), 0.5 * (neck[1] + depth + fall),
                      np.full(count, neck[2] - 0.035)], 1),
            np.stack([side * inner, fall, neck[2] - 0.45 * drop - 0.03], 1),
            np.stack([side * (inner + rng.uniform(-0.02, 0.02, count)), fall,
                      neck[2] - drop - 0.03], 1),
        ]
    )  # fmt: skip
    at = np.linspace(0, len(knots) - 1, LOCK_POINTS)
    paths = np.stack(
        [[np.interp(at, range(len(knots)), knots[:, k, c]) for c in range(3)] for k in range(count)]
    ).transpose(0, 2, 1)
    paths += (
        0.006
        * np.sin(at * rng.uniform(2, 4, (count, 1)) + rng.uniform(0, 6, (count, 1)))[..., None]
        * np.array([1.0, 0.6, 0])
    )
    lying = smoothstep(at, 1.2, 2.2)[:, None]
    clearance = rng.uniform(0.008, 0.022, (count, 1))
    for _ in range(3):
        paths += lying * (surface.push_out(paths, clearance) - paths)
        paths = gaussian_filter1d(paths, 0.8, axis=1, mode="nearest")
    outward = paths - (neck * [1, 1, 0] + paths * [0, 0, 1])
    widths = rng.uniform(0.008, 0.017, (count, 1)) * np.interp(at, (0, 2, 3, 4), (1, 1.2, 1.0, 0.2))
    weights = gaussian_filter1d(surface.weights(paths), 1.0, axis=1, mode="nearest")
    held = (1 - smoothstep(at, 0.9, 2.6))[None, :, None]
    head = np.eye(len(figure.rig.bones))[figure.rig.index("Head")]
    return tubes(cloth, paths, widths, 0.45, outward, held * head + (1 - held) * weights, part)


def beard_field(figure, cheeks):
    """Positive on chin and jaw, round the mouth; `cheeks` (0 to 1) is how far up it grows."""
    mouth = figure.mouth
    x, y, z = (figure.vertices - mouth).T
    top = 0.01 + 0.06 * cheeks * smoothstep(np.abs(x), 0.03, 0.07)
    lips = np.hypot(x / 2.0, 1.2 * (z + 0.002)) - 0.013
    field = np.minimum(np.minimum(top - z, 0.11 - y), lips)
    field = np.minimum(field, z - (figure.head("Neck")[2] - 0.005 - mouth[2]) + 0.3 * -y)
    return np.where(figure.rig.weight_of("Head") > 0.5, field, -0.05)


def beard(figure, cloth, length_m, cheeks, rng):
    """A full beard as a shell on chin and jaw, uneven as its tufts are, that thins out towards its
    outline and the ears."""
    field = beard_field(figure, cheeks)
    tufts = rng.normal(size=len(field))
    for _ in range(3):
        tufts = figure.rig.neighbour_average @ tufts
    behind = figure.vertices[:, 1] - figure.mouth[1]
    full = smoothstep(field, 0, 0.04) * (1 - smoothstep(behind, 0.03, 0.09))
    thick = length_m * full * np.clip(1 + 0.8 * tufts, 0.3, 1.5)
    worn = figure.vertices + (0.001 + thick)[:, None] * (figure.normals + [0, 0, -0.5])
    still = np.zeros((len(field), 2))
    return piece_of_body(figure, cloth, field, worn, still, still[:, 0], soft=False)


def face_tints(figure, stubble, redness):
    """What multiplies the skin's albedo (V, 3): uneven tone all over, redder lips, cheeks and chin,
    and a beard's shadow of strength `stubble`."""
    x, y, z = (figure.vertices - figure.mouth).T
    head = figure.rig.weight_of("Head")
    tints = 1 + 0.12 * figure.mottle[:, None] * np.array([0.6, 1.0, 1.0])
    bow = 0.0085 * (1 - (np.abs(x) / 0.027) ** 2)
    lips = smoothstep(bow - np.abs(z), -0.002, 0.004) * (y < 0.03) * (np.abs(x) < 0.027)
    cheeks = np.exp(-(((np.abs(x) - 0.04) / 0.025) ** 2) - ((z - 0.03) / 0.03) ** 2) * (y < 0.06)
    chin = np.exp(-((x / 0.03) ** 2) - ((z + 0.035) / 0.02) ** 2) * (y < 0.06)
    red = redness * head * (0.5 * cheeks + 0.3 * chin)
    tints *= 1 - red[:, None] * np.array([0.0, 0.25, 0.25])
    tints *= 1 - (head * lips * 0.4)[:, None] * np.array([0.25, 0.75, 0.65])
    shadow = stubble * smoothstep(beard_field(figure, 0.5), 0, 0.012)
    return tints * (1 - shadow[:, None] * np.array([0.55, 0.5, 0.42]))
