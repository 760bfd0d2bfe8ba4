"""Early stopping that can be taken up where a killed training left it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

MEMORY = ("wait", "best", "best_epoch", "stopped_epoch")


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Keras's early stopping on the best weights, with a memory that outlives it.

    Keras forgets patience, best value and best weights when training starts again: a
    resumed run would stop later, and take a worse model for the best.

    Args:
        monitor: Figure of the history to watch, such as `"val_loss"`.
        mode: `"min"` or `"max"`.
        patience: Epochs without a better value before training stops.
        restore: Whether training ends with the weights of the best value's epoch.
    """

    def __init__(self, monitor: str, mode: str, patience: int, restore: bool = True):
        super().__init__(
            monitor, mode=mode, patience=patience, restore_best_weights=restore
        )
        self._resumed: dict[str, Any] = {}

    def memory(self) -> dict[str, Any]:
        """Return all but the best weights, as JSON."""
        values = {name: getattr(self, name) for name in MEMORY}
        return {**values, "best": None if self.best is None else float(self.best)}

    def resume(
        self, memory: Mapping[str, Any], best_weights: Sequence[np.ndarray] | None
    ) -> None:
        """Go on from what `memory` returned, at the next start of a training."""
        self._resumed = {**memory, "best_weights": best_weights}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        for name, value in self._resumed.items():
            setattr(self, name, value)

    @property
    def stopped(self) -> bool:
        """Whether it has ended the training, in this life or an earlier one."""
        return bool(self._resumed.get("stopped_epoch") or self.stopped_epoch)
