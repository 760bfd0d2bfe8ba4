"""The package on Keras's other backends, each in a process of its own."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# As where TensorFlow is not installed.
CODE = """import runpy, sys
sys.modules["tensorflow"] = None
runpy.run_path(sys.argv[1], run_name="__main__")"""


@pytest.fixture(scope="module", params=["jax", "torch"])
def outcome(request, tmp_path_factory):
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    command = [sys.executable, "-c", CODE, TESTS / "backend_job.py", folder]
    environment = {
        **os.environ,
        "KERAS_BACKEND": request.param,
        "PYTHONPATH": str(TESTS),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().split("\n")[-1])


def test_models_predict_and_loss_and_metric_are_what_numpy_says(outcome):
    assert outcome["predicts"] == [4, 16, 16, 1]
    assert outcome["losses"] == [4]
    for figure in ("loss", "metric"):
        ours, numpys = outcome[figure]
        assert ours == pytest.approx(numpys, abs=1e-6)


def test_the_second_phase_freezes_the_first_layers_and_lowers_the_rate(outcome):
    assert outcome["rates"] == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3])
    assert outcome["frozen_moved_before"] > 0
    assert outcome["frozen_moved_after"] == 0
    assert outcome["others_moved_after"] > 0


def test_the_optimizer_goes_on_counting_steps_over_the_switch(outcome):
    assert outcome["steps"] == [8]


def test_a_run_is_trained_and_scored(outcome):
    assert outcome["scored"] > 0


def test_a_training_resumed_in_the_second_phase_ends_with_the_same_bits(outcome):
    assert outcome["resumed_equal"]
