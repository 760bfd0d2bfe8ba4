"""The paper's two networks, on `keras` alone so that any backend runs them."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from brainseg_utils.normalization import BatchNormalization


def build_cnn1(
    input_shape: tuple[int, int, int] = (96, 96, 4),
    dropout_rate: float = 0.0,
    filters: int = 16,
    levels: int = 3,
) -> keras.Model:
    """Build CNN1: a plain encoder-decoder without skip connections.

    Every level halves the picture, with dropout after each pooling; what is lost there
    the decoder cannot get back, so borders stay coarse.

    Args:
        input_shape: `(height, width, channel)`, both sides multiples of `2 ** levels`.
        dropout_rate: Share of activations dropped, in [0, 1).
        filters: Filters of the first level; each further level has twice as many.
        levels: Number of poolings.

    Returns:
        Model from `[batch, height, width, channel]` z-scores to
        `[batch, height, width, 1]` probabilities.

    Raises:
        ValueError: A size does not fit.
    """
    _check_shape(input_shape, levels, dropout_rate)
    x = inputs = keras.Input(input_shape, name="image")
    for level in range(1, levels + 1):
        x = _convolve(x, filters * 2 ** (level - 1), f"encoder{level}_conv")
        x = layers.MaxPooling2D(name=f"encoder{level}_pool")(x)
        x = layers.Dropout(dropout_rate, name=f"encoder{level}_dropout")(x)
    x = _convolve(x, filters * 2**levels, "bottleneck_conv")
    for level in range(levels, 0, -1):
        x = _enlarge(x, filters * 2 ** (level - 1), f"decoder{level}_up")
    return keras.Model(inputs, _probability(x), name="cnn1")


def build_cnn2(
    input_shape: tuple[int, int, int] = (96, 96, 4),
    dropout_rate: float = 0.0,
    filters: int = 16,
    levels: int = 4,
) -> keras.Model:
    """Build CNN2: a U-Net (Ronneberger et al. 2015, arXiv:1505.04597).

    Two convolutions and a dropout in every block of encoder and decoder; skip
    connections carry each level's details past the poolings to the decoder.

    Args:
        input_shape: `(height, width, channel)`, both sides multiples of `2 ** levels`.
        dropout_rate: Share of activations dropped, in [0, 1).
        filters: Filters of the first level; each further level has twice as many.
        levels: Number of poolings.

    Returns:
        Model from `[batch, height, width, channel]` z-scores to
        `[batch, height, width, 1]` probabilities.

    Raises:
        ValueError: A size does not fit.
    """
    _check_shape(input_shape, levels, dropout_rate)
    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for level in range(1, levels + 1):
        x = _block(x, filters * 2 ** (level - 1), dropout_rate, f"encoder{level}")
        skips.append(x)
        x = layers.MaxPooling2D(name=f"encoder{level}_pool")(x)
    x = _block(x, filters * 2**levels, dropout_rate, "bottleneck")
    for level in range(levels, 0, -1):
        x = _enlarge(x, filters * 2 ** (level - 1), f"decoder{level}_up")
        x = layers.Concatenate(name=f"decoder{level}_skip")([x, skips[level - 1]])
        x = _block(x, filters * 2 ** (level - 1), dropout_rate, f"decoder{level}")
    return keras.Model(inputs, _probability(x), name="cnn2")


BUILDERS = {"cnn1": build_cnn1, "cnn2": build_cnn2}


def _block(x: Any, filters: int, dropout_rate: float, name: str) -> Any:
    x = _convolve(x, filters, f"{name}_conv1")
    x = _convolve(x, filters, f"{name}_conv2")
    return layers.Dropout(dropout_rate, name=f"{name}_dropout")(x)


def _convolve(x: Any, filters: int, name: str) -> Any:
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    # A few hundred steps must suffice for the running averages to settle.
    x = BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _enlarge(x: Any, filters: int, name: str) -> Any:
    return layers.Conv2DTranspose(filters, 2, strides=2, activation="relu", name=name)(
        x
    )


def _probability(x: Any) -> Any:
    # float32 also under mixed precision: half precision rounds probabilities near 1.
    return layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="tumour")(x)


def _check_shape(
    input_shape: tuple[int, int, int], levels: int, dropout_rate: float
) -> None:
    height, width, _ = input_shape
    if height % 2**levels or width % 2**levels:
        raise ValueError(
            f"input_shape must have sides that are multiples of {2**levels} "
            f"(2 ** levels). Got: {tuple(input_shape)}"
        )
    if not 0 <= dropout_rate < 1:
        raise ValueError(f"dropout_rate must be in [0, 1). Got: {dropout_rate}")
