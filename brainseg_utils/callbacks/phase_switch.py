"""The paper's two-phase training as a Keras callback."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from brainseg_utils.system.crashpoints import crashpoint


@keras.saving.register_keras_serializable(package="brainseg")
class PhaseSwitch(keras.callbacks.Callback):
    """Freeze the first layers and lower the learning rate at the start of an epoch.

    Frozen batch normalisation also stops moving its averages. Changing
    `layer.trainable` alone would do nothing in mid-training: the compiled step still
    holds the old list of weights, so it is made anew; and so is the optimizer, because
    JAX wants one for just the weights that train. Its moments and its count of steps
    are carried over.

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
        self._switched: keras.Model | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        schedule = getattr(self.model.optimizer, "_learning_rate", None)
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            raise ValueError(
                "PhaseSwitch sets the learning rate, so the optimizer must have a "
                f"number for it. Got: {type(schedule).__name__}"
            )
        for name in self.frozen:
            if not _layers(self.model, name):
                raise ValueError(
                    f"frozen must name layers of {self.model.name}. Got: {name!r}, "
                    "with which no layer's name begins"
                )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch >= self.epoch and self._switched is not self.model:
            self.apply(self.model)
            crashpoint("callbacks.switched")

    def apply(self, model: keras.Model) -> None:
        """Begin the second phase now, as before taking up a state of that phase."""
        self._switched = model
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        for name in self.frozen:
            for layer in _layers(model, name):
                layer.trainable = False
        with _scope(model):
            model.optimizer = _narrowed(model.optimizer, model.trainable_variables)
        model.optimizer.learning_rate = self.learning_rate
        model.make_train_function(force=True)

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


def _layers(model: keras.Model, name: str) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if layer.name.startswith(name)]


def _narrowed(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]
) -> keras.optimizers.Optimizer:
    """Return an optimizer for these variables alone, with the memory of the old one."""
    narrowed = type(optimizer).from_config(optimizer.get_config())
    narrowed.build(variables)
    memory = {variable.path: variable for variable in optimizer.variables}
    for variable in narrowed.variables:
        variable.assign(memory[variable.path])
    return narrowed


def _scope(model: keras.Model) -> AbstractContextManager:
    # Under tf.distribute, variables belong to the strategy that the model was made in.
    strategy = getattr(model, "distribute_strategy", None)
    return strategy.scope() if strategy else nullcontext()
