"""Batch normalisation's averages, taken anew when the weights have come to rest."""

from __future__ import annotations

import keras

from brainseg_utils.batches import Batches
from brainseg_utils.callbacks import EpochSeeds
from brainseg_utils.fitting.mixed_batches import MixedBatches

STEPS = 60  # With 16 slices each, 8 s for CNN2 on two cores beside other work.


def settle_statistics(
    model: keras.Model, batches: Batches | MixedBatches, epoch: int
) -> None:
    """Replace normalisation's moving averages by means over batches of their own.

    In training they move with the last dozen steps, so that chance decides some of each
    prediction; and they belong to those steps' weights, not to a moving average's that
    took their place (Wu and Johnson 2021, arXiv:2105.07576, section 3).

    Args:
        model: The network; its trainable weights stay as they are.
        batches: What it learned from.
        epoch: Number that no epoch of the training had, for order and dropout.
    """
    kind = keras.layers.BatchNormalization
    layers = [layer for layer in model.layers if isinstance(layer, kind)]
    momenta = [layer.momentum for layer in layers]
    seeds = EpochSeeds(batches.seed)
    seeds.set_model(model)
    seeds.on_epoch_begin(epoch)
    for step in range(STEPS):
        for layer in layers:
            layer.momentum = step / (step + 1)  # Of so many batches the plain mean.
        images, _ = batches.batch(*divmod(epoch * batches.steps + step, batches.steps))
        model(images, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
