import numpy as np
import pytest
import tensorflow as tf
from tiny_cohort import make_tiny_cohort

from brainseg_utils.pipelines import (
    Augmentation,
    augment,
    draw_matrices,
    make_dataset,
    steps_per_epoch,
)

KEY = tf.constant([3, 7], tf.int64)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort")).store


def batches_of(store, **options):
    """Return the batches as NumPy arrays."""
    rows = np.arange(len(store.images))
    return list(make_dataset(store, rows, **options).as_numpy_iterator())


def same(one, other):
    return all(
        np.array_equal(a, b)
        for pair in zip(one, other, strict=True)
        for a, b in zip(*pair, strict=True)
    )


def test_plain_batches_are_the_stores_slices_in_order(store):
    batches = batches_of(store, batch_size=5)
    images = np.concatenate([images for images, _ in batches])
    masks = np.concatenate([masks for _, masks in batches])
    np.testing.assert_array_equal(images, np.asarray(store.images, np.float32))
    np.testing.assert_array_equal(masks[..., 0], store.masks)
    assert images.dtype == masks.dtype == np.float32


def test_cardinality_is_known(store):
    rows = np.arange(len(store.images))
    dataset = make_dataset(store, rows, batch_size=5, epochs=3)
    steps = steps_per_epoch(len(rows), 5)
    assert int(dataset.cardinality()) == 3 * steps == len(list(dataset))


def test_shuffled_epoch_holds_each_slice_once(store):
    batches = batches_of(store, shuffle=True, seed=1)
    images = np.concatenate([images for images, _ in batches])
    plain = np.asarray(store.images, np.float32)
    assert not np.array_equal(images, plain)
    assert sorted(map(float, images.sum(axis=(1, 2, 3)))) == pytest.approx(
        sorted(map(float, plain.sum(axis=(1, 2, 3))))
    )


def test_epochs_differ_and_a_seed_repeats_them(store):
    options = {"shuffle": True, "augmentation": Augmentation(), "epochs": 2, "seed": 4}
    one, again = batches_of(store, **options), batches_of(store, **options)
    assert same(one, again)
    half = len(one) // 2
    assert not same(one[:half], one[half:])
    assert not same(one, batches_of(store, **{**options, "seed": 5}))


def test_run_taken_up_at_an_epoch_sees_what_the_whole_run_saw(store):
    options = {"shuffle": True, "augmentation": Augmentation(), "seed": 4}
    whole = batches_of(store, epochs=3, **options)
    rest = batches_of(store, epochs=1, first_epoch=2, **options)
    assert same(whole[-len(rest) :], rest)


@pytest.mark.parametrize("factor", [0.5, 2.5])
def test_epoch_draws_as_many_slices_as_asked(store, factor):
    wanted = int(len(store.images) * factor)
    batches = batches_of(store, shuffle=True, slices_per_epoch=wanted)
    assert sum(len(images) for images, _ in batches) == wanted


def test_image_and_mask_move_together(store):
    # The mask shown as an image must land where the mask lands.
    masks = tf.constant(store.masks[..., None], tf.float32)
    moved, nearest = augment(masks, masks, KEY, Augmentation(30, quarter_turns=True))
    assert not np.array_equal(nearest, masks), "the draw must move something"
    disagree = np.mean((moved.numpy() >= 0.5) != (nearest.numpy() >= 0.5))
    assert disagree < 0.02, "they differ at most along borders"


def test_masks_stay_binary(store):
    batches = batches_of(store, augmentation=Augmentation(45), seed=2)
    values = {float(v) for _, masks in batches for v in np.unique(masks)}
    assert values == {0.0, 1.0}


def test_flip_alone_is_exact():
    image = tf.reshape(tf.range(16, dtype=tf.float32), [1, 4, 4, 1])
    plain = image.numpy()[0, ..., 0]
    flips = [plain, plain[::-1], plain[:, ::-1], plain[::-1, ::-1]]
    seen = set()
    for number in range(40):
        key = tf.constant([0, number], tf.int64)
        moved, _ = augment(image, image, key, Augmentation(0.0))
        matches = [np.array_equal(moved[0, ..., 0], flip) for flip in flips]
        assert sum(matches) == 1, "without rotation only flips may come out"
        seen.add(matches.index(True))
    assert seen == {0, 1, 2, 3}


def test_quarter_turn_is_exact():
    image = tf.reshape(tf.range(16, dtype=tf.float32), [1, 4, 4, 1])
    turns = [np.rot90(image.numpy()[0, ..., 0], k) for k in range(4)]
    seen = set()
    for number in range(40):
        key = tf.constant([0, number], tf.int64)
        options = Augmentation(0.0, flip=False, quarter_turns=True)
        _, moved = augment(image, image, key, options)
        seen.update(k for k in range(4) if np.array_equal(moved[0, ..., 0], turns[k]))
    assert seen == {0, 1, 2, 3}


def test_angles_stay_within_the_limit():
    matrices = draw_matrices(500, KEY, Augmentation(10.0, flip=False)).numpy()
    angles = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert 9 < np.abs(angles).max() <= 10
    assert abs(angles.mean()) < 1


def test_slices_of_a_batch_are_moved_differently():
    matrices = draw_matrices(8, KEY, Augmentation()).numpy()
    assert len(np.unique(matrices.round(5), axis=0)) == 8


def test_no_rows_is_an_error(store):
    with pytest.raises(ValueError, match="at least one slice"):
        make_dataset(store, np.zeros(0, int))
