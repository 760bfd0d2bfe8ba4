import keras
import numpy as np
import pytest

from brainseg_utils.callbacks import PhaseSwitch
from brainseg_utils.losses import DiceLoss
from brainseg_utils.models import build_cnn2

IMAGES = np.random.default_rng(0).normal(size=(8, 16, 16, 4)).astype(np.float32)
MASKS = (IMAGES[..., :1] > 1).astype(np.float32)
FROZEN = ("encoder1_", "encoder2_")


def compiled(optimizer=None):
    keras.utils.set_random_seed(0)
    model = build_cnn2((16, 16, 4), dropout_rate=0.1, filters=2)
    model.compile(optimizer or keras.optimizers.Adam(1e-2), DiceLoss())
    return model


def snapshot(model):
    return {weight.path: weight.numpy() for weight in model.weights}


class Watch(keras.callbacks.Callback):
    """Keep weights, learning rate and steps at the beginning of every epoch."""

    def __init__(self):
        super().__init__()
        self.weights, self.rates, self.steps = [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.weights.append(snapshot(self.model))
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.steps.append(int(self.model.optimizer.iterations))


@pytest.fixture(scope="module")
def trained():
    """Train four epochs with the switch before the third, and one more snapshot."""
    model, watch = compiled(), Watch()
    switch = PhaseSwitch(2, 1e-3, FROZEN)
    options = {"batch_size": 4, "epochs": 4, "verbose": 0}
    model.fit(IMAGES, MASKS, callbacks=[switch, watch], **options)
    watch.weights.append(snapshot(model))
    return model, watch


def changed(before, after, frozen):
    """Return the names of weights that moved, of frozen or of other layers."""
    names = [name for name in before if name.startswith(FROZEN) == frozen]
    return [name for name in names if not np.array_equal(before[name], after[name])]


def test_first_layers_move_before_the_switch(trained):
    _, watch = trained
    assert len(changed(watch.weights[0], watch.weights[2], frozen=True)) == 2 * 2 * 5


def test_frozen_layers_stay_bit_for_bit_after_it(trained):
    _, watch = trained
    assert changed(watch.weights[2], watch.weights[4], frozen=True) == []


def test_the_rest_still_moves_after_it(trained):
    _, watch = trained
    others = [n for n in watch.weights[0] if not n.startswith(FROZEN)]
    assert len(changed(watch.weights[2], watch.weights[4], frozen=False)) == len(
        [name for name in others if "seed_generator" not in name]
    )


def test_learning_rate_changes_at_the_switch(trained):
    _, watch = trained
    assert watch.rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3])


def test_optimizer_goes_on_counting_steps(trained):
    model, watch = trained
    assert watch.steps == [0, 2, 4, 6]
    assert int(model.optimizer.iterations) == 8


def test_optimizer_keeps_its_moments():
    model = compiled()
    model.fit(IMAGES, MASKS, batch_size=4, epochs=1, verbose=0)
    before = {v.path: v.numpy() for v in model.optimizer.variables}
    switch = PhaseSwitch(0, 1e-3, FROZEN)
    switch.set_model(model)
    switch.on_train_begin()
    switch.on_epoch_begin(0)
    after = {v.path: v.numpy() for v in model.optimizer.variables}
    gone = {name for name in before if any(layer in name for layer in FROZEN)}
    assert gone and set(after) == set(before) - gone
    moved = [n for n in after if not np.array_equal(before[n], after[n])]
    assert [name.split("/")[-1] for name in moved] == ["learning_rate"]


def test_unknown_layer_is_refused_before_training():
    with pytest.raises(ValueError, match="Got: 'encoder9_'"):
        compiled().fit(
            IMAGES, MASKS, verbose=0, callbacks=[PhaseSwitch(1, 1e-3, ["encoder9_"])]
        )


def test_learning_rate_schedule_is_refused_before_training():
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 10)
    model = compiled(keras.optimizers.Adam(schedule))
    with pytest.raises(ValueError, match="Got: CosineDecay"):
        model.fit(IMAGES, MASKS, verbose=0, callbacks=[PhaseSwitch(1, 1e-3)])


def test_config_round_trip():
    switch = PhaseSwitch(3, 1e-6, FROZEN)
    assert PhaseSwitch.from_config(switch.get_config()).get_config() == {
        "epoch": 3,
        "learning_rate": 1e-6,
        "frozen": list(FROZEN),
    }
