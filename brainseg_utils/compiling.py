"""From a configuration to a network, ready to train or trained."""

from __future__ import annotations

import keras

from brainseg_utils.cohorts import Cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.losses import LOSSES
from brainseg_utils.metrics import HardDice
from brainseg_utils.models import BUILDERS
from brainseg_utils.pretrained import load_pretrained
from brainseg_utils.runs import Run
from brainseg_utils.store import SliceStore
from brainseg_utils.weights import load_weights


def build_model(config: TrainingConfig, store: SliceStore) -> keras.Model:
    """Build the network for these slices, with the weights that training starts from.

    Raises:
        BrainSegError: `E-START` where pretrained weights do not fit the sequences.
    """
    model = build_bare_model(config, store)
    if config.start:
        load_pretrained(model, store.sequences, neighbours=config.neighbours)
    return model


def build_bare_model(config: TrainingConfig, store: SliceStore) -> keras.Model:
    """Build the network for these slices, with random weights."""
    stem = {"stem": config.stem} if config.model == "cnn2" else {}
    return BUILDERS[config.model](
        input_shape(config, store),
        config.dropout_rate,
        config.filters,
        dropout_placement=config.dropout_placement,
        spatial_dropout=config.spatial_dropout,
        normalization=config.normalization,
        **stem,
    )


def input_shape(config: TrainingConfig, store: SliceStore) -> tuple[int, int, int]:
    """Return `(height, width, channel)` of what the network sees of a slice."""
    height, width, sequences = store.images.shape[1:]
    return height, width, sequences * (2 * config.neighbours + 1)


def compile_model(
    model: keras.Model, config: TrainingConfig, jit_compile: bool | str = "auto"
) -> None:
    """Compile with Adam and the recipe's loss; in the paper's, one minus Dice."""
    optimizer = keras.optimizers.Adam(
        config.learning_rate,
        use_ema=config.weight_average > 0,
        ema_momentum=config.weight_average,
    )
    loss = LOSSES[config.loss]()
    model.compile(optimizer, loss, metrics=[HardDice()], jit_compile=jit_compile)


def load_model(run: Run, cohort: Cohort) -> keras.Model:
    """Build a run's network anew and load its weights.

    Raises:
        BrainSegError: The weights are damaged or of another architecture.
    """
    model = build_bare_model(run.training_config, cohort.store)
    load_weights(model, run.folder / "weights.npz")
    return model
