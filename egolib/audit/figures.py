"""The plots of an audit's page."""

import numpy as np
from cycler import cycler
from matplotlib.colors import LogNorm

from egolib.audit.defects import DEFECTS
from egolib.plots.style import StudyFigure, styled

_COLOURS = _KEPT, _EXCLUDED, _UNPAIRED = "#7fbf9b", "#d55e00", "#b0b0b0"
_FOLDERS = 16  # at most so many lines or panels
_MARKS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c510a",
          "#6a3d9a", "#b2df8a")  # fmt: skip


@styled
def frames_kept(audit):
    """Bars of kept, excluded and unpaired frames by character."""
    table = audit.summary
    counts = table[["kept", "excluded"]].assign(
        **{"without a partner": table.images + table.labels - 2 * table.frames}
    )
    figure = StudyFigure(figsize=(9, 1.2 + 0.19 * len(table)))
    axes = figure.subplots()
    counts[::-1].set_axis((table.set + " / " + table.character)[::-1]).plot.barh(
        stacked=True, width=0.8, color=_COLOURS, ax=axes, legend=False, xlabel="frames", ylabel=""
    )
    axes.set_ylim(-0.6, len(table) - 0.4)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


@styled
def defect_matrix(audit):
    """Findings by character (rows with any) and defect; None without findings."""
    if audit.findings.empty:
        return None
    characters = audit.findings.folder.str.split("/").str[1]
    counts = audit.findings.groupby([characters, "defect"]).size().unstack(fill_value=0)
    counts = counts[DEFECTS.index.intersection(counts.columns)]
    figure = StudyFigure(figsize=(9, 1.6 + 0.2 * len(counts)))
    axes = figure.subplots()
    top = max(counts.to_numpy().max(), 10)
    axes.imshow(counts.where(counts > 0), cmap="Oranges", norm=LogNorm(0.5, 2 * top), aspect="auto")
    for (row, column), value in np.ndenumerate(counts.to_numpy()):
        if value:
            axes.text(column, row, f"{value:,}", ha="center", va="center", fontsize=7.5,
                      color="white" if value > top / 3 else "black")  # fmt: skip
    axes.set_xticks(range(counts.shape[1]), counts.columns, rotation=40, ha="right",
                    rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(len(counts)), counts.index)
    axes.tick_params(length=0)
    return figure


@styled
def where_in_folders(audit):
    """Findings along the frame numbers of the folders with most; None without numbered ones."""
    rows = audit.findings.dropna(subset="number")
    rows = rows[rows.folder.isin(audit.ranges)]
    if rows.empty:
        return None
    folders = rows.folder.value_counts().head(_FOLDERS).index.sort_values()
    rows = rows[rows.folder.isin(folders)]
    defects = DEFECTS.index.intersection(rows.defect)
    figure = StudyFigure(figsize=(9, 1.3 + 0.27 * len(folders)))
    axes = figure.subplots()
    axes.hlines(np.arange(len(folders)), 0, 100, color="0.88", linewidth=5)
    marks = cycler(linestyle=[""], markersize=[7], markeredgewidth=[1.4])
    axes.set_prop_cycle(cycler(marker=["|", "x"]) * cycler(color=_MARKS) * marks)
    for i, defect in enumerate(defects):
        here = rows[rows.defect == defect]
        first, last = np.array([audit.ranges[folder] for folder in here.folder]).T
        share = 100 * (here.number.to_numpy(float) - first) / np.maximum(last - first, 1)
        height = folders.get_indexer(here.folder) + 0.3 * (i / max(len(defects) - 1, 1) - 0.5)
        axes.plot(share, height, label=defect, rasterized=len(here) > 500)
    names = [folder.removesuffix("/cam_down") for folder in folders]
    axes.set_yticks(range(len(folders)), names)
    axes.set(xlabel="first to last frame number of the folder (%)", ylim=(len(folders) - 0.4, -0.6))
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


@styled
def drift_paths(audit):
    """The offset along the folders that have any, those with confident drift first; or None."""
    moving = {folder: found for folder, found in audit.drift.items() if found.stretches}
    confidence = {f: max(s.confidence for s in found.stretches) for f, found in moving.items()}
    order = sorted(moving, key=lambda folder: -confidence[folder])[:_FOLDERS]
    if not order:
        return None
    figure = StudyFigure(figsize=(9, 0.5 + 0.8 * len(order)))
    grid = figure.subplots(len(order), squeeze=False)[:, 0]
    for axes, folder in zip(grid, order, strict=True):
        numbers, offsets = moving[folder].numbers, moving[folder].offsets
        axes.axhline(0, color="0.85", linewidth=0.8)
        axes.plot(offsets, color="0.6", linewidth=1, drawstyle="steps-mid")
        for stretch in (s for s in moving[folder].stretches if s.drifted):
            inside = (numbers >= stretch.first) & (numbers <= stretch.last)
            axes.plot(np.where(inside, offsets, np.nan), color=_EXCLUDED, linewidth=2.2,
                      drawstyle="steps-mid")  # fmt: skip
        reach = max(2, np.abs(offsets).max()) + 0.5
        axes.set(xlim=(0, len(offsets)), ylim=(-reach, reach))
        title = f"{folder.removesuffix('/cam_down')}, confidence {confidence[folder]:.1f}"
        axes.set_title(title, loc="left", fontsize=8)
    figure.supxlabel("frames of the folder, in order", fontsize=9)
    figure.supylabel("offset (frames)", fontsize=9)
    return figure
