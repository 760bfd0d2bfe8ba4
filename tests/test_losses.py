import keras
import numpy as np
import pytest

from brainseg_utils.losses import DiceBCELoss, DiceLoss, dice_loss


def masks(*pixels):
    """Return `[batch, 2, 2, 1]` masks from lists of four pixels."""
    return np.array(pixels, np.float32).reshape(-1, 2, 2, 1)


EMPTY, ONE, TWO = [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]


def test_perfect_prediction_costs_nothing():
    assert np.allclose(dice_loss(masks(TWO), masks(TWO)), 0)


def test_formula_by_hand():
    # One of two pixels found: overlap 1, sizes 2 and 1, smoothing 1.
    expected = 1 - (2 * 1 + 1) / (2 + 1 + 1)
    assert np.allclose(dice_loss(masks(TWO), masks(ONE)), expected)


def test_empty_mask_and_empty_prediction_cost_nothing():
    assert np.allclose(dice_loss(masks(EMPTY), masks(EMPTY)), 0)


def test_false_pixel_on_an_empty_mask_costs_by_the_smoothing_constant():
    expected = 1 - 1 / (1 + 1)
    assert np.allclose(dice_loss(masks(EMPTY), masks(ONE)), expected)
    assert np.allclose(dice_loss(masks(EMPTY), masks(ONE), smooth=9.0), 1 - 9 / 10)


def test_sums_run_over_the_batch_unless_per_sample():
    true, pred = masks(TWO, EMPTY), masks(TWO, ONE)
    pooled = 1 - (2 * 2 + 1) / (2 + 3 + 1)
    assert np.allclose(dice_loss(true, pred), [pooled, pooled])
    assert np.allclose(dice_loss(true, pred, per_sample=True), [0, 1 - 1 / 2])


def test_gradient_reaches_empty_slices_of_a_batch():
    true, pred = keras.ops.convert_to_tensor(masks(TWO, EMPTY)), masks(TWO, ONE) * 0.5
    import tensorflow as tf

    pred = tf.Variable(pred)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(dice_loss(true, pred))
    gradient = tape.gradient(loss, pred).numpy()
    assert np.all(gradient[0, 0] < 0), "more tumour where there is some must pay"
    assert np.all(gradient[1] > 0), "less tumour where there is none must pay"


def test_half_precision_does_not_overflow():
    ones = np.ones((1, 300, 300, 1), np.float16)
    assert np.allclose(dice_loss(ones, ones), 0)


def test_integer_masks_are_accepted():
    assert np.allclose(dice_loss(masks(TWO).astype(np.uint8), masks(TWO)), 0)


def test_smoothing_must_be_positive():
    with pytest.raises(ValueError, match="smooth must be positive. Got: 0"):
        DiceLoss(smooth=0)


def test_config_round_trip_through_keras():
    loss = DiceLoss(smooth=3.0, per_sample=True, name="d")
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(loss)
    )
    assert again.get_config() == loss.get_config()
    true, pred = masks(TWO, EMPTY), masks(ONE, ONE)
    assert float(again(true, pred)) == float(loss(true, pred))


def test_cross_entropy_is_added_to_dice():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, (3, 8, 8, 1)).astype("float32")
    pred = rng.uniform(0.01, 0.99, true.shape).astype("float32")
    entropy = -np.mean(true * np.log(pred) + (1 - true) * np.log(1 - pred))
    wanted = float(DiceLoss()(true, pred)) + entropy
    assert float(DiceBCELoss()(true, pred)) == pytest.approx(wanted, rel=1e-5)


def test_cross_entropy_has_a_gradient_where_all_is_healthy():
    true = np.zeros((2, 8, 8, 1), "float32")
    low, high = (float(DiceBCELoss()(true, true + p)) for p in (0.01, 0.02))
    assert high - low > 0.01


def test_the_sum_is_saved_and_loaded_with_its_choices():
    loss = DiceBCELoss(smooth=2.0, per_sample=True)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, DiceBCELoss)
    assert (again.smooth, again.per_sample) == (2.0, True)
