"""A run folder's copy on a drive: whatever is read or written there is verified.

What the drive refuses comes out as an OSError, and so does what is not whole there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_bytes
from brainseg_utils.run_files.states import NAME
from brainseg_utils.runs import EVALUATED, RECORD, WHOLE_RUN, Run

MANIFEST = "mirror.json"
DEPTH = 4  # A run's place below the project and in the mirror: runs/PROFILE/runs/NAME.
LEFTOVER = re.compile(r"\.[0-9a-f]{8}-(.+)")  # Temporary names, as `files` makes them.


class Damaged(OSError):
    """A file of the copy is not what was written."""


@dataclass(frozen=True)
class RunCopy:
    """The copy of one run folder.

    A manifest, written last, holds the digests of the results; each state has its own
    in its name.

    Attributes:
        folder: Where it lies; it need not exist.
    """

    folder: Path

    def check_mounted(self) -> None:
        """Raise an OSError where the drive is not there to hold a copy."""
        root = self.folder.parents[DEPTH - 1]
        if not os.path.isdir(root):  # Made here, it would not be on the drive.
            raise OSError(f"there is no folder {root}")

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each result in the copy, by name.

        Raises:
            OSError: It cannot be told; `Damaged` where the manifest is not whole.
        """
        try:
            text = (self.folder / MANIFEST).read_bytes()
        except FileNotFoundError:
            return {}
        try:
            entries = json.loads(text).items()
        except (ValueError, AttributeError, RecursionError) as error:
            raise Damaged(f"{MANIFEST} is damaged") from error
        return {name: str(digest) for name, digest in entries if is_result(name)}

    def states(self) -> list[str]:
        """Return the names of the states in the copy, whole or not, newest first."""
        found = [f"state/{name}" for name in self._listing("state")]
        return sorted(filter(epochs_of, found), key=epochs_of, reverse=True)

    def read(self, name: str, digest: str) -> bytes:
        """Return a file's content; refuse it where it does not fit its digest.

        Args:
            name: Relative to the folder, with `/`.
            digest: Its SHA-256, or the beginning of that.
        """
        content = (self.folder / name).read_bytes()
        if not hashlib.sha256(content).hexdigest().startswith(digest):
            raise Damaged(f"{name} is damaged")
        return content

    def holds(self, name: str, size: int) -> bool:
        """Tell whether there is a file of this name and size in bytes."""
        try:
            return (self.folder / name).stat().st_size == size
        except FileNotFoundError:
            return False

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all, and read it back."""
        try:
            write_bytes(self.folder / name, content)
        except BrainSegError as error:
            raise OSError(error.what.rstrip(".")) from error
        self.read(name, hashlib.sha256(content).hexdigest())

    def write_digests(self, digests: Mapping[str, str]) -> None:
        """Write the manifest: what it names is there, whole."""
        self.write(MANIFEST, json.dumps(digests, indent=2).encode())

    def remove(self, states: Iterable[str]) -> None:
        """Remove states, and what a lost connection left under temporary names."""
        for name in states:
            (self.folder / name).unlink(missing_ok=True)
        for folder in ("", "state", "predictions"):
            for name in self._listing(folder):
                rest = LEFTOVER.fullmatch(name)
                if rest and _is_ours(f"{folder}/{rest[1]}".lstrip("/")):
                    (self.folder / folder / name).unlink(missing_ok=True)

    def _listing(self, folder: str) -> list[str]:
        # Unlike Path.glob, this does not take a drive that fails for an empty folder.
        try:
            return os.listdir(self.folder / folder)
        except FileNotFoundError:
            return []


def copy_folder(run: Run) -> Path | None:
    """Return where `BRAINSEG_MIRROR` wants the copy of a run, be it in reach or not.

    Raises:
        BrainSegError: `E-PARAM` where the path is not absolute (the kernels of a sweep
            have another current folder), or the copy and the run folder would lie in
            each other.
    """
    wanted = os.environ.get("BRAINSEG_MIRROR")
    if not wanted:
        return None
    root = Path(os.path.expanduser(wanted))
    folder = root.joinpath(*run.folder.parts[-DEPTH:])
    one, other = os.path.realpath(folder), os.path.realpath(run.folder)
    if not root.is_absolute() or os.path.commonpath((one, other)) in (one, other):
        raise BrainSegError(
            "E-PARAM",
            "BRAINSEG_MIRROR",
            "wanted the absolute path of another folder than the project's own, "
            f"got {wanted!r}.",
            "Name one on another disk, or unset it.",
        )
    return folder


def attempt(action: Callable[[], None], pauses_s: Iterable[float]) -> str:
    """Return why an action failed, at the last attempt; nothing where it succeeded."""
    for pause in (0.0, *pauses_s):
        time.sleep(pause)
        try:
            action()
        except (OSError, ValueError) as error:  # A damaged manifest may name anything.
            reason = str(error)
        else:
            return ""
    return reason


def is_result(name: str) -> bool:
    """Tell whether a name in a manifest is one that a run may have."""
    folder, _, file = name.rpartition("/")
    if folder == "predictions":
        return re.fullmatch(r"[^.\\][^\\]*\.nii\.gz", file) is not None
    return name in (*WHOLE_RUN, *EVALUATED, RECORD)


def is_finished(digests: Mapping[str, str]) -> bool:
    """Tell whether a manifest's names make a whole run."""
    return {*WHOLE_RUN} <= {*digests}


def epochs_of(name: str) -> int:
    """Return how many epochs a state has finished; 0 for a file that is none."""
    match = NAME.fullmatch(name.removeprefix("state/"))
    return int(match[1]) if match else 0


def digits_of(name: str) -> str:
    """Return the digits of the SHA-256 that a state's name ends with."""
    return NAME.fullmatch(name.removeprefix("state/"))[2]


def _is_ours(name: str) -> bool:
    return name == MANIFEST or is_result(name) or epochs_of(name) > 0
