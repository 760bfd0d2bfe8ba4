"""Get the bytes of a NIfTI file, never more of them than its header may ask for."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from brainseg_utils.errors import BrainSegError
from brainseg_utils.nifti.gunzip import MAX_EXPANSION, gunzip
from brainseg_utils.nifti.header import (
    GET_AGAIN,
    HEADER_BYTES,
    MAX_OFFSET,
    MAX_VOXELS,
    MIN_OFFSET,
    Header,
    parse_header,
)
from brainseg_utils.nifti.kind import is_gzip

HEAD_BYTES = 2**16  # More than any header, also one behind gzip's own extra fields.
MAX_BYTES = 8 * MAX_VOXELS + MAX_OFFSET  # One volume of double precision, 1 GiB.
# Masks of patients shrink up to 1000 times, at 9 to 18 MB. What claims far more than
# that and holds almost nothing was made to fill the memory.
BOMB_BYTES = 2**28
BOMB_EXPANSION = 200
OVERRUN_BYTES = 2**24  # How far to look behind the end, to say what is there.
PADDING_BYTES = 2**20


def read_content(path: Path, max_axes: int) -> tuple[Header, memoryview | bytearray]:
    """Return the checked header and the file's content, decompressed.

    The order keeps time and memory small whatever the file holds: its size, its first
    bytes, the header alone, the header's claim against the size, and only then the
    voxels. The content is `Header.end` bytes long.

    Args:
        path: A `.nii` or `.nii.gz` file.
        max_axes: 3 where one volume is wanted, 4 where several are welcome.

    Raises:
        BrainSegError: `E-READ` where the file cannot be read, `E-NII-...` where it is
            not sound.
    """
    with reading(path):
        size = _size(path)
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
            zipped = is_gzip(path, head)
            start = bytes(gunzip(path, head, HEADER_BYTES)) if zipped else head
            header = parse_header(path, start, max_axes)
            _check_claim(path, header, size, zipped)
            stored = _read_on(path, file, head, size)
    return header, _decompress(path, header, stored) if zipped else stored


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the system refuses in reading `path` into `E-READ` with the remedy."""
    try:
        yield
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BrainSegError:
    what = f"cannot be read: {error.strerror or error}."
    remedy = "Check that its disk is there (on Colab, mount Drive again)."
    if isinstance(error, PermissionError):
        what = "there is no permission to read it."
        remedy = f"If it is yours, run: chmod u+r '{path}'; else ask its owner."
    elif error.errno == errno.ELOOP:
        what, remedy = "it is a link that leads back to itself.", "Mend the link."
    elif isinstance(error, FileNotFoundError) and path.is_symlink():
        what = f"it is a link to {os.readlink(path)}, which is not there."
        remedy = "Mend the link, or get the file that it names."
    elif isinstance(error, FileNotFoundError):
        what, remedy = "there is no such file.", "Check the path."
    return BrainSegError("E-READ", path, what, remedy)


def _size(path: Path) -> int:
    try:
        status = os.stat(path)
    except ValueError as error:  # A zero byte in the name.
        what = f"no file can have this name: {error}."
        raise BrainSegError("E-READ", path, what, "Check the path.") from None
    if not stat.S_ISREG(status.st_mode):
        # To open a pipe would wait for ever.
        folder = stat.S_ISDIR(status.st_mode)
        what = "it is a folder." if folder else "it is no regular file."
        raise BrainSegError("E-READ", path, what, "Give the NIfTI file itself.")
    if not status.st_size:
        what = "the file is empty (0 bytes)."
        remedy = "Get it again; a copy or a download broke off."
        raise BrainSegError("E-NII-EMPTY", path, what, remedy)
    return status.st_size


def _check_claim(path: Path, header: Header, size: int, zipped: bool) -> None:
    """Hold what the header claims against what a file of `size` bytes can hold."""
    most = size * MAX_EXPANSION if zipped else size
    if header.offset > max(most, MIN_OFFSET):
        what = f"the voxels begin at byte {header.offset}, behind the end of the file."
        raise BrainSegError("E-NII-OFFSET", path, what, GET_AGAIN)
    claim = f"the header claims {header.end} bytes (shape {list(header.shape)})"
    if header.end > MAX_BYTES:
        what = f"{claim}, the limit is {MAX_BYTES}."
        raise BrainSegError("E-NII-DIMS", path, what, GET_AGAIN)
    if not zipped:
        _check_length(path, size, header.end)
    elif header.end > most:
        what = f"{claim}, {size} bytes of gzip hold {most} at the most."
        raise BrainSegError("E-NII-DIMS", path, what, GET_AGAIN)
    elif header.end > max(BOMB_BYTES, size * BOMB_EXPANSION):
        raise _bomb(path, f"{claim} out of {size} bytes of gzip")
    elif size > 2 * header.end + PADDING_BYTES:
        raise _overlong(path, f"{claim}, yet there are {size} even compressed")


def _check_length(path: Path, have: int, need: int) -> None:
    if have < need:
        what = f"have {have} bytes, need {need}: the end is missing."
        raise BrainSegError("E-NII-SHORT", path, what, "Get the file again.")
    if have > need:
        raise _overlong(path, f"{have - need} bytes follow the last voxel")


def _read_on(path: Path, file: BinaryIO, head: bytes, size: int) -> bytearray:
    """Return the whole file, of which `head` has been read, without a second copy."""
    content = bytearray(size)
    content[: len(head)] = head
    read = len(head) + file.readinto(memoryview(content)[len(head) :])
    if read != size or file.read(1):
        what = f"its size of {size} bytes changed while it was read."
        raise BrainSegError("E-READ", path, what, "Wait until it is written.")
    return content


def _decompress(path: Path, header: Header, stored: bytearray) -> memoryview:
    content = gunzip(path, stored, header.end + 1)
    if len(content) > header.end:
        limit = header.end + OVERRUN_BYTES
        content = gunzip(path, stored, limit)
        if len(content) == limit:
            raise _bomb(path, f"{OVERRUN_BYTES} bytes and more follow the last voxel")
    _check_length(path, len(content), header.end)
    return content


def _overlong(path: Path, what: str) -> BrainSegError:
    remedy = "Header and voxels do not belong together; get or export the file again."
    return BrainSegError("E-NII-EXTRA", path, f"{what}.", remedy)


def _bomb(path: Path, what: str) -> BrainSegError:
    remedy = "Do not unpack it: it would fill the memory. Get it from its source again."
    return BrainSegError("E-NII-BOMB", path, f"{what}.", remedy)
