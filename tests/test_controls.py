import numpy as np
import pytest
from patients import BRAIN, SHAPE

from brainseg_utils.cases import find_cases
from brainseg_utils.cohorts import Cohort
from brainseg_utils.judging.controls import best_threshold, predict_nothing
from brainseg_utils.nifti import write_volume
from brainseg_utils.slices import prepare_slices
from brainseg_utils.splits import Split
from brainseg_utils.store.grid import SliceGrid

SPLIT = Split(train=("P0",), validation=("P1",), test=("P2",))
SEQUENCES = ("t1", "t1ce", "t2", "flair")


@pytest.fixture
def make_cohort(patient_folder, tmp_path):
    """Return a function that makes a cohort, each sequence `brightness` in tumours."""

    def make(brightness, tumour, sequences=SEQUENCES, grid=None):
        folder = patient_folder()
        for number, case in enumerate(find_cases(folder)[0]):
            write_volume(case.mask, tumour.astype(np.uint8), np.eye(4))
            for channel, (name, path) in enumerate(case.sequences.items()):
                image = np.zeros(SHAPE, np.int16)
                image[BRAIN] = 100
                image[BRAIN[0], BRAIN[1], 1] = 101  # No sequence may be constant.
                image[tumour] = brightness.get(name, 100)
                # No two may be the same scan.
                image[BRAIN[0].start + number, BRAIN[1].start + channel, 1] += 1
                write_volume(path, image, np.eye(4))
        cases, _ = find_cases(folder, sequences)
        store = prepare_slices(cases, tmp_path / "prepared", grid or SliceGrid(16, 16))
        return Cohort("made up", folder, {c.id: c for c in cases}, store, ())

    return make


@pytest.fixture
def cube():
    tumour = np.zeros(SHAPE, bool)
    tumour[8:12, 6:10, 4:6] = True
    return tumour


def test_predicting_nothing_scores_0_by_volume_and_well_by_slice(make_cohort, cube):
    scores = predict_nothing(make_cohort({}, cube), SPLIT)
    assert list(scores) == ["P2"]
    assert scores["P2"]["dice_volume"] == 0
    assert scores["P2"]["dice_slice"] == 10 / 12  # 2 of 12 slices hold tumour.
    assert scores["P2"]["predicted_ml"] == 0


def test_nothing_is_right_where_there_is_no_tumour(make_cohort):
    cohort = make_cohort({}, np.zeros(SHAPE, bool))
    assert predict_nothing(cohort, SPLIT)["P2"]["dice_volume"] == 1


def test_a_tumour_bright_in_flair_is_found_by_a_threshold(make_cohort, cube):
    _, scores = best_threshold(make_cohort({"flair": 200}, cube), SPLIT)
    assert list(scores) == ["P2"]
    assert scores["P2"]["dice_volume"] == 1
    assert scores["P2"]["dice_batch"] == 1


def test_only_flair_is_looked_at_where_there_is_one(make_cohort, cube):
    _, scores = best_threshold(make_cohort({"t2": 200}, cube), SPLIT)
    assert scores["P2"]["dice_volume"] < 0.5


def test_without_flair_the_last_sequence_is_looked_at(make_cohort, cube):
    cohort = make_cohort({"t2": 200}, cube, sequences=("t1", "t2"))
    assert best_threshold(cohort, SPLIT)[1]["P2"]["dice_volume"] == 1


def test_the_threshold_is_chosen_on_training_patients_only(make_cohort, cube):
    cohort = make_cohort({"flair": 200}, cube)
    store = cohort.store
    images, masks = np.array(store.images), np.array(store.masks)
    for name in ("P1", "P2"):
        images[store.rows([name])], masks[store.rows([name])] = 3, 0
    before = best_threshold(cohort, SPLIT)[0]
    object.__setattr__(store, "images", images)
    object.__setattr__(store, "masks", masks)
    assert best_threshold(cohort, SPLIT)[0] == before


def test_the_background_counts_neither_in_choosing_nor_in_scoring(make_cohort):
    # Half of the brain is tumour and lies above the mean, so 0 is a good threshold;
    # the background is 0 too, and with a wide square would spoil it.
    half = np.zeros(SHAPE, bool)
    half[4:12, 2:18, 1:11] = True
    cohort = make_cohort({"flair": 102}, half, grid=SliceGrid(32, 32))
    threshold, scores = best_threshold(cohort, SPLIT)
    assert threshold == 0
    assert scores["P2"]["dice_volume"] == 1
