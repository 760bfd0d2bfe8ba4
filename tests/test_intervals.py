from itertools import product

import numpy as np
import pytest
from scipy import stats

from brainseg_utils.intervals import bootstrap_interval, paired_difference

SCORES = [0.31, 0.62, 0.74, 0.81, 0.85, 0.88, 0.9, 0.91]


def coverage(draw, mean, patients, trials=1000):
    """Return how often the interval of a sample holds the mean of its population.

    Args:
        draw: Takes a generator and a count, and returns scores.
        mean: Their true mean.
        patients: Scores in a sample.
        trials: Number of samples.
    """
    rng = np.random.default_rng(patients)
    held = 0
    for trial in range(trials):
        interval = bootstrap_interval(draw(rng, patients), samples=1000, seed=trial)
        held += interval["low"] <= mean <= interval["high"]
    return held / trials


def differences(values):
    """Return two sets of scores with these differences."""
    first = {f"P{i}": 0.5 + value for i, value in enumerate(values)}
    return first, dict.fromkeys(first, 0.5)


@pytest.mark.parametrize("patients", [5, 10, 20, 40])
@pytest.mark.parametrize(("a", "b"), [(8, 2), (5, 1.2), (9, 1)])
def test_95_percent_intervals_hold_the_mean_of_skewed_scores_that_often(a, b, patients):
    # Skewness -0.8, -1 and -1.5. Percentile intervals of 5 patients hold the first two
    # in 82 to 84 %.
    held = coverage(lambda rng, n: rng.beta(a, b, n), a / (a + b), patients)
    assert 0.92 <= held <= 0.97


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_comes_close_to_that_of_all_possible_draws(level):
    values = np.array([0.31, 0.62, 0.74, 0.81, 0.85])
    draws = np.array(list(product(values, repeat=5)))
    errors = np.maximum(stats.sem(draws, axis=1), stats.sem(values) / 4)
    pivots = (draws.mean(axis=1) - values.mean()) / errors
    tails = [(1 - level) / 2, (1 + level) / 2]
    high, low = values.mean() - np.quantile(pivots, tails) * stats.sem(values)
    interval = bootstrap_interval(values, level, samples=200_000)
    assert interval["mean"] == pytest.approx(values.mean())
    assert interval["low"] == pytest.approx(max(low, 0), abs=0.005)
    assert interval["high"] == pytest.approx(high, abs=0.005)


def test_nearly_equal_scores_have_a_narrow_interval():
    interval = bootstrap_interval([0.906, 0.936, 0.951, 0.951, 0.952, 0.958])
    assert interval["low"] > 0.88 and interval["high"] < 0.96


def test_skewed_scores_have_more_room_below_than_above():
    interval = bootstrap_interval(SCORES)
    below = interval["mean"] - interval["low"]
    assert below > 1.5 * (interval["high"] - interval["mean"])


def test_a_higher_level_is_wider():
    narrow, wide = (bootstrap_interval(SCORES, level) for level in (0.8, 0.95))
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


def test_the_seed_decides():
    assert bootstrap_interval(SCORES) == bootstrap_interval(iter(SCORES), seed=0)
    assert bootstrap_interval(SCORES, samples=100) != bootstrap_interval(
        SCORES, samples=100, seed=1
    )


def test_one_patient_has_a_mean_and_no_interval():
    assert bootstrap_interval([0.7]) == {"mean": 0.7, "low": None, "high": None}


def test_equal_scores_have_an_interval_of_no_width():
    interval = bootstrap_interval([0.1] * 6)
    assert interval["low"] == interval["mean"] == interval["high"]


def test_two_or_three_scores_say_nothing_of_the_mean():
    for scores in ([0.4, 0.5], [0.4, 0.5, 0.7]):
        interval = bootstrap_interval(scores)
        assert (interval["low"], interval["high"]) == (0, 1)


