"""Named arrays from an `.npz` file that anybody may have made.

Such a file is a zip archive. `np.savez` stores arrays as they are, not compressed, and
where nothing else is taken no more comes out of an archive than it has bytes.
"""

from __future__ import annotations

import io
import math
import re
import reprlib
import zipfile

import numpy as np

MAX_MEMBERS = 10_000
NAME = re.compile(r"[A-Za-z0-9_][\w.\-]{0,199}\.npy", re.ASCII)
ENTRY = b"PK\x01\x02"  # How every entry of a zip archive's directory begins.
KINDS = "biuf"  # Truth values and numbers, and so no objects, which are code.
ENCRYPTED = 0x1
VERSION = (1, 0)  # Of the format of arrays that have no long headers.


def read_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays in an `.npz` file by name.

    Args:
        content: The file's bytes.

    Raises:
        ValueError: With the reason why no array was made of them: the archive is
            damaged, compressed or encrypted, has odd, repeated or overlapping
            members, or one that is not wholly an array of numbers.
    """
    # Before `zipfile` makes an object of each.
    if content.count(ENTRY) > MAX_MEMBERS:
        raise ValueError(f"more than {MAX_MEMBERS} arrays")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members, len(content))
            return {m.filename[:-4]: _read_array(archive, m) for m in members}
    except ValueError:
        raise
    except Exception as error:  # A damaged archive raises many kinds.
        raise ValueError(f"{error or type(error).__name__}") from error


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    for member in members:
        shown = ascii(member.filename[:100])
        if not NAME.fullmatch(member.filename):
            raise ValueError(f"{shown} is no name of an array")
        if member.flag_bits & ENCRYPTED or member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{shown} is compressed or encrypted")
    if len({member.filename for member in members}) < len(members):
        raise ValueError("two arrays have one name")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its arrays are larger than the file")


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    data = io.BytesIO(archive.read(member))  # Compares the checksum.
    if np.lib.format.read_magic(data) != VERSION:
        raise ValueError(f"{member.filename} is of another version")
    shape, dtype = _read_header(data, member.filename)
    if dtype.kind not in KINDS:
        raise ValueError(f"{member.filename} is no array of numbers, but {dtype}")
    held = len(data.getbuffer()) - data.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != held:
        claimed = reprlib.repr(shape)
        raise ValueError(f"{member.filename} is no {dtype} {claimed}: {held} bytes")
    data.seek(0)
    return np.lib.format.read_array(data, allow_pickle=False)


def _read_header(data: io.BytesIO, name: str) -> tuple[tuple[int, ...], np.dtype]:
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(data)
    except Exception as error:  # MemoryError too, of what is nested deeply.
        raise ValueError(f"{name} has a damaged header") from error
    return shape, dtype
