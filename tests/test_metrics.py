import keras
import numpy as np
import pytest

from brainseg_utils.metrics import HardDice


def batch(*pixels):
    return np.array(pixels, np.float32).reshape(1, -1, 1, 1)


def test_probabilities_are_thresholded():
    metric = HardDice()
    metric.update_state(batch(1, 1, 0, 0), batch(0.6, 0.4, 0.5, 0.1))
    # Predicted are pixels 0 and 2; only pixel 0 is tumour.
    assert float(metric.result()) == pytest.approx(2 * 1 / (2 + 2))


def test_value_does_not_depend_on_batching():
    true, pred = np.array([1, 1, 0, 0, 1, 0]), np.array([1, 0, 1, 0, 1, 0])
    whole, parts = HardDice(), HardDice()
    whole.update_state(batch(*true), batch(*pred))
    for t, p in zip(np.split(true, 3), np.split(pred, 3), strict=True):
        parts.update_state(batch(*t), batch(*p))
    assert float(whole.result()) == float(parts.result()) == pytest.approx(2 * 2 / 6)


def test_nothing_to_find_and_nothing_found_is_one():
    metric = HardDice()
    metric.update_state(batch(0, 0), batch(0.1, 0.2))
    assert float(metric.result()) == 1.0


def test_tumour_invented_on_an_empty_mask_is_zero():
    metric = HardDice()
    metric.update_state(batch(0, 0), batch(0.9, 0.2))
    assert float(metric.result()) == 0.0


def test_reset_forgets():
    metric = HardDice()
    metric.update_state(batch(1, 1), batch(0, 0))
    metric.reset_state()
    metric.update_state(batch(1, 1), batch(1, 1))
    assert float(metric.result()) == 1.0


def test_threshold_must_be_a_probability():
    with pytest.raises(ValueError, match="threshold must be in"):
        HardDice(threshold=1.0)


def test_config_round_trip_through_keras():
    metric = HardDice(threshold=0.3, name="d")
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(metric)
    )
    assert again.get_config() == metric.get_config()
