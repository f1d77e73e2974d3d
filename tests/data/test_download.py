"""`egolib download` from a server on this machine that misbehaves in every way we know of."""

import hashlib
import itertools
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
import requests

from egolib import cli
from egolib.data.official import download, release, transfers
from egolib.data.official.release import LAST_PARTS, MAX_PART_BYTES, part_names
from egolib.foundation.errors import EgolibError
from egolib.foundation.files import only_run

CHARACTER = "female_003_a_a"  # six parts
FIRST = f"{CHARACTER}.tar.gz.partaa"
HALF = 1 << 18


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(self.server.head_faults)

    def do_GET(self):
        self.answer(self.server.faults)

    def answer(self, faults):
        name = self.path.rsplit("/", 1)[-1]
        fault = next(faults.get(name, iter(())), None)
        wanted = self.headers.get("Range", "")
        self.server.log.append((self.command, name, wanted))
        if fault in (403, 405, 429, 500):
            return self.send_error(fault)
        if callable(fault):
            fault()
        if name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        version = f'{self.server.weak}"{hashlib.sha256(content).hexdigest()[:8]}"'
        assert not self.headers.get("If-Range", "").startswith("W/")
        start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0)
        if (
            fault in ("has no ranges", "cuts off and has no ranges")
            or self.headers.get("If-Range", version) != version
        ):
            start = 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", version)
        body = content[start:]
        if fault == "announces less":
            body = body[:-10]
        if fault == "sends more":
            self.send_header("Transfer-Encoding", "chunked")
            body += b"0123456789"
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        elif fault == "sends less":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 10, body[:-10])
        elif fault != "tells no length":
            self.send_header("Content-Length", len(body) + (10 if fault == "announces more" else 0))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if fault in ("cuts off", "stalls", "resets", "cuts off and has no ranges"):
            self.wfile.write(body[:HALF])
            self.wfile.flush()
            if fault == "stalls":
                time.sleep(1)
            if fault == "resets":
                linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            self.close_connection = True
            return None
        self.wfile.write(body)
        self.close_connection = True
        return None


