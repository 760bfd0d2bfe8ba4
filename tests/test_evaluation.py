import numpy as np
import pytest
from patients import SHAPE, make_mask

from brainseg_utils.cases import find_cases
from brainseg_utils.evaluation import (
    dice_per_batch,
    dice_per_slice,
    dice_score,
    patient_means,
    score_mask,
)
from brainseg_utils.masks.predictions import restore_mask
from brainseg_utils.masks.surfaces import hd95, surface_dice
from brainseg_utils.nifti import write_volume
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.volumes import read_mask

EMPTY = np.zeros((2, 2, 2), np.uint8)
FULL = np.ones((2, 2, 2), np.uint8)


@pytest.fixture
def patient(patient_folder, tmp_path):
    """Return a case with a cube of 3 voxels' width, and its store."""
    cases, _ = find_cases(patient_folder("P0"))
    return cases[0], prepare_slices(cases, tmp_path / "prepared", SliceGrid(16, 16))


def test_dice_by_hand():
    mask_true = np.array([1, 1, 1, 0, 0])
    mask_pred = np.array([0, 1, 1, 1, 1])
    assert dice_score(mask_true, mask_pred) == 2 * 2 / (3 + 4)
    assert dice_score(mask_pred, mask_true) == 2 * 2 / (4 + 3)


def test_dice_is_1_for_the_same_mask_and_0_without_overlap():
    assert dice_score(FULL, FULL) == 1
    assert dice_score(np.array([1, 0]), np.array([0, 1])) == 0


def test_both_empty_give_1_and_one_empty_gives_0():
    assert dice_score(EMPTY, EMPTY) == 1
    assert dice_score(EMPTY, FULL) == 0
    assert dice_score(FULL, EMPTY) == 0


def test_many_voxels_of_a_small_type_do_not_overflow():
    mask = np.ones((300, 300), np.uint8)
    half = np.tri(300, dtype=np.uint8)  # 300 * 301 / 2 ones.
    assert dice_score(mask, half) == 2 * 45_150 / (90_000 + 45_150)


def test_any_label_counts_as_tumour():
    assert dice_score(np.array([4, 2, 0]), np.array([True, True, False])) == 1


@pytest.mark.parametrize("score", [dice_score, dice_per_slice, dice_per_batch])
def test_masks_of_different_shapes_are_refused(score):
    for other in (FULL[:1], FULL[:, :, :1], np.ones((4, 2, 2), np.uint8)):
        with pytest.raises(ValueError, match="one shape"):
            score(FULL, other)


def test_slices_beyond_the_last_whole_batch_are_not_dropped_in_silence():
    with pytest.raises(ValueError, match="one shape"):
        dice_per_batch(np.ones((16, 2, 2)), np.ones((20, 2, 2)), batch_size=16)


def test_dice_per_slice_runs_along_z():
    mask_true, mask_pred = np.zeros((2, 2, 4), bool), np.zeros((2, 2, 4), bool)
    mask_true[:, :, 1] = True
    mask_pred[0, :, 1] = True
    mask_pred[:, :, 2] = True
    mask_true[:, :, 3] = True
    # Both empty, half found, only the truth empty, only the prediction empty.
    assert dice_per_slice(mask_true, mask_pred).tolist() == [1, 2 * 2 / (4 + 2), 0, 0]


def test_predicting_nothing_scores_well_by_slice_and_0_by_volume():
    mask_true = np.zeros((2, 2, 10), bool)
    mask_true[0, 0, :2] = True
    nothing = np.zeros_like(mask_true)
    assert dice_per_slice(mask_true, nothing).mean() == 8 / 10
    assert dice_score(mask_true, nothing) == 0


def test_dice_per_batch_pools_the_slices_of_a_batch():
    mask_true = np.zeros((5, 2, 2), bool)
    mask_pred = np.zeros((5, 2, 2), bool)
    mask_true[0], mask_pred[1, 0] = True, True  # 4 and 2 pixels, no overlap.
    mask_true[2], mask_pred[2:4] = True, True  # 4 of 4, and 4 too many.
    scores = dice_per_batch(mask_true, mask_pred, batch_size=2)
    assert scores.tolist() == [0 / (4 + 2), 2 * 4 / (4 + 8), 1]  # The last is empty.


