"""Schedules, averaged weights and deadlines, over interruptions as well."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from test_resume import assert_ends_like, interrupt_after, run_in
from tiny_cohort import make_tiny_cohort
from trainings import run_training

from brainseg_utils import pretrained
from brainseg_utils.augmentation import RICH
from brainseg_utils.batches import Batches
from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.settling import STEPS, settle_statistics
from brainseg_utils.models import build_cnn1
from brainseg_utils.plans import identity_of
from brainseg_utils.run_files.states import read_state
from brainseg_utils.schedules import SCHEDULES

CONFIG = TrainingConfig(
    "cnn2",
    recipe="recommended",
    start="",
    rehearsal_share=0.0,
    filters=2,
    epochs=4,
    learning_rate=1e-2,
    slices_per_epoch=32,
    dropout_rate=0.1,
)
AVERAGED = replace(CONFIG, weight_average=0.5)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.mark.parametrize("config", [CONFIG, AVERAGED], ids=["plain", "averaged"])
@pytest.mark.parametrize("epochs", [2, 4])
def test_interrupted_it_ends_with_the_same_bits(
    cohort, tmp_path, monkeypatch, config, epochs
):
    whole = run_training(cohort, tmp_path / "whole", config, verbose=False)
    with monkeypatch.context() as patch:
        interrupt_after(epochs, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, tmp_path / "work", config, verbose=False)
    # After the last epoch nothing is left to train, and all to put in place.
    assert read_state(run_in(tmp_path / "work", cohort, config).states).epochs >= 2
    assert_ends_like(whole, cohort, tmp_path / "work", config)


def test_rates_of_a_training_follow_its_schedule(cohort, tmp_path):
    run = run_training(cohort, tmp_path, CONFIG, verbose=False)
    last_steps = [(2 * epoch + 1) / 8 for epoch in range(4)]
    wanted = [1e-2 * SCHEDULES["warmup-cosine"](p) for p in last_steps]
    assert run.history["learning_rate"] == pytest.approx(wanted)
    assert run.training["kept_epoch"] == 4


def test_the_last_weights_are_kept_though_others_were_better(cohort, tmp_path):
    rate = {"schedule": "constant", "learning_rate": 1.0, "settle": False}
    diverging = replace(CONFIG, epochs=3, **rate)
    last = run_training(cohort, tmp_path, diverging, verbose=False)
    best = run_training(
        cohort, tmp_path, replace(diverging, keep="best"), verbose=False
    )
    assert last.history["val_loss"] == best.history["val_loss"]
    if best.training["kept_epoch"] < 3:
        one, other = (np.load(r.folder / "weights.npz") for r in (last, best))
        assert any(not np.array_equal(one[name], other[name]) for name in one.files)


def test_averaged_weights_lie_between_those_of_the_steps(cohort, tmp_path):
    plain = run_training(cohort, tmp_path, CONFIG, verbose=False)
    averaged = run_training(cohort, tmp_path, AVERAGED, verbose=False)
    assert plain.history["loss"] == averaged.history["loss"]
    one, other = (np.load(r.folder / "weights.npz") for r in (plain, averaged))
    name = "encoder1_conv1.kernel"
    assert not np.array_equal(one[name], other[name])
    assert np.abs(one[name] - other[name]).max() < 0.05


def test_settled_averages_are_plain_means_over_the_batches(cohort):
    keras.utils.set_random_seed(0)
    model = build_cnn1(tuple(cohort.store.images.shape[1:]), filters=4)
    rows = np.arange(len(cohort.store.images))
    batches = Batches(cohort.store, rows, 8, RICH, shuffle=True)
    weights = [w.numpy() for w in model.trainable_variables]
    settle_statistics(model, batches, epoch=5)
    layer = next(
        x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)
    )
    before = keras.Model(model.input, layer.input)
    steps = range(5 * batches.steps, 5 * batches.steps + STEPS)
    seen = [batches.batch(*divmod(step, batches.steps))[0] for step in steps]
    values = [before.predict_on_batch(images) for images in seen]
    means = np.mean([x.mean((0, 1, 2)) for x in values], axis=0)
    variances = np.mean([x.var((0, 1, 2)) for x in values], axis=0)
    assert layer.moving_mean.numpy() == pytest.approx(means, rel=1e-4, abs=1e-5)
    assert layer.moving_variance.numpy() == pytest.approx(variances, rel=1e-4)
    same = zip(weights, model.trainable_variables, strict=True)
    assert all(np.array_equal(a, b.numpy()) for a, b in same)
    assert layer.momentum == 0.9, "as it was"


def test_a_deadline_ends_a_training_and_it_counts_as_finished(cohort, tmp_path):
    once = run_training(cohort, tmp_path / "once", replace(CONFIG, epochs=1))
    minutes = 2 * once.training["seconds"] / 60  # Whatever the machine's speed.
    config = replace(CONFIG, epochs=10_000, minutes=minutes)
    run = run_training(cohort, tmp_path, config, verbose=False)
    assert run.trained and 1 <= run.training["epochs"] < 5000
    rates = run.history["learning_rate"]
    falling = rates[rates.index(max(rates)) :]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < falling[0] / 2, "the schedule went by the clock"


def test_a_deadline_that_has_passed_leaves_nothing_to_train(
    cohort, tmp_path, monkeypatch
):
    config = replace(CONFIG, epochs=50, minutes=0.02)
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, tmp_path, config, verbose=False)
    monkeypatch.setattr("keras.Model.fit", None)
    lines = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: lines.append(words))
    assert run_training(cohort, tmp_path, config).training["epochs"] == 1


def test_other_weights_to_start_from_make_another_training(
    cohort, tmp_path, monkeypatch
):
    config = TrainingConfig("cnn2", recipe="recommended")
    one = identity_of(config, cohort)
    other = tmp_path / "other.npz"
    other.write_bytes(pretrained.PRETRAINED.read_bytes() + b" ")
    monkeypatch.setattr("brainseg_utils.plans.PRETRAINED", other)
    assert identity_of(config, cohort) != one
    scratch = replace(config, start="")
    assert "start" not in identity_of(scratch, cohort)
