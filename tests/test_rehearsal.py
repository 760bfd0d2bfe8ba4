from dataclasses import replace

import numpy as np
import pytest
from refusals import refusal
from test_resume import assert_ends_like, interrupt_after
from tiny_cohort import make_tiny_cohort
from trainings import run_training

from brainseg_utils.batches import Batches
from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.mixed_batches import MixedBatches
from brainseg_utils.fitting.sampling import draw_batches
from brainseg_utils.pretrained import rehearsal
from brainseg_utils.pretrained.rehearsal import rehearsal_store
from brainseg_utils.workspace import Workspace

CONFIG = TrainingConfig(
    "cnn2",
    recipe="recommended",
    start="",
    filters=2,
    epochs=2,
    slices_per_epoch=32,
    augmentation="none",
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """A cohort of the same size of slices, all of whose images are negative."""
    store = make_tiny_cohort(tmp_path_factory.mktemp("phantoms"), 2).store.held()
    return store


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(rehearsal, "PATIENTS", 2)


def rows(store):
    return np.arange(len(store.images))


def test_every_step_has_its_share_of_either(cohort, phantoms):
    own = cohort.store
    batches = draw_batches(CONFIG, own, rows(own), 16, 32, phantoms)
    mine, added = batches.own, batches.added
    assert (mine.batch_size, added.batch_size, batches.steps) == (8, 8, 2)
    images, masks = batches.batch(1, 1)
    assert images.shape == (16, 16, 16, 4) and masks.shape == (16, 16, 16, 1)
    for part, place in ((mine, slice(0, 8)), (added, slice(8, 16))):
        assert np.array_equal(images[place], part.batch(1, 1)[0])
        assert np.array_equal(masks[place], part.batch(1, 1)[1])


def test_an_epoch_without_a_number_has_each_own_slice_once(cohort, phantoms):
    own = cohort.store
    batches = draw_batches(
        replace(CONFIG, tumour_share=0), own, rows(own), 6, 0, phantoms
    )
    assert sorted(batches.own.order(0)) == rows(own).tolist()
    assert batches.added.slices == batches.steps * 3


@pytest.mark.parametrize(("share", "added"), [(0.25, 4), (0.3, 4), (0.99, 15)])
def test_a_share_is_rounded_down(cohort, phantoms, share, added):
    config = replace(CONFIG, rehearsal_share=share)
    batches = draw_batches(config, cohort.store, rows(cohort.store), 16, 0, phantoms)
    assert batches.added.batch_size == added


def test_a_batch_too_small_for_a_share_goes_without(cohort, phantoms):
    batches = draw_batches(CONFIG, cohort.store, rows(cohort.store), 1, 0, phantoms)
    assert isinstance(batches, Batches)


def test_a_last_batch_that_has_to_be_whole_is_filled_up(cohort, phantoms):
    own = cohort.store
    few = rows(own)[:9]
    batches = draw_batches(CONFIG, own, few, 8, 0, phantoms, whole=True)
    assert batches.own.slices == 12 and batches.added.slices == 12
    plain = replace(CONFIG, rehearsal_share=0.0)
    assert draw_batches(plain, own, few, 8, 0, whole=True).slices == 16


def test_a_step_s_patients_are_those_of_both(cohort, phantoms):
    batches = draw_batches(CONFIG, cohort.store, rows(cohort.store), 8, 16, phantoms)
    ids = batches.own.case_ids(0, 0), batches.added.case_ids(0, 0)
    assert batches.case_ids(0, 0) == ids[0] + ids[1]


def test_parts_that_do_not_fit_together_are_refused(cohort, phantoms):
    one = Batches(cohort.store, rows(cohort.store), 8)
    other = Batches(phantoms, rows(phantoms), 8)
    with pytest.raises(ValueError, match="both must be alike"):
        MixedBatches(one, other)


@pytest.mark.parametrize("profile", ["", "smoke"])
def test_phantoms_have_the_training_s_channels_and_size(
    cohort, tmp_path, few, monkeypatch, profile
):
    monkeypatch.setenv("BRAINSEG_PROFILE", profile)
    store = replace(cohort.store, sequences=("flair", "t1"))
    found = rehearsal_store(store, Workspace(tmp_path, "quick"))
    assert found.sequences == ("flair", "t1")
    assert found.images.shape[1:] == (16, 16, 2)
    assert [case["id"] for case in found.cases] == ["Phantom_000", "Phantom_001"]


def test_a_sequence_that_phantoms_lack_is_refused(cohort, tmp_path):
    store = replace(cohort.store, sequences=("t1", "adc"))
    error = refusal(lambda: rehearsal_store(store, Workspace(tmp_path, "quick")))
    assert error.code == "E-START" and "rehearsal_share=0" in str(error)


def test_interrupted_it_ends_with_the_same_bits(cohort, tmp_path, monkeypatch, few):
    whole = run_training(cohort, tmp_path / "whole", CONFIG, verbose=False)
    without = replace(CONFIG, rehearsal_share=0.0)
    plain = run_training(cohort, tmp_path / "plain", without, verbose=False)
    assert whole.history["loss"] != plain.history["loss"]
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            run_training(cohort, tmp_path / "work", CONFIG, verbose=False)
    assert_ends_like(whole, cohort, tmp_path / "work", CONFIG)
