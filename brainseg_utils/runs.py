"""The run folder: what a training leaves, whole or marked as not finished."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import file_digest, read_json, write_json, write_text
from brainseg_utils.planning.recipes import PAPER
from brainseg_utils.system.disks import explaining_disk

RECORD = "done.json"
# Raise it whenever a run would be scored otherwise: scoring is repeated then, and not
# the training.
SCORES_VERSION = 4
WHOLE_RUN = ("config.json", "training.json", "history.csv", "weights.npz")
# What a run can do without once it is scored, where its epochs' course was not kept.
HISTORY = "history.csv"
# What evaluation adds: scores, and what a patient must be like for the network.
EVALUATED = ("scores.json", "inputs.json", "MODEL_CARD.md")


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
    def training_config(self) -> TrainingConfig:
        """The configuration as the value that it was."""
        # Older runs lack what later versions can choose; then it was the paper's way.
        known = TrainingConfig.__dataclass_fields__
        given = {**PAPER, **self.config}
        return TrainingConfig(**{k: v for k, v in given.items() if k in known})

    @property
    def training(self) -> dict[str, Any]:
        """What training took: `seconds`, `epochs`, `kept_epoch`, and so on."""
        return read_json(self.folder / "training.json")

    @property
    def scores(self) -> dict[str, Any]:
        """What validation and test patients scored, from `evaluation.evaluate_run`."""
        return read_json(self.folder / "scores.json")

    @property
    def history(self) -> dict[str, list[float]]:
        """Each epoch's losses, metrics and learning rate, as columns; else nothing."""
        path = self.folder / HISTORY
        if not path.is_file():
            return {}
        with open(path, newline="", encoding="utf-8") as file:
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
        """Whether the completion record fits the files, and they are scored as now."""
        needed = {*WHOLE_RUN, *EVALUATED} - {HISTORY}
        return self._fits(self.folder / RECORD, needed, SCORES_VERSION)

    def _fits(
        self, record: Path, needed: Iterable[str], scores_version: int | None = None
    ) -> bool:
        """Tell whether a file with digests names what is needed, and all of it fits."""
        try:
            found = read_json(record)
            if found.get("scores_version") != scores_version:
                return False
            digests = found["files"]
            # A record names nothing but results: else it would make us read any file.
            return {*needed} <= {*digests} <= {*self.results()} and all(
                file_digest(self.folder / name) == digest
                for name, digest in digests.items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def results(self) -> list[str]:
        """Return the names of all that training and evaluation have left so far."""
        names = [*WHOLE_RUN, *EVALUATED]
        # Not those under temporary names, which a killed evaluation leaves.
        folder = self.folder / "predictions"
        # A link would lead to files that are no results of this run.
        masks = [] if folder.is_symlink() else sorted(folder.glob("[!.]*.nii.gz"))
        names += [mask.relative_to(self.folder).as_posix() for mask in masks]
        return [name for name in names if (self.folder / name).is_file()]

    def finish(self) -> None:
        """Write the completion record, with the digest of every result.

        Whatever else lies in the folder, such as somebody's notes, may change.
        """
        digests = self.digests(self.results())
        facts = {"scores_version": SCORES_VERSION, "files": digests}
        write_json(self.folder / RECORD, facts)

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


def stack_histories(runs: Sequence[Run], figure: str) -> np.ndarray:
    """Return a history column of several runs, `[run, epoch]`, NaN after a stop."""
    columns = [run.history[figure] for run in runs]
    longest = max(map(len, columns))
    return np.array([c + [np.nan] * (longest - len(c)) for c in columns])
