"""A training that is interrupted anywhere ends as if it had not been."""

import os
import resource
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from refusals import refusal
from tiny_cohort import make_tiny_cohort
from trainings import CONFIG, figures, run_training, start_training, weights_digest

from brainseg_utils.batches import Batches
from brainseg_utils.compute import Compute
from brainseg_utils.evaluation import evaluate_run
from brainseg_utils.fitting import fit as fitting
from brainseg_utils.fitting.compiling import load_model
from brainseg_utils.plans import find_run
from brainseg_utils.run_files import states
from brainseg_utils.run_files.states import read_state, state_files
from brainseg_utils.workspace import Workspace

STEPS = 2 * CONFIG.epochs
# One phase and a smaller network, where the switch is not what matters.
PLAIN = replace(CONFIG, model="cnn1", fine_learning_rate=0.0)
# In the first phase, right after the switch, and in the second phase.
POINTS = ["checkpoint.batch:4", "callbacks.switched", "files.written:12"]
MORE_POINTS = [
    *(f"checkpoint.batch:{1 + number % STEPS}" for number in range(5, STEPS + 5, 3)),
    *("checkpoint.epoch:1", "checkpoint.epoch:3", "checkpoint.epoch:4"),
    *("checkpoint.kept:1", "checkpoint.kept:3", "checkpoint.kept:5"),
    *("states.written:2", "files.replaced:5", "training.weights", "training.saved"),
]
KILLS = int(os.environ.get("BRAINSEG_TRAINING_KILLS", len(POINTS)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cohort")


@pytest.fixture(scope="module")
def cohort(folder):
    return make_tiny_cohort(folder)


@pytest.fixture(scope="module")
def whole(cohort, tmp_path_factory):
    """The training that nothing interrupted, in both phases."""
    return run_training(cohort, tmp_path_factory.mktemp("whole"), verbose=False)


@pytest.fixture(scope="module")
def plain(cohort, tmp_path_factory):
    """The training that nothing interrupted, in one phase."""
    folder = tmp_path_factory.mktemp("plain")
    return run_training(cohort, folder, PLAIN, verbose=False)


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def run_in(work, cohort, config=CONFIG):
    return find_run(config, cohort, Workspace(work, "test"))


def interrupt_after(epochs, monkeypatch):
    """Let a training end as by Ctrl-C, after so many epochs."""

    class Interrupting(fitting.Progress):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 == epochs:
                raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "Progress", Interrupting)


@pytest.fixture
def interrupted(cohort, work, monkeypatch):
    """A run with two states, after the third of six epochs."""
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, work, PLAIN, verbose=False)
    return run_in(work, cohort, PLAIN)


def assert_ends_like(whole, cohort, work, config=CONFIG, **options):
    run = run_training(cohort, work, config, verbose=False, **options)
    assert weights_digest(run) == weights_digest(whole)
    assert figures(run) == figures(whole)
    assert run.training["kept_epoch"] == whole.training["kept_epoch"]
    assert not run.states.exists()


@pytest.mark.parametrize("point", (POINTS + MORE_POINTS)[:KILLS])
def test_killed_at_a_point_it_ends_with_the_same_bits(
    whole, cohort, folder, work, point
):
    process = start_training(folder, work, BRAINSEG_CRASH=point)
    assert process.wait() == -signal.SIGKILL
    assert_ends_like(whole, cohort, work)


@pytest.mark.skipif(
    KILLS <= len(POINTS), reason="BRAINSEG_TRAINING_KILLS=20 asks for it"
)
@pytest.mark.parametrize("number", range(6))
def test_killed_again_and_again_at_random_moments_it_ends_with_the_same_bits(
    whole, cohort, folder, work, number
):
    rng = np.random.default_rng(number)
    for _ in range(2):
        process = start_training(folder, work)
        for line in process.stdout:
            if line.startswith("epoch") and rng.random() < 0.4:
                break
        # The lines come at the ends of epochs, and the kill somewhere behind one.
        time.sleep(rng.uniform(0, 1.5))
        process.kill()
        process.wait()
    assert_ends_like(whole, cohort, work)


def test_two_identical_trainings_have_one_hash_of_weights(whole, cohort, work):
    again = run_training(cohort, work, verbose=False)
    assert weights_digest(again) == weights_digest(whole)
    other = run_training(cohort, work, replace(CONFIG, seed=1), verbose=False)
    assert weights_digest(other) != weights_digest(whole)


