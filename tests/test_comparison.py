import pandas as pd
import pytest

from brainseg_utils.averaging import WAYS
from brainseg_utils.comparison import choose_rates, summarise_scores


def scores(dice_volume, **others):
    """Return one patient's scores, each figure with a value of its own."""
    return {
        "dice_volume": dice_volume,
        "dice_slice": 0.1,
        "dice_tumour_slice": 0.2,
        "dice_batch": 0.3,
        "overlap_voxels": 5,
        "mask_voxels": 40,
        "hd95_mm": 6.0,
        "surface_dice": 0.4,
        **others,
    }


def row(rate, seed, validation, test=0.5, fold=0, model="cnn1", half=False):
    return {
        "model": model,
        "fold": fold,
        "dropout_rate": rate,
        "seed": seed,
        "validation_dice": validation,
        "test_dice": test,
        "half_epochs": half,
    }


def test_rate_is_chosen_on_validation_patients_not_on_test_patients():
    table = pd.DataFrame([row(0.0, 0, 0.8, test=0.1), row(0.2, 0, 0.7, test=0.9)])
    assert choose_rates(table)["dropout_rate"].tolist() == [0.0]


def test_rate_is_chosen_by_the_mean_over_seeds():
    table = pd.DataFrame(
        [row(0.0, 0, 0.9), row(0.0, 1, 0.5), row(0.2, 0, 0.75), row(0.2, 1, 0.75)]
    )
    chosen = choose_rates(table)
    assert chosen["dropout_rate"].tolist() == [0.2, 0.2]
    assert sorted(chosen["seed"]) == [0, 1]


def test_each_fold_chooses_by_its_own_patients():
    table = pd.DataFrame(
        [row(0.0, 0, 0.9), row(0.2, 0, 0.1), row(0.0, 0, 0.1, fold=1)]
        + [row(0.2, 0, 0.9, fold=1)]
    )
    chosen = choose_rates(table).set_index("fold")["dropout_rate"]
    assert chosen.to_dict() == {0: 0.0, 1: 0.2}


def test_half_length_runs_are_not_chosen():
    table = pd.DataFrame([row(0.0, 0, 0.5), row(0.0, 0, 0.9, half=True)])
    assert choose_rates(table)["half_epochs"].tolist() == [False]


def test_interval_is_over_patients_not_over_runs():
    seeds = [{"A": scores(0.6, hd95_mm=4.0)}, {"A": scores(0.8, hd95_mm=1.0)}]
    summary = summarise_scores(seeds)
    assert summary["dice_volume"]["patients"] == {"A": pytest.approx(0.7)}
    assert summary["dice_volume"]["low"] is None, "two seeds are still one patient"
    assert summary["hd95_mm"] == pytest.approx(2.5)


def test_every_figure_is_the_mean_of_its_own():
    summary = summarise_scores([{"A": scores(0.5), "B": scores(0.7)}])
    assert summary["dice_volume"]["mean"] == pytest.approx(0.6)
    own = {**scores(0.0), "dice_pooled": 0.25}
    for figure in (*WAYS, "hd95_mm", "surface_dice"):
        if figure != "dice_volume":
            assert summary[figure] == pytest.approx(own[figure]), figure
