"""What a training is made of: one value that decides everything but the patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from brainseg_utils.planning.config_checks import check_choice, check_config
from brainseg_utils.planning.recipes import RECIPES


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a training, besides the patients.

    What is not given is the recipe's: `TrainingConfig("cnn2", recipe="recommended")`.

    Attributes:
        model: `"cnn1"` or `"cnn2"`.
        recipe: `"paper"` or `"recommended"`; see `planning.recipes`.
        filters: Filters of the first level.
        dropout_rate: Share of activations dropped, in [0, 1).
        dropout_placement: `"everywhere"` (the paper), `"encoder"`, `"decoder"` or
            `"bottleneck"`.
        spatial_dropout: Whether whole channels are dropped in place of single values.
        normalization: `"batch"`, or `"group"` with eight groups of channels.
        stem: `"space-to-depth"` lets CNN2 work at half the resolution, several times as
            fast; `"plain"` at the slices' own.
        start: `"phantom"` starts from weights that were trained on phantom patients
            alone (`pretrained`); empty starts from random ones.
        loss: `"dice"`, or `"dice+bce"` with binary cross-entropy added.
        epochs: Most epochs to train.
        minutes: Time for the training, wherever it ends among the epochs; the schedule
            follows the clock then, and no two trainings are equal. 0 has no limit.
        learning_rate: Adam's highest learning rate; of the first phase of two.
        fine_learning_rate: Learning rate of the second half of the epochs; 0 keeps to
            one phase.
        frozen_blocks: Encoder blocks that the second phase freezes.
        schedule: How the learning rate goes from start to end; see `schedules`.
        weight_average: Momentum of the weights' moving average, which takes their
            place in the end: 0.99 averages some hundred steps, and needs several times
            as many to forget the first weights. 0 averages nothing.
        settle: Whether batch normalisation's averages are taken anew at the end, as
            they always are with `weight_average`; see `fitting.settling`.
        patience: Epochs without a better validation before training stops.
        keep: Whose weights are kept, the `"best"` epoch's on validation or the
            `"last"`; the latter stops early never.
        batch_size: Slices in a batch.
        slices_per_epoch: Slices drawn in an epoch, so that small and large cohorts
            take equal time; 0 draws each slice once. Evaluation always uses all.
        augmentation: `"none"`, `"paper"` (rotation, flips) or `"rich"`, which also
            varies size and intensities.
        rotation_degrees: Largest rotation of the augmentation, to either side.
        tumour_share: Least share of an epoch's slices that show tumour.
        painted_share: Share of slices without tumour that get another slice's lesion
            painted into them.
        rehearsal_share: Share of each batch's slices that are phantom patients', so
            that a network which started from them keeps what it learned
            (`pretrained.rehearsal`).
        neighbours: How many slices to either side are seen with each one, as further
            channels (`store.neighbour_slices`); 1 triples these. 0: slices alone.
        planes: Which slices of a patient are predicted: `"axial"` ones, or those of
            `"three"` planes, whose mean counts (`masks.planes`). Training sees axial
            slices alone.
        mirror: Whether predictions are means over mirrored slices too: all four of
            axial ones, and with three planes those turned by half a turn.
        threshold: Probability from which a voxel is tumour.
        smallest_ml: Connected parts of a predicted mask below this volume are dropped.
        fold: Which fold of patients is the test part.
        folds: Number of folds; 0 chooses by the number of patients.
        split_file: File with a split of one's own (`planning.split_files`); empty
            deals folds.
        seed: Seed of weights, order, augmentation and dropout.

    Raises:
        BrainSegError: `E-PARAM` for a value that cannot be, or two that do not go
            together.
    """

    model: str
    recipe: str = "paper"
    filters: int | None = None
    dropout_rate: float | None = None
    dropout_placement: str | None = None
    spatial_dropout: bool | None = None
    normalization: str | None = None
    stem: str | None = None
    start: str | None = None
    loss: str | None = None
    epochs: int | None = None
    minutes: float = 0.0
    learning_rate: float | None = None
    fine_learning_rate: float | None = None
    frozen_blocks: int | None = None
    schedule: str | None = None
    weight_average: float | None = None
    settle: bool | None = None
    patience: int | None = None
    keep: str | None = None
    batch_size: int = 16
    slices_per_epoch: int = 0
    augmentation: str | None = None
    rotation_degrees: float | None = None
    tumour_share: float | None = None
    painted_share: float | None = None
    rehearsal_share: float | None = None
    neighbours: int | None = None
    planes: str | None = None
    mirror: bool | None = None
    threshold: float | None = None
    smallest_ml: float | None = None
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
        check_choice(self, "recipe")
        for name, value in RECIPES[self.recipe].items():
            given = getattr(self, name)
            given = value if given is None else given
            # 0 and 0.0 are one rate, and must name one run.
            given = float(given) if isinstance(value, float) else given
            object.__setattr__(self, name, given)
        check_config(self)

    def shrunk_for_smoke(self) -> TrainingConfig:
        """Return a training of seconds that still passes through every step."""
        epochs = 2 if self.epochs > 8 else 1
        small = {"filters": 4, "start": "", "rehearsal_share": 0.0, "minutes": 0.0}
        return replace(self, epochs=epochs, slices_per_epoch=64, **small)

    @property
    def name(self) -> str:
        """What distinguishes the run within a sweep, readable and fit for a folder."""
        recipe = "" if self.recipe == "paper" else f"-{self.recipe}"
        return (
            f"{self.model}{recipe}_dropout-{self.dropout_rate:g}_epochs-{self.epochs}"
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