def test_interrupted_by_ctrl_c_it_keeps_the_last_epoch_and_goes_on(
    plain, cohort, work, interrupted
):
    assert [path.name[:10] for path in state_files(interrupted.states)] == [
        "epoch-0003",
        "epoch-0002",
    ]
    assert_ends_like(plain, cohort, work, PLAIN, must_resume=True)


def test_sigterm_ends_the_process_and_leaves_no_part_of_a_file(
    whole, cohort, folder, work
):
    process = start_training(folder, work)
    while not process.stdout.readline().startswith("epoch 2"):
        pass
    process.terminate()
    assert process.wait() == -signal.SIGTERM
    run = run_in(work, cohort)
    assert read_state(run.states).epochs >= 1
    hidden = [path.name for path in run.folder.rglob(".*") if path.name != ".lock"]
    assert hidden == []
    assert_ends_like(whole, cohort, work)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_state_costs_an_epoch_and_nothing_else(
    plain, cohort, work, interrupted, capsys
):
    newest = state_files(interrupted.states)[0]
    flip_a_bit(newest)
    run = run_training(cohort, work, PLAIN)
    said = capsys.readouterr().out
    assert "W-CKPT" in said and newest.name in said and "goes on after epoch 2" in said
    assert weights_digest(run) == weights_digest(plain)


def test_damaged_states_are_an_error_and_never_a_fresh_start(cohort, work, interrupted):
    for path in state_files(interrupted.states):
        flip_a_bit(path)
    assert refusal(run_training, cohort, work, PLAIN).code == "E-CKPT"


def test_states_that_are_gone_are_an_error_and_never_a_fresh_start(
    cohort, work, interrupted
):
    shutil.rmtree(interrupted.states)
    error = refusal(run_training, cohort, work, PLAIN)
    assert error.code == "E-CKPT" and str(interrupted.folder) in error.remedy


def test_going_on_from_nothing_is_refused_where_it_was_asked_for(cohort, work):
    error = refusal(lambda: run_training(cohort, work, must_resume=True))
    assert error.code == "E-NO-CKPT"
    assert not run_in(work, cohort).trained


def test_a_state_of_other_parameters_is_refused_with_a_table(cohort, work, interrupted):
    config = replace(PLAIN, learning_rate=0.5, filters=4)
    other = run_in(work, cohort, config)
    shutil.copytree(interrupted.states, other.states)
    error = refusal(run_training, cohort, work, config)
    assert error.code == "E-CKPT-MISMATCH"
    assert "learning_rate: 0.01 there, 0.5 here" in str(error)
    assert "filters: 2 there, 4 here" in str(error)
    assert "dropout_rate" not in str(error)


def test_files_of_the_user_in_the_run_folder_stay(cohort, work, interrupted):
    notes = [interrupted.folder / "notes.txt", interrupted.states / "notes.txt"]
    for path in notes:
        path.write_text("mine")
    run = run_training(cohort, work, PLAIN, verbose=False)
    assert run.trained
    assert [path.read_text() for path in notes] == ["mine", "mine"]
    assert state_files(run.states) == []


def script_monitor(monkeypatch, values):
    """Let early stopping see these values, epoch by epoch."""

    def value_of(stopping, logs):
        return values[int(stopping.model.optimizer.iterations) // 2 - 1]

    monkeypatch.setattr(fitting.EarlyStopping, "get_monitor_value", value_of)


def test_the_best_epoch_before_an_interruption_stays_the_best(
    cohort, work, monkeypatch
):
    script_monitor(monkeypatch, [0.5, 0.9, 0.7, 0.8, 0.7, 0.6])
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, work, PLAIN, verbose=False)
    second = read_state(run_in(work, cohort, PLAIN).states).arrays
    run = run_training(cohort, work, PLAIN, verbose=False)
    with np.load(run.folder / "weights.npz") as archive:
        for name in archive.files:
            assert np.array_equal(archive[name], second[f"best.{name}"]), name


def test_patience_goes_on_counting_over_an_interruption(cohort, work, monkeypatch):
    script_monitor(monkeypatch, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    config = replace(PLAIN, patience=4)
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, work, config, verbose=False)
    run = run_training(cohort, work, config, verbose=False)
    assert run.history["epoch"] == [1, 2, 3, 4, 5], "as without the interruption"


