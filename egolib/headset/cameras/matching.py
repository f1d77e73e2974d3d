"""How images of an unknown headset fit the data set's framing, found out from a few of them."""

import math
from dataclasses import dataclass

import numpy as np

from egolib.camera import XR_EGOPOSE, native_to_square
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.framing import TURNS, Framing
from egolib.headset.cameras.imagecircle import find_circle
from egolib.headset.cameras.sources import InputImage, batches
from egolib.plots.style import StudyFigure, draw_pose_2d, styled

IMAGES = 16  # that are looked at, spread over the input
_MOST_BYTES = 2**29  # of them
# benchmarks/matching.py, with the network that comes with egolib: of sets of 4 of the miniature's test
# images all pass, of heaps of discs within the same circle 1 %, and none of smooth textures, noise and
# flat colours; of single images 94 %, and up to 24 %.
LEAST_CONFIDENCE, LEAST_MARGIN = 0.5, 0.12
_FEW = 4  # images that say little
# Of the image's height; the data set's own circle lies a 60th off its middle.
_SAME_CIRCLE = 0.008
_SHOWN_PX = 256
_DRAWN = 0.2  # the least confidence of a joint that is drawn


@dataclass(frozen=True)
class Match:
    """What was found. images: uint8 RGB, all of one shape. circle: (column, row, radius) in them,
    or None. own_framing: they are framed as the data set's. confidence: {turn: mean heatmap peak
    of the framing turned so}, empty without a network."""

    images: list[np.ndarray]
    framing: Framing
    circle: tuple[float, float, float] | None
    own_framing: bool
    confidence: dict[int, float]

    @property
    def doubts(self):
        """Why these may not be a downward headset's images, or not be framed exactly, a line each."""
        return tuple(self._doubts())

    def _doubts(self):
        if not self.circle:
            yield "no image circle: a fisheye lens that sees a whole body leaves black corners"
        elif not (self.own_framing or self.framing.lens):
            yield (
                "another lens than the data set's: its circle is laid over the data set's, which is "
                "only near the truth; a --calibration is exact"
            )
        if not self.confidence:
            yield "no network looked at them: name one with --network to learn which way is up"
            return
        best = self.confidence[self.framing.turn]
        others = [value for turn, value in self.confidence.items() if turn != self.framing.turn]
        margin = best - np.mean(others)
        if not is_usual(best, margin):
            yield (
                "this does not look like a downward headset view: the network's mean confidence is "
                f"{best:.2f}, {margin:+.2f} against the other turns; usual are {LEAST_CONFIDENCE} "
                f"and {LEAST_MARGIN:+} or more"
            )
        count = len(self.images)
        if count < _FEW:
            yield f"{count} images say little about turn and view: name more, of several poses"


