"""Tables as HTML that a click sorts. Every function returns the values for the template `table.html`."""

from collections.abc import Sequence
from itertools import groupby

import pandas as pd

from egolib.evaluation.tables import formatted


def with_sources(table: pd.DataFrame) -> dict:
    """A table of evaluation.tables with two lines of heads: the sources and the names."""
    text = formatted(table)
    sources = [(source, len([*same])) for source, same in groupby(text.columns.get_level_values(0))]
    return sortable(text.droplevel(0, axis=1), table.xs("mean", axis=1, level="statistic"), sources)


def plain(table: pd.DataFrame) -> dict:
    """A DataFrame with one level of columns."""
    return sortable(table.map(_shown), table)


def sortable(text: pd.DataFrame, values: pd.DataFrame, sources: Sequence[tuple] = ()) -> dict:
    """A DataFrame of text that is sorted by the `values` of another of the same shape. sources: [(head
    above those of the columns, number of columns that it spans)]."""
    rows = zip(text.index, text.to_numpy(), values.astype(object).to_numpy(), strict=True)
    return {
        "groups": sources,
        "heads": [str(name) for name in text.columns],
        "rows": [
            (str(name), [(cell, "" if pd.isna(v) else v) for cell, v in zip(*row, strict=True)])
            for name, *row in rows
        ],
    }


def _shown(value):
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:,.0f}" if value % 1 == 0 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
