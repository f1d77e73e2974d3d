"""Image files -> arrays, and the square that the network sees."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from egolib.camera import crop_square
from egolib.foundation.errors import EgolibError
from egolib.foundation.untrusted import read_bytes, shown

# The only formats that are decoded, by content and not by the name of the file: Pillow would hand
# PostScript to another program, and OpenCV has decoders for a dozen formats that nobody needs here.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
LEAST_PX, MOST_PX = 32, 32766  # a side, to show a body; and what cv2.remap takes
MOST_BYTES = 512 << 20  # of an image file: more than the largest that is taken, not compressed
# The first bytes of FORMATS; a RIFF file that is no WEBP fails later.
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_PNG_START = b"\x89PNG\r\n\x1a\n"


def read_image(path: Path | str) -> np.ndarray:
    """Image file -> uint8 RGB (H, W, 3).

    Raises EgolibError for a missing, damaged or undecodable file. OpenCV silently fills the rest of a
    PNG that was cut short or damaged, so its checksums are compared first.
    """
    content = read_bytes(path, MOST_BYTES)
    if content.startswith(_PNG_START):
        try:
            inspect_png(content)
        except ValueError as error:
            raise EgolibError(f"{path}: the PNG is {error}; fetch or render it again") from error
    image = decode(content)
    if image is None:
        known = ", ".join(FORMATS)
        raise EgolibError(f"{path}: not an image ({known}), or damaged; fetch or render it again")
    return image


def inspect_png(content: bytes) -> tuple[int, int]:
    """Bytes of a PNG -> (width, height). Raises ValueError that says what is wrong with it.

    A PNG carries a checksum for each of its chunks. Checking them finds truncation, bit rot and bad
    copies without decoding the image, about ten times as fast.
    """
    if not content.startswith(_PNG_START):
        raise ValueError("not a PNG" if content else "empty")
    view, position, size = memoryview(content), len(_PNG_START), None
    while True:
        try:
            length, kind = struct.unpack_from(">I4s", content, position)
            (checksum,) = struct.unpack_from(">I", content, position + 8 + length)
        except struct.error as error:
            raise ValueError("cut short") from error
        if zlib.crc32(view[position + 4 : position + 8 + length]) != checksum:
            raise ValueError(
                f"damaged (the checksum of a chunk {shown(kind.decode('latin-1'))} is wrong)"
            )
        if size is None:
            size = struct.unpack_from(">II", content, position + 8)
        if kind == b"IEND":
            return size
        position += 12 + length


def read_still(path: Path | str) -> np.ndarray:
    """An image file of the user -> uint8 RGB (H, W, 3): upright by its EXIF; grey, alpha and
    CMYK become RGB, 16 bits become 8.

    Raises EgolibError for a file that is missing, cut short, no image, too large or too small.
    """
    content = io.BytesIO(read_bytes(path, MOST_BYTES))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(content, formats=FORMATS) as image:
                width, height = image.size
                if image.format != "PNG":
                    image.load()  # OpenCV may silently fill a JPEG that was cut short
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        most = (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise EgolibError(f"{path}: more than {most} megapixels; make it smaller") from error
    except UnidentifiedImageError as error:
        raise EgolibError(f"{path}: no image of the formats {', '.join(FORMATS)}") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise EgolibError(f"{path}: cut short, or unreadable ({error})") from error
    if min(width, height) < LEAST_PX:
        raise EgolibError(f"{path}: {width}x{height} is too small to show a body")
    if max(width, height) > MOST_PX:
        raise EgolibError(f"{path}: {width}x{height} is too long a strip")
    return read_image(path)


def decode(content: bytes | np.ndarray) -> np.ndarray | None:
    """Bytes of an image file, or a uint8 view of them -> uint8 RGB (H, W, 3); None for damaged ones,
    for other formats than FORMATS, and for absurd sizes."""
    content = np.frombuffer(content, np.uint8)
    if not content[:12].tobytes().startswith(_STARTS):
        return None
    try:
        return cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # a header with a size that OpenCV refuses
        return None


def read_crop(path: Path | str) -> np.ndarray:
    """Image of the data set, at any scale -> its square crop, uint8 RGB (H, H, 3).

    Raises EgolibError as `read_image` does, and for an image that is not 8:5.
    """
    try:
        return crop_square(read_image(path))
    except ValueError as error:
        raise EgolibError(f"{path}: {error}; this is not a frame of the data set") from error


def read_square(path: Path | str, size_px: int) -> np.ndarray:
    """`read_crop`, resized to (size_px, size_px, 3)."""
    return resize_square(read_crop(path), size_px)


def resize_square(square: np.ndarray, size_px: int) -> np.ndarray:
    """Square image (H, H, 3) -> (size_px, size_px, 3): averaged when it shrinks, else linear."""
    if len(square) == size_px:
        return np.ascontiguousarray(square)
    interpolation = cv2.INTER_AREA if len(square) > size_px else cv2.INTER_LINEAR
    return cv2.resize(square, (size_px, size_px), interpolation=interpolation)
