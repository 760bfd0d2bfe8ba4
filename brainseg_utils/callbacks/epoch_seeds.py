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
        self.seed, self.epoch = seed, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for layer in self.model.layers:
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                generator.state.assign([self._seed_of(epoch, layer.name), 0])
        self.epoch = epoch

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # PyTorch's dropout draws from the one generator of all. Not sooner: what the
        # first epoch of a life does to build the model draws from it too.
        if batch == 0 and keras.backend.backend() == "torch":
            import torch

            torch.manual_seed(self._seed_of(self.epoch, ""))

    def _seed_of(self, epoch: int, name: str) -> int:
        return int(value_digest([self.seed, epoch, name], length=7), 16)
