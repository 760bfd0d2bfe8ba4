"""What may be taken from a tar archive that others made: plain files of known names."""

from __future__ import annotations

import itertools
import posixpath
import re
import tarfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from brainseg_utils.errors import BrainSegError

CHUNK = 2**20
MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 200 * 10**6
MAX_TOTAL_BYTES = 20 * 10**9
MAX_NAME_LENGTH = 4096  # PATH_MAX of Linux.
# Of one member's header with its extensions, which `tarfile` reads into memory whole
# and searches in quadratic time. Those of real archives stay below 2 KB.
MAX_HEADER_BYTES = 2**13
PLAIN_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)


@dataclass(frozen=True)
class Member:
    """A file in an archive that may be taken.

    Attributes:
        groups: The named groups of the pattern; build the target's name from these.
        offset: Where its bytes begin in the archive.
        size: How many they are.
    """

    groups: dict[str, str | None]
    offset: int
    size: int


def safe_members(
    file: BinaryIO, source: str, wanted: re.Pattern[str], size: int | None = None
) -> Iterator[Member]:
    """Walk an uncompressed tar; yield the plain files whose names match `wanted`.

    Folders, other plain files and those that macOS adds (`._*`) are passed over. Only
    headers are read here; between two members the caller may read in `file` at will.

    Args:
        file: The archive, seekable, at its beginning.
        source: What to call the archive in an error.
        wanted: Pattern for the whole name of a member.
        size: Bytes of the archive, where known.

    Raises:
        BrainSegError: `E-ARCHIVE` when it is no tar or ends early, and for what a data
            set has no use for: a link, device or pipe, a sparse file, a name that
            leads outside or is there twice (letter case apart), a header, file, count
            or total beyond the limits above.
    """
    headers = _Headers(file, source)
    seen: set[str] = set()
    total = 0
    for info in _walk(headers, source):
        _check_kind(info, source)
        _check_name(info.name, source)
        if info.isdir():
            continue
        total += info.size
        _check_sizes(info, total, size, source)
        match = wanted.fullmatch(info.name)
        if not posixpath.basename(info.name).startswith("._"):
            _check_new(info.name, seen, source)
            if match:
                yield Member(match.groupdict(), info.offset_data, info.size)
    # tarfile takes a missing or broken header for the end, in silence.
    if headers.last != bytes(tarfile.BLOCKSIZE):
        raise _refusal(source, "has no end mark: it is cut short or damaged")


def read_member(file: BinaryIO, member: Member, source: str) -> Iterator[bytes]:
    """Yield the bytes of a member in chunks; refuse an archive that ends before."""
    file.seek(member.offset)
    left = member.size
    while left:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise _refusal(source, f"ends {left} bytes before its last file does")
        left -= len(chunk)
        yield chunk


class _Headers:
    """The archive as `tarfile` sees it: no header may ask for more than the limit."""

    def __init__(self, file: BinaryIO, source: str):
        self._file, self._source = file, source
        self.seek, self.tell = file.seek, file.tell
        self.allowance, self.last = 0, b""

    def read(self, amount: int = -1) -> bytes:
        if not 0 <= amount <= self.allowance:
            what = f"has a header of over {MAX_HEADER_BYTES} bytes"
            raise _refusal(self._source, what)
        self.allowance -= amount
        self.last = self._file.read(amount)
        return self.last


def _walk(headers: _Headers, source: str) -> Iterator[tarfile.TarInfo]:
    for count in itertools.count(1):
        headers.allowance = MAX_HEADER_BYTES
        try:
            if count == 1:
                tar = tarfile.open(fileobj=headers, mode="r:", encoding="utf-8")
            info = tar.next()
        except BrainSegError:
            raise
        except Exception as error:  # tarfile passes on what a bad header provokes.
            raise _refusal(source, f"cannot be read as tar: {error}") from error
        if info is None:
            return
        if count > MAX_MEMBERS:
            raise _refusal(source, f"has more than {MAX_MEMBERS} members")
        yield info


def _check_kind(info: tarfile.TarInfo, source: str) -> None:
    plain = info.type in PLAIN_FILES and info.sparse is None
    if not plain and info.type != tarfile.DIRTYPE:
        what = f"holds {_shown(info.name)}, which is neither a plain file nor a folder"
        raise _refusal(source, what)


def _check_name(name: str, source: str) -> None:
    leads_out = (
        ".." in name.split("/")
        or name.startswith("/")
        or "\\" in name
        or "\0" in name
        or re.match("[A-Za-z]:", name)
    )
    if leads_out or len(name) > MAX_NAME_LENGTH:
        raise _refusal(source, f"holds a name that is not safe: {_shown(name)}")


def _check_sizes(
    info: tarfile.TarInfo, total: int, size: int | None, source: str
) -> None:
    if not 0 <= info.size <= MAX_MEMBER_BYTES or total > MAX_TOTAL_BYTES:
        limits = f"{MAX_MEMBER_BYTES} bytes a file or {MAX_TOTAL_BYTES} in all"
        raise _refusal(source, f"goes beyond {limits} with {_shown(info.name)}")
    if size is not None and info.offset_data + info.size > size:
        what = f"ends at byte {size}, within {_shown(info.name)}"
        raise _refusal(source, what)


def _check_new(name: str, seen: set[str], source: str) -> None:
    # File systems of macOS and Windows take names for one that differ in case only.
    key = unicodedata.normalize("NFC", posixpath.normpath(name)).casefold()
    if key in seen:
        raise _refusal(source, f"holds {_shown(name)} twice")
    seen.add(key)


def _shown(name: str) -> str:
    return ascii(name[:100])  # A name may hold what a terminal cannot print.


def _refusal(source: str, what: str) -> BrainSegError:
    remedy = "Do not use this archive; get it from its publisher."
    return BrainSegError("E-ARCHIVE", source, f"{what}.", remedy)
