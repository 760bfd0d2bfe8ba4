"""Stop a training whose numbers are no longer numbers, before they are kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np

from brainseg_utils.batches import Batches
from brainseg_utils.errors import BrainSegError

REMEDY = (
    "Lower learning_rate, or take float32 in place of half precision; the same call "
    "goes on from the last good epoch."
)


class StopOnNaN(keras.callbacks.Callback):
    """Stop at the first batch with a loss that is NaN or infinite.

    It must stand before the callbacks that keep weights: those of the last good epoch
    and the best ones stay as they are.

    Args:
        batches: The training's batches, to name the patients in the bad one.
        folder: The run folder, for the error.

    Raises:
        BrainSegError: `E-NAN` with epoch, batch and patients.
    """

    def __init__(self, batches: Batches, folder: Path):
        super().__init__()
        self.batches, self.folder, self.epoch = batches, folder, 0
        self._last: tuple[int, Any] | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # One batch late: to read a loss is to wait for the GPU, which by now has done
        # the one before.
        self._check_last()
        self._last = batch, (logs or {}).get("loss", 0.0)

    def _check_last(self) -> None:
        """Refuse a loss that is no number; an epoch's running mean stays so."""
        if self._last and not math.isfinite(self._last[1]):
            batch = self._last[0]
            patients = ", ".join(self.batches.case_ids(self.epoch, batch))
            what = (
                f"the loss is no number in epoch {self.epoch + 1}, batch {batch + 1} "
                f"(patients {patients}), or the step before spoilt the weights."
            )
            raise BrainSegError("E-NAN", self.folder, what, REMEDY)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check_last()
        self._last = None
        bad = [n for n, value in (logs or {}).items() if not math.isfinite(value)]
        bad += [
            weight.path
            for weight in self.model.weights
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all()
        ]
        if bad:
            what = f"{bad[0]} is no number at the end of epoch {epoch + 1}."
            raise BrainSegError("E-NAN", self.folder, what, REMEDY)
