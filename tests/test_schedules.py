import keras
import numpy as np
import pytest

from brainseg_utils.callbacks import Schedule
from brainseg_utils.config import TrainingConfig
from brainseg_utils.planning.config_checks import CHOICES
from brainseg_utils.schedules import SCHEDULES, WARM_UP, learning_rate_at

PROGRESS = np.linspace(0, 1, 1001)


def curve(name):
    return np.array([SCHEDULES[name](p) for p in PROGRESS])


def test_a_configuration_knows_every_schedule():
    assert set(SCHEDULES) == set(CHOICES["schedule"])


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_factor_is_positive_or_0_at_the_end_and_at_most_1(name):
    factors = curve(name)
    assert factors.max() == pytest.approx(1)
    assert (factors[:-1] > 0).all() and factors[-1] >= 0


@pytest.mark.parametrize("name", ["warmup-cosine", "one-cycle", "polynomial"])
def test_it_rises_once_if_at_all_then_falls_to_nothing(name):
    factors = curve(name)
    top = factors.argmax()
    assert (np.diff(factors[: top + 1]) > 0).all()
    assert (np.diff(factors[top:]) < 0).all()
    assert factors[-1] < 1e-4


def test_the_tops_lie_where_they_are_said_to():
    assert PROGRESS[curve("warmup-cosine").argmax()] == pytest.approx(WARM_UP)
    assert PROGRESS[curve("one-cycle").argmax()] == pytest.approx(0.3)
    assert SCHEDULES["one-cycle"](0) == pytest.approx(1 / 25)
    assert SCHEDULES["polynomial"](0.5) == pytest.approx(0.5**0.9)


class Clock:
    """A clock that is moved by hand."""

    now = 100.0

    def __call__(self):
        return self.now


def tiny_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(1.0), "mse")
    return model


class Rates(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def fit(schedule, epochs, initial_epoch=0, *others):
    rates, x = Rates(), np.ones((8, 1))
    callbacks = [schedule, rates, *others]
    model, options = tiny_model(), {"batch_size": 2, "verbose": 0}
    model.fit(
        x,
        x,
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=callbacks,
        **options,
    )
    return rates.rates


def test_every_step_has_the_rate_of_its_progress():
    rates = fit(Schedule("polynomial", 0.5, steps=12), 3)
    wanted = [0.5 * (1 - step / 12) ** 0.9 for step in range(12)]
    assert rates == pytest.approx(wanted)


def test_a_training_taken_up_goes_on_with_the_same_rates():
    whole = fit(Schedule("one-cycle", 0.5, steps=12), 3)
    rest = fit(Schedule("one-cycle", 0.5, steps=12, first_step=4), 3, 1)
    assert rest == whole[4:]


class Minute(keras.callbacks.Callback):
    """Moves a clock by ten seconds a step."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch, logs=None):
        self.clock.now += 10


def test_a_deadline_ends_the_training_and_its_schedule_follows_the_clock():
    clock = Clock()
    schedule = Schedule("polynomial", 1.0, 10**6, seconds=60, clock=clock)
    rates = fit(schedule, 50, 0, Minute(clock))
    assert len(rates) == 6
    assert rates == pytest.approx([(1 - s / 60) ** 0.9 for s in range(0, 60, 10)])


def test_time_of_earlier_lives_counts():
    clock = Clock()
    schedule = Schedule("constant", 1.0, 10**6, seconds=60, spent=40, clock=clock)
    assert len(fit(schedule, 50, 0, Minute(clock))) == 2


def test_two_phases_have_their_rates_as_the_switch_has():
    rates = {"learning_rate": 0.1, "fine_learning_rate": 0.01}
    # Five epochs: the switch is after the second.
    config = TrainingConfig("cnn2", epochs=5, **rates)
    assert learning_rate_at(config, 0.39) == 0.1
    assert learning_rate_at(config, 0.4) == 0.01
    assert learning_rate_at(config, 1.0) == 0.01


def test_one_phase_has_the_factor_of_its_highest_rate():
    config = TrainingConfig("cnn2", learning_rate=0.1, schedule="polynomial")
    assert learning_rate_at(config, 0.5) == pytest.approx(0.1 * 0.5**0.9)
