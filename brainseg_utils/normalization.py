"""Batch normalisation in one operation, where TensorFlow has one for it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="brainseg")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation over the last axis, several times as fast.

    Keras composes it of a dozen operations, each of which reads and writes the whole
    activation; on a CPU a training step spends more time there than in convolutions.
    TensorFlow's fused operation computes the same in two passes. On other backends and
    over several replicas it is Keras's own.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        other = keras.backend.backend() != "tensorflow" or self.synchronized
        if other or mask is not None:
            return super().call(inputs, training, mask)
        if training and self.trainable:
            return self._normalise_by_batch(inputs)
        averages = {"mean": self.moving_mean, "variance": self.moving_variance}
        return self._fused(inputs, is_training=False, **averages)[0]

    def _normalise_by_batch(self, inputs: Any) -> Any:
        outputs, mean, variance = self._fused(inputs, is_training=True)
        # The operation returns the unbiased variance; Keras keeps the plain one.
        count = ops.cast(ops.size(inputs) / ops.shape(inputs)[-1], variance.dtype)
        variance = variance * (count - 1) / count
        self.moving_mean.assign(self._move(self.moving_mean, mean))
        self.moving_variance.assign(self._move(self.moving_variance, variance))
        return outputs

    def _move(self, average: Any, new: Any) -> Any:
        return average * self.momentum + new * (1 - self.momentum)

    def _fused(self, inputs: Any, **options: Any) -> Any:
        import tensorflow as tf

        return tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, **options
        )
