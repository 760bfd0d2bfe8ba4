"""One patient's prepared slices on disk: numbers, and a record that they are whole.

`<key>.slices` holds the images, int16 `[slice, height, width, channel]`, and behind
them the masks, uint8 `[slice, height, width]`. `<key>.json`, written last, says what is
in it. The key is a digest of the contents of the patient's files, of how they are cut,
and of `STORE_VERSION`: equal keys mean equal bytes, so it does not matter which of
several processes wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from isal import isal_zlib

from brainseg_utils.cases import Case, case_files
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import (
    file_digest,
    read_json,
    replacing,
    value_digest,
    write_json,
)
from brainseg_utils.nifti.content import reading
from brainseg_utils.store.case_slices import CaseSlices
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.system.crashpoints import crashpoint
from brainseg_utils.system.disks import explaining_disk

STORE_VERSION = 2  # Raise it whenever the same files would give other slices.
FORMAT = {"version": STORE_VERSION, "images": "<i2", "masks": "|u1"}


@dataclass(frozen=True)
class Entry:
    """One patient's slices, whole and verified.

    Attributes:
        path: The file of numbers.
        shape: `(slice, height, width, channel)` of the images.
        record: What `write_entry` was given, such as `"z"` and `"tumour_ml"`.
    """

    path: Path
    shape: tuple[int, int, int, int]
    record: Mapping[str, Any]

    @property
    def image_bytes(self) -> int:
        """Bytes of the images, behind which the masks begin."""
        return 2 * int(np.prod(self.shape))


def content_digest(case: Case) -> str:
    """Return the digest of the contents of a patient's files.

    Contents count, and not paths or times: a moved folder keeps its slices, and a
    changed file never finds those of the file that it replaced.

    Raises:
        BrainSegError: `E-READ` when a file is missing or cannot be read.
    """
    return value_digest([_file_digest(path) for path in case_files(case)], length=24)


def entry_key(case: Case, grid: SliceGrid, content: str) -> str:
    """Return the digest of all that decides a patient's slices."""
    labels = [case.labels.name, sorted(case.labels.names)]
    parts = [list(case.sequences), sorted(case.parts.items())]
    return value_digest(
        [STORE_VERSION, asdict(grid), labels, parts, content], length=24
    )


def find_entry(folder: Path, key: str) -> Entry | None:
    """Return a patient's slices, or None where there are none yet.

    Raises:
        BrainSegError: `E-CACHE-VERSION` when another version wrote them, `W-CACHE` when
            they are damaged; either way they have to be prepared again.
    """
    path, record_path = folder / f"{key}.slices", folder / f"{key}.json"
    try:
        record = read_json(record_path)
    except FileNotFoundError:
        return None  # Never finished; numbers without a record count for nothing.
    except (OSError, ValueError) as error:
        raise _damaged(record_path, f"cannot be read ({error})") from error
    if not isinstance(record, dict):
        raise _damaged(record_path, "it is no record")
    if record.get("format") != FORMAT:
        found = record.get("format")
        raise BrainSegError(
            "E-CACHE-VERSION",
            record_path,
            f"was written as {str(found)[:200]}, and {FORMAT} is wanted.",
            "It is prepared again from the patient's files.",
        )
    if record.pop("seal", None) != value_digest(record):
        raise _damaged(record_path, "its checksum differs")
    return _verified(path, record)


def write_entry(
    folder: Path, key: str, slices: CaseSlices, facts: Mapping[str, Any]
) -> Entry:
    """Write a patient's slices, then the record that makes them count.

    Raises:
        BrainSegError: `E-DISK` or `E-DISK-RO`.
    """
    path = folder / f"{key}.slices"
    images = np.ascontiguousarray(slices.images, FORMAT["images"])
    checksum = isal_zlib.crc32(slices.masks, isal_zlib.crc32(images))
    size = entry_bytes(slices)
    with replacing(path) as temporary, explaining_disk(path, size, ours=True):
        with open(temporary, "wb") as file:
            file.write(images)
            crashpoint("entries.images")
            file.write(slices.masks)
    crashpoint("entries.numbers")
    shape = list(images.shape)
    record = {"format": FORMAT, "shape": shape, "crc32": checksum, **facts}
    write_json(folder / f"{key}.json", {**record, "seal": value_digest(record)})
    crashpoint("entries.recorded")
    return Entry(path, tuple(shape), record)


def entry_bytes(slices: CaseSlices) -> int:
    """Return how many bytes a patient's slices take on disk."""
    return slices.images.nbytes + slices.masks.nbytes


@contextmanager
def entry_lock(folder: Path, key: str, wait: bool) -> Iterator[bool]:
    """Be the only process to write these slices; False where another one is.

    The system gives the lock back when its holder dies, however that happens.
    """
    path = folder / f".{key}.lock"
    with explaining_disk(path, ours=True):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
    try:
        # Whoever holds the lock is the only writer: these were left by one that died.
        for leftover in folder.glob(f".*-{key}.*"):
            leftover.unlink(missing_ok=True)
        yield True
    finally:
        lock.release()


def _verified(path: Path, record: Mapping[str, Any]) -> Entry:
    try:
        shape = tuple(int(n) for n in record["shape"])
        size, wanted = path.stat().st_size, int(np.prod(shape[:3])) * (2 * shape[3] + 1)
        if size != wanted:
            raise ValueError(f"it has {size:,} bytes, not {wanted:,}")
        if _checksum(path) != record["crc32"]:
            raise ValueError("its checksum differs")
    except (OSError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise _damaged(path, str(error) or type(error).__name__) from error
    return Entry(path, shape, record)


def _checksum(path: Path) -> int:
    """Return the CRC-32 of a file; it finds damage at the speed of memory."""
    checksum = 0
    with open(path, "rb") as file:
        while part := file.read(2**20):
            checksum = isal_zlib.crc32(part, checksum)
    return checksum


def _damaged(path: Path, what: str) -> BrainSegError:
    remedy = "It is prepared again from the patient's files."
    return BrainSegError(
        "W-CACHE", path, f"prepared slices are damaged: {what}.", remedy
    )


def _file_digest(path: Path) -> str:
    with reading(path):
        return file_digest(path)
