"""How images of an unknown headset fit the data set's framing, found out from a few of them."""

import itertools
import math
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Circle

from egolib.camera import XR_EGOPOSE, native_to_square
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras.framing import TURNS, Framing
from egolib.headset.cameras.imagecircle import find_circle
from egolib.headset.cameras.lenses import RadialLens
from egolib.headset.cameras.sources import InputImage, Source, batches
from egolib.headset.deploy.runtimes import Runtime
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
_OTHER_LENS = """another lens than the data set's: its circle is laid over the data set's, which is \
only approximate; a --calibration is exact"""
_UNUSUAL = """this does not look like a downward headset view: the network's mean confidence is \
{:.2f}, {:+.2f} against the other turns; usual are {} and {:+} or more"""
_SHOWN_PX = 256
_CIRCLE_STYLE = {"fill": False, "edgecolor": "white", "linestyle": "--", "linewidth": 0.8}
_DRAWN = 0.2  # the least confidence of a joint that is drawn


@dataclass(frozen=True)
class Match:
    """The framing that was found for images of one camera. images: uint8 RGB, all of one shape.
    circle: (column, row, radius) in them, or None. own_framing: they are framed as the data set's.
    confidence: {turn: mean heatmap peak of the framing turned by it}, empty without a network."""

    images: list[np.ndarray]
    framing: Framing
    circle: tuple[float, float, float] | None
    own_framing: bool
    confidence: dict[int, float]

    @property
    def doubts(self):
        """Why these may not be a downward headset's images, or not be framed exactly: a tuple of
        lines."""
        doubts = []
        if not self.circle:
            doubts.append(
                "no image circle: a fisheye lens that sees a whole body leaves black corners"
            )
        elif not (self.own_framing or self.framing.lens):
            doubts.append(_OTHER_LENS)
        if not self.confidence:
            return (*doubts, "no network looked at them: name one with --network to learn the turn")
        doubts += _unusual(self.confidence, self.framing.turn)
        if len(self.images) < _FEW:
            doubts.append(
                f"{len(self.images)} images say little about turn and view: name more, of several poses"
            )
        return tuple(doubts)


