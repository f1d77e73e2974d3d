"""A question of the error analysis with its answer: a sentence, a table, and figures.

The sentences are computed, with 95 % intervals; a run keeps them in `tables/answers.json`, in the
order in which they were asked first, for the report. The figures are saved by the notebook that
shows them.
"""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from egolib.foundation.files import write_atomically
from egolib.foundation.untrusted import load_state
from egolib.metrics import interval

ANSWERS_FILE = "answers.json"
BOUNDED = ["mean", "low", "high"]  # columns of `table_of`


@dataclass(frozen=True)
class Answer:
    """name: of its table and its first figure, on disk; table: None where there is nothing to
    tabulate."""

    name: str
    question: str
    sentence: str
    table: pd.DataFrame | None = None

    def keep(self, folder, more_figures=None):
        """Print the sentence, and write table and sentence to `folder`, the tables of a run.

        more_figures: {name of a figure: caption}, those that the notebook shows below the one that
        has this answer's name. The report looks for all of them under `figures`.
        """
        print(self.sentence)
        if self.table is not None:
            text = self.table.to_csv(float_format="%.4g", index_label=self.table.index.names)
            write_atomically(folder / f"{self.name}.csv", text)
        path = folder / ANSWERS_FILE
        answers = load_state(path)
        answers[self.name] = {
            "question": self.question,
            "sentence": self.sentence,
            "figures": {self.name: self.question, **(more_figures or {})},
        }
        write_atomically(path, json.dumps(answers, indent=1, ensure_ascii=False))


def table_of(means, draws, names):
    """Group means and draws (metrics.bootstrap_group_means) -> DataFrame mean, low, high."""
    low, high = interval(draws)
    return pd.DataFrame({"mean": means, "low": low, "high": high}, index=names)


def difference(means, draws, more, less):
    """Mean, low and high of groups `more` above groups `less`, each a position or a list of
    them."""
    gap, gaps = (
        m[..., np.atleast_1d(more)].mean(-1) - m[..., np.atleast_1d(less)].mean(-1)
        for m in (means, draws)
    )
    return gap, *interval(gaps)


def amount(value, low, high, unit="mm"):
    """ "83 mm [79, 87]", with one decimal below 10, or without an interval where there is none."""
    digits = 0 if abs(value) >= 10 else 1
    bounds = "" if np.isnan(low) else f" [{low:z.{digits}f}, {high:z.{digits}f}]"
    return f"{value:z.{digits}f} {unit}{bounds}"


def compared(value, low, high, more, less):
    """ "12 mm more [8.1, 15]", or "3.5 mm less [-1.6, 8.3] (95 % CI includes 0)": a difference in
    words, its bounds in the direction of the word."""
    if value < 0:
        value, low, high, more = -value, -high, -low, less
    includes_zero = " (95 % CI includes 0)" if low <= 0 else ""
    return amount(value, low, high, f"mm {more}") + includes_zero


def listed(words):
    """ "a", "a and b", "a, b and c"."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
