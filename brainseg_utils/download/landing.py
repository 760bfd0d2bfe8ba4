"""Where downloaded files land: whole, recorded, and never over a user's file."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from brainseg_utils.download.disk_errors import check_space, explained
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import file_digest, read_json, replacing, write_json

try:
    import fcntl
except ImportError:  # Windows has none: two downloads at once are not noticed there.
    fcntl = None

RECORD = "download.json"


class Landing:
    """A folder that a download fills, with a record of every file it has put there.

    A file is the download's own while its SHA-256 is the recorded one. Any other is
    the user's: it is never changed, removed or overwritten.

    Args:
        folder: The folder; it need not exist.
        own: Pattern for the paths in the folder of files that the download may write.

    Attributes:
        source: Identity of the archive from which the files came; None at first.
        files: `bytes` and `sha256` of each file, by its path in the folder.
        patients: Those whose files are all there, in the archive's order.
        whole: Whether everything in the archive is there.
    """

    def __init__(self, folder: Path, own: re.Pattern[str]):
        self.folder, self._own = folder, own
        self.source: dict[str, Any] | None = None
        self.files: dict[str, dict[str, Any]] = {}
        self.patients: list[str] = []
        self.whole = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder, read its record, and keep other downloads out meanwhile.

        Raises:
            BrainSegError: `E-BUSY` when another one is at work there; `E-DOWNLOAD`
                when the record cannot be understood; `E-DISK`, `E-DISK-RO` or
                `E-EXISTS` when the folder cannot be made.
        """
        with explained(self.folder):
            is_new = not self.folder.is_dir()
            self.folder.mkdir(parents=True, exist_ok=True)
        handle = self._lock()
        try:
            self._read_record()
            self._sweep()
            yield
        finally:
            if handle is not None:
                os.close(handle)
            if is_new:
                with suppress(OSError):
                    self.folder.rmdir()  # Goes only where nothing has landed.

    def has(self, name: str) -> bool:
        """Whether a file is there as recorded.

        Raises:
            BrainSegError: `E-EXISTS` when another file has its name.
        """
        path, known = self.folder / name, self.files.get(name)
        if not os.path.lexists(path):
            return False
        with explained(path):
            if known and path.is_file() and file_digest(path) == known["sha256"]:
                return True
        what = "was changed since it was downloaded" if known else "is there already"
        raise BrainSegError(
            "E-EXISTS",
            path,
            f"{what}, and is left as it is.",
            "Move it away, or choose another folder.",
        )

    def write(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """Write a file that is not there yet; it appears when it is whole.

        Raises:
            BrainSegError: `E-DISK` when `size` bytes do not fit, `E-DISK-RO` when the
                folder cannot be written, and whatever `chunks` raises.
        """
        path = self.folder / name
        check_space(path, size)
        digest = hashlib.sha256()
        with explained(path, size), replacing(path) as temporary:
            with open(temporary, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
            # Before the file has its name: a file without a record would be the user's.
            self.files[name] = {"bytes": size, "sha256": digest.hexdigest()}
            self.save()

    def save(self) -> None:
        """Write the record."""
        record = {
            "source": self.source,
            "whole": self.whole,
            "patients": self.patients,
            "files": dict(sorted(self.files.items())),
        }
        with explained(self.folder / RECORD):
            write_json(self.folder / RECORD, record)

    def set_aside(self) -> Path:
        """Move the record and all files that it names to a new folder beside this."""
        numbers = (f"-{n}" for n in range(2, 1000))
        for number in ("", *numbers):
            aside = self.folder.with_name(f"{self.folder.name}.unverified{number}")
            if not os.path.lexists(aside):
                break
        for name in (*self.files, RECORD):
            if (self.folder / name).is_file():
                with explained(aside / name):
                    (aside / name).parent.mkdir(parents=True, exist_ok=True)
                    os.rename(self.folder / name, aside / name)
                with suppress(OSError):
                    (self.folder / name).parent.rmdir()
        return aside

    def _read_record(self) -> None:
        path = self.folder / RECORD
        if not os.path.lexists(path):
            return
        try:
            record = read_json(path)
            self.source = record["source"]
            self.whole, self.patients = record["whole"], list(record["patients"])
            self.files = {
                str(name): {"bytes": int(one["bytes"]), "sha256": str(one["sha256"])}
                for name, one in record["files"].items()
            }
            sound = {"etag", "last_modified", "size"} <= self.source.keys()
            # What the record names may be moved: it must not name what is not ours.
            sound = sound and all(map(self._own.fullmatch, self.files))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ):
            sound = False
        if not sound:
            raise BrainSegError(
                "E-DOWNLOAD",
                path,
                "is not a record that a download wrote.",
                "Choose another folder, or move this one away.",
            )

    def _lock(self) -> int | None:
        """Lock the folder itself, for as long as the handle is open.

        That leaves no file behind, ends with the process, and works where all is
        there already and nothing may be written.
        """
        if fcntl is None:
            return None
        with explained(self.folder):
            handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            what = "another download is at work in this folder."
            raise BrainSegError(
                "E-BUSY", self.folder, what, "Wait until it ends, then call again."
            ) from None
        except OSError:
            pass  # Some network file systems have no locks.
        return handle

    def _sweep(self) -> None:
        """Remove the hidden files that `replacing` left where a write was killed."""
        for path in self.folder.rglob(".*"):
            target = path.with_name(re.sub(r"^\.[0-9a-f]{8}-", "", path.name))
            name = target.relative_to(self.folder).as_posix()
            is_ours = name == RECORD or self._own.fullmatch(name)
            if is_ours and path.is_file() and not path.is_symlink():
                with explained(path):
                    path.unlink()
