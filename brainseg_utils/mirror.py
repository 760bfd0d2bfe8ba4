"""A copy of a run folder where it survives the machine, such as on Google Drive.

Training reads and writes the local run folder alone, which is fast and stays there.
`BRAINSEG_MIRROR=/content/drive/MyDrive/brainseg` names a folder to which every run is
copied as it grows, and from which a fresh machine takes it back. A drive that is gone
for a while costs a warning; what is missing there is copied when it is back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from brainseg_utils.crashpoints import crashpoint
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import file_digest, read_json, write_bytes, write_json
from brainseg_utils.runs import RECORD, Run
from brainseg_utils.states import NAME

MANIFEST = "mirror.json"  # Digests of the copies, so that half a copy is known as such.
PAUSES_S = (0.1, 1.0)  # Before a second and a third attempt; mounts drop for moments.
PROGRESS = ("config.json", "history.csv")
REMEDY = (
    "Mount the drive again and run the same cell: it copies what is missing. Without a "
    "drive, unset BRAINSEG_MIRROR."
)


@dataclass
class Mirror:
    """One run folder and its copy.

    Attributes:
        run: The run, whose local folder always counts.
        folder: Where its copy lies; None where there is no mirror: nothing is done.
        report: Takes warnings.
        missing: Names of files that are not in the copy as they are here.
    """

    run: Run
    folder: Path | None
    report: Callable[[str], None] = print
    missing: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, run: Run, report: Callable[[str], None] = print) -> Mirror:
        """Return the mirror that `BRAINSEG_MIRROR` asks for.

        Raises:
            BrainSegError: `E-SYNC` where its folder is not there, as when a drive is
                not mounted; `E-PARAM` where the copy would be the run folder itself.
        """
        wanted = os.environ.get("BRAINSEG_MIRROR")
        if not wanted:
            return cls(run, None, report)
        root = Path(wanted).expanduser()
        if not root.is_dir():
            what = "is no folder; made here, it would not be on the drive."
            remedy = "Mount the drive and make the folder, or unset BRAINSEG_MIRROR."
            raise BrainSegError("E-SYNC", root, what, remedy)
        # The run's place below the project: runs/PROFILE/runs/NAME.
        folder = root.joinpath(*run.folder.parts[-4:])
        if folder.resolve() == run.folder.resolve():
            raise BrainSegError(
                "E-PARAM",
                "BRAINSEG_MIRROR",
                f"wanted another folder than the project's own, got {wanted}.",
                "Name one on another disk, or unset it.",
            )
        return cls(run, folder, report)

    def keep_states(self) -> None:
        """Copy what an unfinished training needs to go on elsewhere; never raises."""
        local = self.run.folder
        states = [f"state/{p.name}" for p in self.run.states.glob("epoch-*.npz")]
        self._copy([*states, *(n for n in PROGRESS if (local / n).is_file())])

    def keep_results(self) -> None:
        """Copy the results so far, the completion record last; never raises."""
        record = [RECORD] if (self.run.folder / RECORD).is_file() else []
        self._copy([*self.run.results(), *record])

    def check(self) -> None:
        """Refuse to end while the copy is behind.

        Raises:
            BrainSegError: `E-SYNC` with what is missing. The local run is whole.
        """
        if self.missing:
            names = ", ".join(sorted(self.missing))
            what = f"lacks {names} of {self.run.folder}, which is whole."
            raise BrainSegError("E-SYNC", self.folder, what, REMEDY)

    def pull(self) -> None:
        """Take back what this machine lacks; what is here already stays as it is."""
        try:
            if not self.folder or not (self.folder / MANIFEST).is_file():
                return
            for name, digest in read_json(self.folder / MANIFEST).items():
                self._take(name, digest)
        except (OSError, ValueError, AttributeError) as error:
            self._warn(f"cannot be read: {error}.")

    def _take(self, name: str, digest: str) -> None:
        target = self.run.folder / name
        if target.exists() or not _ours(name):
            return
        content = (self.folder / name).read_bytes()
        write_bytes(target, content)
        if file_digest(target) != digest:
            target.unlink()
            self._warn(f"{name} is damaged there, and was left.")

    def _copy(self, names: Iterable[str]) -> None:
        if not self.folder:
            return
        names = [*names]
        pauses = () if self.missing else PAUSES_S  # A drive that is gone stays gone.
        for pause in (0.0, *pauses):
            time.sleep(pause)
            try:
                self._bring_up_to_date(names)
            except (OSError, BrainSegError, ValueError) as error:
                reason = error
            else:
                self.missing.clear()
                return
        if not self.missing:
            self._warn(f"cannot be written: {reason}.")
        self.missing.update(names)

    def _bring_up_to_date(self, names: list[str]) -> None:
        if not self.folder.parents[3].is_dir():
            raise OSError("the folder is not there")
        manifest = self.folder / MANIFEST
        there = read_json(manifest) if manifest.is_file() else {}
        here = {name: file_digest(self.run.folder / name) for name in names}
        for name in names:
            if there.get(name) != here[name] or not (self.folder / name).is_file():
                write_bytes(self.folder / name, (self.run.folder / name).read_bytes())
                if file_digest(self.folder / name) != here[name]:
                    raise OSError(f"{name} is not there what it is here")
                crashpoint("mirror.copied")
        write_json(manifest, here)
        gone = [self.folder / name for name in set(there) - set(here) if _ours(name)]
        # And what a lost connection left half-written under a temporary name.
        for path in [*gone, *self.folder.rglob(".????????-*")]:
            path.unlink(missing_ok=True)

    def _warn(self, what: str) -> None:
        self.report(f"W-SYNC  {self.folder}: {what} The local run is whole. {REMEDY}")


def _ours(name: str) -> bool:
    """Tell whether a name in a manifest is one that a run may have."""
    path = Path(name)
    folder = path.parent.as_posix()
    return (
        (folder == "." and path.suffix in (".json", ".csv", ".npz"))
        or (folder == "state" and bool(NAME.fullmatch(path.name)))
        or (folder == "predictions" and path.name.endswith(".nii.gz"))
    ) and path.name not in ("..", "")
