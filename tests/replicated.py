"""Train on one device and on two, and print how far the two trainings lie apart.

Run as a script, as TensorFlow takes its devices once: `python replicated.py FOLDER`.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from tiny_cohort import make_tiny_cohort
from trainings import CONFIG, run_training

from brainseg_utils.batches import Batches
from brainseg_utils.compute import Compute
from brainseg_utils.pipelines import make_dataset

TWO = ("CPU:0", "CPU:1")


def split_batches(cohort, replicas):
    """Return what two replicas together are given, and what one would be."""
    batches = Batches(cohort.store, np.arange(21), batch_size=4)
    given = replicas.experimental_distribute_dataset(make_dataset(batches))
    images = [
        np.concatenate(
            [part.numpy() for part in replicas.experimental_local_results(x)]
        )
        for x, _ in given
    ]
    whole = [batches.batch(0, step)[0] for step in range(batches.steps)]
    return images, whole


def main(folder):
    cpu = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, halves)
    cohort = make_tiny_cohort(folder)
    config = replace(CONFIG, dropout_rate=0.0, epochs=4, slices_per_epoch=24)
    config = replace(config, batch_size=4, learning_rate=1e-3, fine_learning_rate=1e-4)
    options = {"config": config, "verbose": False}
    uneven = replace(config, epochs=2, slices_per_epoch=21)
    other = {**options, "config": uneven, "compute": Compute(devices=TWO)}
    one = run_training(cohort, folder / "one", **options)
    two = run_training(cohort, folder / "two", **options, compute=Compute(devices=TWO))
    weights = [np.load(run.folder / "weights.npz") for run in (one, two)]
    given, whole = split_batches(cohort, Compute(devices=TWO).replicas)
    print(
        json.dumps(
            {
                "replicas": [run.training["compute"]["replicas"] for run in (one, two)],
                "weights": max(
                    float(np.abs(weights[0][n] - weights[1][n]).max())
                    for n in weights[0].files
                ),
                "moved": max(float(np.abs(weights[1][n]).max()) for n in weights[1]),
                "history": {
                    name: [one.history[name], two.history[name]]
                    for name in ("loss", "dice", "val_loss", "val_dice")
                },
                "uneven": run_training(cohort, folder / "uneven", **other).history[
                    "loss"
                ],
                "same_batches": all(map(np.array_equal, given, whole)),
                "batches": [len(given), len(whole)],
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