@pytest.fixture
def server(monkeypatch):
    """A server of one character, half a MB a part; `files`, `faults` and `head_faults` may be set."""
    monkeypatch.setattr(download, "BACKOFF_S", 0.001)
    monkeypatch.setattr(download, "STALL_S", 30)
    roomy = SimpleNamespace(free=2**40)  # parts of unknown length are taken for large ones
    monkeypatch.setattr(transfers.shutil, "disk_usage", lambda _: roomy)
    rng = np.random.default_rng(0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files = {name: rng.bytes(2 * HALF) for name in part_names(CHARACTER)}
        server.faults, server.head_faults, server.log = {}, {}, []
        server.weak = ""
        server.url = f"http://127.0.0.1:{server.server_port}/v1.0"
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def fetch(server, out):
    return download.download(out, [CHARACTER], url=server.url)


def is_complete(server, out):
    there = {path.name: path.read_bytes() for path in out.iterdir()}
    return there == server.files


def gets(server, name=FIRST):
    return [wanted for command, n, wanted in server.log if (command, n) == ("GET", name)]


def test_the_table_of_the_release_adds_up():
    assert sum(len(part_names(name)) for name in LAST_PARTS) == 216
    assert {len(names) for names in map(part_names, LAST_PARTS)} == {1, 6, 8, 9, 10}
    assert set(LAST_PARTS) == {name for names in release.SPLITS.values() for name in names}
    assert part_names("male_008_a_a")[-1] == "male_008_a_a.tar.gz.partai"


def test_all_parts_arrive_and_a_second_run_fetches_none(server, tmp_path):
    assert fetch(server, tmp_path) == 6
    assert is_complete(server, tmp_path)
    server.log.clear()
    assert fetch(server, tmp_path) == 0
    assert not any(command == "GET" for command, _, _ in server.log)


@pytest.mark.parametrize("fault", ["stalls", "resets"])
def test_what_is_cut_off_goes_on_where_it_was(server, tmp_path, monkeypatch, fault):
    if fault == "stalls":
        monkeypatch.setattr(download, "STALL_S", 0.5)
    server.faults[FIRST] = iter([fault])
    fetch(server, tmp_path)
    assert is_complete(server, tmp_path)
    assert gets(server)[0] == ""
    if fault != "resets":  # which may lose what was sent
        assert gets(server)[1] == f"bytes={HALF}-"


@pytest.mark.parametrize("weak", ["", "W/"])
def test_a_cut_is_resumed_whatever_the_kind_of_version(server, tmp_path, weak):
    server.weak = weak
    server.faults[FIRST] = iter(["cuts off"])
    fetch(server, tmp_path)
    assert gets(server) == ["", f"bytes={HALF}-"]
    assert is_complete(server, tmp_path)


@pytest.mark.parametrize("fault", [500, 429])
@pytest.mark.parametrize("where", ["faults", "head_faults"])
def test_a_busy_server_is_asked_again(server, tmp_path, fault, where):
    getattr(server, where)[FIRST] = iter([fault, fault])
    fetch(server, tmp_path)
    assert is_complete(server, tmp_path)


def test_cut_off_at_every_try_it_still_arrives(server, tmp_path):
    server.files[FIRST] = np.random.default_rng(1).bytes(20 * HALF)
    server.faults[FIRST] = itertools.repeat("cuts off")
    fetch(server, tmp_path)
    assert is_complete(server, tmp_path)
    assert len(gets(server)) == 20


def test_a_killed_run_resumes(server, tmp_path):
    server.faults[FIRST] = itertools.chain(["cuts off"], itertools.repeat(500))
    with pytest.raises(EgolibError, match="500"):
        fetch(server, tmp_path)
    assert not (tmp_path / FIRST).exists()
    server.faults.clear()
    server.log.clear()
    assert fetch(server, tmp_path) == 1
    assert gets(server) == [f"bytes={HALF}-"]
    assert is_complete(server, tmp_path)


@pytest.mark.parametrize("between", ["tries", "runs"])
@pytest.mark.parametrize("weak", ["", "W/"])
def test_a_file_that_changes_on_the_server_is_not_glued_together(server, tmp_path, between, weak):
    server.weak = weak

    def change():
        server.files[FIRST] = bytes(2 * HALF)

    if between == "tries":
        server.faults[FIRST] = iter(["cuts off", change])
    else:
        server.faults[FIRST] = itertools.chain(["cuts off"], itertools.repeat(500))
        with pytest.raises(EgolibError):
            fetch(server, tmp_path)
        server.faults.clear()
        change()
    fetch(server, tmp_path)
    assert is_complete(server, tmp_path)


def test_a_server_without_ranges_is_read_from_the_start(server, tmp_path):
    server.faults[FIRST] = iter(["cuts off", "has no ranges"])
    fetch(server, tmp_path)
    assert gets(server) == ["", f"bytes={HALF}-"]
    assert is_complete(server, tmp_path)


def test_a_server_without_ranges_that_always_cuts_off_is_given_up(server, tmp_path):
    server.faults[FIRST] = itertools.repeat("cuts off and has no ranges")
    with pytest.raises(EgolibError, match=f"{FIRST}: given up after {download.TRIES} vain tries"):
        fetch(server, tmp_path)
    assert not (tmp_path / FIRST).exists()


@pytest.mark.parametrize("lie", ["announces less", "announces more", "sends more", "sends less"])
def test_a_body_of_another_length_is_refused(server, tmp_path, lie):
    server.faults[FIRST] = itertools.repeat(lie)
    with pytest.raises(EgolibError, match=FIRST):
        fetch(server, tmp_path)
    assert not (tmp_path / FIRST).exists()
    assert all((tmp_path / name).exists() for name in part_names(CHARACTER)[1:])
    server.faults.clear()
    fetch(server, tmp_path)
    assert is_complete(server, tmp_path)


def test_lengths_that_are_not_told_are_counted_from_what_is_known(server, tmp_path, capsys):
    server.head_faults = {name: itertools.repeat(403) for name in server.files}
    fetch(server, tmp_path)
    assert is_complete(server, tmp_path)
    assert f"(6 such parts); each is counted as {2.1} GB" in capsys.readouterr().out


def test_a_body_without_any_length_is_refused(server, tmp_path):
    server.head_faults[FIRST] = itertools.repeat(405)
    server.faults[FIRST] = itertools.repeat("tells no length")
    with pytest.raises(EgolibError, match=f"{FIRST}: the server tells no length"):
        fetch(server, tmp_path)
    assert not (tmp_path / FIRST).exists()


def test_without_lengths_nothing_of_an_earlier_try_is_kept(server, tmp_path):
    server.head_faults = {name: itertools.repeat(403) for name in server.files}
    server.faults[FIRST] = iter(["cuts off"])
    fetch(server, tmp_path)
    assert gets(server) == ["", ""]
    assert is_complete(server, tmp_path)


def test_a_part_of_another_length_is_fetched_anew(server, tmp_path):
    (tmp_path / FIRST).write_bytes(b"cut off by another tool")
    assert fetch(server, tmp_path) == 6
    assert is_complete(server, tmp_path)


def test_missing_files_are_named_before_anything_is_fetched(server, tmp_path, capsys):
    gone = part_names(CHARACTER)[2:4]
    for name in gone:
        del server.files[name]
    arguments = ["download", str(tmp_path), "--url", server.url, "--characters", CHARACTER]
    assert cli.main(arguments) == 2
    assert f"/v1.0/: has no {', '.join(gone)}" in capsys.readouterr().err
    assert not gets(server, part_names(CHARACTER)[0])


def test_a_file_that_disappears_while_fetching_is_named(server, tmp_path):
    server.faults[FIRST] = iter([lambda: server.files.pop(FIRST)])
    with pytest.raises(EgolibError, match=f"{FIRST}: 404"):
        fetch(server, tmp_path)


def test_a_disk_that_is_too_small_is_refused_up_front(server, tmp_path, monkeypatch):
    class Usage:
        free = 1_000_000

    monkeypatch.setattr(transfers.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(EgolibError, match=r"needs 3\.1 MB, but the disk has 1\.0 MB free"):
        fetch(server, tmp_path)
    assert not list(tmp_path.iterdir())
    assert not gets(server)


def test_a_disk_that_fills_up_is_one_line(server, tmp_path, monkeypatch):
    def full(*_):
        return open("/dev/full", "wb")

    monkeypatch.setattr(download, "open", full, raising=False)
    with pytest.raises(EgolibError, match="no space left on this disk") as caught:
        fetch(server, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(download, "BACKOFF_S", 0.001)
    arguments = ["download", str(tmp_path), "--url", "http://127.0.0.1:9/", "--sets", "val"]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("egolib: http://127.0.0.1:9/male_008_a_a.tar.gz.parta")
    assert "\n" not in error


def test_a_folder_in_which_another_run_downloads_is_left_to_it(server, tmp_path):
    with (
        only_run(tmp_path / ".download.lock"),
        pytest.raises(EgolibError, match="another run"),
    ):
        fetch(server, tmp_path)
    assert not gets(server)


def test_redirections_are_followed(server, tmp_path, monkeypatch):
    def redirect(handler, faults, answer=Handler.answer):
        if handler.path.startswith("/moved/"):
            return answer(handler, faults)
        handler.send_response(302)
        handler.send_header("Location", f"/moved{handler.path}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return None

    monkeypatch.setattr(Handler, "answer", redirect)
    fetch(server, tmp_path)
    assert is_complete(server, tmp_path)


def test_the_official_address():
    assert release.URL == "https://github.com/facebookresearch/xR-EgoPose/releases/download/v1.0/"
    assert MAX_PART_BYTES == 2**31
    assert requests.utils.urlparse(release.URL).scheme == "https"
