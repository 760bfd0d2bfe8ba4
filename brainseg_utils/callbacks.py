"""The paper's two-phase training as a Keras callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="brainseg")
class PhaseSwitch(keras.callbacks.Callback):
    """Freeze the first layers and lower the learning rate at the start of an epoch.

    The optimizer keeps its state. Frozen batch normalisation also stops moving its
    averages. Changing `layer.trainable` alone would do nothing in mid-training: the
    compiled step still holds the old list of weights, so it is made anew.

    Args:
        epoch: First epoch of the second phase, counted from 0.
        learning_rate: Learning rate of the second phase; 1e-6 in the paper.
        frozen: Beginnings of names of the layers to freeze, such as `"encoder1"`.

    Raises:
        ValueError: On training, where a name fits no layer, or the optimizer follows a
            schedule of its own.
    """

    def __init__(self, epoch: int, learning_rate: float, frozen: Sequence[str] = ()):
        super().__init__()
        self.epoch, self.learning_rate = epoch, learning_rate
        self.frozen = tuple(frozen)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        schedule = getattr(self.model.optimizer, "_learning_rate", None)
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                "PhaseSwitch sets the learning rate, so the optimizer must have a "
                f"number for it. Got: {type(schedule).__name__}"
            )
        for name in self.frozen:
            if not self._layers(name):
                raise ValueError(
                    f"frozen must name layers of {self.model.name}. Got: {name!r}, "
                    "with which no layer's name begins"
                )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch == self.epoch:
            for name in self.frozen:
                for layer in self._layers(name):
                    layer.trainable = False
            self.model.optimizer.learning_rate = self.learning_rate
            self.model.make_train_function(force=True)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, from which `from_config` makes an equal callback."""
        return {
            "epoch": self.epoch,
            "learning_rate": self.learning_rate,
            "frozen": list(self.frozen),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PhaseSwitch:
        """Make the callback that `get_config` described."""
        return cls(**config)

    def _layers(self, name: str) -> list[keras.layers.Layer]:
        return [layer for layer in self.model.layers if layer.name.startswith(name)]
