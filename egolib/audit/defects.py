"""The defects that an audit looks for, and what it reports.

The table is defects.csv. Each defect has a meaning, a remedy and a consequence: "excluded" (its
frames go to the exclusion list), "left out as unpaired" (an index leaves them out and counts them
anyway) or "reported only".
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

DEFECTS = pd.read_csv(Path(__file__).with_name("defects.csv"), index_col="defect")
_EXCLUDED = frozenset(DEFECTS.index[DEFECTS.consequence == "excluded"])


class Finding(NamedTuple):
    """One row of findings.csv. `number` is None where the finding is of the whole folder."""

    folder: str
    number: int | None
    channel: str
    defect: str
    detail: str


def excludes(finding: Finding) -> bool:
    """Whether a finding takes its frame out of training, which reads images and labels only."""
    return finding.defect in _EXCLUDED and finding.channel in ("", "rgba", "json")
