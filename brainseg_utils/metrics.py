"""Hard Dice as a Keras metric, for watching a training."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="brainseg")
class HardDice(keras.metrics.Metric):
    """Dice of thresholded predictions, pooled over everything seen in an epoch.

    `2 * sum(t * p) / (sum(t) + sum(p))`, where `p` is 1 from `threshold` up and the
    sums run over all pixels of all batches: the value does not depend on how slices
    were batched. It is 1 where neither masks nor predictions hold a tumour.

    This is for curves and early stopping. The figure to report is Dice per patient
    volume, from `brainseg_utils.evaluation`.

    Args:
        threshold: Probability from which a pixel counts as tumour, in (0, 1).
        name: Name of the metric, also in the history.
        dtype: As in Keras.
    """

    def __init__(self, threshold: float = 0.5, name: str = "dice", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must be in (0, 1). Got: {threshold}")
        self.threshold = threshold
        self.overlap = self.add_variable((), "zeros", name="overlap")
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        # Weights are for losses; a count of pixels has none.
        y_true = ops.cast(y_true, self.dtype)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred) >= self.threshold, self.dtype)
        self.overlap.assign_add(ops.sum(y_true * y_pred))
        self.total.assign_add(ops.sum(y_true) + ops.sum(y_pred))

    def result(self) -> Any:
        dice = 2.0 * self.overlap / ops.maximum(self.total, 1.0)
        return ops.where(self.total > 0, dice, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}