def test_a_training_that_had_stopped_is_not_taken_up_again(cohort, work, monkeypatch):
    script_monitor(monkeypatch, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    config = replace(PLAIN, patience=2)
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, work, config, verbose=False)
    monkeypatch.setattr("keras.Model.fit", None)
    run = run_training(cohort, work, config, verbose=False)
    assert run.history["epoch"] == [1, 2, 3]
    assert run.training["kept_epoch"] >= 1


def poison(monkeypatch, epoch, step):
    real = Batches.batch

    def batch(batches, number, at):
        images, masks = real(batches, number, at)
        if batches.augmentation and (number, at) == (epoch, step):
            images[0, 0, 0, 0] = np.nan
        return images, masks

    monkeypatch.setattr(Batches, "batch", batch)


def test_numbers_that_are_none_stop_the_training_before_they_are_kept(
    plain, cohort, work, monkeypatch
):
    with monkeypatch.context() as patch:
        poison(patch, epoch=2, step=1)
        error = refusal(run_training, cohort, work, PLAIN)
    # A rectifier may swallow NaN on the way to the loss; the weights show it.
    assert error.code == "E-NAN" and "epoch 3" in str(error)
    state = read_state(run_in(work, cohort, PLAIN).states)
    assert state.epochs == 2
    assert all(np.isfinite(array).all() for array in state.arrays.values())
    assert_ends_like(plain, cohort, work, PLAIN)


def test_a_full_disk_stops_the_training_and_leaves_the_state_before(
    plain, cohort, work, monkeypatch
):
    def limited(path, content):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        if path.name.startswith("epoch-0003"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) // 2, limits[1]))
        try:
            real(path, content)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    real = states.write_bytes
    with monkeypatch.context() as patch:
        patch.setattr(states, "write_bytes", limited)
        error = refusal(run_training, cohort, work, PLAIN)
    assert error.code == "E-DISK" and "epoch-0003" in error.path
    assert read_state(run_in(work, cohort, PLAIN).states).epochs == 2
    assert_ends_like(plain, cohort, work, PLAIN)


def let_memory_end(monkeypatch, above):
    """Let memory end in the third epoch with batches of more than so many slices."""
    import tensorflow as tf

    real = fitting.StopOnNaN.on_train_batch_end

    def end(watch, batch, logs=None):
        if watch.epoch == 2 and watch.batches.batch_size > above:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        real(watch, batch, logs)

    monkeypatch.setattr(fitting.StopOnNaN, "on_train_batch_end", end)


def test_ended_memory_stops_with_the_remedy_and_leaves_the_state_before(
    plain, cohort, work, monkeypatch
):
    with monkeypatch.context() as patch:
        let_memory_end(patch, above=8)
        error = refusal(run_training, cohort, work, PLAIN)
    assert error.code == "E-OOM" and "16 slices of 16 x 16 x 4" in str(error)
    assert read_state(run_in(work, cohort, PLAIN).states).epochs == 2
    assert_ends_like(plain, cohort, work, PLAIN)


def test_ended_memory_halves_the_batch_where_that_was_asked_for(
    cohort, work, monkeypatch, capsys
):
    let_memory_end(monkeypatch, above=4)
    compute = Compute(halve_on_oom=True)
    run = run_training(cohort, work, PLAIN, compute=compute)
    assert run.training["batch_size"] == 4
    assert run.config["batch_size"] == 16
    assert run.history["epoch"] == [1, 2, 3, 4, 5, 6]
    said = capsys.readouterr().out
    assert "8 slices in a batch" in said and "4 slices in a batch" in said


def test_a_training_goes_on_on_a_fresh_machine_from_its_copy(
    plain, cohort, tmp_path, monkeypatch
):
    drive = tmp_path / "drive"
    drive.mkdir()
    monkeypatch.setenv("BRAINSEG_MIRROR", str(drive))
    with monkeypatch.context() as patch:
        interrupt_after(3, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, tmp_path / "lost", PLAIN, verbose=False)
    wait_for(lambda: list(drive.rglob("epoch-0002-*")))
    shutil.rmtree(tmp_path / "lost")
    fresh = tmp_path / "fresh"
    assert_ends_like(plain, cohort, fresh, PLAIN, must_resume=True)
    run = run_in(fresh, cohort, PLAIN)
    evaluate_run(run, load_model(run, cohort), cohort)
    third = run_in(tmp_path / "third", cohort, PLAIN)
    run_training(cohort, tmp_path / "third", PLAIN, verbose=False)
    assert third.done, "taken back whole, not trained"


def wait_for(holds):
    until = time.time() + 20
    while not holds():
        assert time.time() < until
        time.sleep(0.05)
