"""The learning rate of each step, by epochs or by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras

from brainseg_utils.schedules import SCHEDULES


class Schedule(keras.callbacks.Callback):
    """Set the learning rate before every step, and end a training that has a deadline.

    A rate that is a function of progress alone needs no memory: a training that is
    taken up at any epoch goes on as if it had never stopped.

    Args:
        name: A key of `SCHEDULES`.
        learning_rate: The highest rate.
        steps: Steps of the whole training.
        first_step: Steps done in earlier lives.
        seconds: Time for the whole training, by which progress is measured then; 0
            measures it by steps.
        spent: Seconds of earlier lives.
        clock: Returns seconds, such as those of a stopwatch that can stand still.
    """

    def __init__(
        self,
        name: str,
        learning_rate: float,
        steps: int,
        first_step: int = 0,
        seconds: float = 0.0,
        spent: float = 0.0,
        clock: Callable[[], float] = time.perf_counter,
    ):
        super().__init__()
        self.factor, self.learning_rate = SCHEDULES[name], learning_rate
        self.steps, self.step = steps, first_step
        self.seconds, self.clock = seconds, clock
        self.started = clock() - spent

    @property
    def progress(self) -> float:
        """Share of the training that is done, from 0 to 1."""
        share = self.step / self.steps
        if self.seconds:
            share = max(share, (self.clock() - self.started) / self.seconds)
        return min(share, 1.0)

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        rate = self.learning_rate * self.factor(self.progress)
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.step += 1
        if self.seconds and self.progress >= 1:
            self.model.stop_training = True
