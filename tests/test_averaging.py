import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils.averaging import WAYS, average, average_each_way, dice_pooled
from brainseg_utils.evaluation import score_mask
from brainseg_utils.judging.controls import predict_nothing
from brainseg_utils.splits import Split
from brainseg_utils.volumes import read_mask

SPLIT = Split(train=("P0",), validation=("P1",), test=("P2", "P3"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("tiny"))


def score_truths(cohort, change=lambda mask: mask):
    """Score the test patients' masks, changed, as predictions."""
    store = cohort.store
    masks = {i: read_mask(cohort.cases[i])[0] for i in SPLIT.test}
    slices = {i: store.masks[store.rows([i])] for i in SPLIT.test}
    return {
        i: score_mask(cohort.cases[i], store, change(mask), slices[i])
        for i, mask in masks.items()
    }


def test_the_truth_scores_1_in_every_way(cohort):
    assert average_each_way([score_truths(cohort)]) == dict.fromkeys(WAYS, 1.0)


def test_nothing_scores_0_but_for_the_ways_that_count_empty_slices(cohort):
    ways = average_each_way([predict_nothing(cohort, SPLIT)])
    assert ways["dice_slice"] == 0.5  # 4 of 8 slices hold tumour.
    assert ways["dice_batch"] == 0  # 8 slices are one batch.
    for way in ("dice_volume", "dice_tumour_slice", "dice_pooled"):
        assert ways[way] == 0


def test_a_tumour_slice_too_many_costs_nothing_where_only_tumour_slices_count(cohort):
    def grow(mask):
        grown = np.array(mask)
        grown[4:8, 4:8, 6] = 1
        return grown

    ways = average_each_way([score_truths(cohort, grow)])
    assert ways["dice_tumour_slice"] == 1
    assert ways["dice_slice"] == 7 / 8
    assert ways["dice_volume"] < 1


def pooled(overlap, voxels):
    return {"overlap_voxels": overlap, "mask_voxels": voxels}


def test_pooled_dice_is_by_hand_and_the_large_tumour_s():
    # 10 of 10 + 10 voxels, and none of 100 + 80.
    scores = {"A": pooled(10, 20), "B": pooled(0, 180)}
    assert dice_pooled([scores]) == 2 * 10 / 200
    assert dice_pooled([{"A": pooled(0, 0)}]) == 1


def test_a_patient_whom_two_runs_tested_counts_once():
    runs = [{"A": pooled(10, 20), "B": pooled(0, 20)}, {"A": pooled(5, 20)}]
    assert dice_pooled(runs) == 2 * 7.5 / 40
    assert average(runs, "overlap_voxels") == 7.5 / 2
