"""What a training is made of: one value that decides everything but the patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from brainseg_utils.errors import BrainSegError

MODELS = ("cnn1", "cnn2")


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training, besides the patients.

    Attributes:
        model: `"cnn1"` or `"cnn2"`.
        dropout_rate: Share of activations dropped, in [0, 1).
        filters: Filters of the first level.
        epochs: Most epochs to train.
        learning_rate: Adam's learning rate; of the first phase where there are two.
        fine_learning_rate: Learning rate of the second half of the epochs; 0 keeps to
            one phase.
        frozen_blocks: Encoder blocks that the second phase freezes.
        patience: Epochs without a better validation before training stops.
        batch_size: Slices in a batch.
        slices_per_epoch: Slices drawn in an epoch, so that small and large cohorts
            take equal time; 0 draws each slice once. Evaluation always uses all.
        rotation_degrees: Largest rotation of the augmentation, to either side.
        augment: Whether to rotate and flip training slices at all.
        fold: Which fold of patients is the test part.
        folds: Number of folds; 0 chooses by the number of patients.
        split_file: File with a split of one's own (`split_files`); empty deals folds.
        seed: Seed of weights, order, augmentation and dropout.
    """

    model: str
    dropout_rate: float = 0.0
    filters: int = 16
    epochs: int = 50
    learning_rate: float = 1e-4
    fine_learning_rate: float = 0.0
    frozen_blocks: int = 2
    patience: int = 10
    batch_size: int = 16
    slices_per_epoch: int = 0
    rotation_degrees: float = 15.0
    augment: bool = True
    fold: int = 0
    folds: int = 0
    split_file: str = ""
    seed: int = 0

    @classmethod
    def from_parameters(
        cls, model: str, parameters: Mapping[str, Any]
    ) -> TrainingConfig:
        """Take from a notebook's parameters those that belong here."""
        known = {k: v for k, v in parameters.items() if k in cls.__dataclass_fields__}
        return cls(**{**known, "model": model})

    def __post_init__(self):
        for name in ("dropout_rate", "learning_rate", "fine_learning_rate"):
            # 0 and 0.0 are one rate, and must name one run.
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("epochs", "patience", "batch_size", "filters"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("slices_per_epoch", "rotation_degrees", "fold", "folds"):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _require(self.model in MODELS, "model", f"one of {[*MODELS]}", self.model)
        _require(0 <= self.dropout_rate < 1, "dropout_rate", "in [0, 1)", self)
        _require(self.learning_rate > 0, "learning_rate", "positive", self)
        _require(self.fine_learning_rate >= 0, "fine_learning_rate", "0 or more", self)

    def shrunk_for_smoke(self) -> TrainingConfig:
        """Return a training of seconds that still passes through every step."""
        epochs = 2 if self.epochs > 8 else 1
        return replace(self, epochs=epochs, filters=4, slices_per_epoch=64)

    @property
    def name(self) -> str:
        """What distinguishes the run within a sweep, readable and fit for a folder."""
        return (
            f"{self.model}_dropout-{self.dropout_rate:g}_epochs-{self.epochs}"
            f"_fold-{self.fold}_seed-{self.seed}"
        )

    @property
    def switch_epoch(self) -> int | None:
        """First epoch of the second phase, counted from 0; None with one phase."""
        return self.epochs // 2 if self.fine_learning_rate else None

    @property
    def monitor(self) -> tuple[str, str]:
        """What early stopping watches, and whether more or less of it is better.

        As in the paper, CNN1 watches the metric and CNN2 the loss.
        """
        return ("val_dice", "max") if self.model == "cnn1" else ("val_loss", "min")


def _require(holds: bool, name: str, wanted: str, got: Any) -> None:
    if not holds:
        got = getattr(got, name, got)
        raise BrainSegError(
            "E-PARAM", name, f"wanted {wanted}, got {got!r}.", "Correct it."
        )