def sample_images(source: Source) -> list[np.ndarray]:
    """Read up to IMAGES images spread over a Source, uint8 RGB (H, W, 3), all of the shape that most of
    them have; a line on stderr counts the others. Raises EgolibError when none can be read."""
    every = max(1, (source.total or 1) // IMAGES)
    items = next(batches(source.read(every=every), IMAGES, _MOST_BYTES), [])
    images = [item.rgb for item in items if isinstance(item, InputImage)]
    if not images:
        raise EgolibError(f"{source.name}: {items[-1].reason if items else 'no image'}")
    usual, count = Counter(rgb.shape for rgb in images).most_common(1)[0]
    if others := len(images) - count:
        size = f"{usual[1]}x{usual[0]}"
        print(f"{others} of {len(images)} images are not {size} and are left out", file=sys.stderr)
    return [rgb for rgb in images if rgb.shape == usual]


def match(
    images: list[np.ndarray],
    runtime: Runtime | None = None,
    lens: RadialLens | None = None,
    turn: int | None = None,
    mirror: bool | None = None,
    circle: tuple[float, float, float] | None = None,
) -> Match:
    """Find the Framing of images of one camera (N of uint8 RGB (H, W, 3)).

    lens, turn, mirror and circle are used unchanged where they are given. The turn is the one at which
    the mean confidence of the network is highest. A body is too symmetric to show a mirror, so that is
    noticed only in images of the data set's own lens, whose circle lies off the middle. Raises
    EgolibError where neither circle nor shape says how to crop.
    """
    shape = images[0].shape
    found = circle or find_circle(images)
    own = [] if lens or circle else _own_framings(shape, found, turn, mirror)
    outline = circle if lens else found
    turns = TURNS if turn is None else [turn]
    others = [Framing(bool(mirror), degrees, outline, lens) for degrees in turns]
    candidates = own or [f for f in others if lens or outline or f.is_plain(shape)]
    if not candidates:
        raise EgolibError(
            f"{shape[1]}x{shape[0]} is neither 8:5 nor square when it is upright, and no image circle "
            "was found; give --circle COLUMN,ROW,RADIUS or a --calibration"
        )
    of_mirror = {candidate.mirror: candidate for candidate in reversed(candidates)}
    confidence = {m: _confidence(images, first, runtime) for m, first in of_mirror.items()}
    framing = max(candidates, key=lambda f: confidence[f.mirror].get(f.turn, 0))
    return Match(images, framing, found, bool(own), confidence[framing.mirror])


def doubts_of(
    name: str, images: list[np.ndarray], framing: Framing, runtime: Runtime
) -> tuple[str, ...]:
    """Why images (uint8 RGB) of the source `name`, framed by `framing`, may not be those of a downward
    headset, each a line; few images say little, so then there is no doubt."""
    if len(images) < _FEW:
        return ()
    confidence = _confidence(images, framing, runtime)
    best = max(confidence, key=confidence.get)
    if best != framing.turn and not _unusual(confidence, best):
        surer = f"{confidence[best]:.2f} instead of {confidence[framing.turn]:.2f}"
        return (f"{name}: with --turn {best} the mean confidence is {surer}; see `egolib match`",)
    unusual = _unusual(confidence, framing.turn)
    return tuple(f"{name}: {doubt}; see `egolib match`" for doubt in unusual)


def _unusual(confidence, turn):
    """[the doubt] where the confidence at `turn`, or its margin over the other turns, is low, else []."""
    margin = confidence[turn] - np.mean([c for other, c in confidence.items() if other != turn])
    if is_usual(confidence[turn], margin):
        return []
    return [_UNUSUAL.format(confidence[turn], margin, LEAST_CONFIDENCE, LEAST_MARGIN)]


def _own_framings(shape, circle, turn, mirror):
    """The framings without circle or lens, of `turn` and `mirror` where these are given, that lay
    `circle` over the data set's."""
    size, side = XR_EGOPOSE.height, min(shape[:2])
    centre = native_to_square((XR_EGOPOSE.circle_cx, XR_EGOPOSE.circle_cy), size)
    most_px = _SAME_CIRCLE * side
    if not circle or abs(XR_EGOPOSE.circle_radius * side / size - circle[2]) >= most_px:
        return []
    return [
        framing
        for framing in itertools.starmap(Framing, itertools.product((False, True), TURNS))
        if framing.is_plain(shape)
        and turn in (None, framing.turn)
        and mirror in (None, framing.mirror)
        and math.dist(framing.to_given(centre, size, shape), circle[:2]) < most_px
    ]


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
    """Whether a mean confidence, and its margin over the mean of the other turns, are as high as for
    images of a headset; numbers or arrays."""
    return (confidence >= LEAST_CONFIDENCE) & (margin >= LEAST_MARGIN)


@styled
def match_sheet(match: Match, runtime: Runtime | None = None, columns: int = 6) -> StudyFigure:
    """Draw the images as given, with the circle that was found, above the squares that the network is
    given, with the joints that it predicts."""
    chosen = np.linspace(0, len(match.images) - 1, min(columns, len(match.images)))
    images = [match.images[i] for i in chosen.round().astype(int)]
    height, width = images[0].shape[:2]
    figure = StudyFigure(figsize=(1.9 * len(images), 1.9 * (1 + height / width) + 0.4))
    ratios = {"height_ratios": [height / width, 1]}
    grid = figure.subplots(2, len(images), squeeze=False, gridspec_kw=ratios)
    for above, below, image in zip(*grid, images, strict=True):
        above.imshow(image)
        if match.circle:
            above.add_patch(Circle(match.circle[:2], match.circle[2], **_CIRCLE_STYLE))
        below.imshow(match.framing.square(image, _SHOWN_PX))
        below.set(autoscale_on=False)  # an unsure joint may lie outside
        if runtime:
            found = runtime.run(match.framing.square(image, runtime.image_px)[None])
            places = (found["joints_px"][0] + 0.5) * (_SHOWN_PX / runtime.image_px) - 0.5
            draw_pose_2d(below, places, found["confidence"][0] > _DRAWN, width=1.1)
    for axes in grid.flat:
        axes.set_axis_off()
    grid[0, 0].set_title("as given" + ", with the circle" * bool(match.circle), loc="left")
    grid[1, 0].set_title("network's input" + ", with its joints" * bool(runtime), loc="left")
    return figure
