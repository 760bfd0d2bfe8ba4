"""Train one network by the paper's recipe and leave a run folder."""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras

from brainseg_utils.callbacks import PhaseSwitch
from brainseg_utils.cohorts import Cohort
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import value_digest, write_json
from brainseg_utils.losses import DiceLoss
from brainseg_utils.metrics import HardDice
from brainseg_utils.models import BUILDERS
from brainseg_utils.pipelines import Augmentation, make_dataset, steps_per_epoch
from brainseg_utils.runs import Run, load_weights, save_weights, versions, write_history
from brainseg_utils.splits import Split, split_cases
from brainseg_utils.workspace import Workspace, smoke_wanted

TRAINING_VERSION = 1  # Raise it whenever the same configuration would train otherwise.


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
        slice_step: Train on every n-th slice; evaluation always uses all.
        rotation_degrees: Largest rotation of the augmentation, to either side.
        augment: Whether to rotate and flip training slices at all.
        fold: Which fold of patients is the test part.
        folds: Number of folds; 0 chooses by the number of patients.
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
    slice_step: int = 1
    rotation_degrees: float = 15.0
    augment: bool = True
    fold: int = 0
    folds: int = 0
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "patience", "batch_size", "slice_step", "filters"):
            _require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        _require(self.model in BUILDERS, "model", f"one of {[*BUILDERS]}", self.model)
        _require(0 <= self.dropout_rate < 1, "dropout_rate", "in [0, 1)", self)
        _require(self.learning_rate > 0, "learning_rate", "positive", self)
        _require(self.fine_learning_rate >= 0, "fine_learning_rate", "0 or more", self)

    def shrunk_for_smoke(self) -> TrainingConfig:
        """Return a training of seconds that still passes through every step."""
        return replace(
            self, epochs=min(self.epochs, 2), filters=4, slice_step=2, patience=2
        )

    @property
    def name(self) -> str:
        """What distinguishes the run within a sweep, readable and fit for a folder."""
        return (
            f"{self.model}_dropout-{self.dropout_rate:g}_epochs-{self.epochs}"
            f"_fold-{self.fold}_seed-{self.seed}"
        )


def split_of(config: TrainingConfig, cohort: Cohort) -> Split:
    """Return the patients of each part for this configuration's fold.

    Dealing has a seed of its own, so that all seeds of a fold share its patients.
    """
    return split_cases(cohort.store.tumour_ml, config.fold, config.folds)


def resolve(config: TrainingConfig) -> TrainingConfig:
    """Return the configuration to use here: shrunk under the smoke profile."""
    return config.shrunk_for_smoke() if smoke_wanted() else config


def find_run(config: TrainingConfig, cohort: Cohort, workspace: Workspace) -> Run:
    """Return the folder in which this very training belongs, finished or not.

    Its name ends with a digest of configuration, patients and code version, so that a
    run never takes the place of a different one.
    """
    config = resolve(config)
    key = value_digest([TRAINING_VERSION, asdict(config), cohort.store.key], length=8)
    return Run(workspace.runs / "runs" / f"{config.name}_{key}")


def build_model(config: TrainingConfig, cohort: Cohort) -> keras.Model:
    """Build the network for this cohort's slices, with fresh weights."""
    shape = tuple(cohort.store.images.shape[1:])
    return BUILDERS[config.model](shape, config.dropout_rate, config.filters)


def compile_model(model: keras.Model, config: TrainingConfig) -> None:
    """Compile with the paper's choices: Adam and one minus Dice."""
    optimizer = keras.optimizers.Adam(config.learning_rate)
    model.compile(optimizer, loss=DiceLoss(), metrics=[HardDice()])


def make_callbacks(config: TrainingConfig) -> list[keras.callbacks.Callback]:
    """Make early stopping, and the phase switch where there are two phases.

    As in the paper, CNN1 watches the metric and CNN2 the loss.
    """
    monitor, mode = ("val_dice", "max") if config.model == "cnn1" else ("val_loss", "min")
    callbacks = [
        keras.callbacks.EarlyStopping(
            monitor, mode=mode, patience=config.patience, restore_best_weights=True
        )
    ]
    if config.fine_learning_rate:
        frozen = [f"encoder{level + 1}_" for level in range(config.frozen_blocks)]
        callbacks.append(
            PhaseSwitch(switch_epoch(config), config.fine_learning_rate, frozen)
        )
    return callbacks


def switch_epoch(config: TrainingConfig) -> int:
    """Return the first epoch of the second phase, counted from 0."""
    return config.epochs // 2


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
    run, config = find_run(config, cohort, workspace), resolve(config)
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
    rows = store.rows(split.train, config.slice_step)
    augmentation = Augmentation(config.rotation_degrees) if config.augment else None
    batches = make_dataset(
        store,
        rows,
        config.batch_size,
        augmentation,
        shuffle=True,
        seed=config.seed,
        epochs=config.epochs,
    )
    validation = make_dataset(
        store, store.rows(split.validation, config.slice_step), config.batch_size
    )
    record = _Record()
    model.fit(
        batches,
        epochs=config.epochs,
        steps_per_epoch=steps_per_epoch(len(rows), config.batch_size),
        # Cached: the same few batches are wanted after each epoch.
        validation_data=validation.cache(),
        callbacks=[*make_callbacks(config), record],
        verbose=verbose,
    )
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
    best = history["val_dice"] if config.model == "cnn1" else history["val_loss"]
    choose = max if config.model == "cnn1" else min
    facts = {
        "seconds": seconds,
        "epochs": len(history["epoch"]),
        "best_epoch": best.index(choose(best)) + 1,
        "parameters": model.count_params(),
        "peak_memory_mb": peak_memory_mb(),
        "cores": os.cpu_count(),
        "versions": versions(),
    }
    write_json(run.folder / "training.json", facts)


def peak_memory_mb() -> float:
    """Return the most memory this process has held so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def _require(holds: bool, name: str, wanted: str, got: Any) -> None:
    if not holds:
        got = getattr(got, name, got)
        raise BrainSegError(
            "E-PARAMETER", name, f"wanted {wanted}, got {got!r}.", "Correct it."
        )
