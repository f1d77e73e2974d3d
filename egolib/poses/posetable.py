"""poses.csv: written so that a killed run goes on where it stood, and read back."""

import contextlib
import csv
import json
from itertools import islice

import numpy as np

from egolib.errors import EgolibError
from egolib.files import atomic_path, no_space_is_one_line, only_run, write_atomically
from egolib.skeleton import HEATMAP_JOINTS, JOINTS

# What a column holds; in pandas, "image" and "joint" are str and the others float64, NaN where empty.
HEADER = (
    "image", "joint", "u_px", "v_px", "confidence", "x_mm", "y_mm", "z_mm",
    "neck_x_mm", "neck_y_mm", "neck_z_mm", "expected_error_mm", "in_view", "time_s",
)  # fmt: skip
_OLDER = HEADER[:8]  # of version 0.1, whose 2D places can still be read


def keep_to_one_maker(path, maker):
    """Note beside the table at `path` what makes its poses (a dict that json can hold). Raises
    EgolibError when it has poses of another maker."""
    note = path.with_name("made_by.json")
    text = json.dumps(maker, indent=1)
    if note.is_file() and note.read_text() != text and (path.is_file() or _partial(path).is_file()):
        raise EgolibError(
            f"{path.parent}: holds poses of another network or framing, or with another --steady; "
            "choose another folder, or delete this one"
        )
    write_atomically(note, text)


def _partial(path):
    return path.with_name(f"{path.stem}.partial{path.suffix}")


@contextlib.contextmanager
def growing_table(path):
    """Yield (names of the pictures that the table at `path` has, a function that appends rows).

    The table grows beside `path`, flushed row by row, and takes its place when the block succeeds;
    else the next run goes on with the whole pictures in it.
    """
    partial = _partial(path)
    with only_run(path.with_name(f".{path.name}.lock")), no_space_is_one_line(path):
        before = next((p for p in (partial, path) if p.is_file()), None)
        done = set()
        with atomic_path(partial) as copy, open(copy, "w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADER)
            for rows in _whole_pictures(before) if before else ():
                done.add(rows[0][0])
                writer.writerows(rows)
        with open(partial, "a", newline="") as stream:
            writer = csv.writer(stream)

            def write_rows(rows):
                writer.writerows(rows)
                stream.flush()

            yield done, write_rows
        if done:
            partial.replace(path)
        else:
            partial.unlink()


def _whole_pictures(path):
    """Yield the rows of each picture in a table, up to where a kill may have torn it."""
    with open(path, newline="") as stream:
        rows = csv.reader(line for line in stream if line.endswith("\n"))
        if tuple(next(rows, ())) != HEADER:
            raise EgolibError(f"{path}: not what this `egolib predict` writes; move it away")
        while len(picture := list(islice(rows, len(JOINTS)))) == len(JOINTS):
            if {(row[0], len(row)) for row in picture} != {(picture[0][0], len(HEADER))}:
                raise EgolibError(f"{path}: the rows of {picture[0][0]} are damaged; move it away")
            yield picture


def rows_of(found):
    """The 16 rows of an estimates.Estimate."""
    flat = {joint: ["", "", ""] for joint in JOINTS}
    for joint, (u, v), peak in zip(HEATMAP_JOINTS, found.joints_px, found.confidence, strict=True):
        flat[joint] = [_number(u, 2), _number(v, 2), f"{peak:.3f}"]
    neck = [_mm(x) for x in found.neck_m]
    time_s = _number(found.picture.time_s, 3)
    deep = zip(JOINTS, found.pose_m, found.expected_error_m, found.in_view, strict=True)
    for joint, point, error, seen in deep:
        last = [_mm(error), "" if np.isnan(seen) else int(seen), time_s]
        yield [found.picture.name, joint, *flat[joint], *map(_mm, point), *neck, *last]


def _mm(metres):
    return _number(1000 * metres, 1)


def _number(value, digits):
    """As text, NaN as none."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def read_places(path):
    """{(image, joint): (u, v)} of the rows that have a 2D place."""
    places = {}
    try:
        with open(path, newline="") as stream:
            rows = csv.reader(stream)
            header = tuple(next(rows, ()))
            if header not in (HEADER, _OLDER):
                raise EgolibError(f"{path}: the header is not {','.join(HEADER)}")
            for number, row in enumerate(rows, 2):
                image, joint, u, v, *_ = row
                if len(row) != len(header) or joint not in JOINTS or (image, joint) in places:
                    raise ValueError(f"line {number} is malformed, repeated or of an unknown joint")
                if u and v:
                    places[image, joint] = (float(u), float(v))
    except (OSError, ValueError, csv.Error) as error:
        raise EgolibError(f"{path}: not poses that `egolib predict` wrote ({error})") from error
    return places
