import numpy as np
import pytest

from brainseg_utils.judging.verdicts import (
    all_alike,
    is_positive,
    phase_jumps,
    state,
    varies_less,
    verdict,
)


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


def test_step_across_the_switch_belongs_to_neither_phase():
    # Steps are 9 9 9 1 1 | 5 | 2 2, with the switch before epoch 6.
    curve = np.cumsum([0, 9, 9, 9, 1, 1, 5, 2, 2])[None].astype(float)
    first, second = phase_jumps(curve, 6)
    assert (first.tolist(), second.tolist()) == ([1.0], [2.0])


@pytest.mark.parametrize("switch", [1, 2, 3])
def test_phase_too_short_to_measure_is_nan(switch):
    first, _ = phase_jumps(np.arange(8.0)[None], switch)
    assert np.isnan(first).all()


@pytest.mark.parametrize(
    ("differences", "answer"),
    [([1, 2], True), ([-1, 0], False), ([1, -1], None), ([1, np.nan], None)],
)
def test_runs_that_disagree_leave_the_question_open(differences, answer):
    assert all_alike(np.array(differences)) is answer
