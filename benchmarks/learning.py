"""What learners share: their task, a clock that can stand still, their results."""

from __future__ import annotations

import json
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 16


class Stopwatch:
    """Seconds of training, without those of predicting between."""

    def __init__(self):
        self.started, self.paused = time.perf_counter(), 0.0

    def __call__(self) -> float:
        return time.perf_counter() - self.paused

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return self() - self.started

    @contextmanager
    def pause(self):
        """Let time pass that is not counted."""
        start = time.perf_counter()
        yield
        self.paused += time.perf_counter() - start


class Session:
    """A task read from a folder, and its results written there.

    Attributes:
        task: The fields of `learners.Task`.
        store: All patients' slices, in memory.
        rehearsed: Phantom patients' slices, in memory, for who rehearses them.
        watch: Started with the session.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.task: dict[str, Any] = json.loads((folder / "task.json").read_text())
        # Written a moment ago by the process that started this one.
        stores = pickle.loads((folder / "stores.pickle").read_bytes())
        self.store, self.rehearsed = (store.held() for store in stores)
        self.rows = self.store.rows(self.task["split"]["train"])
        self.points: list[float] = []
        self.watch = Stopwatch()

    @property
    def progress(self) -> float:
        """Share of the time that is over."""
        return self.watch.seconds / self.task["seconds"]

    def watch_point(self, predict: Callable[[str], np.ndarray]) -> None:
        """Predict all test patients if a point of the curve is reached.

        The last point is the end's, see `finish`.
        """
        if self.progress * self.task["points"] >= len(self.points) + 1:
            if len(self.points) + 1 < self.task["points"]:
                self._predict(predict)

    def finish(self, predict: Callable[[str], np.ndarray], steps: int, **facts) -> None:
        """Predict with the final weights and write what was learned."""
        seconds = self.watch.seconds
        self._predict(predict)
        learned = {
            "seconds": seconds,
            "points": self.points,
            "steps": steps,
            "slices_per_s": steps * BATCH / seconds,
            **facts,
        }
        (self.folder / "learned.json").write_text(json.dumps(learned))

    def _predict(self, predict: Callable[[str], np.ndarray]) -> None:
        name = f"probabilities-{len(self.points)}.npy"
        self.points.append(self.watch.seconds)
        with self.watch.pause():
            parts = [predict(case_id) for case_id in self.task["split"]["test"]]
            np.save(self.folder / name, np.concatenate(parts).astype(np.float32))


def session_of_command_line() -> Session:
    """Return the session in the folder that the command line names."""
    return Session(Path(sys.argv[1]))
