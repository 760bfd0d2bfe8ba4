"""Batch normalisation after a moving average has taken the weights' place."""

from __future__ import annotations

import keras

from brainseg_utils.batches import Batches
from brainseg_utils.callbacks import EpochSeeds

SETTLING_STEPS = 30  # After so many, 4 % are left of averages with a momentum of 0.9.


def settle_statistics(model: keras.Model, batches: Batches, epoch: int) -> None:
    """Let normalisation's averages follow weights that it was not trained with.

    They belong to the weights of the last steps; with those of a moving average in
    their place, predictions may be far off.

    Args:
        model: The network; its trainable weights stay as they are.
        batches: What it learned from.
        epoch: Number that no epoch of the training had, for order and dropout.
    """
    seeds = EpochSeeds(batches.seed)
    seeds.set_model(model)
    seeds.on_epoch_begin(epoch)
    for step in range(SETTLING_STEPS):
        images, _ = batches.batch(*divmod(epoch * batches.steps + step, batches.steps))
        model(images, training=True)
