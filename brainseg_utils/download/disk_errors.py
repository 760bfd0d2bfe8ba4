"""What a disk refuses while a folder that the user chose is filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brainseg_utils.errors import BrainSegError
from brainseg_utils.system.disks import FULL, IN_THE_WAY, READ_ONLY, free_bytes


def check_space(path: Path, needed: int) -> None:
    """Refuse with `E-DISK` what will not fit on the disk of `path`."""
    with explained(path):
        free = free_bytes(path)
    if needed > free:
        raise _disk_full(path, needed)


@contextmanager
def explained(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turn errors of the file system into a `BrainSegError` about `path`.

    Those that `system.disks` has explained are explained anew, with another remedy.
    """
    try:
        yield
    except OSError as error:
        raise _disk_error(path, needed, error) from error
    except BrainSegError as error:
        cause = error.__cause__
        if not error.code.startswith("E-DISK") or not isinstance(cause, OSError):
            raise
        raise _disk_error(path, needed, cause) from cause


def _disk_error(path: Path, needed: int | None, error: OSError) -> BrainSegError:
    reason = error.strerror or type(error).__name__
    if error.errno in FULL:
        return _disk_full(path, needed)
    code, what = "E-DISK", f"cannot be used: {reason}."
    remedy = "Check the disk, or choose another folder."
    if error.errno in READ_ONLY:
        code, remedy = "E-DISK-RO", "Make it writable, or choose another folder."
    elif error.errno in IN_THE_WAY:
        code, what = "E-EXISTS", f"something else is in its place: {reason}."
        remedy = "Move it away, or choose another folder."
    return BrainSegError(code, path, what, remedy)


def _disk_full(path: Path, needed: int | None) -> BrainSegError:
    needs = "more room" if needed is None else f"{needed} bytes"
    return BrainSegError(
        "E-DISK",
        path,
        f"needs {needs}, and {free_bytes(path)} bytes are free.",
        "Make room, or choose a folder on another disk; what is complete is kept.",
    )
