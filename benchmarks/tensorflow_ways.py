"""The usual ways with tf.data and Keras's preprocessing layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from brainseg_utils.augmentation import Augmentation
from brainseg_utils.store.codes import Z_LIMIT


def gathered(
    images: np.ndarray,
    masks: np.ndarray,
    batch_size: int,
    change: Callable | None = None,
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Return endless shuffled batches out of memory.

    Args:
        images: `[slice, height, width, channel]`.
        masks: `[slice, height, width, 1]`.
        batch_size: Slices in a batch.
        change: Applied to images and masks of a batch, inside tf.data.
    """
    images, masks = tf.constant(images), tf.constant(masks)

    def gather(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch = tf.gather(images, rows), tf.gather(masks, rows)
        return change(*batch) if change else batch

    dataset = (
        tf.data.Dataset.range(len(images))
        .shuffle(len(images))
        .repeat()
        .batch(batch_size)
        .map(gather, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    return iter(dataset)


def flips_and_rotation() -> Callable:
    """Return Keras's flips and rotation; it has free rotation only."""
    return _layers(*_flips(), _rotation(180.0))


def rich_changes(rich: Augmentation) -> Callable:
    """Return what Keras's layers have of `RICH`: no gamma, no noise of other size.

    Brightness and contrast are one draw for all channels and come to every slice.
    """
    zoom = (1 / (1 + rich.scale) - 1, rich.scale)
    limits = (-Z_LIMIT, Z_LIMIT)
    return _layers(
        *_flips(),
        _rotation(rich.rotation_degrees),
        # A negative factor enlarges.
        keras.layers.RandomZoom((-zoom[1], -zoom[0]), fill_mode="constant"),
        keras.layers.RandomContrast(rich.contrast, value_range=limits),
        keras.layers.RandomBrightness(rich.brightness / Z_LIMIT, value_range=limits),
    )


def _flips() -> Sequence[keras.Layer]:
    return [keras.layers.RandomFlip("horizontal_and_vertical")]


def _rotation(degrees: float) -> keras.Layer:
    return keras.layers.RandomRotation(degrees / 360, fill_mode="constant")


def _layers(*layers: keras.Layer) -> Callable:
    def change(images: tf.Tensor, masks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        both = {"images": images, "segmentation_masks": masks}
        for layer in layers:
            both = layer(both, training=True)
        return both["images"], both["segmentation_masks"]

    return change
