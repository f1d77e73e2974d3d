"""Stills, videos and cameras: what is read, what is left out, and what the one line says."""

import http.server
import itertools
import math
import os
import struct
import threading
import time
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from egolib.data.images import read_image, read_still
from egolib.foundation.errors import EgolibError
from egolib.headset.cameras import sources
from egolib.headset.cameras.captures import Capture
from egolib.headset.cameras.sources import (
    InputImage,
    Unread,
    batches,
    open_sources,
    read_ahead,
    stems_of,
)

LEVELS = range(20, 220, 20)  # of grey, one a frame


def grey(level, shape=(64, 96)):
    return np.full((*shape, 3), level, np.uint8)


def write_video(path, levels=LEVELS, codec="MJPG"):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, (96, 64))
    for level in levels:
        writer.write(grey(level))
    writer.release()
    return path


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "clip.avi")


def names_of(source, **options):
    return [item.name for item in source.read(**options)]


def test_a_video_is_read_in_order_and_goes_on_where_it_was_left(video):
    (source,) = open_sources([video])
    images = list(source.read())
    assert (source.total, source.fps, source.live) == (10, 10, False)
    assert [image.rgb.mean().round() for image in images] == pytest.approx(LEVELS, abs=2)
    assert [image.time_s for image in images] == pytest.approx(np.arange(10) / 10)
    assert images[3].name == "clip.avi#000003"
    assert names_of(source, done={p.name for p in images[:8]}) == [
        "clip.avi#000008", "clip.avi#000009",
    ]  # fmt: skip
    assert names_of(source, every=4) == ["clip.avi#000000", "clip.avi#000004", "clip.avi#000008"]


def test_a_video_that_is_cut_short_gives_what_it_has_and_says_so(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 64, 96, 3), np.uint8)
    path = tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (96, 64))
    for frame in noise:
        writer.write(frame)
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    items = list(open_sources([path])[0].read())
    assert 10 < len(items) < 30
    assert all(isinstance(item, InputImage) for item in items[:-1])
    assert isinstance(items[-1], Unread)
    assert "of 40 frames are missing" in items[-1].reason


@pytest.mark.parametrize("content", [b"", b"no video", bytes(5000)])
def test_what_is_no_video(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    (unread,) = open_sources([path])[
        0
    ].read()  # it is counted as skipped, beside those that can be read
    assert unread == Unread("clip.mp4", "neither an image nor a video with frames")


def test_folders_globs_and_files_make_one_source_of_stills(tmp_path, video):
    for name in ("a/1.png", "a/2.PNG", "b/1.png", "b/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), grey(90))
    (tmp_path / "a" / "notes.txt").write_text("not looked at")
    given = [tmp_path / "a", tmp_path / "b" / "*.*", tmp_path / "a" / "1.png", video]
    stills, clip = open_sources(given)
    images = list(stills.read())
    assert [image.name for image in images] == ["a/1.png", "2.PNG", "b/1.png", "3.jpg"]
    assert [image.stem for image in images] == ["a/1", "2", "b/1", "3"]
    assert all(math.isnan(image.time_s) for image in images)
    assert stills.total == 4
    assert names_of(stills, done={"2.PNG", "b/1.png"}) == ["a/1.png", "3.jpg"]
    assert clip.name == "clip.avi"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("nowhere", "no such image, video, folder or camera"),
        ("*.png", "no such image"),
        ("", "holds no image or video"),
    ],
)
def test_inputs_that_are_not_there(tmp_path, given, line):
    with pytest.raises(EgolibError, match=line):
        open_sources([tmp_path / given])


@pytest.mark.parametrize("device", ["97", "/dev/video97", "http://127.0.0.1:9/stream"])
def test_a_camera_that_is_missing(device):
    with pytest.raises(EgolibError, match=f"^{device}: no such camera"):
        open_sources([device])


def test_one_camera_at_a_time():
    with pytest.raises(EgolibError, match="98: one camera at a time"):
        open_sources(["97", "98"])


class _Stream(http.server.BaseHTTPRequestHandler):
    """Motion JPEG as network cameras send it: LEVELS, then silence or the end."""

    silent_s = 0.0

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for level in LEVELS:
            jpeg = cv2.imencode(".jpg", grey(level))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
        time.sleep(self.silent_s)

    def log_message(self, *_):
        pass


