"""Which values a training's configuration may have, each and together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainseg_utils.errors import BrainSegError
from brainseg_utils.planning.recipes import RECIPES

if TYPE_CHECKING:
    from brainseg_utils.config import TrainingConfig

CHOICES = {
    "model": ("cnn1", "cnn2"),
    "recipe": tuple(RECIPES),
    "dropout_placement": ("everywhere", "encoder", "decoder", "bottleneck"),
    "normalization": ("batch", "group"),
    "stem": ("plain", "space-to-depth"),
    "start": ("", "phantom"),
    "loss": ("dice", "dice+bce"),
    "schedule": ("constant", "one-cycle", "warmup-cosine", "polynomial"),
    "keep": ("best", "last"),
    "augmentation": ("none", "paper", "rich"),
    "planes": ("axial", "three"),
}
AT_LEAST_1 = ("epochs", "patience", "batch_size", "filters")
AT_LEAST_0 = (
    *("slices_per_epoch", "rotation_degrees", "fold", "folds", "minutes"),
    *("fine_learning_rate", "smallest_ml", "frozen_blocks", "neighbours"),
)
SHARES = (
    *("dropout_rate", "weight_average", "tumour_share", "painted_share"),
    "rehearsal_share",
)
# What the weights that `start` names were trained with.
OF_START = {"model": "cnn2", "normalization": "batch", "stem": "plain"}


def check_choice(config: TrainingConfig, name: str) -> None:
    """Refuse a name that is none of its `CHOICES`, by `E-PARAM`."""
    choices = CHOICES[name]
    _require(config, getattr(config, name) in choices, name, f"one of {[*choices]}")


def check_config(config: TrainingConfig) -> None:
    """Refuse a value that cannot be, or two that do not go together, by `E-PARAM`."""
    for name in CHOICES:
        check_choice(config, name)
    for name in AT_LEAST_1:
        _require(config, getattr(config, name) >= 1, name, "at least 1")
    for name in AT_LEAST_0:
        _require(config, getattr(config, name) >= 0, name, "0 or more")
    for name in SHARES:
        _require(config, 0 <= getattr(config, name) < 1, name, "in [0, 1)")
    _require(config, config.learning_rate > 0, "learning_rate", "positive")
    _require(config, 0 < config.threshold < 1, "threshold", "in (0, 1)")
    _check_phases(config)
    _check_stem(config)
    _check_averages(config)
    _check_start(config)
    if config.neighbours:
        wanted = "0 with neighbours, which would not show the lesion as it is"
        _require(config, not config.painted_share, "painted_share", wanted)
        wanted = "'axial' with neighbours, which are there in no other plane"
        _require(config, config.planes == "axial", "planes", wanted)


def _check_phases(config: TrainingConfig) -> None:
    if config.fine_learning_rate:
        wanted = "'constant' with fine_learning_rate, which makes two phases of it"
        _require(config, config.schedule == "constant", "schedule", wanted)
        wanted = "0 with fine_learning_rate, whose phase begins at an epoch"
        _require(config, config.minutes == 0, "minutes", wanted)


def _check_stem(config: TrainingConfig) -> None:
    if config.stem != "plain":
        _require(config, config.model == "cnn2", "model", "'cnn2' with such a stem")


def _check_averages(config: TrainingConfig) -> None:
    if config.weight_average or config.settle:
        wanted = "'last' with weight_average or settle, which are done at the end"
        _require(config, config.keep == "last", "keep", wanted)
    if config.weight_average:
        wanted = "0 with weight_average, which would leave frozen layers out"
        _require(config, not config.fine_learning_rate, "fine_learning_rate", wanted)


def _check_start(config: TrainingConfig) -> None:
    if config.start:
        for name, wanted in OF_START.items():
            same = getattr(config, name) == wanted
            _require(config, same, name, f"{wanted!r}, as the weights of start have")
        wanted = "16, as start's weights have"
        _require(config, config.filters == 16, "filters", wanted)


def _require(config: TrainingConfig, holds: bool, name: str, wanted: str) -> None:
    if not holds:
        what = f"wanted {wanted}, got {getattr(config, name)!r}."
        raise BrainSegError("E-PARAM", name, what, "Correct it.")
