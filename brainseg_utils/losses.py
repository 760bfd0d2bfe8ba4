"""Dice as a loss: the paper's "inverse of Dice", with every choice stated."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from brainseg_utils.system.replicas import sum_over_replicas


def dice_loss(
    y_true: Any, y_pred: Any, smooth: float = 1.0, per_sample: bool = False
) -> Any:
    """Return one minus the soft Dice coefficient.

    `1 - (2 * sum(t * p) + smooth) / (sum(t) + sum(p) + smooth)`, with both sums over
    height, width and channel, and over the batch as well unless `per_sample`.

    `smooth` stands in numerator and denominator alike: where mask and prediction are
    both empty the loss is 0, and its gradient exists. It weighs as much as a lesion of
    that many pixels, so 1 pixel disturbs nothing but empty slices.

    Pooling over the batch is the default because a slice without tumour has, by
    itself, no Dice worth the name: any false pixel there costs almost 1.

    Args:
        y_true: `[batch, height, width, 1]`, 0 and 1, any dtype.
        y_pred: `[batch, height, width, 1]`, probabilities in [0, 1].
        smooth: Constant above, in pixels. Must be positive.
        per_sample: Whether each sample has a Dice of its own.

    Returns:
        `[batch]` losses in [0, 1]; all equal unless `per_sample`.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    if keras.backend.standardize_dtype(y_pred.dtype) == "float16":
        y_pred = ops.cast(y_pred, "float32")  # Sums of 300 x 300 ones overflow.
    y_true = ops.cast(y_true, y_pred.dtype)
    axes = tuple(range(1 if per_sample else 0, len(y_pred.shape)))
    overlap = ops.sum(y_true * y_pred, axis=axes)
    total = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
    if not per_sample:
        overlap, total = sum_over_replicas(overlap), sum_over_replicas(total)
    loss = 1.0 - (2.0 * overlap + smooth) / (total + smooth)
    return ops.broadcast_to(loss, ops.shape(y_pred)[:1])


@keras.saving.register_keras_serializable(package="brainseg")
class DiceLoss(keras.losses.Loss):
    """One minus the soft Dice coefficient; see `dice_loss` for the formula.

    Args:
        smooth: Smoothing constant in pixels, positive.
        per_sample: Whether each sample has a Dice of its own; else one for the batch.
        reduction: As in Keras. Sample weights only mean something with `per_sample`.
        name: Name of the loss.
        dtype: As in Keras.

    Raises:
        ValueError: `smooth` is not positive.
    """

    def __init__(
        self,
        smooth: float = 1.0,
        per_sample: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str = "dice_loss",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if smooth <= 0:
            raise ValueError(f"smooth must be positive. Got: {smooth}")
        self.smooth, self.per_sample = smooth, per_sample

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return dice_loss(y_true, y_pred, self.smooth, self.per_sample)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "smooth": self.smooth,
            "per_sample": self.per_sample,
        }


@keras.saving.register_keras_serializable(package="brainseg")
class DiceBCELoss(DiceLoss):
    """`DiceLoss` plus binary cross-entropy, the mean over pixels, in equal parts.

    Cross-entropy gives every pixel a gradient of its own, also where the whole batch
    is healthy; Dice keeps the few tumour pixels from being outvoted. nnU-Net (Isensee
    et al. 2021) trains on this sum.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        entropy = keras.losses.binary_crossentropy(
            ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        )
        return super().call(y_true, y_pred) + ops.mean(entropy, axis=(1, 2))


LOSSES = {"dice": DiceLoss, "dice+bce": DiceBCELoss}
