"""Feed batches to Keras: through `tf.data`, or without TensorFlow as a `PyDataset`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import keras
import numpy as np

from brainseg_utils.batches import Batches

if TYPE_CHECKING:
    import tensorflow as tf


def make_dataset(
    batches: Batches, epochs: int = 1, first_epoch: int = 0
) -> tf.data.Dataset:
    """Make a data set of whole epochs, one behind the other.

    Args:
        batches: What comes when; made by several threads at once, in their order.
        epochs: How many epochs the data set holds.
        first_epoch: Number of the first of them.

    Returns:
        Data set of `(images, masks)` as of `Batches.batch`. Its cardinality is known:
        `epochs * batches.steps`.
    """
    import tensorflow as tf

    shape = batches.store.images.shape[1:]

    def make(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return batches.batch(*divmod(int(number), batches.steps))

    def load(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, masks = tf.numpy_function(
            make, [number], (tf.float32, tf.uint8), stateful=False
        )
        return (
            tf.ensure_shape(images, (None, *shape)),
            tf.ensure_shape(masks, (None, *shape[:2], 1)),
        )

    first = first_epoch * batches.steps
    return (
        tf.data.Dataset.range(first, first + epochs * batches.steps)
        .map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )


class BatchSequence(keras.utils.PyDataset):
    """The same batches for Keras on JAX or PyTorch, where TensorFlow is absent.

    One object holds all epochs, as the data set does. The threads that make batches
    ahead are ours, because Keras's own count from 0 again in every epoch.

    Args:
        batches: What comes when.
        epochs: How many epochs to hold, one behind the other.
        first_epoch: Number of the first of them.
        ahead: Batches that are made before they are asked for.
    """

    def __init__(
        self, batches: Batches, epochs: int = 1, first_epoch: int = 0, ahead: int = 4
    ):
        super().__init__()
        self.batches, self.epochs, self.first_epoch = batches, epochs, first_epoch
        self.ahead, self._coming = ahead, {}
        self._pool = ThreadPoolExecutor(min(ahead, os.cpu_count() or 1))

    def __len__(self) -> int:
        return self.epochs * self.batches.steps

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return batch `number`, counted through all epochs."""
        wanted = range(number, min(number + self.ahead, len(self)))
        self._coming = {
            n: self._coming.get(n) or self._pool.submit(self._make, n) for n in wanted
        }
        return self._coming.pop(number).result()

    def _make(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, step = divmod(number, self.batches.steps)
        return self.batches.batch(self.first_epoch + epoch, step)


def make_feed(
    batches: Batches, epochs: int = 1, first_epoch: int = 0
) -> tf.data.Dataset | BatchSequence:
    """Return what suits Keras's backend: a data set on TensorFlow, else a sequence."""
    if keras.backend.backend() == "tensorflow":
        return make_dataset(batches, epochs, first_epoch)
    return BatchSequence(batches, epochs, first_epoch)
