"""Train one network by the paper's recipe and leave a run folder."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from typing import Any

import keras

from brainseg_utils.augmentation import Augmentation
from brainseg_utils.batches import Batches
from brainseg_utils.callbacks import PhaseSwitch
from brainseg_utils.cohorts import Cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import write_json
from brainseg_utils.losses import DiceLoss
from brainseg_utils.machine import peak_memory_mb, versions
from brainseg_utils.metrics import HardDice
from brainseg_utils.models import BUILDERS
from brainseg_utils.pipelines import make_feed
from brainseg_utils.plans import find_run, split_of
from brainseg_utils.runs import Run, write_history
from brainseg_utils.splits import Split
from brainseg_utils.weights import load_weights, save_weights
from brainseg_utils.workspace import Workspace


def build_model(config: TrainingConfig, cohort: Cohort) -> keras.Model:
    """Build the network for this cohort's slices, with fresh weights."""
    shape = tuple(cohort.store.images.shape[1:])
    return BUILDERS[config.model](shape, config.dropout_rate, config.filters)


def compile_model(model: keras.Model, config: TrainingConfig) -> None:
    """Compile with the paper's choices: Adam and one minus Dice."""
    optimizer = keras.optimizers.Adam(config.learning_rate)
    model.compile(optimizer, loss=DiceLoss(), metrics=[HardDice()])


def make_callbacks(config: TrainingConfig) -> list[keras.callbacks.Callback]:
    """Make early stopping, and the phase switch where there are two phases."""
    monitor, mode = config.monitor
    callbacks = [
        keras.callbacks.EarlyStopping(
            monitor, mode=mode, patience=config.patience, restore_best_weights=True
        )
    ]
    if config.switch_epoch is not None:
        frozen = [f"encoder{level + 1}_" for level in range(config.frozen_blocks)]
        rate = config.fine_learning_rate
        callbacks.append(PhaseSwitch(config.switch_epoch, rate, frozen))
    return callbacks


def train(
    config: TrainingConfig, cohort: Cohort, workspace: Workspace, verbose: int = 2
) -> Run:
    """Train a network, or return the run at once where it is trained already.

    Args:
        config: What to train.
        cohort: Patients and slices; the fold's test patients are not touched.
        workspace: Where the run folder goes.
        verbose: As in Keras; 2 prints one line an epoch.

    Returns:
        The run, with configuration, history and the best epoch's weights.
    """
    run = find_run(config, cohort, workspace)
    if run.trained:
        print(f"trained already: {run.folder.name}")
        return run
    split = split_of(config, cohort)
    keras.utils.set_random_seed(config.seed)
    model = build_model(config, cohort)
    compile_model(model, config)
    started = time.perf_counter()
    history = _fit(model, config, cohort, split, verbose)
    _save(run, model, config, cohort, split, history, time.perf_counter() - started)
    return run


def load_model(run: Run, cohort: Cohort) -> keras.Model:
    """Build a run's network anew and load its weights.

    Raises:
        BrainSegError: The weights are damaged or of another architecture.
    """
    known = {name: run.config[name] for name in TrainingConfig.__dataclass_fields__}
    model = build_model(TrainingConfig(**known), cohort)
    load_weights(model, run.folder / "weights.npz")
    return model


def _fit(
    model: keras.Model,
    config: TrainingConfig,
    cohort: Cohort,
    split: Split,
    verbose: int,
) -> dict[str, list[float]]:
    store = cohort.store
    rows, drawn = store.rows(split.train), config.slices_per_epoch
    augmentation = Augmentation(config.rotation_degrees) if config.augment else None
    batches = Batches(
        store,
        rows,
        config.batch_size,
        augmentation,
        shuffle=True,
        seed=config.seed,
        slices_per_epoch=drawn,
    )
    # Half an epoch's slices suffice to watch by; scores come from all of them.
    validation_rows = store.rows(split.validation, at_most=drawn // 2)
    # Mixed like the training batches: the loss of a batch without tumour means little.
    validation = Batches(store, validation_rows, config.batch_size, shuffle=True)
    record = _Record()
    try:
        model.fit(
            make_feed(batches, config.epochs),
            epochs=config.epochs,
            steps_per_epoch=batches.steps,
            shuffle=False,  # The batches are shuffled; Keras would warn.
            validation_data=make_feed(validation),
            callbacks=[*make_callbacks(config), record],
            verbose=verbose,
        )
    except Exception as error:
        # A store that has gone away comes out of TensorFlow as an error of its own.
        for failure in (*batches.failures, *validation.failures):
            raise failure from error
        raise
    return record.columns


class _Record(keras.callbacks.Callback):
    """Collect each epoch's figures, its learning rate and its seconds."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.columns: dict[str, list[float]] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        figures = {
            "epoch": epoch + 1,
            **{name: float(value) for name, value in (logs or {}).items()},
            "learning_rate": float(self.model.optimizer.learning_rate),
            "seconds": time.perf_counter() - self.started,
        }
        for name, value in figures.items():
            self.columns.setdefault(name, []).append(value)


def _save(
    run: Run,
    model: keras.Model,
    config: TrainingConfig,
    cohort: Cohort,
    split: Split,
    history: dict[str, list[float]],
    seconds: float,
) -> None:
    write_json(
        run.folder / "config.json",
        {
            **asdict(config),
            "cohort": cohort.name,
            "store": cohort.store.key,
            "split": split.as_dict(),
        },
    )
    write_history(run, history)
    save_weights(model, run.folder / "weights.npz")
    monitor, mode = config.monitor
    best = {"max": max, "min": min}[mode](history[monitor])
    facts = {
        "seconds": seconds,
        "epochs": len(history["epoch"]),
        "best_epoch": history[monitor].index(best) + 1,
        "parameters": model.count_params(),
        "peak_memory_mb": peak_memory_mb(),
        "cores": os.cpu_count(),
        "versions": versions(),
    }
    write_json(run.folder / "training.json", facts)
