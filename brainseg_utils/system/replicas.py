"""Sums over the replicas of a model that trains on several GPUs at once."""

from __future__ import annotations

from typing import Any

import keras


def sum_over_replicas(value: Any) -> Any:
    """Return the sum over all replicas of a scalar; the scalar itself where one is.

    Gradients pass through. Each replica sees only its part of a batch, and a Dice of
    half a batch is another one than that of the whole.
    """
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
