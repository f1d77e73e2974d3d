"""What would spoil a figure in print: found in the extents of its artists, before it is saved."""

import itertools
import re
from collections.abc import Iterator

import numpy as np
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

_LEAST_INCHES = 0.3  # width and height of axes; smaller ones have collapsed
_LEAST_SHARE = 0.55  # of the figure's width that its axes fill together
_SLACK_PX = 2
_OVERLAP = 0.15  # of the smaller of two texts
# A number needs a unit in brackets, unless its label has one of these words.
_WITHOUT_UNIT = re.compile(
    r"\(.+\)|epoch|step|loss|share|minutes|frames|layer|numbers|confidence|count|%", re.IGNORECASE
)
_NUMBER = re.compile(r"[-−+]?[\d.,]+([eE×].*)?|\$\\mathdefault.*")


class FigureFlaw(UserWarning):
    """A figure with a flaw was saved."""


def flaws(figure: Figure) -> list[str]:
    """Sentences on what is wrong with a figure: axes that collapsed, texts and legends that are cut by
    the figure's edge or overlap each other, numbers along an axis without a unit."""
    canvas = FigureCanvasAgg(figure)
    for _ in range(2):  # constrained layout settles at the second time where axes have an aspect
        canvas.draw()
    dpi, found = figure.dpi, []
    for axes in figure.axes:
        box = axes.get_window_extent()
        is_panel = axes.get_visible() and axes.get_label() != "<colorbar>"
        if is_panel and min(box.width, box.height) < _LEAST_INCHES * dpi:
            size = f"{box.width / dpi:.2f} x {box.height / dpi:.2f} inches"
            found.append(f"axes {axes.get_title()!r} collapsed to {size}")
    panels = [axes.get_window_extent() for axes in figure.axes]  # none where a text says why
    across = Bbox.union(panels).width / figure.bbox.width if panels else 1
    if across < _LEAST_SHARE:
        found.append(f"the axes fill {100 * across:.0f} % of the figure's width")
    boxes = list(_texts(figure))
    for name, _, box in boxes:
        low, high = np.array(box.p0), np.array(box.p1)
        if (low < -_SLACK_PX).any() or (high > figure.bbox.max + _SLACK_PX).any():
            found.append(f"{name} is cut by the edge of the figure")
    for (name, slanted, box), (other, also, second) in itertools.combinations(boxes, 2):
        common = Bbox.intersection(box, second)
        smaller = min(box.width * box.height, second.width * second.height)
        # The box of a slanted text is larger than the text.
        if (
            common
            and not slanted
            and not also
            and common.width * common.height > _OVERLAP * smaller
        ):
            found.append(f"{name} overlaps {other}")
    for axes in figure.axes:
        if axes.get_visible() and axes.axison:
            found += _without_unit(figure, axes)
    return found


def _texts(figure: Figure) -> Iterator[tuple[str, bool, Bbox]]:
    """(name, whether it is slanted, extent in pixels) of all texts, a legend as one."""
    legends = [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]
    inside_legends = {id(text) for legend in legends for text in legend.findobj(Text)}
    of_ticks = {id(text) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)
                for text in axis.findobj(Text)}  # fmt: skip
    shown = [t for t in figure.findobj(Text) if id(t) not in inside_legends | of_ticks]
    for axes in figure.axes:
        if axes.get_visible() and axes.axison:
            for axis in (axes.xaxis, axes.yaxis):
                shown += [axis.label, axis.get_offset_text(), *_tick_labels(axis)]
    for text in shown:
        if text.get_visible() and text.get_text().strip():
            # Not that of an annotation, which includes its arrow.
            extent = Text.get_window_extent(text)
            yield f"text {text.get_text()!r}", text.get_rotation() % 90 != 0, extent
    for legend in legends:
        yield "the legend", False, legend.get_window_extent()


def _tick_labels(axis: Axis) -> list[Text]:
    """The labels of an axis that are drawn: those of ticks within its limits."""
    low, high = sorted(axis.get_view_interval())
    edge = 1e-9 * (high - low)
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    inside = [t for t in ticks if low - edge <= t.get_loc() <= high + edge]
    return [t.label1 for t in inside if t.label1.get_visible() and t.label1.get_text()]


def _without_unit(figure, axes):
    """A sentence for each axis of axes that has numbers but no label with a unit, neither its own nor
    one that it shares."""
    shared = {
        "x": (axes.xaxis, axes.get_shared_x_axes(), figure.get_supxlabel()),
        "y": (axes.yaxis, axes.get_shared_y_axes(), figure.get_supylabel()),
    }
    for name, (axis, siblings, common) in shared.items():
        numbers = [t for t in _tick_labels(axis) if _NUMBER.fullmatch(t.get_text())]
        labels = [getattr(a, f"{name}axis").label.get_text() for a in siblings.get_siblings(axes)]
        if len(numbers) > 1 and not any(map(_WITHOUT_UNIT.search, [common, *labels])):
            yield f"the {name} axis {axis.label.get_text()!r} of {axes.get_title()!r} has no unit"
