"""Tables of results.py and plain ones as HTML that a click sorts. Every function returns what the
template `table.html` shows."""

from itertools import groupby

import pandas as pd

from egolib.evaluation.tables import formatted


def with_sources(table):
    """A table of results.py, with two lines of heads: the sources, and the names."""
    text = formatted(table)
    sources = [(source, len([*same])) for source, same in groupby(text.columns.get_level_values(0))]
    return sortable(text.droplevel(0, axis=1), table.xs("mean", axis=1, level="statistic"), sources)


def plain(table):
    """Any DataFrame, one level of columns."""
    return sortable(table.map(_shown), table)


def sortable(text, values, sources=()):
    """A DataFrame of text, sorted by the `values` of another of the same shape. sources: [(head above
    the columns' heads, how many columns it spans)]."""
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
