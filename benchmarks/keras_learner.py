"""The package's own recipes against the clock; see `learners.learn`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np
from learning import BATCH, Session, session_of_command_line

from brainseg_utils.callbacks import EpochSeeds, Schedule
from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.compiling import build_model, compile_model
from brainseg_utils.fitting.sampling import draw_batches
from brainseg_utils.fitting.settling import settle_statistics
from brainseg_utils.masks.predictions import predict_slices
from brainseg_utils.pipelines import make_feed

EPOCH = 50  # Steps; of no consequence, as nothing is done between epochs.
EPOCHS = 10**6  # The clock ends them.


def main() -> None:
    """Train until the time is over."""
    session = session_of_command_line()
    config = config_of(session.task)
    keras.utils.set_random_seed(config.seed)
    model = build_model(config, session.store)
    compile_model(model, config)
    what = session.store, session.rows, BATCH, EPOCH * BATCH
    batches = draw_batches(config, *what, session.rehearsed)
    schedule = make_schedule(config, session)

    def predict(case_id: str) -> np.ndarray:
        return predict_slices(model, session.store, case_id, config)

    model.fit(
        make_feed(batches, EPOCHS),
        epochs=EPOCHS,
        steps_per_epoch=EPOCH,
        shuffle=False,
        callbacks=[EpochSeeds(config.seed), schedule, Points(session, predict)],
        verbose=0,
    )
    if config.settle:
        settle_statistics(model, batches, EPOCHS)
    session.finish(predict, schedule.step, parameters=model.count_params())


def make_schedule(config: TrainingConfig, session: Session) -> Schedule:
    """Return the recipe's schedule by the session's clock."""
    whole = config.schedule, config.learning_rate, EPOCHS * EPOCH
    seconds = session.task["seconds"]
    schedule = Schedule(*whole, seconds=seconds, clock=session.watch)
    schedule.started = session.watch.started  # Building the network counts too.
    return schedule


def config_of(task: dict[str, Any]) -> TrainingConfig:
    """Return the recipe that a system is."""
    recipe = task["system"].removesuffix("-from-scratch")
    choices = {"augmentation": task["augmentation"], "seed": task["seed"]}
    if recipe != task["system"]:
        choices |= {"start": "", "learning_rate": 3e-3, "rehearsal_share": 0.0}
    if task["augmentation"] == "rich":
        choices["rotation_degrees"] = 180.0
    return TrainingConfig(
        "cnn2", recipe=recipe, minutes=task["seconds"] / 60, **choices
    )


class Points(keras.callbacks.Callback):
    """Predict the test patients at the points of the curve."""

    def __init__(self, session: Session, predict: Callable[[str], Any]):
        super().__init__()
        self.session, self.predict = session, predict

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.session.watch_point(self.predict)


if __name__ == "__main__":
    main()
