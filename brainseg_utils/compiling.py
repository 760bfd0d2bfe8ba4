"""From a configuration to a network, ready to train or trained."""

from __future__ import annotations

import keras

from brainseg_utils.cohorts import Cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.losses import DiceLoss
from brainseg_utils.metrics import HardDice
from brainseg_utils.models import BUILDERS
from brainseg_utils.runs import Run
from brainseg_utils.weights import load_weights


def build_model(config: TrainingConfig, cohort: Cohort) -> keras.Model:
    """Build the network for this cohort's slices, with fresh weights."""
    shape = tuple(cohort.store.images.shape[1:])
    return BUILDERS[config.model](shape, config.dropout_rate, config.filters)


def compile_model(
    model: keras.Model, config: TrainingConfig, jit_compile: bool | str = "auto"
) -> None:
    """Compile with the paper's choices: Adam and one minus Dice."""
    optimizer = keras.optimizers.Adam(config.learning_rate)
    model.compile(
        optimizer, loss=DiceLoss(), metrics=[HardDice()], jit_compile=jit_compile
    )


def load_model(run: Run, cohort: Cohort) -> keras.Model:
    """Build a run's network anew and load its weights.

    Raises:
        BrainSegError: The weights are damaged or of another architecture.
    """
    known = {name: run.config[name] for name in TrainingConfig.__dataclass_fields__}
    model = build_model(TrainingConfig(**known), cohort)
    load_weights(model, run.folder / "weights.npz")
    return model
