"""Planted flaws of figures are found, each by its kind; a good figure has none."""

import numpy as np
import pytest

from egolib.plots.checks import FigureFlaw, flaws
from egolib.plots.style import StudyFigure, canvas, save_figure, styled


@styled
def good():
    figure, axes = canvas((4, 3), "MPJPE (mm)", "epoch")
    axes.plot([1, 2, 3], [90, 80, 75], label="dual branch")
    axes.set_title("Validation")
    axes.legend()
    return figure, axes


def test_a_good_figure_has_no_flaw(tmp_path):
    figure, _ = good()
    assert flaws(figure) == []
    assert all(path.is_file() for path in save_figure(figure, tmp_path, "good"))


def collapsed(figure, axes):
    axes.set_position([0.4, 0.1, 0.02, 0.8])


def squeezed_by_its_legend(figure, axes):
    axes.legend(["a very long name of a method " * 3], loc="center left", bbox_to_anchor=(1, 0.5))


def cut_legend(figure, axes):
    axes.get_legend().set_in_layout(False)
    axes.get_legend().set_bbox_to_anchor((1.4, 0.5))


def cut_title(figure, axes):
    axes.set_title("a title that is longer than the figure is wide, twice as long, in fact " * 2)


def cut_annotation(figure, axes):
    axes.annotate("outside", (3, 75), (200, 0), textcoords="offset points").set_in_layout(False)


def crowded_ticks(figure, axes):
    axes.set_xticks(np.linspace(1, 3, 40), [f"tick {i}" for i in range(40)])


def overlapping_texts(figure, axes):
    axes.text(2, 80, "one text")
    axes.text(2, 80, "another")


def no_unit(figure, axes):
    axes.set_ylabel("MPJPE")


def no_label(figure, axes):
    axes.set_xlabel("")


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (collapsed, "collapsed"),
        (squeezed_by_its_legend, "collapsed|cut|fill"),
        (cut_legend, "legend is cut"),
        (cut_title, "cut"),
        (cut_annotation, "'outside' is cut"),
        (crowded_ticks, "overlaps"),
        (overlapping_texts, "'one text' overlaps text 'another'"),
        (no_unit, "y axis 'MPJPE' .* has no unit"),
        (no_label, "x axis '' .* has no unit"),
    ],
)
@pytest.mark.filterwarnings("default")  # one planted flaw may bring others with it
def test_a_planted_flaw_is_found(tmp_path, plant, kind):
    figure, axes = good()
    if plant is collapsed:
        figure.set_layout_engine("none")
    plant(figure, axes)
    with pytest.warns(FigureFlaw, match=rf"figure flaw in bad: .*({kind})"):
        save_figure(figure, tmp_path, "bad")


@styled
def test_images_and_names_need_no_unit():
    figure = StudyFigure(figsize=(4, 2))
    left, right = figure.subplots(1, 2)
    left.imshow(np.zeros((4, 4)))
    left.set_axis_off()
    right.bar(["arm", "leg"], [1, 2])
    right.set_ylabel("error (mm)")
    assert flaws(figure) == []


def test_a_figure_that_only_says_why_it_is_empty_has_no_flaw():
    figure = StudyFigure(figsize=(4, 2))
    figure.text(0.5, 0.5, "Not available.", ha="center")
    assert flaws(figure) == []
