"""Dropout's random state, a function of (seed, epoch) that nobody needs to save."""

from __future__ import annotations

from typing import Any

import keras

from brainseg_utils.files import value_digest


class EpochSeeds(keras.callbacks.Callback):
    """Set every random generator of the model anew at the start of each epoch.

    Keras saves no generator's state, so a resumed training would drop other units than
    the uninterrupted one. Within an epoch the generators count steps, and so the masks
    are a function of (seed, epoch, step).

    Args:
        seed: Seed of the training.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for layer in self.model.layers:
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                digits = value_digest([self.seed, epoch, layer.name], length=7)
                generator.state.assign([int(digits, 16), 0])
