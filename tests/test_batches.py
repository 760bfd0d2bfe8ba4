import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils.augmentation import RICH, Augmentation
from brainseg_utils.batches import Batches


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort")).store


def every(store):
    return np.arange(len(store.images))


def epoch_of(batches, epoch=0):
    return [batches.batch(epoch, step) for step in range(batches.steps)]


def same(one, other):
    pairs = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for p in pairs for a, b in zip(*p, strict=True))


def test_plain_batches_are_the_store_s_slices_in_order(store):
    batches = epoch_of(Batches(store, every(store), batch_size=5))
    images, masks = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert np.array_equal(images, store.images[:])
    assert np.array_equal(masks[..., 0], store.masks[:])
    assert (images.dtype, masks.dtype) == (np.float32, np.uint8)


def test_the_last_batch_holds_the_rest(store):
    rows = every(store)[:7]
    sizes = [len(images) for images, _ in epoch_of(Batches(store, rows, 3))]
    assert sizes == [3, 3, 1]


def test_a_shuffled_epoch_holds_each_slice_once(store):
    batches = Batches(store, every(store), shuffle=True, seed=1)
    order = batches.order(0)
    assert sorted(order) == every(store).tolist() != order.tolist()


def test_epochs_differ_and_a_seed_repeats_them(store):
    options = {"shuffle": True, "augmentation": RICH}
    one, again, other = (
        Batches(store, every(store), seed=seed, **options) for seed in (4, 4, 5)
    )
    assert same(epoch_of(one), epoch_of(again))
    assert not same(epoch_of(one), epoch_of(one, 1))
    assert not same(epoch_of(one), epoch_of(other))


def test_a_batch_does_not_depend_on_those_made_before(store):
    options = {"shuffle": True, "augmentation": RICH, "seed": 4}
    rows = every(store)
    whole = epoch_of(Batches(store, rows, 4, **options), 3)
    alone = Batches(store, rows, 4, **options).batch(3, 2)
    assert same([whole[2]], [alone])


def test_from_memory_and_from_disk_come_the_same_batches(store):
    options = {"shuffle": True, "augmentation": RICH}
    disk, memory = (Batches(s, every(s), **options) for s in (store, store.held()))
    assert same(epoch_of(disk), epoch_of(memory))


def test_augmented_batches_leave_a_store_in_memory_as_it_was(store):
    held = store.held()
    before = held.images[:], held.masks[:]
    epoch_of(Batches(held, every(held), augmentation=RICH))
    assert np.array_equal(held.images[:], before[0])
    assert np.array_equal(held.masks[:], before[1])


def test_the_slices_of_a_batch_are_changed_differently(store):
    rows = np.repeat(every(store)[3], 8)
    images, _ = Batches(store, rows, augmentation=Augmentation(45)).batch(0, 0)
    assert len({image.tobytes() for image in images}) == 8


@pytest.mark.parametrize("factor", [0.5, 2.5])
def test_an_epoch_draws_as_many_slices_as_asked_and_all_alike(store, factor):
    wanted = int(len(store.images) * factor)
    batches = Batches(store, every(store), shuffle=True, slices_per_epoch=wanted)
    assert sum(len(images) for images, _ in epoch_of(batches)) == wanted
    counts = np.bincount(batches.order(0), minlength=len(store.images))
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("share", [0.6, 0.9, 1.0])
def test_tumour_slices_come_as_often_as_asked(store, share):
    rows, tumour = every(store), store.tumour_rows()
    assert np.isin(rows, tumour).mean() < 0.6, "else the test would prove nothing"
    batches = Batches(store, rows, shuffle=True, tumour_share=share)
    order = batches.order(0)
    assert len(order) == len(rows)
    assert share <= np.isin(order, tumour).mean() < share + 1 / len(order) + 1e-9


def test_a_share_that_is_there_anyway_changes_nothing(store):
    plain = Batches(store, every(store), shuffle=True)
    assert np.array_equal(
        Batches(store, every(store), shuffle=True, tumour_share=0.01).order(2),
        plain.order(2),
    )


def test_tumour_slices_of_other_rows_are_not_drawn(store):
    rows = store.rows(["P1"])
    batches = Batches(store, rows, shuffle=True, tumour_share=1.0)
    assert set(batches.order(0)) <= set(rows)


def test_rows_without_tumour_are_drawn_all_the_same(store):
    rows = np.setdiff1d(every(store), store.tumour_rows())
    assert len(Batches(store, rows, shuffle=True, tumour_share=0.5).order(0)) == len(
        rows
    )


@pytest.mark.parametrize("options", [{"tumour_share": 0.5}, {"tumour_share": 1.5}])
def test_a_share_that_cannot_be_kept_is_refused(store, options):
    with pytest.raises(ValueError, match="tumour_share"):
        Batches(store, every(store), **options)


def test_no_rows_are_refused(store):
    with pytest.raises(ValueError, match="at least one slice"):
        Batches(store, np.zeros(0, int))


def test_lesions_are_painted_into_healthy_slices_alone(store):
    rows = every(store)
    plain = Batches(store, rows, len(rows)).batch(0, 0)
    images, masks = Batches(store, rows, len(rows), painted_share=1.0).batch(0, 0)
    ill = plain[1].any(axis=(1, 2, 3))
    assert np.array_equal(images[ill], plain[0][ill])
    assert np.array_equal(masks[ill], plain[1][ill])
    healthy = ~ill & np.any(plain[0] != 0, axis=(1, 2, 3))
    assert masks[healthy].any(axis=(1, 2, 3)).mean() > 0.5
    # What was painted changed the picture there, and nothing besides.
    changed = np.any(images != plain[0], axis=-1)
    assert not np.any(changed & (masks[..., 0] == 0))


def test_painting_takes_lesions_of_its_own_rows_and_repeats_them(store):
    healthy = np.setdiff1d(every(store), store.tumour_rows())
    none = Batches(store, healthy, len(healthy), painted_share=1.0)
    assert not none.batch(0, 0)[1].any()
    some = [Batches(store, every(store), 8, painted_share=0.5) for _ in range(2)]
    assert same(epoch_of(some[0], 3), epoch_of(some[1], 3))


def test_painting_leaves_a_store_in_memory_as_it_was(store):
    held = store.held()
    before = held.images[:], held.masks[:]
    epoch_of(Batches(held, every(held), painted_share=1.0))
    assert np.array_equal(held.images[:], before[0])
    assert np.array_equal(held.masks[:], before[1])


def test_a_painted_share_that_is_none_is_refused(store):
    with pytest.raises(ValueError, match="painted_share"):
        Batches(store, every(store), painted_share=1.5)
