"""Train on the tiny cohort in a process of its own, to be killed on the way.

Run as a script: `python trainings.py COHORT WORKSPACE`.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from brainseg_utils.config import TrainingConfig

# Both phases, dropout, and a stop by patience that may come before the end.
CONFIG = TrainingConfig(
    model="cnn2",
    filters=2,
    epochs=6,
    learning_rate=1e-2,
    fine_learning_rate=1e-3,
    dropout_rate=0.1,
    slices_per_epoch=32,
)


def run_training(cohort, folder, config=CONFIG, **options):
    from brainseg_utils.training import train
    from brainseg_utils.workspace import Workspace

    return train(config, cohort, Workspace(Path(folder), "test"), **options)


def start_training(cohort_folder, folder, **environment):
    """Start the training in a process of its own; its lines come through `stdout`."""
    command = [sys.executable, "-u", __file__, str(cohort_folder), str(folder)]
    return subprocess.Popen(
        command,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def weights_digest(run):
    """Return one hash of all weights of a finished run."""
    with np.load(run.folder / "weights.npz") as archive:
        arrays = [name.encode() + archive[name].tobytes() for name in archive.files]
    return hashlib.sha256(b"".join(arrays)).hexdigest()


def figures(run):
    """Return the history but for the seconds, which no two runs share."""
    history = run.history
    del history["seconds"]
    return history


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tiny_cohort import make_tiny_cohort

    run_training(make_tiny_cohort(Path(sys.argv[1])), sys.argv[2])
