"""What lies below and above a slice, from the store to a finished run."""

from dataclasses import replace

import numpy as np
import pytest
from test_resume import assert_ends_like, interrupt_after
from tiny_cohort import make_tiny_cohort
from trainings import run_training

from brainseg_utils.augmentation import Augmentation
from brainseg_utils.batches import Batches
from brainseg_utils.config import TrainingConfig
from brainseg_utils.evaluation import evaluate_run
from brainseg_utils.fitting.compiling import load_model
from brainseg_utils.fitting.sampling import draw_batches
from brainseg_utils.plans import identity_of
from brainseg_utils.pretrained import rehearsal

CONFIG = TrainingConfig(
    "cnn2",
    recipe="recommended",
    start="",
    neighbours=1,
    planes="axial",
    filters=2,
    epochs=2,
    learning_rate=1e-2,
    slices_per_epoch=32,
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def store(cohort):
    return cohort.store


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(rehearsal, "PATIENTS", 2)


def every(store):
    return np.arange(len(store.images))


def parts_of(images):
    """Return what lies below, the slices, and what lies above."""
    return np.split(images, 3, axis=-1)


def test_channels_are_the_slice_below_the_slice_and_the_slice_above(store):
    images = store.with_neighbours(1).images
    plain, record = store.images[:], store.case("P1")
    inner = slice(record["start"] + 1, record["stop"] - 1)
    for step, part in zip((-1, 0, 1), parts_of(images[inner]), strict=True):
        rows = slice(inner.start + step, inner.stop + step)
        assert np.array_equal(part, plain[rows])
    assert images.shape == (len(plain), 16, 16, 12)


def test_an_edge_slice_stands_for_what_is_not_there_and_no_other_patient_s(store):
    images, plain = store.with_neighbours(2).images, store.images[:]
    for case in store.cases:
        first, last = case["start"], case["stop"] - 1
        found = np.split(images[first], 5, axis=-1)
        for part, step in zip(found, (0, 0, 0, 1, 2), strict=True):
            assert np.array_equal(part, plain[first + step])
        found = np.split(images[last], 5, axis=-1)
        for part, step in zip(found, (2, 1, 0, 0, 0), strict=True):
            assert np.array_equal(part, plain[last - step])


def test_without_neighbours_the_store_is_the_very_same(store):
    assert store.with_neighbours(0) is store


def test_from_memory_and_from_disk_come_the_same_slices(store):
    disk = store.with_neighbours(1)
    for held in (disk.held(), store.held().with_neighbours(1)):
        assert np.array_equal(held.images[:], disk.images[:])
        assert np.array_equal(held.images.row(3), disk.images.row(3))


def test_plain_batches_hold_them_as_the_store_has_them(store):
    with_them = store.with_neighbours(1)
    images, masks = Batches(with_them, every(store), 100).batch(0, 0)
    assert np.array_equal(images, with_them.images[:])
    assert np.array_equal(masks[..., 0], store.masks[:])


def test_a_slice_is_changed_as_it_would_be_without_neighbours(store):
    # Without interpolation, whose rounding depends on the number of channels, and
    # without noise, which is another one in every slice.
    changes = Augmentation(
        0, quarter_turns=True, brightness=0.3, contrast=0.3, gamma=0.4
    )
    options = {"augmentation": changes, "shuffle": True, "seed": 2}
    alone = Batches(store, every(store), 100, **options).batch(1, 0)
    found = Batches(store.with_neighbours(1), every(store), 100, **options).batch(1, 0)
    assert np.array_equal(parts_of(found[0])[1], alone[0])
    assert np.array_equal(found[1], alone[1])


def test_phantoms_come_with_their_neighbours_too(store, tmp_path):
    phantoms = make_tiny_cohort(tmp_path, 2).store
    batches = draw_batches(CONFIG, store, every(store), 16, 32, phantoms)
    images, _ = batches.batch(0, 0)
    assert images.shape == (16, 16, 16, 12)
    for part in (batches.own, batches.added):
        plain = replace(part, augmentation=None, batch_size=100)
        below, _, above = parts_of(plain.batch(0, 0)[0])
        assert not np.array_equal(below, above)


def test_a_training_s_identity_tells_of_them_only_where_there_are_some(cohort):
    without = identity_of(replace(CONFIG, neighbours=0), cohort)
    assert identity_of(CONFIG, cohort) == {**without, "neighbours": 1}
    assert "neighbours" not in without


def test_a_training_with_them_resumes_and_its_run_is_scored(
    cohort, tmp_path, monkeypatch, few
):
    whole = run_training(cohort, tmp_path / "whole", CONFIG, verbose=False)
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, tmp_path / "work", CONFIG, verbose=False)
    assert_ends_like(whole, cohort, tmp_path / "work", CONFIG)
    model = load_model(whole, cohort)
    assert model.input_shape == (None, 16, 16, 12)
    evaluate_run(whole, model, cohort)
    assert whole.done
