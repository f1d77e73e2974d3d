"""Progress that suits its reader: a live bar at a terminal or in JupyterLab, and a plain line
every ten seconds in a log or a headless notebook."""

import os
import sys
from collections.abc import Iterable

from tqdm import tqdm as plain_tqdm
from tqdm.auto import tqdm as live_tqdm

from egolib.foundation.provenance import without_effect

HEADLESS_VARIABLE = "EGOLIB_HEADLESS"


def _is_live() -> bool:
    in_jupyter = "ipykernel" in sys.modules
    return HEADLESS_VARIABLE not in os.environ and (in_jupyter or sys.stderr.isatty())


@without_effect
def progress_bar(
    iterable: Iterable | None = None, *, total: float | None = None, desc: str | None = None,
    unit: str = "it", initial: int = 0,
) -> plain_tqdm:  # fmt: skip
    """A tqdm bar with rate and time left, over `iterable` or to be updated by hand; the unit "B"
    is counted in kB, MB and so on."""
    options = {"total": total, "desc": desc, "unit": unit, "initial": initial}
    options["unit_scale"] = unit == "B"
    if _is_live():
        return live_tqdm(iterable, **options)
    return plain_tqdm(iterable, **options, mininterval=10, maxinterval=30, ascii=True, ncols=90)


def bytes_text(count: float) -> str:
    """A number of bytes as one reads it: 39900000000 -> "39.9 GB"."""
    power = max(0, min(4, (len(str(int(count))) - 1) // 3))
    return f"{count / 1000**power:.{min(power, 1)}f} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"
