"""The figures of the comparison: methods side by side, and what each ablation changes."""

import numpy as np

from egolib.evaluation.ablations import INTERVAL, MORE
from egolib.evaluation.comparison import VISIBILITY
from egolib.metrics import bootstrap_interval
from egolib.plots import style
from egolib.plots.style import ACCENT, DARK, LIGHT, StudyFigure, styled
from egolib.skeleton import BODY_GROUPS, JOINTS

_CAPTION = "Bars: means over seeds; lines: 95 % intervals over sequences and, if several, seeds."
_COLOURS = (DARK, LIGHT, ACCENT)


@styled
def method_bars(methods, states=None):
    """MPJPE of full, upper and lower body by method and, if `states` are known, of seen and hidden
    joints and of those outside the image.

    methods: {name: comparison.SeededPredictions}. states: (N, 16) of visibility.STATES, or None.
    """
    panels = [{name: np.isin(JOINTS, joints) for name, joints in BODY_GROUPS.items()}]
    if states is not None:
        panels.append({name: np.isin(states, kinds) for name, kinds in VISIBILITY.items()})
    figure = StudyFigure(figsize=(4.8 * len(panels), 3.8))
    for axes, groups in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for i, (name, keep) in enumerate(groups.items()):
            intervals = [bootstrap_interval(*p.where(keep)) for p in methods.values()]
            mean, low, high = np.array(intervals).T
            places = np.arange(len(mean)) + 0.27 * (i - 1)
            axes.bar(places, mean, 0.25, color=_COLOURS[i], label=name)
            axes.vlines(places, low, high, color="black", linewidth=0.9)
        axes.set_xticks(range(len(methods)), methods, **style.SLANTED)
        axes.set_ylabel("mean error (mm)")
        axes.grid(axis="y", color="0.9")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    style.caption(figure, _CAPTION)
    return figure


@styled
def ablation_figure(points, rows):
    """MPJPE against the value of one key, all else equal; below each value, by how much its error
    is above the usual value's on the same joints of the same frames.

    points: {value: comparison.SeededPredictions}, in order; rows: those of ablations.ablated for
    them.
    """
    figure, axes = style.canvas((4.2, 3.4), "MPJPE (mm)", rows["key"].iloc[0])
    mean, low, high = rows[INTERVAL].to_numpy(float).T
    places = np.arange(len(points))
    axes.vlines(places, low, high, color="0.3", linewidth=1)
    numbers = all(type(value) in (int, float) for value in points)
    axes.plot(places, mean, "o-" if numbers else "o", color=_COLOURS[0])
    for place, p in enumerate(points.values()):
        for run in p.errors_mm.mean((1, 2)):
            axes.plot(place + 0.08, run, "_", color=_COLOURS[2], markersize=7)
        top = np.fmax(mean[place], high[place])  # a single sequence has no interval
        axes.annotate(f"{mean[place]:.1f}", (place, top), (0, 4), ha="center",
                      textcoords="offset points")  # fmt: skip
    axes.set_xticks(places, [_tick_label(row) for _, row in rows.iterrows()])
    axes.set_xlim(-0.6, len(points) - 0.4)
    axes.margins(y=0.12)
    seeds, fixed = int(rows["seeds"].iloc[0]), rows["with"].iloc[0]
    title = f"{seeds} seed{'s' * (seeds > 1)} (dashes), 95 % intervals"
    title = f"with {', '.join(fixed.split())}\n{title}" if fixed else title
    figure.suptitle(title, fontsize=8)
    return figure


def _tick_label(row):
    """A row of ablations.ablated -> the value and, where it is not the usual one, what it
    changes."""
    if row.value == row.usual:
        return f"{row.value}\nusual"
    more, low, high = row[MORE]
    interval = "" if np.isnan(low) else f"\n[{low:+z.1f}, {high:+z.1f}]"
    return f"{row.value}\n{more:+z.1f} mm{interval}"
