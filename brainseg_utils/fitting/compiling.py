"""From a configuration to a network, ready to train or trained."""

from __future__ import annotations

from pathlib import Path

import keras

from brainseg_utils.cohorts import Cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.losses import LOSSES
from brainseg_utils.metrics import HardDice
from brainseg_utils.models import BUILDERS
from brainseg_utils.pretrained import load_pretrained
from brainseg_utils.run_files.weights import check_weights, load_weights, read_weights
from brainseg_utils.runs import Run
from brainseg_utils.store import SliceStore


def build_model(config: TrainingConfig, store: SliceStore) -> keras.Model:
    """Build the network for these slices, with the weights that training starts from.

    Raises:
        BrainSegError: `E-START` where pretrained weights do not fit the sequences.
    """
    model = build_bare_model(config, store.images.shape[1:])
    if config.start:
        load_pretrained(model, store.sequences, neighbours=config.neighbours)
    return model


def build_bare_model(
    config: TrainingConfig, slice_shape: tuple[int, int, int]
) -> keras.Model:
    """Build the network for slices `(height, width, sequence)`, with random weights.

    With `neighbours` its channels are those of as many slices.
    """
    height, width, sequences = slice_shape
    stem = {"stem": config.stem} if config.model == "cnn2" else {}
    return BUILDERS[config.model](
        (height, width, sequences * (2 * config.neighbours + 1)),
        config.dropout_rate,
        config.filters,
        dropout_placement=config.dropout_placement,
        spatial_dropout=config.spatial_dropout,
        normalization=config.normalization,
        **stem,
    )


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
    slice_shape = cohort.store.images.shape[1:]
    return load_network(run.training_config, slice_shape, run.folder / "weights.npz")


def load_network(
    config: TrainingConfig, slice_shape: tuple[int, int, int], path: Path
) -> keras.Model:
    """Build a network anew and load its weights, from a file that may be anybody's.

    Args:
        config: The configuration that it was trained by.
        slice_shape: `(height, width, sequence)` of the slices to come.
        path: Its weights.

    Raises:
        BrainSegError: The weights are damaged or of another architecture; before
            anything is built that the file could make as large as it likes.
    """
    arrays = read_weights(path)
    # Without values for its variables a network of any size takes next to no memory.
    with keras.StatelessScope(initialize_variables=False):
        check_weights(build_bare_model(config, slice_shape), path, arrays)
    model = build_bare_model(config, slice_shape)
    load_weights(model, path, arrays)
    return model