def test_scores_in_mm_take_bounds_of_their_own():
    interval = bootstrap_interval([1, 2, 2, 3, 30], bounds=(0, np.inf))
    assert 0 <= interval["low"] < 7.6 < interval["high"] and interval["high"] > 30


@pytest.mark.parametrize("values", [[], [0.5, 1.1], [-0.1, 0.5], [0.5, np.nan]])
def test_what_is_no_score_is_refused(values):
    with pytest.raises(ValueError, match="values must be numbers in"):
        bootstrap_interval(values)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_share(level):
    with pytest.raises(ValueError, match="level must be in"):
        bootstrap_interval(SCORES, level)
    with pytest.raises(ValueError, match="level must be in"):
        paired_difference(*differences([0.1, 0.2]), level)


def test_the_interval_of_a_difference_is_student_s_by_hand():
    # Mean 0.2, deviation 0.1; t for 2 degrees of freedom is 4.3027 in every table.
    difference = paired_difference(*differences([0.1, 0.2, 0.3]))
    half = 4.302653 * 0.1 / 3**0.5
    assert difference["mean"] == pytest.approx(0.2)
    assert difference["low"] == pytest.approx(0.2 - half)
    assert difference["high"] == pytest.approx(0.2 + half)


def test_p_counts_the_signs_by_hand():
    # Of 8 ways to sign 1, 2 and 3, two sum to 6, and two more to 4 or beyond.
    assert paired_difference(*differences([0.1, 0.2, 0.3]))["p"] == 2 / 8
    assert paired_difference(*differences([-0.1, 0.2, 0.3]))["p"] == 4 / 8
    assert paired_difference(*differences([0.1]))["p"] == 1


def test_five_patients_cannot_reach_5_percent():
    assert paired_difference(*differences([0.2] * 5))["p"] == 2 / 2**5


def test_sums_equal_but_for_rounding_are_equally_far_from_0():
    assert paired_difference(*differences([0.1, 0.2, -0.3, 0.0]))["p"] == 1


@pytest.mark.parametrize("patients", [12, 13])
def test_p_is_scipy_s_exact_and_drawn(patients):
    values = np.random.default_rng(3).normal(0.05, 0.1, patients)
    exact = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    p = paired_difference(*differences(values))["p"]
    assert p == pytest.approx(exact, abs=1e-9 if patients == 12 else 0.01)


def test_a_drawn_p_is_never_0():
    assert paired_difference(*differences([0.2] * 30), samples=99)["p"] == 1 / 100


def test_patients_are_paired_by_id_and_not_by_order():
    first = {f"P{i}": value for i, value in enumerate(np.linspace(0.1, 0.8, 14))}
    second = {i: value**1.1 for i, value in first.items()}
    turned = dict(reversed(second.items()))
    assert paired_difference(first, turned) == paired_difference(first, second)


def test_the_order_of_the_patients_does_not_change_a_drawn_p():
    first, second = differences(np.random.default_rng(0).normal(0.03, 0.1, 14))
    turned = dict(reversed(first.items()))
    assert paired_difference(turned, second) == paired_difference(first, second)


def test_exchanging_the_two_turns_the_sign():
    first, second = differences([0.1, -0.05, 0.2, 0.3])
    forth, back = paired_difference(first, second), paired_difference(second, first)
    assert back["mean"] == -forth["mean"]
    assert back["low"] == pytest.approx(-forth["high"])
    assert back["p"] == forth["p"]


def test_scores_of_other_patients_cannot_be_paired():
    for second in ({"B": 1.0}, {}, {"A": 1.0, "B": 1.0}):
        with pytest.raises(ValueError, match="same patients"):
            paired_difference({"A": 1.0}, second)
    with pytest.raises(ValueError, match="same patients"):
        paired_difference({}, {})
    with pytest.raises(ValueError, match="must be numbers"):
        paired_difference({"A": np.nan}, {"A": 0.5})
