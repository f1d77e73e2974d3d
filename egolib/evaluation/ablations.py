"""What one key of the profile changes, all else equal: error by value, and its difference from the
usual value's."""

import operator
from typing import Any

import pandas as pd

from egolib.evaluation.analysis.answers import compared
from egolib.metrics import bootstrap_interval

INTERVAL = ["MPJPE (mm)", "low", "high"]
MORE = ["more (mm)", "more, low", "more, high"]


def ablated(grid: Any, points: dict) -> pd.DataFrame:
    """The figures of the ablations as a DataFrame, a row a value: "key", "value", "with" (what
    differs from the base for all values), "seeds", MPJPE with its 95 % interval, and by how much
    the error is above that of "usual", the base's own value or else the first, on the same joints
    of the same frames, with an interval too. points: {title: {value:
    comparison.SeededPredictions}}."""
    rows = []
    for title, of_value in points.items():
        key, fixed = grid.ablations[title].key, grid.ablations[title].fixed
        # The base's own value; the stage is no key of a profile.
        base = "lifter" if key == "stage" else operator.attrgetter(key)(grid.base)
        usual = base if base in of_value else next(iter(of_value))
        for value, predictions in of_value.items():
            errors, clusters = predictions.where(True)
            more = errors - of_value[usual].where(True)[0]
            rows.append((
                title, key, value, " ".join(fixed), len(predictions.runs),
                *bootstrap_interval(errors, clusters), usual, *bootstrap_interval(more, clusters),
            ))  # fmt: skip
    columns = ["ablation", "key", "value", "with", "seeds", *INTERVAL, "usual", *MORE]
    return pd.DataFrame(rows, columns=columns).set_index("ablation")


def ablations_text(rows: pd.DataFrame) -> str:
    """The rows of `ablated` in words, a sentence for every value that is not the usual one."""
    return "\n".join(
        f"{row.key} = {row.value} instead of {row.usual}"
        + (f" ({row['with']}): " if row["with"] else ": ")
        + f"{compared(*row[MORE], 'worse', 'better')}. Of {row.seeds} seed{'s' * (row.seeds > 1)}."
        for _, row in rows.iterrows()
        if row.value != row.usual
    )