def sample_images(source):
    """Up to IMAGES images spread over a sources.Source, all of the first one's shape -> list of
    uint8 RGB (H, W, 3). Raises EgolibError when none can be read."""
    every = max(1, (source.total or 1) // IMAGES)
    items = next(batches(source.read(every=every), IMAGES, _MOST_BYTES), [])
    read = [item.rgb for item in items if isinstance(item, InputImage)]
    if not read:
        reason = items[-1].reason if items else "no image"
        raise EgolibError(f"{source.name}: {reason}")
    return [rgb for rgb in read if rgb.shape == read[0].shape]


def match(images, runtime=None, lens=None, turn=None, mirror=None, circle=None):
    """Find the Framing of images of one camera (N of uint8 RGB (H, W, 3)) -> Match.

    lens (lenses.RadialLens), turn, mirror and circle are taken as they are where given. The turn is
    the one at which the network of `runtime` (runtimes.Runtime) is surest of what it sees; a body
    is too symmetric to show a mirror, so that is noticed only where the data set's own lens,
    whose circle lies off the middle, gives it away. Raises EgolibError where neither circle nor shape
    says how to crop.
    """
    shape = images[0].shape
    found = circle or find_circle(images)
    own = [] if lens or circle else _own_framings(shape, found)
    own = [f for f in own if turn in (None, f.turn) and mirror in (None, f.mirror)]
    outline = circle if lens else found
    turns = TURNS if turn is None else [turn]
    others = [Framing(bool(mirror), each, outline, lens) for each in turns]
    candidates = own or [f for f in others if lens or outline or f.is_plain(shape)]
    if not candidates:
        raise EgolibError(
            f"{shape[1]}x{shape[0]} is neither 8:5 nor square when it is upright, and no image circle "
            "was found; give --circle COLUMN,ROW,RADIUS or a --calibration"
        )
    of_mirror = {candidate.mirror: candidate for candidate in reversed(candidates)}
    surest = {m: _confidence(images, first, runtime) for m, first in of_mirror.items()}
    framing = max(candidates, key=lambda f: surest[f.mirror].get(f.turn, 0))
    return Match(images, framing, found, bool(own), surest[framing.mirror])


def _own_framings(shape, circle):
    """The framings without circle or lens that lay `circle` over the data set's."""
    if not circle:
        return []
    size, side = XR_EGOPOSE.height, min(shape[:2])
    centre = native_to_square((XR_EGOPOSE.circle_cx, XR_EGOPOSE.circle_cy), size)
    if abs(XR_EGOPOSE.circle_radius * side / size - circle[2]) >= _SAME_CIRCLE * side:
        return []
    framings = [Framing(mirror, turn) for mirror in (False, True) for turn in TURNS]
    framings = [f for f in framings if f.is_plain(shape)]
    away = [math.dist(f.to_given(centre, size, shape), circle[:2]) for f in framings]
    return [f for f, px in zip(framings, away, strict=True) if px < _SAME_CIRCLE * side]


def _confidence(images, framing, runtime):
    """{turn: mean heatmap peak over images and joints} of `framing` turned each way; empty without
    a network."""
    if not runtime:
        return {}
    squares = np.stack([framing.square(rgb, runtime.image_px) for rgb in images])
    means = turned_confidence(squares, runtime).mean(0).tolist()
    return {(framing.turn + more) % 360: mean for more, mean in zip(TURNS, means, strict=True)}


def turned_confidence(squares, runtime):
    """Mean heatmap peak of each of N squares, turned by each of TURNS -> (N, 4)."""
    turned = [np.ascontiguousarray(np.rot90(squares, -turn // 90, (1, 2))) for turn in TURNS]
    return np.stack([runtime.run(each)["confidence"].mean(1) for each in turned], 1)


def is_usual(confidence, margin):
    """Whether images of a headset have such a mean confidence, and such a margin over the mean of
    the other turns: numbers or arrays."""
    return (confidence >= LEAST_CONFIDENCE) & (margin >= LEAST_MARGIN)


@styled
def match_sheet(match, runtime=None, columns=6):
    """Images as given, above what the network sees of them, with the joints that it finds."""
    chosen = np.linspace(0, len(match.images) - 1, min(columns, len(match.images)))
    images = [match.images[i] for i in chosen.round().astype(int)]
    height, width = images[0].shape[:2]
    figure = StudyFigure(figsize=(1.9 * len(images), 1.9 * (1 + height / width) + 0.4))
    ratios = {"height_ratios": [height / width, 1]}
    grid = figure.subplots(2, len(images), squeeze=False, gridspec_kw=ratios)
    for above, below, image in zip(*grid, images, strict=True):
        above.imshow(image)
        if match.circle:
            column, row, radius = match.circle
            angle = np.linspace(0, math.tau, 200)
            above.plot(column + radius * np.cos(angle), row + radius * np.sin(angle), "w--", lw=0.8)
            above.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        below.imshow(match.framing.square(image, _SHOWN_PX))
        below.set(autoscale_on=False)  # an unsure joint may lie outside
        if runtime:
            found = runtime.run(match.framing.square(image, runtime.image_px)[None])
            places = (found["joints_px"][0] + 0.5) * (_SHOWN_PX / runtime.image_px) - 0.5
            draw_pose_2d(below, places, found["confidence"][0] > _DRAWN, width=1.1)
    for axes in grid.flat:
        axes.set_axis_off()
    given = "as given" + ", and the circle found" * bool(match.circle)
    seen = "as the network sees it" + ", and what it finds" * bool(runtime)
    grid[0, 0].set_title(given, loc="left")
    grid[1, 0].set_title(seen, loc="left")
    return figure
