import pandas as pd
import pytest

from brainseg_utils.claims import _claim, _clearly_positive, paired_difference
from brainseg_utils.comparison import choose_rates, summarise_scores


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
    seeds = [
        {"A": {"dice_volume": 0.6, "dice_slice": 0.7, "dice_batch": 0.5}},
        {"A": {"dice_volume": 0.8, "dice_slice": 0.9, "dice_batch": 0.5}},
    ]
    summary = summarise_scores(seeds)
    assert summary["dice_volume"]["patients"] == {"A": pytest.approx(0.7)}
    assert summary["dice_volume"]["low"] is None, "two seeds are still one patient"
    assert summary["dice_slice"] == pytest.approx(0.8)


def test_paired_difference_keeps_its_sign():
    one, other = {"A": 0.5, "B": 0.7}, {"A": 0.8, "B": 0.8}
    difference = paired_difference(one, other)
    assert difference["mean"] == pytest.approx((-0.3 - 0.1) / 2)
    assert difference["low"] < difference["mean"] < difference["high"]


def test_scores_of_other_patients_cannot_be_paired():
    with pytest.raises(ValueError, match="same patients"):
        paired_difference({"A": 1.0}, {"B": 1.0})


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ([True, True], "reproduced"),
        ([False, False], "not reproduced"),
        ([True, False], "in part"),
        ([False, True], "in part"),
    ],
)
def test_verdict_names_what_held(parts, verdict):
    assert _claim(1, "text", parts, "number")["verdict"] == verdict


@pytest.mark.parametrize(
    ("low", "mean", "clear"),
    [(0.01, 0.1, True), (-0.01, 0.1, False), (None, 0.1, True), (None, -0.1, False)],
)
def test_difference_counts_only_when_its_interval_leaves_out_zero(low, mean, clear):
    assert _clearly_positive({"mean": mean, "low": low, "high": 0.3}) is clear
