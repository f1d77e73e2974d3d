"""The curves of a training, stage by stage."""

from matplotlib.ticker import MaxNLocator

from egolib.config import Stage
from egolib.plots.style import ACCENT, DARK, LIGHT, StudyFigure, styled

_METRIC_LABELS = {
    "val_error_px": "2D error, validation\n(px of the input)",
    "val_mpjpe_mm": "MPJPE, validation (mm)",
}


@styled
def training_curves(histories):
    """Losses (above) and the validation metric (below) by epoch, a column a stage.

    histories: {Stage: DataFrame of its history.csv}. The best epoch is
    ringed.
    """
    figure = StudyFigure(figsize=(3.2 * len(histories), 4.6))
    grid = figure.subplots(2, len(histories), squeeze=False, sharex="col")
    for (stage, rows), (upper, lower) in zip(histories.items(), grid.T, strict=True):
        metric = next(name for name in _METRIC_LABELS if name in rows)
        upper.plot(rows.epoch, rows.train_loss, "o-", markersize=3, color=LIGHT, label="train")
        upper.plot(rows.epoch, rows.val_loss, "s-", markersize=3, color=DARK,
                   label="validation")  # fmt: skip
        lower.plot(rows.epoch, rows[metric], "s-", markersize=3, color=DARK)
        best = rows.loc[rows[metric].idxmin()]
        lower.plot(best.epoch, best[metric], "o", markersize=10, fillstyle="none", color=ACCENT)
        lower.annotate(f"{best[metric]:.1f}", (best.epoch, best[metric]), (0, 9), ha="center",
                       textcoords="offset points", color=ACCENT)  # fmt: skip
        upper.set(title=Stage(stage).label, ylabel="loss")
        upper.yaxis.set_major_formatter("{x:g}")
        lower.set(xlabel="epoch", ylabel=_METRIC_LABELS[metric])
        lower.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        lower.margins(x=0.1, y=0.2)
    grid[0, 0].legend()
    return figure
