"""A copy of a run folder where it survives the machine, such as on Google Drive.

Training reads and writes the local run folder alone, which is fast and stays there.
`BRAINSEG_MIRROR=/content/drive/MyDrive/brainseg` names a folder to which every run is
copied as it grows, and from which a fresh machine takes it back. A drive that is gone
for a while costs a warning; what is missing there is copied when it is back.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from brainseg_utils.drive.copies import (
    MANIFEST,
    Damaged,
    RunCopy,
    attempt,
    copy_folder,
    epochs_of,
    is_finished,
    is_result,
)
from brainseg_utils.drive.restoring import epochs_here, take_back
from brainseg_utils.errors import BrainSegError
from brainseg_utils.run_files.states import state_files
from brainseg_utils.runs import RECORD, WHOLE_RUN, Run
from brainseg_utils.system.crashpoints import crashpoint

PAUSES_S = (0.1, 1.0)  # Before a second and a third attempt; mounts drop for moments.
PATIENCE_S = 60  # For a copy that is still under way when the results are there.
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
    _copying: threading.Thread | None = None
    _given_up: bool = False

    @classmethod
    def of(cls, run: Run, report: Callable[[str], None] = print) -> Mirror:
        """Return the mirror that `BRAINSEG_MIRROR` asks for; it may be out of reach.

        Raises:
            BrainSegError: `E-PARAM`, as `copies.copy_folder`.
        """
        return cls(run, copy_folder(run), report)

    @property
    def copy(self) -> RunCopy:
        """The files of the copy."""
        return RunCopy(self.folder)

    def pull(self) -> None:
        """Take back what this machine lacks; what it has finished stays as it is.

        A finished copy goes before an unfinished run here: the same training, further
        on. Where the copy is out of reach, an unfinished run goes on with a warning.

        Raises:
            BrainSegError: `E-SYNC` where nothing is here to go on from: to begin anew
                could waste, and in the end replace, what the drive holds.
        """
        if not self.folder:
            return
        reason = attempt(self._take_back, PAUSES_S)
        if reason and (self.run.trained or epochs_here(self.run)):
            self._warn(f"cannot be read: {reason}.")
        elif reason:
            raise BrainSegError(
                "E-SYNC",
                self.folder,
                f"cannot be read: {reason}. It may hold a training to go on from.",
                "Mount the drive, wait until it has caught up, and run the same cell. "
                f"To train from epoch 1 instead, delete {self.folder}.",
            )

    def keep_states(self) -> None:
        """Copy what an unfinished training needs to go on elsewhere; never raises."""
        local = self.run.folder
        states = [f"state/{path.name}" for path in state_files(self.run.states)]
        self._copy([*states, *(n for n in PROGRESS if (local / n).is_file())])

    def keep_states_meanwhile(self) -> None:
        """Begin to copy while the training goes on.

        Where the copy before is still under way, this one is left out: a slow drive may
        fall behind, and must not slow the training.
        """
        if self.folder and not (self._copying and self._copying.is_alive()):
            self._copying = threading.Thread(target=self.keep_states, daemon=True)
            self._copying.start()

    def keep_results(self) -> None:
        """Copy the results so far, the completion record last; never raises."""
        if self._copying:
            self._copying.join(PATIENCE_S)
            if self._copying.is_alive():
                self._given_up = True  # What it writes later would be out of date.
                self.missing = {*self.run.results()}
                self._warn("does not answer.")
                return
        record = [RECORD] if (self.run.folder / RECORD).is_file() else []
        # A killed evaluation leaves half a mask under a temporary name.
        self._copy([*filter(is_result, self.run.results()), *record])

    def check(self) -> None:
        """Refuse to end while the copy is behind.

        Raises:
            BrainSegError: `E-SYNC` with what is missing. The local run is whole.
        """
        if self.missing:
            names = ", ".join(sorted(self.missing))
            what = f"lacks {names} of {self.run.folder}, which is whole."
            raise BrainSegError("E-SYNC", self.folder, what, REMEDY)

    def _take_back(self) -> None:
        self.copy.check_mounted()
        if not take_back(self.run, self.copy):
            self._warn("holds another result of this run, which this one replaces.")

    def _copy(self, names: list[str]) -> None:
        if not self.folder:
            return
        # A drive that is gone stays gone: one attempt an epoch, and one warning.
        behind, self.missing = self.missing, {*names, MANIFEST}
        pauses = () if behind else PAUSES_S
        reason = attempt(lambda: self._bring_up_to_date(names), pauses)
        if reason and not behind and not self._given_up:
            self._warn(f"cannot be written: {reason}.")

    def _bring_up_to_date(self, names: list[str]) -> None:
        self.copy.check_mounted()
        there, whole = self._known(), {*WHOLE_RUN} <= {*names}
        if is_finished(there) and not whole:
            self.missing = set()  # A finished copy is not undone by an unfinished run.
            return
        here = {}
        for name in names:
            self._bring(name, here, there)
        self._check_wanted()
        results = {n: digest for n, digest in here.items() if not epochs_of(n)}
        self.copy.write_digests(results)
        self.missing = self.missing - {MANIFEST}
        # Never a later state than those here: it may be all that is left of a training.
        newest = float("inf") if whole else max(map(epochs_of, here), default=0)
        states = [n for n in self.copy.states() if epochs_of(n) <= newest]
        self.copy.remove(name for name in states if name not in here)

    def _bring(self, name: str, here: dict[str, str], there: Mapping[str, str]) -> None:
        self._check_wanted()
        with suppress(FileNotFoundError):  # A state may just have given way to another.
            content = (self.run.folder / name).read_bytes()
            here[name] = hashlib.sha256(content).hexdigest()
        if name in here:
            known = epochs_of(name) > 0 or there.get(name) == here[name]
            if not (known and self.copy.holds(name, len(content))):
                self.copy.write(name, content)
                crashpoint("mirror.copied")
        self.missing = self.missing - {name}

    def _check_wanted(self) -> None:
        if self._given_up:
            raise OSError("answered too late")

    def _known(self) -> dict[str, str]:
        try:
            return self.copy.digests()
        except Damaged:
            return {}  # It is written anew.

    def _warn(self, what: str) -> None:
        self.report(f"W-SYNC  {self.folder}: {what} The local run is whole. {REMEDY}")