def test_one_batch_of_all_slices_is_the_dice_of_the_volume():
    rng = np.random.default_rng(0)
    mask_true, mask_pred = rng.integers(0, 2, (2, 16, 4, 4))
    assert dice_per_batch(mask_true, mask_pred) == [dice_score(mask_true, mask_pred)]


def test_patients_are_averaged_over_the_runs_that_tested_them():
    runs = [
        {"A": {"dice_volume": 0.5}, "B": {"dice_volume": 0.25}},
        {"A": {"dice_volume": 1.0}, "C": {"dice_volume": 0.0}},
    ]
    assert patient_means(runs, "dice_volume") == {
        "A": (0.5 + 1.0) / 2,
        "B": 0.25,
        "C": 0.0,
    }


def test_truth_restored_from_its_slices_is_the_truth(patient):
    case, store = patient
    mask = restore_mask(store, "P0", store.masks[:].astype(np.float32))
    assert np.array_equal(mask, make_mask(3) > 0)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, read_mask(case)[0])


def test_a_probability_of_the_threshold_counts_as_tumour(patient):
    _, store = patient
    even = np.full(store.masks.shape, 0.5, np.float32)
    assert restore_mask(store, "P0", even).sum() == 16 * 16 * 10
    assert restore_mask(store, "P0", even, threshold=0.51).sum() == 0


def test_the_truth_scores_1_everywhere(patient):
    case, store = patient
    assert score_mask(case, store, make_mask(3) > 0, store.masks[:]) == {
        "dice_volume": 1,
        "dice_slice": 1,
        "dice_tumour_slice": 1,
        "dice_batch": 1,
        "overlap_voxels": 27,
        "mask_voxels": 2 * 27,
        "hd95_mm": 0,
        "surface_dice": 1,
        "tumour_ml": pytest.approx(27 / 1000),
        "predicted_ml": pytest.approx(27 / 1000),
    }


def test_each_figure_scores_what_its_name_says(patient):
    case, store = patient
    mask = np.array(make_mask(3) > 0)
    mask[:, :, 6] = False  # One of the tumour's three slices of 9 voxels.
    slices = np.zeros(store.masks.shape, np.uint8)
    scores = score_mask(case, store, mask, slices)
    assert scores["dice_volume"] == 2 * 18 / (27 + 18)
    assert scores["dice_slice"] == 11 / 12  # 12 slices, 1 of them missed.
    assert scores["dice_tumour_slice"] == pytest.approx(2 / 3)
    assert (scores["overlap_voxels"], scores["mask_voxels"]) == (18, 27 + 18)
    assert scores["dice_batch"] == 0  # All 10 slices are one batch.
    assert scores["predicted_ml"] == pytest.approx(18 / 1000)


def test_surfaces_are_those_of_areas_within_1_mm_at_the_patient_s_spacing(patient):
    case, store = patient
    mask = np.roll(make_mask(3) > 0, 1, axis=0)
    mask[11:18, 7, 5] = True  # A spur has more voxels than area.
    spacing = store.case("P0")["spacing_mm"] = [1.5, 1.0, 3.0]
    scores, pair = score_mask(case, store, mask, store.masks[:]), (make_mask(3), mask)
    assert scores["hd95_mm"] == hd95(*pair, spacing, elements="areas")
    assert scores["hd95_mm"] != hd95(*pair, spacing, elements="voxels")
    assert scores["surface_dice"] == surface_dice(*pair, spacing, tolerance_mm=1)
    assert scores["surface_dice"] != surface_dice(*pair, spacing, tolerance_mm=2)


def test_an_empty_mask_scores_0_and_is_as_far_off_as_the_volume_is_wide(patient):
    case, store = patient
    slices = np.zeros_like(store.masks[:])
    scores = score_mask(case, store, np.zeros(SHAPE, np.uint8), slices)
    assert scores["dice_tumour_slice"] == scores["surface_dice"] == 0
    assert scores["hd95_mm"] == pytest.approx(np.hypot(np.hypot(24, 20), 12))


def test_without_tumour_slices_the_volume_s_rule_holds(patient):
    case, store = patient
    write_volume(case.mask, np.zeros(SHAPE, np.uint8), np.eye(4))
    empty, slices = np.zeros(SHAPE, np.uint8), np.zeros_like(store.masks[:])
    assert score_mask(case, store, empty, slices)["dice_tumour_slice"] == 1
    assert score_mask(case, store, empty, slices)["hd95_mm"] == 0
    assert score_mask(case, store, empty + 1, slices)["dice_tumour_slice"] == 0
