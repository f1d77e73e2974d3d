"""Extraction of the official archives: their parts are verified and become a tree on disk.

The parts of a character are read one after the other, as one stream, through gzip and tar into a
hidden folder. That folder is renamed to `<Set>/<character>` when every part was read, the gzip
checksum fits and tar has reached its end. The parts are never changed, nor joined on disk.
"""

import json
import os
import shutil
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from egolib.data.official import release
from egolib.data.official.members import STAMP
from egolib.data.official.transfers import require_space, run_each
from egolib.data.official.unpacking import unpack
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import no_space_is_one_line, only_run, write_atomically
from egolib.foundation.processes import cores
from egolib.foundation.progress import bytes_text
from egolib.foundation.untrusted import parse_json, read_bytes


def extract(
    folder: str | Path,
    out: str | Path,
    characters: Iterable[str] | None = None,
    splits: Iterable[str] | None = None,
    workers: int | None = None,
    delete_parts: bool = False,
) -> int:
    """Extract the parts found in `folder` and below it to the tree `out`, `workers` characters at
    a time (by default one for each core); characters that are already there are skipped.

    characters, splits: as in `release.choose_characters`; a character that is asked for by name
    and has no parts is an error, otherwise what is found is extracted. delete_parts: remove the
    parts of each character once it is verified, in place and written out to the disk.
    Returns the number of characters extracted by this call. Raises EgolibError that lists every
    character that failed and why, after all of them have been tried.
    """
    folder, out = Path(folder), Path(out)
    found = find_parts(folder)
    chosen = release.choose_characters(characters, splits)
    homes = {name: out / release.set_folder(name) / name for name in chosen}
    if characters is None:
        homes = {n: home for n, home in homes.items() if n in found or (home / STAMP).exists()}
    if not homes:
        raise EgolibError(
            f"{folder}: holds no parts of archives such as male_008_a_a.tar.gz.partaa; "
            "fetch them with `egolib download`"
        )
    parts = {name: found.get(name, []) for name in homes}
    wanted = [name for name, home in homes.items() if not _is_done(home, parts[name])]
    sizes = [sum(_stamp(parts[name]).values()) for name in wanted]
    # A gzip file does not tell its unpacked size, but images are compressed already: they come out
    # no smaller than their archive.
    least = max(sizes, default=0) if delete_parts else sum(sizes)
    total = bytes_text(release.UNPACKED_BYTES)
    what = f"unpacked data are larger still: all of release v1.0 takes about {total}"
    require_space(out, least, f"{what}; free some space, or choose --characters or --sets")

    def extract_one(name, advance):
        with only_run(out / f".partial-{name}.lock"):
            _extract_character(parts[name], homes[name], out / f".partial-{name}", advance)
        if delete_parts:
            _delete(parts[name])

    if delete_parts:
        _delete([part for name in homes if name not in wanted for part in parts[name]])
    if wanted:
        workers = workers or min(8, cores())
        run_each(extract_one, wanted, workers, sum(sizes), "Extracting")
    return len(wanted)


def find_parts(folder):
    """{character: its parts in order} of the archives in `folder` and below it.

    An archive whose parts were joined by hand (`<character>.tar.gz`) counts as its only part.
    """
    if not folder.is_dir():
        raise EgolibError(f"{folder}: no such folder")
    found = {}
    for path in sorted(folder.rglob("*.tar.gz*"), key=lambda path: path.name):
        if (name := release.character_of(path.name)) and path.is_file():
            found.setdefault(name, []).append(path)
    return found


def _stamp(parts):
    return {path.name: path.stat().st_size for path in parts}


def _is_done(home, parts):
    """Whether `home` was extracted from these parts; some may have been deleted since."""
    try:
        stamp = dict(parse_json(read_bytes(home / STAMP)))
    except (EgolibError, ValueError, TypeError):
        return False
    return _stamp(parts).items() <= stamp.items()


def _delete(parts):
    os.sync()  # a power cut must not find the parts gone and their character still in memory
    for path in parts:
        path.unlink()


def _check_complete(character, parts):
    """Raise EgolibError unless `parts` are all the parts of a character, each once."""
    names = [path.name for path in parts]
    if names == [f"{character}.tar.gz"]:
        return
    for path, after in pairwise(parts):
        if path.name == after.name:
            raise EgolibError(f"{path}: is also at {after}; keep one of the two")
    expected = release.part_names(character, last=names[-1][-1] if names else None)
    if missing := [name for name in expected if name not in names]:
        names = ", ".join(missing)
        raise EgolibError(f"{character}: {names} missing; fetch with `egolib download`")
    if names != expected:
        raise EgolibError(
            f"{parts[0]}: lies beside parts of the same archive; keep the one or the others"
        )


def _extract_character(parts, home, partial, advance):
    if home.exists():
        raise EgolibError(
            f"{home}: is there already, but was not extracted from these parts; "
            "move it away to extract them"
        )
    _check_complete(home.name, parts)
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
    try:
        with no_space_is_one_line(partial):
            partial.mkdir()
            unpack(parts, home.name, partial, advance)
            write_atomically(partial / STAMP, json.dumps(_stamp(parts), indent=1))
            home.parent.mkdir(exist_ok=True)
            partial.rename(home)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
