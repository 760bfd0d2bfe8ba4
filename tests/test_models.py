import keras
import numpy as np
import pytest

from brainseg_utils.models import BUILDERS, build_cnn1, build_cnn2
from brainseg_utils.weights import load_weights, save_weights

MODELS = sorted(BUILDERS)


def dropouts(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]


@pytest.mark.parametrize("name", MODELS)
def test_one_probability_a_pixel(name):
    model = BUILDERS[name]((32, 48, 3), filters=2)
    image = np.random.default_rng(0).normal(size=(2, 32, 48, 3))
    probability = model.predict_on_batch(image)
    assert probability.shape == (2, 32, 48, 1)
    assert probability.min() >= 0 and probability.max() <= 1


def test_cnn1_has_a_dropout_after_each_pooling():
    names = [layer.name for layer in build_cnn1(dropout_rate=0.1).layers]
    pools = [index for index, name in enumerate(names) if name.endswith("_pool")]
    assert len(pools) == 3
    assert all(names[index + 1].endswith("_dropout") for index in pools)


def test_cnn2_has_a_dropout_in_every_block():
    blocks = 4 + 1 + 4  # Encoder, bottleneck, decoder.
    assert len(dropouts(build_cnn2(dropout_rate=0.1))) == blocks


@pytest.mark.parametrize("name", MODELS)
def test_dropout_rate_reaches_every_dropout(name):
    model = BUILDERS[name](dropout_rate=0.35)
    assert {layer.rate for layer in dropouts(model)} == {0.35}


def test_only_cnn2_has_skip_connections():
    def skips(model):
        kind = keras.layers.Concatenate
        return [layer for layer in model.layers if isinstance(layer, kind)]

    assert len(skips(build_cnn2())) == 4
    assert not skips(build_cnn1())


@pytest.mark.parametrize("name", MODELS)
def test_sides_must_halve_evenly(name):
    with pytest.raises(ValueError, match="multiples of"):
        BUILDERS[name]((90, 90, 4))


@pytest.mark.parametrize("name", MODELS)
def test_dropout_rate_must_be_a_share(name):
    with pytest.raises(ValueError, match="dropout_rate must be in"):
        BUILDERS[name](dropout_rate=1.0)


@pytest.mark.parametrize("name", MODELS)
def test_rebuilt_network_with_loaded_weights_predicts_the_same(name, tmp_path):
    image = np.random.default_rng(1).normal(size=(2, 16, 16, 4))
    keras.utils.set_random_seed(1)
    model = BUILDERS[name]((16, 16, 4), filters=2)
    expected = model.predict_on_batch(image)
    save_weights(model, tmp_path / "weights.npz")
    keras.utils.set_random_seed(2)
    again = BUILDERS[name]((16, 16, 4), filters=2)
    assert not np.array_equal(again.predict_on_batch(image), expected)
    load_weights(again, tmp_path / "weights.npz")
    np.testing.assert_array_equal(again.predict_on_batch(image), expected)


@pytest.mark.parametrize("name", MODELS)
def test_architecture_survives_its_config(name):
    model = BUILDERS[name]((16, 16, 4), dropout_rate=0.2, filters=2)
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    image = np.random.default_rng(1).normal(size=(1, 16, 16, 4))
    np.testing.assert_array_equal(
        again.predict_on_batch(image), model.predict_on_batch(image)
    )
