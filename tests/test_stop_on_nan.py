import keras
import numpy as np
import pytest
from refusals import refusal

from brainseg_utils.callbacks import StopOnNaN


class Batches:
    """Tells the patients of a batch, as `batches.Batches` does."""

    def case_ids(self, epoch, step):
        return [f"P{epoch}", f"P{step}"]


@pytest.fixture
def watch(tmp_path):
    watch = StopOnNaN(Batches(), tmp_path)
    watch.set_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    watch.on_epoch_begin(4)
    return watch


def batches(watch, *losses):
    for batch, loss in enumerate(losses):
        watch.on_train_batch_end(batch, {"loss": loss})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_told_with_epoch_batch_and_patients(watch, bad):
    error = refusal(batches, watch, 0.5, 0.5, bad, bad)
    assert error.code == "E-NAN"
    assert "epoch 5, batch 3 (patients P4, P2)" in str(error)


def test_the_last_batch_of_an_epoch_is_looked_at_too(watch):
    batches(watch, 0.5, np.nan)
    assert "batch 2" in str(refusal(watch.on_epoch_end, 4, {}))


def test_good_losses_pass_and_are_forgotten_with_their_epoch(watch):
    batches(watch, 0.5, 0.4)
    watch.on_epoch_end(4, {"loss": 0.4, "val_loss": 0.3})
    watch.on_epoch_begin(5)
    batches(watch, 0.3)


def test_a_validation_that_is_no_number_is_refused(watch):
    error = refusal(watch.on_epoch_end, 4, {"loss": 0.4, "val_loss": np.nan})
    assert "val_loss is no number at the end of epoch 5" in str(error)


def test_weights_that_are_no_numbers_are_refused_by_name(watch):
    kernel = watch.model.layers[0].kernel
    kernel.assign([[1.0], [np.nan]])
    assert "kernel" in str(refusal(watch.on_epoch_end, 4, {"loss": 0.4}))
