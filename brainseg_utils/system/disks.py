"""What a disk refuses, as errors with their remedy."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brainseg_utils.errors import BrainSegError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def explaining_disk(path: Path, needed: int = 0, ours: bool = False) -> Iterator[None]:
    """Turn what a disk refuses into an error with the remedy.

    Args:
        path: What is written.
        needed: Its bytes, where they are known.
        ours: Whether nothing but the writing itself can fail inside; then every error
            of the system is the disk's. Else, as where sources are read as well, only
            a full disk and a folder of `path` that is read-only are.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(path, needed) from error
        if error.errno in READ_ONLY and (ours or _lies_in(error.filename, path.parent)):
            raise BrainSegError(
                "E-DISK-RO",
                path.parent,
                f"cannot be written to: {error.strerror}.",
                "Make it writable, or set BRAINSEG_HOME to a folder that is.",
            ) from error
        if ours:
            what = f"could not be written: {error.strerror}."
            remedy = "Check that its disk is there (on Colab, mount Drive again)."
            if error.errno in IN_THE_WAY:
                remedy = "Something else stands in its place: move that away."
            raise BrainSegError("E-DISK", path, what, remedy) from error
        raise


def disk_full(path: Path, needed: int = 0) -> BrainSegError:
    """Return `E-DISK` with the bytes that are needed, where known, and free."""
    free = free_bytes(path)
    wanted = f"needs {needed:,} bytes, and " if needed else "could not be written: "
    return BrainSegError(
        "E-DISK",
        path,
        f"{wanted}{free:,} bytes are free (or the quota is used up).",
        "Free space, or set BRAINSEG_HOME to a folder on a larger disk.",
    )


def free_bytes(path: Path) -> int:
    """Return how many bytes may still be written to the disk of `path`."""
    return shutil.disk_usage(existing_folder(path)).free


def existing_folder(path: Path) -> Path:
    """Return the nearest folder above `path` that exists."""
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def _lies_in(name: object, folder: Path) -> bool:
    return isinstance(name, (str, bytes, os.PathLike)) and Path(
        os.fsdecode(name)
    ).absolute().is_relative_to(existing_folder(folder / "file"))
