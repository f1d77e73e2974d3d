"""poses.csv: written so that a killed run goes on where it stood, and read back."""

import contextlib
import csv
import json
from itertools import islice

import numpy as np
import pandas as pd

from egolib.foundation.errors import EgolibError
from egolib.foundation.files import atomic_path, no_space_is_one_line, only_run, write_atomically
from egolib.skeleton import JOINTS

# Field of poseseries.PoseSeries: (its unit, the factor from it to the unit of the columns, their digits
# after the point, the columns of poses.csv).
FIELDS = {
    "joints_px": (
        "pixels of the image as given, centres on integers; of unsure joints in part the pose's"
        " projection", 1, 2, ("u_px", "v_px"),
    ),
    "confidence": ("heatmap peaks, about 0 to 1", 1, 3, ("confidence",)),
    "pose_m": ("metres from the neck", 1000, 1, ("x_mm", "y_mm", "z_mm")),
    "neck_m": ("metres from the camera", 1000, 1, ("neck_x_mm", "neck_y_mm", "neck_z_mm")),
    "expected_error_m": ("metres", 1000, 1, ("expected_error_mm",)),
    "in_view": ("1 or 0: whether the lens can see the joint", 1, 0, ("in_view",)),
    "time_s": ("seconds since the first frame of its video or camera", 1, 3, ("time_s",)),
}  # fmt: skip
# In pandas, "image" and "joint" are str and the others float64, NaN where empty.
HEADER = ("image", "joint", *(name for *_, names in FIELDS.values() for name in names))
_OLDER = HEADER[:8]  # of version 0.1, whose 2D places can still be read


@contextlib.contextmanager
def growing_table(path, maker):
    """Yield (names of the images that the table at `path` has, a function that appends a
    poseseries.PoseSeries to both).

    The table grows beside `path`, flushed batch by batch, and takes its place when the block
    succeeds; else the next run goes on with the whole images in it. What makes its poses, `maker`
    (a dict that json can hold), is noted beside it. Raises EgolibError when it has poses of another
    maker.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    note, made_by = path.with_name("made_by.json"), json.dumps(maker, indent=1)
    with only_run(path.with_name(f".{path.name}.lock")), no_space_is_one_line(path):
        before = next((p for p in (partial, path) if p.is_file()), None)
        if before and note.is_file() and note.read_text() != made_by:
            raise EgolibError(
                f"{path.parent}: holds poses of another network or framing, or with another "
                "--steady; choose another folder, or delete this one"
            )
        write_atomically(note, made_by)
        done = set()
        with atomic_path(partial) as copy, open(copy, "w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADER)
            for rows in _whole_images(before) if before else ():
                done.add(rows[0][0])
                writer.writerows(rows)
        with open(partial, "a", newline="") as stream:

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


def _whole_images(path):
    """Yield the rows of each image in a table, up to where a kill may have torn it."""
    with open(path, newline="") as stream:
        rows = csv.reader(line for line in stream if line.endswith("\n"))
        if tuple(next(rows, ())) != HEADER:
            raise EgolibError(f"{path}: not what this `egolib predict` writes; move it away")
        while len(image := list(islice(rows, len(JOINTS)))) == len(JOINTS):
            if {(row[0], len(row)) for row in image} != {(image[0][0], len(HEADER))}:
                raise EgolibError(f"{path}: the rows of {image[0][0]} are damaged; move it away")
            yield image


def _rows_of(series):
    """The rows of a PoseSeries, 16 an image, as text: NaN as none."""
    shape = (len(series), len(JOINTS))
    columns = [np.repeat(series.image, len(JOINTS)), np.tile(JOINTS, len(series))]
    for field, (_, scale, digits, names) in FIELDS.items():
        values = scale * getattr(series, field).reshape(len(series), -1, len(names))
        for column in np.moveaxis(np.broadcast_to(values, (*shape, len(names))), -1, 0):
            columns.append(["" if np.isnan(x) else f"{x:.{digits}f}" for x in column.flat])
    return zip(*columns, strict=True)


def read_table(path, older=False):
    """poses.csv -> DataFrame with the columns of HEADER, a row a joint. older: the eight columns of
    version 0.1 are enough. Raises EgolibError for another file."""
    try:
        types = dict.fromkeys(HEADER, float) | {"image": str, "joint": str}
        table = pd.read_csv(path, dtype=types)
    except pd.errors.EmptyDataError:
        table = pd.DataFrame()
    except (OSError, ValueError) as error:
        raise EgolibError(f"{path}: not poses that `egolib predict` wrote ({error})") from error
    if tuple(table.columns) not in (HEADER, _OLDER)[: 1 + older]:
        raise EgolibError(f"{path}: the header is not {','.join(HEADER)}")
    return table
