import keras
import numpy as np
import pytest

from brainseg_utils.blocks import Blocks, space_to_depth
from brainseg_utils.models import BUILDERS, build_cnn1, build_cnn2
from brainseg_utils.run_files.weights import load_weights, save_weights

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


def placed(model):
    return {layer.name for layer in dropouts(model) if layer.rate}


@pytest.mark.parametrize("placement", ["encoder", "decoder", "bottleneck"])
def test_dropout_acts_where_it_is_placed_alone(placement):
    model = build_cnn2((32, 32, 4), 0.2, 2, dropout_placement=placement)
    assert placed(model)
    assert all(name.startswith(placement) for name in placed(model))
    everywhere = placed(build_cnn2((32, 32, 4), 0.2, 2))
    assert placed(model) == {name for name in everywhere if name.startswith(placement)}


def test_spatial_dropout_drops_whole_channels():
    blocks = Blocks(0.5, spatial_dropout=True)
    inputs = keras.Input((8, 8, 32))
    model = keras.Model(inputs, blocks.drop(inputs, "bottleneck"))
    outputs = np.array(model(np.ones((1, 8, 8, 32)), training=True))[0]
    kept = outputs.any(axis=(0, 1))
    assert 0 < kept.sum() < 32
    assert np.array_equal(kept, outputs.all(axis=(0, 1)))


def test_group_normalization_takes_the_place_of_batch_normalization():
    model = build_cnn2((32, 32, 4), filters=4, normalization="group")
    kinds = [type(layer).__name__ for layer in model.layers if "norm" in layer.name]
    assert set(kinds) == {"GroupNormalization"} and len(kinds) == 18


@pytest.mark.parametrize("name", ["dropout_placement", "normalization"])
def test_a_choice_that_there_is_not_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be one of"):
        build_cnn2((32, 32, 4), **{name: "nowhere"})


def test_space_to_depth_keeps_every_pixel_in_its_place():
    inputs = keras.Input((6, 4, 3))
    model = keras.Model(inputs, space_to_depth(inputs))
    image = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype("float32")
    deep = model.predict_on_batch(image)
    assert deep.shape == (2, 3, 2, 12)
    for y in (0, 1):
        for x in (0, 1):
            part = deep[..., 3 * (2 * y + x) :][..., :3]
            assert np.array_equal(part, image[:, y::2, x::2])


def test_a_space_to_depth_stem_gives_a_probability_for_each_pixel():
    model = build_cnn2((32, 64, 2), filters=2, stem="space-to-depth")
    assert model.predict_on_batch(np.zeros((1, 32, 64, 2))).shape == (1, 32, 64, 1)
    with pytest.raises(ValueError, match="multiples of 32"):
        build_cnn2((48, 48, 2), filters=2, stem="space-to-depth")


@pytest.mark.parametrize("name", MODELS)
def test_dropout_has_no_say_in_the_initial_weights(name):
    def initial(**choices):
        keras.utils.set_random_seed(3)
        return BUILDERS[name]((32, 32, 4), filters=2, **choices).get_weights()

    without = initial()
    for choices in (
        {"dropout_rate": 0.2},
        {"dropout_rate": 0.2, "spatial_dropout": True},
    ):
        same = zip(without, initial(**choices), strict=False)
        assert all(np.array_equal(a, b) for a, b in same if a.ndim == 4)
