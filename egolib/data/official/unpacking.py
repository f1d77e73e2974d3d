"""Extraction of one archive from its parts, with checks that the bytes are whole and that names and
links stay inside the folder.

tarfile alone is too lenient: it takes a damaged header for the end of the archive, and its own gzip
mode compares no checksum. Links are made last, so nothing is ever written through one.
"""

import gzip
import io
import shutil
import tarfile
import zlib

from egolib.data.images import inspect_png
from egolib.data.official.members import make_links, member_place
from egolib.foundation.errors import EgolibError
from egolib.foundation.progress import bytes_text
from egolib.foundation.untrusted import shown

_CHUNK = 1 << 20
_MAX_IMAGE_BYTES = 64 << 20
_MOST_MEMBER_BYTES = 256 << 20  # the largest file of the release is a few megabytes
# Images do not shrink in gzip, and labels by about ten times; a file of zeros does by a thousand.
_MOST_EXPANSION, _SLACK_BYTES = 30, 64 << 20
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError)


class _JoinedParts(io.RawIOBase):
    """The bytes of several files as one stream; `part` is the file being read, `read_bytes` how many
    bytes have been read."""

    def __init__(self, parts, advance):
        self._parts, self._advance = iter(parts), advance
        self._stream = io.BytesIO()
        self.part = None
        self.read_bytes = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        while not (count := self._stream.readinto(buffer)):
            following = next(self._parts, None)
            if following is None:
                break
            self._stream.close()
            self.part, self._stream = following, open(following, "rb")  # noqa: SIM115
        self.read_bytes += count
        self._advance(count)
        return count

    def close(self):
        self._stream.close()
        super().close()


class _StrictTarInfo(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, archive):
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"tar: {error}") from error
        # tarfile lets these through for headers with absurd numbers or text.
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            raise tarfile.ReadError(f"tar: a damaged header ({shown(reason)})") from error


def unpack(parts, character, folder, advance):
    """Write the files of `character` from the archive in `parts` (paths, in order) to `folder`.

    Modes, owners and times are not restored. `advance(n)` is called for every n bytes read.
    Raises EgolibError that names the part when one is cut off or damaged, and the member when one
    is neither file, folder nor link, or is refused by egolib.data.official.members.
    """
    try:
        with _JoinedParts(parts, advance) as joined:
            plain = gzip.GzipFile(fileobj=io.BufferedReader(joined, _CHUNK))
            _write_members(_members(plain, "r|", _CHUNK), character, folder, joined)
            while plain.read(_CHUNK):  # on to the checksum, and to the end of the last part
                pass
    except _DAMAGE as error:
        raise EgolibError(_describe_damage(parts, error, advance)) from error
    except EgolibError as error:
        raise EgolibError(f"{parts[0]}: {error}; refused") from error
    if not any(folder.glob("env*/cam_down")):
        raise EgolibError(f"{parts[0]}: holds no folder env_001/cam_down; is it another archive?")


def _members(stream, mode, buffer_bytes):
    """Yield (member, file with its content or None) of a tar archive."""
    with tarfile.open(
        fileobj=stream, mode=mode, bufsize=buffer_bytes, tarinfo=_StrictTarInfo
    ) as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # tarfile would keep them all in memory
            yield member, archive.extractfile(member) if member.isfile() else None


def _write_members(members, character, folder, joined):
    symbolic, hard, taken, written = {}, {}, set(), 0
    for member, content in members:
        place = member_place(member.name, character)
        path = folder / place
        if not member.isdir():
            key = place.as_posix().casefold()  # some file systems do not tell capitals apart
            if key in taken:
                raise EgolibError(f"member {shown(member.name)!r} occurs twice")
            taken.add(key)
        if member.issparse():
            raise EgolibError(f"member {shown(member.name)!r} is a sparse file")
        if member.isfile():
            written += member.size
            if member.size > _MOST_MEMBER_BYTES:
                raise EgolibError(f"member {shown(member.name)!r} has {member.size:,} bytes")
            if written > _MOST_EXPANSION * joined.read_bytes + _SLACK_BYTES:
                raise EgolibError(f"unpacks to more than {_MOST_EXPANSION} times its size")
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                shutil.copyfileobj(content, file, _CHUNK)
        elif member.isdir():
            path.mkdir(parents=True, exist_ok=True)
        elif member.issym():
            symbolic[place] = member.linkname
        elif member.islnk():
            hard[place] = member_place(member.linkname, character)
        else:
            raise EgolibError(
                f"member {shown(member.name)!r} is neither a file, a folder nor a link"
            )
    make_links(folder, symbolic, hard)


def _describe_damage(parts, error, advance):
    """One line that names the part in which the cause of `error` lies."""
    *sizes, last_size = [part.stat().st_size for part in parts]
    usual = max(sizes, default=last_size)  # all but the last were cut to one size
    for part, size in zip(parts, sizes, strict=False):
        if size < usual:
            return f"{part}: is cut off: {size} of {usual} bytes; fetch it again"
    if last_size > usual:
        return f"{parts[-1]}: is damaged: longer than the parts before it; fetch it again"
    if isinstance(error, EOFError):
        return f"{parts[-1]}: is cut off after {bytes_text(last_size)}; fetch it again"
    if suspects := _damaged_parts(parts, advance):
        return f"{' or '.join(map(str, suspects))}: is damaged ({error}); fetch it again"
    return f"{parts[0]}: it, or a part after it, is damaged ({error}); fetch them again"


def _damaged_parts(parts, advance):
    """The part, or the two neighbours, in which the first sign of damage lies; [] without one.

    Most damage shows only in the checksum at the very end. But the archives hold PNG images, which
    have checksums of their own: so read again, and stop at the first that does not fit.
    """
    with _JoinedParts(parts, lambda count: advance(0)) as joined:
        begun_in = parts[0]
        try:
            for member, content in _members(joined, "r|gz", 16 << 10):
                begun_in = joined.part
                if member.name.endswith(".png") and member.size <= _MAX_IMAGE_BYTES and content:
                    inspect_png(content.read())
        except (*_DAMAGE, ValueError):
            return parts[parts.index(begun_in) : parts.index(joined.part) + 1]
    return []
