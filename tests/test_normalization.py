import keras
import numpy as np
import pytest

from brainseg_utils.normalization import BatchNormalization

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(3, 2, (5, 7, 6, 4)).astype(np.float32)
UPSTREAM = RNG.normal(size=IMAGES.shape).astype(np.float32)


def pair(dtype="float32"):
    """Return our layer and Keras's own, with equal weights that are not the first."""
    layers = [
        kind(momentum=0.9, dtype=dtype)
        for kind in (BatchNormalization, keras.layers.BatchNormalization)
    ]
    weights = [RNG.uniform(0.5, 2, 4).astype(np.float32) for _ in range(4)]
    for layer in layers:
        layer.build(IMAGES.shape)
        layer.set_weights(weights)
    return layers


def outputs_and_gradients(layer, training):
    import tensorflow as tf

    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=training)
        total = tf.reduce_sum(tf.cast(outputs, "float32") * UPSTREAM)
    return outputs, tape.gradient(total, [images, layer.gamma.value, layer.beta.value])


@pytest.mark.parametrize("training", [True, False])
def test_outputs_gradients_and_averages_are_those_of_keras(training):
    ours, keras_own = pair()
    found, wanted = (outputs_and_gradients(one, training) for one in (ours, keras_own))
    assert np.allclose(found[0], wanted[0], atol=1e-5)
    for one, other in zip(found[1], wanted[1], strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-4)
    for one, other in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        assert np.allclose(one, other, rtol=1e-5)


def test_a_frozen_layer_normalises_by_its_averages_and_keeps_them():
    ours, keras_own = pair()
    ours.trainable = keras_own.trainable = False
    before = ours.get_weights()
    assert np.allclose(
        ours(IMAGES, training=True), keras_own(IMAGES, training=True), atol=1e-5
    )
    for one, other in zip(before, ours.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_half_precision_keeps_its_averages_in_full():
    ours, keras_own = pair("mixed_bfloat16")
    images = keras.ops.cast(IMAGES, "bfloat16")
    found, wanted = ours(images, training=True), keras_own(images, training=True)
    assert found.dtype == wanted.dtype == "bfloat16"
    assert np.allclose(
        keras.ops.cast(found, "float32"), keras.ops.cast(wanted, "float32"), atol=0.05
    )
    assert ours.moving_mean.dtype == "float32"
    assert np.allclose(ours.moving_mean, keras_own.moving_mean, rtol=1e-2)


def test_config_round_trip():
    ours = BatchNormalization(momentum=0.8, epsilon=1e-4, name="norm")
    again = BatchNormalization.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