@pytest.fixture
def camera(monkeypatch):
    """URL of a network camera."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Stream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/stream"
    server.shutdown()


def test_a_stream_that_ends(camera):
    (source,) = open_sources([camera])
    images = list(source.read())
    assert source.live
    assert source.total is None
    assert [image.rgb.mean().round() for image in images] == pytest.approx(LEVELS, abs=2)
    assert images[0].name == "camera#000000"
    assert next(source.read(done={"camera#000009"})).name == "camera#000010"


def test_a_stream_that_stalls(camera, monkeypatch):
    monkeypatch.setattr(_Stream, "silent_s", 4.0)
    monkeypatch.setattr(sources, "PATIENCE_S", 0.5)
    (source,) = open_sources([camera])
    with pytest.raises(EgolibError, match=r"stalled: no frame for 0\.5 s"):
        list(read_ahead(source.read(), live=True))


def test_who_is_late_gets_the_newest_frame():
    def frames():
        for number in range(20):
            yield number
            time.sleep(0.02)

    taken = []
    for number in read_ahead(frames(), live=True):
        taken.append(number)
        time.sleep(0.1)
    gaps = np.diff(taken)
    assert 2 <= len(taken) < 20
    assert gaps.max() > 1
    assert list(read_ahead(iter(range(20)))) == list(range(20))  # of files none is lost


def test_what_the_reader_raises_is_raised_and_its_thread_ends():
    def broken():
        yield 1
        raise EgolibError("torn")

    ahead = read_ahead(broken())
    assert next(ahead) == 1
    with pytest.raises(EgolibError, match="torn"):
        next(ahead)
    before, endless = threading.enumerate(), read_ahead(itertools.count())
    next(endless)
    (reader,) = set(threading.enumerate()).difference(before)
    endless.close()
    reader.join(timeout=30)
    assert not reader.is_alive()


def test_batches_are_smaller_where_images_are_huge():
    small = [InputImage(str(i), "", 0.0, grey(0)) for i in range(5)]
    huge = [InputImage("x", "", 0.0, np.empty((10_000, 10_000, 3), np.uint8))] * 2
    assert [len(batch) for batch in batches(small + [Unread("y", "")] + huge, 4)] == [4, 3, 1]


def test_frames_that_nobody_wants_are_not_converted(video, monkeypatch):
    converted = []
    monkeypatch.setattr(cv2, "cvtColor", lambda frame, _: converted.append(1) or frame)
    assert len(list(Capture(str(video), 10, 10.0).read(lambda n: n == 7))) == 1
    assert len(converted) == 1


def halves(shape=(64, 96)):
    """Left red, right blue, RGB."""
    rgb = np.zeros((*shape, 3), np.uint8)
    rgb[:, : shape[1] // 2, 0] = rgb[:, shape[1] // 2 :, 2] = 200
    return rgb


def test_every_kind_of_image_becomes_rgb(tmp_path):
    rgb = halves()
    image = Image.fromarray(rgb)
    image.save(tmp_path / "rgb.png")
    image.convert("RGBA").save(tmp_path / "alpha.png")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    image.save(tmp_path / "plain.webp", lossless=True)
    image.save(tmp_path / "plain.tif")
    cv2.imwrite(str(tmp_path / "deep.png"), rgb[..., ::-1].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    Image.fromarray(np.rot90(rgb)).save(tmp_path / "turned.jpg", quality=95, exif=exif)
    for name in ("rgb.png", "alpha.png", "plain.webp", "plain.tif", "deep.png"):
        assert np.array_equal(read_still(tmp_path / name), rgb), name
    for name in ("cmyk.jpg", "turned.jpg"):
        read = read_still(tmp_path / name)
        assert read.shape == rgb.shape, name
        assert np.abs(read[:, 8:-8].astype(int) - rgb[:, 8:-8]).mean() < 12, name
    image.convert("L").save(tmp_path / "grey.png")
    assert np.ptp(read_still(tmp_path / "grey.png"), axis=-1).max() == 0


def png_header(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + head + struct.pack(">I", 99) + b"IDAT"


@pytest.mark.parametrize(
    ("write", "line"),
    [
        (lambda p: cv2.imwrite(str(p), np.zeros((1, 1, 3), np.uint8)), "1x1 is too small"),
        (lambda p: p.write_bytes(png_header(12_000, 9_000)), "more than 89 megapixels"),
        (lambda p: p.write_bytes(png_header(60_000, 60_000)), "more than 89 megapixels"),
        (lambda p: p.write_bytes(png_header(40_000, 100)), "40000x100 is too long"),
        (lambda p: p.write_text("text"), "no image"),
        (lambda p: p.write_bytes(b""), "no image"),
        (lambda p: p.write_bytes(png_header(640, 400)), "cut short"),
        (lambda p: p.mkdir(), "cannot be read"),
        (lambda p: os.mkfifo(p), "a pipe or a device"),
        (lambda p: p.symlink_to("nowhere"), "no such file"),
        (
            lambda p: p.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 640 400\n"),
            "no image",
        ),
        (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    ],
)
def test_images_that_are_refused_in_one_line(tmp_path, write, line):
    path = tmp_path / "x.png"
    write(path)
    with pytest.raises(EgolibError, match=line) as caught:
        read_still(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_fifty_megapixels_are_read(tmp_path):
    cv2.imwrite(str(tmp_path / "large.png"), np.full((5774, 8660), 90, np.uint8))
    assert read_still(tmp_path / "large.png").shape == (5774, 8660, 3)


NAMES = st.text("aA.#1é-", min_size=1, max_size=6)


@given(
    st.lists(
        st.tuples(NAMES, st.sampled_from([".png", ".jpg", ".PNG", ".webp"])).map("".join),
        unique=True,
    )
)
def test_no_two_images_share_the_name_of_their_files(names):
    """Also not on file systems that do not tell capitals apart, as far as the names themselves differ."""
    stems = stems_of(names)
    assert [*stems] == names
    if len({name.casefold() for name in names}) == len(names):
        assert len({stem.casefold() for stem in stems.values()}) == len(names)


def test_names_that_differ_in_their_suffix_alone(tmp_path):
    for name in ("a.png", "a.jpg", "a.png.webp"):
        cv2.imwrite(str(tmp_path / name), grey(90))
    stems = [item.stem for item in open_sources([tmp_path])[0].read()]
    assert len({*stems}) == 3


@pytest.mark.parametrize(
    "name", ["a\rb.png", "a\nb.png", "a\x1bb.png", os.fsdecode(b"\xff\xfe.png")]
)
def test_a_name_that_no_table_holds_is_skipped_and_counted(tmp_path, name):
    cv2.imwrite(str(tmp_path / "ok.png"), grey(90))
    (tmp_path / name).write_bytes((tmp_path / "ok.png").read_bytes())
    items = {type(item): item for item in open_sources([tmp_path])[0].read()}
    assert items[InputImage].name == "ok.png"
    assert items[Unread].reason == "its name holds characters that a table cannot hold; rename it"
    assert items[Unread].name.isprintable()


def test_a_broken_video_in_a_folder_is_skipped_and_counted(tmp_path, video):
    (tmp_path / "empty.mp4").touch()
    items = [item for source in open_sources([tmp_path]) for item in source.read()]
    assert [item.name for item in items if isinstance(item, Unread)] == ["empty.mp4"]
    assert sum(isinstance(item, InputImage) for item in items) == 10


def test_a_colon_in_the_name_of_a_video(tmp_path, video, monkeypatch):
    video.rename(tmp_path / "12:30.avi")
    monkeypatch.chdir(tmp_path)
    assert len(list(open_sources(["12:30.avi"])[0].read())) == 10


def test_the_name_of_a_damaged_chunk_is_printed_on_one_line(tmp_path):
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), grey(90))
    content = bytearray(path.read_bytes())
    content[12:16] = b"\n\x1a\n\0"  # the kind of the first chunk
    path.write_bytes(content)
    with pytest.raises(
        EgolibError, match=r"the checksum of a chunk \\n\\x1a\\n\\x00 is wrong"
    ) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
