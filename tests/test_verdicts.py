import pytest

from brainseg_utils.verdicts import (
    is_positive,
    paired_difference,
    state,
    varies_less,
    verdict,
)


def test_paired_difference_keeps_its_sign():
    one, other = {"A": 0.5, "B": 0.7}, {"A": 0.8, "B": 0.8}
    difference = paired_difference(one, other)
    assert difference["mean"] == pytest.approx((-0.3 - 0.1) / 2)
    assert difference["low"] < difference["mean"] < difference["high"]


def test_scores_of_other_patients_cannot_be_paired():
    with pytest.raises(ValueError, match="same patients"):
        paired_difference({"A": 1.0}, {"B": 1.0})


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(0.01, 0.3, True), (-0.3, -0.01, False), (-0.1, 0.2, None), (None, None, None)],
)
def test_difference_counts_only_when_its_interval_leaves_out_zero(low, high, answer):
    assert is_positive({"mean": 0.1, "low": low, "high": high}) is answer


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((True, True), "reproduced"),
        ((True, None), "in part"),
        ((True, False), "in part"),
        ((False, False), "not reproduced"),
        ((False, None), "not reproduced"),
        ((None, None), "open"),
    ],
)
def test_verdict_follows_from_the_parts(answers, expected):
    assert verdict(dict(enumerate(answers))) == expected


def test_row_names_which_part_held():
    row = state(4, "claim", {"worse": True, "better": None}, "1 against 2")
    assert row["verdict"] == "in part"
    assert row["evidence"] == "worse: yes; better: open (1 against 2)"


def test_smaller_spread_must_be_more_than_chance():
    steady, wild = [0.80, 0.81, 0.79, 0.80, 0.80], [0.2, 0.9, 0.5, 0.95, 0.1]
    assert varies_less(steady, wild) is True
    assert varies_less(wild, steady) is False
    assert varies_less(steady, [0.80, 0.82, 0.79, 0.80, 0.81]) is None
    assert varies_less([0.1, 0.2], [0.1, 0.9]) is None
