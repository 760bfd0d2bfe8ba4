"""Keep the state of every finished epoch, while the next one already trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras

from brainseg_utils.callbacks.early_stopping import EarlyStopping
from brainseg_utils.callbacks.progress import Record
from brainseg_utils.callbacks.snapshots import take_snapshot
from brainseg_utils.run_files.states import State, write_state
from brainseg_utils.system.crashpoints import crashpoint


class Checkpoint(keras.callbacks.Callback):
    """Write a state after each epoch, in a thread of its own.

    Copying the arrays takes milliseconds; packing, hashing and flushing them to a disk,
    or to a slow copy of it, would keep the processor or the GPU waiting.

    Args:
        folder: The run's folder of states.
        stopping: Whose memory goes into the state; it must stand before this callback.
        record: Whose history goes into the state; it must stand before it too.
        facts: Called for what else belongs into the state.
        kept: Called, in the thread, with the file and the state that were written.
    """

    def __init__(
        self,
        folder: Path,
        stopping: EarlyStopping,
        record: Record,
        facts: Callable[[], Mapping[str, Any]],
        kept: Callable[[Path, State], None],
    ):
        super().__init__()
        self.folder, self.stopping, self.record = folder, stopping, record
        self.facts, self.kept = facts, kept
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future | None = None

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        crashpoint("checkpoint.batch")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        crashpoint("checkpoint.epoch")
        facts = {
            **self.facts(),
            "history": {name: [*v] for name, v in self.record.columns.items()},
            "stopping": self.stopping.memory(),
        }
        state = State(epoch + 1, take_snapshot(self.model, self.stopping), facts)
        self.wait()
        self._writing = self._thread.submit(self._write, state)

    def wait(self) -> None:
        """Return when the last state is written.

        Raises:
            BrainSegError: It could not be written; the one before is as it was.
        """
        if self._writing:
            self._writing.result()

    def close(self) -> None:
        """Let the thread finish what it writes, and end it."""
        self._thread.shutdown()

    def _write(self, state: State) -> None:
        path = write_state(self.folder, state)
        self.kept(path, state)
        crashpoint("checkpoint.kept")
