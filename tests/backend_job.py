"""What must hold on every backend of Keras, checked in one process; prints JSON.

Run as a script with KERAS_BACKEND set: `python backend_job.py FOLDER`.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from tiny_cohort import make_tiny_cohort
from trainings import CONFIG, figures, run_training, weights_digest

from brainseg_utils.callbacks import checkpoint
from brainseg_utils.evaluation import evaluate_run
from brainseg_utils.fitting import fit as fitting
from brainseg_utils.fitting.compiling import load_model
from brainseg_utils.losses import DiceLoss, dice_loss
from brainseg_utils.metrics import HardDice
from brainseg_utils.models import build_cnn1

CONFIG = replace(CONFIG, model="cnn1", epochs=4)  # It compiles sooner than CNN2.


def values():
    """Return loss and metric of made-up masks, next to NumPy's."""
    rng = np.random.default_rng(0)
    true = (rng.random((4, 8, 8, 1)) > 0.7).astype(np.uint8)
    pred = rng.random((4, 8, 8, 1)).astype(np.float32)
    metric = HardDice()
    metric.update_state(true, pred)
    hard = pred >= 0.5
    soft = 1 - (2 * (true * pred).sum() + 1) / (true.sum() + pred.sum() + 1)
    return {
        "loss": [float(DiceLoss()(true, pred)), float(soft)],
        "losses": np.shape(keras.ops.convert_to_numpy(dice_loss(true, pred))),
        "metric": [
            float(metric.result()),
            float(2 * (true * hard).sum() / (true.sum() + hard.sum())),
        ],
        "predicts": build_cnn1((16, 16, 4), 0.1, 2)
        .predict(pred.repeat(4, -1).repeat(2, 1).repeat(2, 2), verbose=0)
        .shape,
    }


def watch_snapshots():
    """Keep every snapshot that the checkpoint takes."""
    seen, real = [], checkpoint.take_snapshot

    def watching(model, stopping):
        seen.append(real(model, stopping))
        return seen[-1]

    checkpoint.take_snapshot = watching
    return seen


def moved(before, after, prefix):
    """Return which weights of the frozen or the other layers differ."""
    frozen = ("weights.encoder1_", "weights.encoder2_")
    return [
        name
        for name in after
        if name.startswith("weights.")
        and name.startswith(frozen) == (prefix == "frozen")
        and not np.array_equal(before[name], after[name])
    ]


def interrupted(cohort, folder):
    """Train with an interruption in the second phase, and to the end."""

    class Interrupting(fitting.Progress):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 == 3:
                raise KeyboardInterrupt

    real, fitting.Progress = fitting.Progress, Interrupting
    try:
        run_training(cohort, folder, CONFIG, verbose=False)
    except KeyboardInterrupt:
        pass
    fitting.Progress = real
    return run_training(cohort, folder, CONFIG, verbose=False)


def main(folder):
    cohort = make_tiny_cohort(folder)
    seen = watch_snapshots()
    run = run_training(cohort, folder / "whole", CONFIG, verbose=False)
    two, four = seen[1], seen[3]
    steps = [int(array[()]) for name, array in four.items() if "iteration" in name]
    scores = evaluate_run(run, load_model(run, cohort), cohort)
    again = interrupted(cohort, folder / "again")
    print(
        json.dumps(
            {
                "backend": keras.backend.backend(),
                **values(),
                "rates": run.history["learning_rate"],
                "frozen_moved_before": len(moved(seen[0], two, "frozen")),
                "frozen_moved_after": len(moved(two, four, "frozen")),
                "others_moved_after": len(moved(two, four, "others")),
                "steps": steps,
                "scored": len(scores["test"]),
                "resumed_equal": weights_digest(run) == weights_digest(again)
                and figures(run) == figures(again),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
