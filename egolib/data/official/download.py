"""Download of the official parts: several at a time, resumable, and a part that is incomplete never
takes its final name.

A part is received into `.<part>.<digest>.partial` and renamed when it has the announced length.
The digest is of the length and the version that the server announces, so the bytes of two versions
of a file are never joined.
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests
import urllib3
from requests.adapters import HTTPAdapter

from egolib.data.official.release import MAX_PART_BYTES, URL, choose_characters, part_names
from egolib.data.official.transfers import require_space, run_each
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import no_space_is_one_line, only_run
from egolib.foundation.progress import bytes_text

TRIES = 8  # in a row without a new byte; with the waits in between, some four minutes
FIRST_TRIES = 3  # for a question before anything is fetched; some seconds
BACKOFF_S = 1.0
STALL_S = 30.0
_CHUNK = 1 << 18  # bytes; a stall may lose as many
_BUSY = (429, 500, 502, 503, 504)
_GONE = (404, 410)
_NO_HEAD = (403, 405, 501)


class _BrokenPromise(Exception):
    """A server sends other bytes than it announced."""


@dataclass(frozen=True)
class _Offer:
    """A part as the server announces it: its length and its version (ETag, or else the time of its
    last change); None where the server gives none."""

    name: str
    length_bytes: int | None = None
    version: str | None = None

    def partial(self, folder):
        digest = hashlib.sha256(repr((self.length_bytes, self.version)).encode()).hexdigest()
        return folder / f".{self.name}.{digest[:12]}.partial"


def download(
    out: str | Path,
    characters: Iterable[str] | None = None,
    splits: Iterable[str] | None = None,
    url: str = URL,
    workers: int = 4,
) -> int:
    """Fetch the parts of the chosen characters (as in `release.choose_characters`) from below
    `url` to the folder `out`, `workers` at a time; parts that are whole already stay.

    Returns the number of parts fetched by this call. Raises EgolibError before anything is fetched
    when a part is not on the server or the disk is too small, and after all were tried when some
    could not be fetched.
    """
    out, url = Path(out), url.rstrip("/") + "/"
    chosen = choose_characters(characters, splits)
    names = [name for character in chosen for name in part_names(character)]
    with ThreadPoolExecutor(16) as pool:
        offers = list(pool.map(lambda name: _ask(url, name, FIRST_TRIES), names))
    if missing := [name for name, offer in zip(names, offers, strict=True) if offer is None]:
        raise EgolibError(f"{url}: has no {', '.join(missing)}")
    there = {name: _size(out / name) for name in names if (out / name).is_file()}
    whole = [o for o in offers if o.name in there and o.length_bytes in (None, there[o.name])]
    wanted = [offer for offer in offers if offer not in whole]
    needed = sum((o.length_bytes or MAX_PART_BYTES) - _size(o.partial(out)) for o in wanted)
    if silent := [offer.name for offer in wanted if offer.length_bytes is None]:
        print(
            f"The server does not say how large {silent[0]} is ({len(silent)} such parts); each "
            f"is counted as {bytes_text(MAX_PART_BYTES)}, the most that GitHub admits"
        )
    require_space(out, needed, "free some, or choose fewer by --characters or --sets")
    if wanted:
        print(f"{len(wanted)} of {len(names)} parts to fetch, {bytes_text(needed)}")
        with only_run(out / ".download.lock"):
            for offer in wanted:
                for stale in set(out.glob(f".{offer.name}.*.partial")) - {offer.partial(out)}:
                    stale.unlink()
            run_each(partial(_fetch, url, out), wanted, workers, needed, "Downloading")
    return len(wanted)


def _size(path):
    return path.stat().st_size if path.exists() else 0


@contextlib.contextmanager
def _session(address, tries=TRIES):
    """A session that repeats requests that fail before a body begins, and observes Retry-After."""
    retry = urllib3.Retry(
        tries, backoff_factor=BACKOFF_S, status_forcelist=_BUSY, raise_on_status=False
    )
    try:
        with requests.Session() as session:
            session.headers["Accept-Encoding"] = "identity"
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            yield session
    except requests.RequestException as error:
        raise EgolibError(f"{address}: {error}; run again to go on") from error


def _ask(url, name, tries=TRIES):
    """The server's _Offer of a part; None when it has no such file."""
    with _session(url + name, tries) as session:
        response = session.head(url + name, allow_redirects=True, timeout=STALL_S)
    if response.status_code in _GONE:
        return None
    if response.status_code in _NO_HEAD:
        return _Offer(name)
    response.raise_for_status()
    return _offer(name, response)[1]


def _offer(name, response):
    """(offset of the first byte in the body, _Offer) by the head of a response."""
    headers = response.headers
    start, length = 0, headers.get("Content-Length")
    if response.status_code == requests.codes.partial_content:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        if not match:
            raise _BrokenPromise("the server does not say which range of bytes it sends")
        start, length = int(match[1]), match[2]
    version = headers.get("ETag") or headers.get("Last-Modified")
    return start, _Offer(name, int(length) if length else None, version)


def _fetch(url, out, offer, advance):
    """Receive one part, however often it is cut off, until TRIES in a row bring no new byte."""
    reached = futile = 0
    while True:
        path = offer.partial(out)
        try:
            with no_space_is_one_line(out / offer.name):
                _receive(url, offer, path, advance)
            path.replace(out / offer.name)
            return
        except _BrokenPromise as error:
            reason, received = error, _size(path)
            path.unlink(missing_ok=True)
            advance(-received)
        except urllib3.exceptions.HTTPError as error:
            reason = error
        futile = 0 if _size(path) > reached else futile + 1
        reached = max(reached, _size(path))
        if futile == TRIES:
            raise EgolibError(f"{url}{offer.name}: given up after {TRIES} vain tries: {reason}")
        time.sleep(min(BACKOFF_S * 2**futile, 60))
        offer = _ask(url, offer.name) or offer


def _receive(url, offer, path, advance):
    """Append to `path` the bytes of the offer that it lacks.

    Raises _BrokenPromise when the bytes received cannot belong to the offer, and urllib3's
    HTTPError when the body was cut off.
    """
    have = _size(path)
    if have and have == offer.length_bytes:
        return
    if offer == _Offer(offer.name):  # no way to know whether the bytes on disk still fit
        advance(-have)
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and offer.version and not offer.version.startswith("W/"):  # which If-Range excludes
        headers["If-Range"] = offer.version
    address = url + offer.name
    with (
        _session(address) as session,
        session.get(address, headers=headers, stream=True, timeout=STALL_S) as response,
    ):
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            raise _BrokenPromise(f"{offer.length_bytes} bytes announced, no more than {have} there")
        response.raise_for_status()
        start, sent = _offer(offer.name, response)
        pairs = (offer.length_bytes, sent.length_bytes), (offer.version, sent.version)
        differs = any(None not in pair and pair[0] != pair[1] for pair in pairs)
        if differs or start not in (0, have):
            raise _BrokenPromise(f"announced {offer}, sent {sent} from byte {start}")
        length = offer.length_bytes or sent.length_bytes
        if length is None and not response.raw.chunked:
            raise EgolibError(f"{address}: the server tells no length: a cut could not be noticed")
        advance(start - have)
        with open(path, "ab" if start else "wb") as file:
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                advance(len(chunk))
                if length is not None and file.tell() > length:
                    raise _BrokenPromise(f"{length} bytes announced, more sent")
    if length is not None and _size(path) < length:
        raise urllib3.exceptions.HTTPError(f"{length} bytes announced, {_size(path)} sent")
