"""The paper's two networks, on `keras` alone so that any backend runs them."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from brainseg_utils.blocks import Blocks, enlarge, probability, space_to_depth


def build_cnn1(
    input_shape: tuple[int, int, int] = (96, 96, 4),
    dropout_rate: float = 0.0,
    filters: int = 16,
    levels: int = 3,
    **choices: Any,
) -> keras.Model:
    """Build CNN1: a plain encoder-decoder without skip connections.

    Every level halves the picture, with dropout after each pooling; what is lost there
    the decoder cannot get back, so borders stay coarse.

    Args:
        input_shape: `(height, width, channel)`, both sides multiples of `2 ** levels`.
        dropout_rate: Share of activations dropped, in [0, 1).
        filters: Filters of the first level; each further level has twice as many.
        levels: Number of poolings.
        **choices: Further attributes of `Blocks`.

    Returns:
        Model from `[batch, height, width, channel]` z-scores to
        `[batch, height, width, 1]` probabilities.

    Raises:
        ValueError: A size does not fit.
    """
    _check_shape(input_shape, levels)
    blocks = Blocks(dropout_rate, **choices)
    x = inputs = keras.Input(input_shape, name="image")
    for level in range(1, levels + 1):
        x = blocks.convolve(x, filters * 2 ** (level - 1), f"encoder{level}_conv")
        x = layers.MaxPooling2D(name=f"encoder{level}_pool")(x)
        x = blocks.drop(x, f"encoder{level}")
    x = blocks.convolve(x, filters * 2**levels, "bottleneck_conv")
    for level in range(levels, 0, -1):
        x = enlarge(x, filters * 2 ** (level - 1), f"decoder{level}")
    return keras.Model(inputs, probability(x), name="cnn1")


def build_cnn2(
    input_shape: tuple[int, int, int] = (96, 96, 4),
    dropout_rate: float = 0.0,
    filters: int = 16,
    levels: int = 4,
    stem: str = "plain",
    **choices: Any,
) -> keras.Model:
    """Build CNN2: a U-Net (Ronneberger et al. 2015, arXiv:1505.04597).

    Two convolutions and a dropout in every block of encoder and decoder; skip
    connections carry each level's details past the poolings to the decoder.

    Args:
        input_shape: `(height, width, channel)`, both sides multiples of `2 ** levels`.
        dropout_rate: Share of activations dropped, in [0, 1).
        filters: Filters of the first level; each further level has twice as many.
        levels: Number of poolings.
        stem: `"plain"`, or `"space-to-depth"` to work at half the resolution; sides
            must halve once more then.
        **choices: Further attributes of `Blocks`.

    Returns:
        Model from `[batch, height, width, channel]` z-scores to
        `[batch, height, width, 1]` probabilities.

    Raises:
        ValueError: A size does not fit.
    """
    halved = stem == "space-to-depth"
    _check_shape(input_shape, levels + halved)
    blocks = Blocks(dropout_rate, **choices)
    inputs = keras.Input(input_shape, name="image")
    x = space_to_depth(inputs) if halved else inputs
    skips = []
    for level in range(1, levels + 1):
        x = blocks.double(x, filters * 2 ** (level - 1), f"encoder{level}")
        skips.append(x)
        x = layers.MaxPooling2D(name=f"encoder{level}_pool")(x)
    x = blocks.double(x, filters * 2**levels, "bottleneck")
    for level in range(levels, 0, -1):
        x = enlarge(x, filters * 2 ** (level - 1), f"decoder{level}")
        x = layers.Concatenate(name=f"decoder{level}_skip")([x, skips[level - 1]])
        x = blocks.double(x, filters * 2 ** (level - 1), f"decoder{level}")
    x = enlarge(x, filters, "stem") if halved else x
    return keras.Model(inputs, probability(x), name="cnn2")


BUILDERS = {"cnn1": build_cnn1, "cnn2": build_cnn2}


def _check_shape(input_shape: tuple[int, int, int], levels: int) -> None:
    height, width, _ = input_shape
    if height % 2**levels or width % 2**levels:
        raise ValueError(
            f"input_shape must have sides that are multiples of {2**levels} "
            f"(2 ** levels). Got: {tuple(input_shape)}"
        )
