"""Tables of results.py and plain ones, from their csv files, as HTML that a click sorts."""

import numpy as np
import pandas as pd

from egolib.results import formatted


def read_table(path):
    """One of results.TABLES from its csv -> DataFrame with the three-level columns it had."""
    flat = pd.read_csv(path, index_col="row")
    columns = pd.MultiIndex.from_tuples([tuple(name.split(" | ")) for name in flat.columns])
    return flat.set_axis(columns, axis=1)


def with_sources(table):
    """A table of results.py -> what the template `table.html` shows: two lines of heads, text."""
    text, groups = formatted(table), {}
    for group, _ in text.columns:
        groups[group] = groups.get(group, 0) + 1
    means = [table[group, who.removesuffix(" †"), "mean"] for group, who in text.columns]
    return {
        "groups": list(groups.items()),
        "heads": [who for _, who in text.columns],
        "rows": [
            (name, [(cell, _number(mean.iloc[i])) for cell, mean in zip(cells, means, strict=True)])
            for i, (name, *cells) in enumerate(text.itertuples(name=None))
        ],
    }


def plain(table):
    """Any DataFrame, one level of columns -> the same."""
    return {
        "groups": [],
        "heads": [str(name) for name in table.columns],
        "rows": [
            (str(name), [(_shown(value), _number(value)) for value in values])
            for name, *values in table.itertuples(name=None)
        ],
    }


def _number(value):
    """What a column is sorted by: the value, or "" where there is none."""
    return "" if isinstance(value, float) and np.isnan(value) else value


def _shown(value):
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{value:,.0f}" if value % 1 == 0 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
