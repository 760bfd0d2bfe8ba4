"""One life of a training: from its beginning, or from a state, to its last epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras

from brainseg_utils.batches import Batches
from brainseg_utils.callbacks import (
    Checkpoint,
    EarlyStopping,
    EpochSeeds,
    PhaseSwitch,
    Progress,
    Record,
    Schedule,
    StopOnNaN,
)
from brainseg_utils.callbacks.snapshots import load_snapshot
from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.compiling import build_model, compile_model
from brainseg_utils.fitting.jobs import Job
from brainseg_utils.fitting.settling import settle_statistics
from brainseg_utils.pipelines import make_feed
from brainseg_utils.run_files.states import State, check_same
from brainseg_utils.runs import write_history


class Fit:
    """A job's network in training.

    Args:
        job: What to do.
        batch_size: Slices in a batch; less than the configuration's where those did
            not fit into memory.
        state: Where to go on; None begins with fresh weights.

    Attributes:
        model: The network; after `run`, with the weights to keep.
        record: The history so far.

    Raises:
        BrainSegError: `E-CKPT-MISMATCH` for a state of something else.
    """

    def __init__(self, job: Job, batch_size: int, state: State | None = None):
        self.job, self.batch_size, self.state = job, batch_size, state
        self.started = time.perf_counter()
        keras.utils.set_random_seed(job.config.seed)
        with job.compute.scope():
            self.model = build_model(job.config, job.cohort.store)
            job.compute.synchronise(self.model)
            compile_model(self.model, job.config, job.compute.jit_compile)
        self.stopping = _early_stopping(job.config)
        self.switch = _phase_switch(job.config)
        self.record = Record()
        if state:
            self._take_up(state)

    @property
    def epochs(self) -> int:
        """How many epochs were finished before this life."""
        return self.state.epochs if self.state else 0

    @property
    def seconds(self) -> float:
        """How long the training has taken, over all its lives."""
        return self.seconds_before + time.perf_counter() - self.started

    @property
    def seconds_before(self) -> float:
        """How long it had taken before this life."""
        return self.state.facts["seconds"] if self.state else 0.0

    def run(self) -> None:
        """Train to the end, keeping the state of every epoch.

        Raises:
            BrainSegError: `E-NAN`, `E-CACHE-GONE`, `E-DISK`: the last epoch's state
                is there all the same, and the same call goes on from it.
        """
        config, limit = self.job.config, self.job.config.minutes * 60
        out_of_time = limit and self.seconds_before >= limit
        if self.epochs == config.epochs or self.stopping.stopped or out_of_time:
            self._finish()
        else:
            self._fit()
        if config.settle or config.weight_average:
            batches = self.job.training_batches(self.batch_size)
            settle_statistics(self.model, batches, config.epochs)

    def _take_up(self, state: State) -> None:
        folder, identity = self.job.run.states, state.facts["identity"]
        remedy = f"Delete {folder} to train from epoch 1."
        check_same(folder, identity, self.job.identity, remedy)
        self.record = Record(state.facts["history"])
        if self.switch and state.epochs > self.switch.epoch:
            self.switch.apply(self.model)
        self.best_weights = load_snapshot(self.model, state.arrays, folder)
        self.stopping.resume(state.facts["stopping"], self.best_weights)
        self.job.report(f"goes on after epoch {state.epochs}")

    def _fit(self) -> None:
        config = self.job.config
        batches = self.job.training_batches(self.batch_size)
        validation = self.job.validation_batches(self.batch_size)
        checkpoint = Checkpoint(
            self.job.run.states, self.stopping, self.record, self._facts, self._kept
        )
        try:
            self.model.fit(
                make_feed(batches, config.epochs - self.epochs, self.epochs),
                initial_epoch=self.epochs,
                epochs=config.epochs,
                steps_per_epoch=batches.steps,
                shuffle=False,  # The batches are shuffled; Keras would warn.
                validation_data=make_feed(validation),
                callbacks=self._callbacks(batches, checkpoint),
                verbose=0,
            )
            checkpoint.wait()
        except Exception as error:
            # A store that has gone away comes out of TensorFlow as an error of its own.
            for failure in (*batches.failures, *validation.failures):
                raise failure from error
            raise
        finally:
            checkpoint.close()

    def _callbacks(
        self, batches: Batches, checkpoint: Checkpoint
    ) -> list[keras.callbacks.Callback]:
        job = self.job
        callbacks = [
            EpochSeeds(job.config.seed),
            *self._schedule(batches),
            StopOnNaN(batches, job.run.folder),  # Before anything is kept.
            self.record,
            self.stopping,
            *([self.switch] if self.switch else []),
            checkpoint,
            self._progress(),
        ]
        if keras.backend.backend() == "tensorflow":
            logs = job.run.folder / "tensorboard"
            callbacks.append(keras.callbacks.TensorBoard(logs, write_graph=False))
        return callbacks

    def _progress(self) -> Progress:
        config, estimate = self.job.config, not self.job.compute.gpus
        whole = config.epochs, self.record, estimate, self.job.report
        return Progress(*whole, seconds=config.minutes * 60)

    def _schedule(self, batches: Batches) -> list[Schedule]:
        config = self.job.config
        if config.schedule == "constant" and not config.minutes:
            return []
        whole = config.schedule, config.learning_rate, config.epochs * batches.steps
        done = self.epochs * batches.steps
        return [Schedule(*whole, done, config.minutes * 60, self.seconds_before)]

    def _finish(self) -> None:
        """Put in place what a training that ended before this life was to keep."""
        if self.job.config.keep == "best":
            self.model.set_weights(self.best_weights)
        else:
            self.model.optimizer.finalize_variable_values(
                self.model.trainable_variables
            )

    def _facts(self) -> dict[str, Any]:
        return {
            "identity": self.job.identity,
            "batch_size": self.batch_size,
            "seconds": self.seconds,
        }

    def _kept(self, path: Path, state: State) -> None:
        """Make the history that people read, and the copy, of what was just kept."""
        write_history(self.job.run, state.facts["history"])
        self.job.mirror.keep_states_meanwhile()


def _early_stopping(config: TrainingConfig) -> EarlyStopping:
    keep_best = config.keep == "best"
    patience = config.patience if keep_best else config.epochs
    return EarlyStopping(*config.monitor, patience, keep_best)


def _phase_switch(config: TrainingConfig) -> PhaseSwitch | None:
    if config.switch_epoch is None:
        return None
    frozen = [f"encoder{level + 1}_" for level in range(config.frozen_blocks)]
    return PhaseSwitch(config.switch_epoch, config.fine_learning_rate, frozen)
