"""How far a mean over patients can be trusted: intervals, and a test of differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy import stats

FEWEST_PATIENTS = 4  # Of fewer, one in nine draws is of a single score.
EXACT_PATIENTS = 12  # Up to here all sign flips are tried: 4096.


def bootstrap_interval(
    values: Iterable[float],
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> dict[str, float | None]:
    """Return mean and interval of a score over patients, by the bootstrap-t.

    `mean - q * error`, where `q` are quantiles of `(mean* - mean) / error*` over
    patients drawn with replacement, and `error` is the standard error of the mean
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5). Our
    addition: `error*` counts as no less than a quarter of `error`.

    One patient has a mean but no interval; equal scores have one of no width. Of two or
    three different scores nothing follows: their interval is all of `bounds`.

    Args:
        values: One score for each patient.
        level: Share of such intervals that shall hold the true mean, in (0, 1).
        samples: Number of draws.
        seed: The same seed gives the same interval.
        bounds: Range of the score, to which the interval is cut.

    Returns:
        `mean`, `low` and `high`.

    Raises:
        ValueError: There are no values, one is outside of `bounds` or not a number, or
            the level is not in (0, 1).
    """
    values = np.asarray(list(values), float)
    if not len(values) or not ((bounds[0] <= values) & (values <= bounds[1])).all():
        raise ValueError(f"values must be numbers in {bounds}. Got: {values}")
    _check_level(level)
    mean = float(values.mean())
    if len(values) < 2:
        return {"mean": mean, "low": None, "high": None}
    if np.ptp(values) == 0:
        return {"mean": mean, "low": mean, "high": mean}
    if len(values) < FEWEST_PATIENTS:
        return {"mean": mean, "low": bounds[0], "high": bounds[1]}
    # In simulations of 5 to 40 patients with Dice of skewness -0.8 to -1.5, intervals
    # of nominally 95 % held the mean so often: percentile 0.80 to 0.94, BCa 0.81 to
    # 0.94, Student's t 0.89 to 0.95, this one 0.93 to 0.96. With 5 patients it is a
    # fifth wider than t's, with 20 next to nothing. Where every tenth patient fails
    # outright, no method holds what it says with fewer than 40 patients: many samples
    # have no such patient at all.
    pivots = _pivots(values, samples, np.random.default_rng(seed))
    high, low = np.quantile(pivots, [(1 - level) / 2, (1 + level) / 2])
    low, high = np.clip(mean - np.array([low, high]) * _errors(values), *bounds)
    return {"mean": mean, "low": float(low), "high": float(high)}


def spread_in_words(interval: Mapping[str, float | None]) -> str:
    """Return from where to where an interval goes, or why there is none."""
    low, high = interval["low"], interval["high"]
    return "one patient has none" if low is None else f"{low:.3f} to {high:.3f}"


def paired_difference(
    first: Mapping[str, float],
    second: Mapping[str, float],
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> dict[str, float | None]:
    """Return how `first - second` differs from 0 over the same patients.

    The interval is Student's t. The p-value is two-sided and of a permutation test: if
    it does not matter which of two scores is whose, each patient's difference has
    either sign with equal chance. It is exact up to `EXACT_PATIENTS` patients and drawn
    from there on, and never below `2 / 2**n`: five patients cannot reach 0.05.

    Args:
        first: Scores by patient id.
        second: The same patients'.
        level: As in `bootstrap_interval`.
        samples: Number of draws where p is drawn.
        seed: The same seed gives the same p.

    Returns:
        `mean`, `low`, `high` and `p`; one patient has no interval.

    Raises:
        ValueError: The patients differ, there are none, a score is not a number, or the
            level is not in (0, 1).
    """
    if not first or set(first) != set(second):
        raise ValueError("both scores must be of the same patients")
    # Sorted, so that the order of the dictionaries has no bearing on the draws.
    differences = np.array([first[i] - second[i] for i in sorted(first)], float)
    if not np.isfinite(differences).all():
        raise ValueError(f"differences must be numbers. Got: {differences}")
    _check_level(level)
    mean, p = float(differences.mean()), _sign_flip_p(differences, samples, seed)
    if len(differences) < 2:
        return {"mean": mean, "low": None, "high": None, "p": p}
    # Where nothing differs, differences are symmetric. There t held 0 in 0.95 to 0.97
    # of simulated samples of 5 to 40 patients, bootstrap-t in 0.92 to 0.95; for skewed
    # gains it is 0.91 to 0.93 and 0.93 to 0.95.
    quantile = stats.t.ppf((1 + level) / 2, len(differences) - 1)
    half = float(quantile * _errors(differences))
    return {"mean": mean, "low": mean - half, "high": mean + half, "p": p}


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1). Got: {level}")


def _pivots(values: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return how many of its own standard errors each draw's mean is off."""
    draws = values[rng.integers(0, len(values), (samples, len(values)))]
    # A draw of nearly equal scores would be off by ever so many, and a few such draws
    # decide the ends: of six scores of 0.91 to 0.96 they made 0.44 the lower one.
    errors = np.maximum(_errors(draws), _errors(values) / 4)
    return (draws.mean(axis=1) - values.mean()) / errors


def _errors(values: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean along the last axis."""
    return values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])


def _sign_flip_p(differences: np.ndarray, samples: int, seed: int) -> float:
    count = len(differences)
    if count <= EXACT_PATIENTS:
        signs = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
    else:
        rng = np.random.default_rng(seed)
        # What was observed counts as a draw; else p could be 0.
        signs = np.ones((samples + 1, count))
        signs[1:] = rng.choice([-1, 1], (samples, count))
    sums = np.abs(signs @ differences)
    # Sums that are equal but for rounding are as far from 0.
    return float(np.mean(sums >= abs(differences.sum()) - 1e-12))
