"""What a training tells while it runs: a history, and one plain line an epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from brainseg_utils.machine import describe_machine
from brainseg_utils.times import in_words

TIMED_STEPS = 5  # The first step builds the graph; a few more tell the speed.


class Record(keras.callbacks.Callback):
    """Collect each epoch's figures, its learning rate and its seconds.

    Args:
        columns: History of the epochs before, where a training is resumed.

    Attributes:
        columns: One list a figure, an item an epoch.
    """

    def __init__(self, columns: Mapping[str, list[float]] | None = None):
        super().__init__()
        self.columns = {name: [*values] for name, values in (columns or {}).items()}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        figures = {
            "epoch": epoch + 1,
            **{name: float(value) for name, value in (logs or {}).items()},
            # Over several replicas it is a variable on each of them.
            "learning_rate": float(
                keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            ),
            "seconds": time.perf_counter() - self.started,
        }
        for name, value in figures.items():
            self.columns.setdefault(name, []).append(value)


class Progress(keras.callbacks.Callback):
    """Print one line an epoch, with the time that is left at most.

    A bar that is drawn anew at every step fills a notebook that nobody looks at.

    Args:
        epochs: Epochs of the whole training.
        record: Where the figures are; it must stand before this callback.
        estimate: Whether to estimate the whole time after a few steps, as is good to
            know where there is no GPU.
        report: Takes the lines.
        seconds: Time for the whole training; 0 has no limit.
    """

    def __init__(
        self,
        epochs: int,
        record: Record,
        estimate: bool = False,
        report: Callable[[str], None] = print,
        seconds: float = 0.0,
    ):
        super().__init__()
        self.epochs, self.record, self.report = epochs, record, report
        self.estimate, self.limit = estimate, seconds or float("inf")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.first_epoch = epoch

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if not self.estimate:
            return
        if batch == 1:
            self.second_step = time.perf_counter()
        elif batch == 1 + TIMED_STEPS:
            step = (time.perf_counter() - self.second_step) / TIMED_STEPS
            epochs = self.epochs - self.first_epoch
            seconds = min(step * self.params["steps"] * epochs, self.limit)
            self.report(
                f"no GPU: training on {describe_machine()} takes about "
                f"{in_words(seconds)} for {epochs} epochs at most, and validation"
            )
            self.estimate = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        last = {name: values[-1] for name, values in self.record.columns.items()}
        names = ("loss", "dice", "val_loss", "val_dice")
        figures = "  ".join(f"{n} {last[n]:.4f}" for n in names if n in last)
        line = f"epoch {epoch + 1}/{self.epochs}  {figures}  {last['seconds']:.1f} s"
        # The first epoch after a start is slower than the others will be.
        recent = self.record.columns["seconds"][-3:]
        left = (self.epochs - epoch - 1) * min(recent)
        left = max(0, min(left, self.limit - sum(self.record.columns["seconds"])))
        self.report(f"{line}, {in_words(left)} left" if left else line)
