"""What must hold for every figure that is saved: nothing collapses, nothing is cut."""

import warnings

LEAST_INCHES = 0.1
LEAST_SHARE = 0.6


def check_layout(figure):
    """Fail where matplotlib gave up on the layout, where axes are slivers or fill little of the
    figure's width, and where a legend is cut by the figure's border."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # constrained layout only warns
        figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert min(min(box.size) for box in boxes) > LEAST_INCHES * figure.dpi
    across = max(box.x1 for box in boxes) - min(box.x0 for box in boxes)
    assert across > LEAST_SHARE * figure.bbox.width
    legends = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    for legend in (*figure.legends, *legends):
        box = legend.get_window_extent()
        assert min(box.min) > -1, "a legend begins outside the figure"
        assert (box.max < figure.bbox.size + 1).all(), "a legend ends outside the figure"
