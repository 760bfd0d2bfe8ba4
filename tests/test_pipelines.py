import keras
import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils.augmentation import RICH
from brainseg_utils.batches import Batches
from brainseg_utils.pipelines import BatchSequence, make_dataset, make_feed


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    store = make_tiny_cohort(tmp_path_factory.mktemp("cohort")).store
    rows = np.arange(len(store.images))
    return Batches(store, rows, 5, RICH, shuffle=True, seed=3)


def whole_run(batches, epochs):
    return [batches.batch(e, s) for e in range(epochs) for s in range(batches.steps)]


def same(one, other):
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for p in pairs for a, b in zip(*p, strict=True))


def test_a_dataset_holds_the_batches_of_all_epochs_in_order(batches):
    dataset = make_dataset(batches, epochs=3)
    assert same(dataset.as_numpy_iterator(), whole_run(batches, 3))


def test_its_cardinality_and_shapes_are_known(batches):
    dataset = make_dataset(batches, epochs=3)
    assert int(dataset.cardinality()) == 3 * batches.steps
    images, masks = dataset.element_spec
    assert images.shape.as_list() == [None, 16, 16, 4] and images.dtype == "float32"
    assert masks.shape.as_list() == [None, 16, 16, 1] and masks.dtype == "uint8"


@pytest.mark.parametrize("feed", [make_dataset, BatchSequence])
def test_a_run_taken_up_at_an_epoch_sees_what_the_whole_run_saw(batches, feed):
    rest = feed(batches, epochs=1, first_epoch=2)
    rest = rest.as_numpy_iterator() if feed is make_dataset else list(iterate(rest))
    assert same(rest, whole_run(batches, 3)[-batches.steps :])


def iterate(sequence):
    for number in range(len(sequence)):
        yield sequence[number]


def test_a_sequence_gives_the_very_batches_of_the_dataset(batches):
    sequence = BatchSequence(batches, epochs=2)
    assert len(sequence) == 2 * batches.steps
    assert same(iterate(sequence), make_dataset(batches, 2).as_numpy_iterator())


def test_a_sequence_may_be_gone_through_again_and_asked_out_of_order(batches):
    sequence = BatchSequence(batches)
    list(iterate(sequence))
    assert same(iterate(sequence), whole_run(batches, 1))
    assert same([sequence[2], sequence[0]], [batches.batch(0, 2), batches.batch(0, 0)])


def test_keras_trains_alike_on_both(batches):
    def weights_after(feed):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((16, 16, 4)), keras.layers.Conv2D(1, 3)])
        model.compile("adam", lambda true, pred: keras.ops.mean(pred))
        options = {"epochs": 3, "steps_per_epoch": batches.steps, "shuffle": False}
        model.fit(feed(batches, epochs=3), verbose=0, **options)
        return model.get_weights()

    pairs = zip(weights_after(make_dataset), weights_after(BatchSequence), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_on_tensorflow_the_feed_is_a_dataset(batches):
    assert hasattr(make_feed(batches), "cardinality")


def test_a_store_that_went_away_is_named(batches, tmp_path):
    store = make_tiny_cohort(tmp_path).store
    gone = Batches(store, np.arange(4))
    for path in store.folder.glob("*.slices"):
        path.unlink()
    with pytest.raises(Exception, match="E-CACHE-GONE"):
        list(make_dataset(gone))
    assert gone.failures[0].code == "E-CACHE-GONE"
