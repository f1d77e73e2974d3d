"""poses.csv: written so that a run that was killed can be continued, and read back."""

import contextlib
import csv
import json
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path, no_space_is_one_line, only_run, write_atomically
from egolib.foundation.untrusted import check_file, load_state
from egolib.skeleton import JOINTS

# The fields of poseseries.PoseSeries in order: unit, scale, digits and columns (names) of each.
FIELDS = pd.read_csv(Path(__file__).with_name("fields.csv"), comment="#", index_col="field")
FIELDS["names"] = FIELDS["columns"].str.split()
# In pandas, "image" and "joint" are str and the others float64, NaN where empty.
HEADER = ("image", "joint", *FIELDS["names"].explode())
MADE_BY = "made_by.json"
_HEADER_OF_0_1 = HEADER[:8]  # of version 0.1, whose 2D places can still be read


@contextlib.contextmanager
def growing_table(path, maker):
    """Yield (set of the names of the images in the table at `path`, function that appends a
    poseseries.PoseSeries to table and set).

    The table grows in a file beside `path`, flushed batch by batch, and replaces it when the block
    succeeds; otherwise the next run continues with the complete images in it. `maker`, a dict for json
    that identifies network and settings, is written beside it. Raises EgolibError when the table has
    poses of another maker. A note without one of the keys, of an earlier version, is taken to agree.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    note = path.with_name(MADE_BY)
    with only_run(path.with_name(f".{path.name}.lock")), no_space_is_one_line(path):
        before = next((p for p in (partial, path) if p.is_file()), None)
        known = made_by(path.parent) if before else {}
        maker = json.loads(json.dumps(maker))  # tuples become lists
        if differing := [key for key in maker if known.get(key, maker[key]) != maker[key]]:
            raise EgolibError(
                f"{path.parent}: holds poses of another {' and '.join(differing)}; "
                "choose another folder, or delete this one"
            )
        write_atomically(note, json.dumps(maker, indent=1))
        done = set()
        with atomic_path(partial) as copy, open(copy, "w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADER)
            for rows in _whole_images(before) if before else ():
                done.add(rows[0][0])
                writer.writerows(rows)
        with open(partial, "a", newline="", encoding="utf-8") as stream:

            def append(series):
                # In one call: Ctrl-C, the usual end of a camera, must not come between rows.
                csv.writer(stream).writerows(_rows_of(series))
                stream.flush()
                done.update(series.image.tolist())

            yield done, append
        if done:
            partial.replace(path)
        else:
            partial.unlink()


def made_by(folder: Path) -> dict:
    """The `maker` of the poses in a folder; {} where there are none."""
    return load_state(folder / MADE_BY)


def _whole_images(path):
    """Yield the rows of each complete image in a table, whose end a killed run may have cut off."""
    # A name may hold no line end, but older tables were written without this check.
    with open(path, newline="", encoding="utf-8", errors="replace") as stream:
        rows = csv.reader(line.replace("\0", "") for line in stream if line.endswith("\n"))
        if tuple(next(rows, ())) != HEADER:
            raise EgolibError(f"{path}: not what this `egolib predict` writes; move it away")
        while len(image := list(islice(rows, len(JOINTS)))) == len(JOINTS):
            if {(*row[:1], len(row)) for row in image} != {(image[0][0], len(HEADER))}:
                raise EgolibError(f"{path}: the rows of {image[0][0]} are damaged; move it away")
            yield image


def _rows_of(series):
    """The rows of a PoseSeries, 16 for each image, as text; NaN becomes empty."""
    shape = (len(series), len(JOINTS))
    columns = [np.repeat(series.image, len(JOINTS)), np.tile(JOINTS, len(series))]
    for field in FIELDS.itertuples():
        count = len(field.names)
        values = field.scale * getattr(series, field.Index).reshape(len(series), -1, count)
        for column in np.moveaxis(np.broadcast_to(values, (*shape, count)), -1, 0):
            columns.append(["" if np.isnan(x) else f"{x:.{field.digits}f}" for x in column.flat])
    return zip(*columns, strict=True)


def read_table(path, older=False):
    """Read poses.csv as a DataFrame with the columns of HEADER, one row for each joint. older: the eight
    columns of version 0.1 are enough. Raises EgolibError for another file."""
    check_file(Path(path))
    try:
        types = dict.fromkeys(HEADER, float) | {"image": str, "joint": str}
        table = pd.read_csv(path, dtype=types)
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise EgolibError(f"{path}: not poses that `egolib predict` wrote ({reason})") from error
    if tuple(table.columns) not in (HEADER, _HEADER_OF_0_1)[: 1 + older]:
        raise EgolibError(f"{path}: the header is not {','.join(HEADER)}")
    return table
