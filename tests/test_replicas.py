"""Two replicas train as one device does: on two logical CPUs, as on two GPUs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("replicated.py")
# Sums over two halves round otherwise than one over the whole: in float32 by some 1e-7
# of each, which Adam's division by small moments may make more of in 24 steps.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicas")
    command = [sys.executable, SCRIPT, folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().split("\n")[-1])


def test_one_training_ran_on_two_replicas(outcome):
    assert outcome["replicas"] == [1, 2]


@pytest.mark.parametrize("figure", ["loss", "dice", "val_loss", "val_dice"])
def test_loss_and_metric_are_of_whole_batches(outcome, figure):
    one, two = outcome["history"][figure]
    assert len(one) == 4
    assert np.allclose(one, two, rtol=0, atol=TOLERANCE), (one, two)


def test_weights_and_running_averages_are_equal(outcome):
    assert outcome["weights"] < TOLERANCE


def test_batches_are_split_and_nothing_is_dropped_or_repeated(outcome):
    assert outcome["batches"] == [6, 6]
    assert outcome["same_batches"]


def test_a_last_batch_that_cannot_be_shared_is_filled_up(outcome):
    assert len(outcome["uneven"]) == 2 and np.isfinite(outcome["uneven"]).all()
