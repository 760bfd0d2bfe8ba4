"""The run folder: what a training leaves, whole or marked as not finished."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from brainseg_utils.files import (
    explaining_disk,
    file_digest,
    read_json,
    write_json,
    write_text,
)

RECORD = "done.json"
WHOLE_RUN = ("config.json", "training.json", "history.csv", "weights.npz")


@dataclass(frozen=True)
class Run:
    """A folder with one training's configuration, history, weights and scores.

    Attributes:
        folder: Where it lies. Its name tells the configuration.
    """

    folder: Path

    @property
    def config(self) -> dict[str, Any]:
        """What was asked for, with the split and the store's key."""
        return read_json(self.folder / "config.json")

    @property
    def training(self) -> dict[str, Any]:
        """What training took: `seconds`, `epochs`, `best_epoch`, and so on."""
        return read_json(self.folder / "training.json")

    @property
    def scores(self) -> dict[str, Any]:
        """Dice of validation and test patients, from `evaluation.evaluate_run`."""
        return read_json(self.folder / "scores.json")

    @property
    def history(self) -> dict[str, list[float]]:
        """Each epoch's losses, metrics and learning rate, as columns."""
        with open(self.folder / "history.csv", newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        names = reader.fieldnames or ()
        return {name: [float(row[name]) for row in rows] for name in names}

    @property
    def states(self) -> Path:
        """Folder of what an unfinished training needs to go on."""
        return self.folder / "state"

    @property
    def trained(self) -> bool:
        """Whether training came to its end, and left what is there now."""
        if not all((self.folder / name).is_file() for name in WHOLE_RUN):
            return False
        return self._fits(self.folder / "training.json", ("weights.npz", "history.csv"))

    @property
    def done(self) -> bool:
        """Whether the completion record stands and fits the files."""
        return self._fits(self.folder / RECORD, (*WHOLE_RUN, "scores.json"))

    def _fits(self, record: Path, needed: Sequence[str]) -> bool:
        """Tell whether a file with digests names what is needed, and all of it fits."""
        try:
            digests = read_json(record)["files"]
            return {*needed} <= {*digests} and all(
                file_digest(self.folder / name) == digest
                for name, digest in digests.items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def results(self) -> list[str]:
        """Return the names of all that training and evaluation have left so far."""
        names = [*WHOLE_RUN, "scores.json"]
        # Not those under temporary names, which a killed evaluation leaves.
        masks = sorted((self.folder / "predictions").glob("[!.]*.nii.gz"))
        names += [mask.relative_to(self.folder).as_posix() for mask in masks]
        return [name for name in names if (self.folder / name).is_file()]

    def finish(self) -> None:
        """Write the completion record, with the digest of every result.

        Whatever else lies in the folder, such as somebody's notes, may change.
        """
        write_json(self.folder / RECORD, {"files": self.digests(self.results())})

    def digests(self, names: Sequence[str]) -> dict[str, str]:
        """Return the SHA-256 of files of the run, by name."""
        return {name: file_digest(self.folder / name) for name in names}

    @contextmanager
    def locked(self, report: Callable[[str], None] = print) -> Iterator[None]:
        """Keep other processes from this run; a lock ends with its process.

        Args:
            report: Told when another process has the run, and this one waits.
        """
        path = self.folder / ".lock"
        with explaining_disk(path, ours=True):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0.1)
            except Timeout:
                report(f"{self.folder.name}: waiting for another process to train it")
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def prediction(self, case_id: str) -> Path:
        """Return where the predicted mask of a test patient lies."""
        return self.folder / "predictions" / f"{case_id}.nii.gz"


def write_history(run: Run, history: Mapping[str, Sequence[float]]) -> None:
    """Write one row an epoch; the columns all have the same length."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(history)
    writer.writerows(zip(*history.values(), strict=True))
    write_text(run.folder / "history.csv", text.getvalue())
