"""When a training's epochs, steps and validations begin and end."""

from __future__ import annotations

import time
from typing import Any

import keras


class Clock:
    """Two callbacks, for the first and for the last place, and what they have seen.

    Attributes:
        between: Seconds from an epoch's last step to the next one's first step, less
            validation.
        epochs: Seconds of each epoch's steps.
        validations: Seconds of each validation.
        first_step: Seconds of the very first step, which compiles it.
    """

    def __init__(self):
        self.between: list[float] = []
        self.epochs: list[float] = []
        self.validations: list[float] = []
        self.first_step = 0.0
        self.first, self.last = _First(self), _Last(self)
        self.begun = self.ended = self.test_begun = 0.0


class _First(keras.callbacks.Callback):
    """Sees the ends of things before all other callbacks do."""

    def __init__(self, clock: Clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        clock = self.clock
        clock.ended = time.perf_counter()
        if not clock.first_step:
            clock.first_step = clock.ended - clock.begun

    def on_test_begin(self, logs: Any = None) -> None:
        self.clock.epochs.append(self.clock.ended - self.clock.begun)
        self.clock.test_begun = time.perf_counter()


class _Last(keras.callbacks.Callback):
    """Sees the beginnings of things after all other callbacks have."""

    def __init__(self, clock: Clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        clock = self.clock
        if batch:
            return
        now = time.perf_counter()
        if clock.validations:
            clock.between.append(now - clock.ended - clock.validations[-1])
        clock.begun = now

    def on_test_end(self, logs: Any = None) -> None:
        self.clock.validations.append(time.perf_counter() - self.clock.test_begun)
