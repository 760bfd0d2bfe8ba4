"""Files that are either whole or not there: the one place that writes final paths."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from brainseg_utils.errors import BrainSegError
from brainseg_utils.system.crashpoints import crashpoint
from brainseg_utils.system.disks import IN_THE_WAY, explaining_disk

MAX_JSON_BYTES = 16 * 2**20


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success flush it and rename it there.

    A reader sees the old file or the new one, never a part. When the body raises,
    the temporary file is removed and the old file stays as it was.

    Raises:
        BrainSegError: `E-DISK` when the disk is full, `E-DISK-RO` when the folder
            cannot be written to.
    """
    path = Path(path)
    with explaining_disk(path):
        with explaining_disk(path, ours=True):
            path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept because writers choose their format by it.
        temporary = _beside(path)
        try:
            yield temporary
            crashpoint("files.written")
            with explaining_disk(path, ours=True):
                _flush(temporary)
                crashpoint("files.flushed")
                os.replace(temporary, path)
            crashpoint("files.replaced")
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; on success rename it to `path`.

    Where another process finished the same folder first, theirs is kept. Raises as
    `replacing` does.
    """
    path = Path(path)
    with explaining_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path)
        temporary.mkdir()
        try:
            yield temporary
            for file in filter(Path.is_file, temporary.rglob("*")):
                _flush(file)
            try:
                os.rename(temporary, path)
            except OSError as error:
                if error.errno not in IN_THE_WAY or not path.is_dir():
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content`, whole or not at all."""
    path = Path(path)
    with replacing(path) as temporary, explaining_disk(path, len(content), ours=True):
        temporary.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_new(path: str | Path, text: str) -> None:
    """Write a file that somebody named, unless it is there already.

    Raises:
        BrainSegError: `E-EXISTS`; else as `replacing`.
    """
    refuse_existing(path)
    write_text(path, text)


def refuse_existing(
    path: str | Path, remedy: str = "Choose another name, or delete it."
) -> None:
    """Raise `E-EXISTS` where something is that would be overwritten."""
    if os.path.lexists(path):
        raise BrainSegError("E-EXISTS", path, "is there already.", remedy)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file that anybody may have written.

    Raises:
        OSError: The system refuses it.
        ValueError: It is no JSON, is nested too deeply, or is larger than what
            `write_json` ever writes.
    """
    with open(path, "rb") as file:
        content = file.read(MAX_JSON_BYTES + 1)
    if len(content) > MAX_JSON_BYTES:
        raise ValueError(f"it has more than {MAX_JSON_BYTES:,} bytes")
    try:
        # Windows writes a mark at the beginning of a file, which JSON does not know.
        return json.loads(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def value_digest(value: Any, length: int = 12) -> str:
    """Return the first `length` hexadecimal digits of the SHA-256 of a JSON value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _beside(path: Path) -> Path:
    # Only the end of the name, as a long one leaves no room for more.
    return path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name[-50:]}")


def flush_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk, where systems can."""
    with suppress(OSError):  # Windows opens no folders.
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
