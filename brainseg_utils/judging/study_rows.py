"""A row of a study's table: how one variant's runs scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainseg_utils.evaluation import patient_means
from brainseg_utils.intervals import bootstrap_interval, paired_difference
from brainseg_utils.runs import Run


def score_row(
    by_seed: Mapping[int, Sequence[Run]],
    dice: Mapping[str, float],
    reference: Mapping[str, float] | None,
) -> dict[str, Any]:
    """Return the figures of `Study.table` for one variant; NaN where there are none.

    Args:
        by_seed: The variant's runs, one a fold, by seed.
        dice: Each test patient's Dice per volume, its mean over seeds.
        reference: The same of the variant to compare with; None for that itself.
    """
    runs = [run for seed in by_seed.values() for run in seed]
    score = bootstrap_interval(dice.values())
    other = {} if reference is None else paired_difference(dice, reference)
    figures = {
        "validation_dice": mean_dice(runs, "validation"),
        "dice": score["mean"],
        "low": score["low"],
        "high": score["high"],
        "difference": other.get("mean"),
        "difference_low": other.get("low"),
        "difference_high": other.get("high"),
        "p": other.get("p"),
        "seed_spread": _seed_spread(by_seed),
        "seconds": float(np.mean([run.training["seconds"] for run in runs])),
    }
    numbers = {k: np.nan if v is None else v for k, v in figures.items()}
    return {**numbers, "runs": len(runs)}


def mean_dice(runs: Sequence[Run], part: str) -> float:
    """Return the mean over a part's patients of their mean Dice over runs."""
    dice = patient_means([run.scores[part] for run in runs], "dice_volume")
    return float(np.mean([*dice.values()]))


def _seed_spread(by_seed: Mapping[int, Sequence[Run]]) -> float:
    """Return how far the seeds' mean Dice lie apart; NaN for one seed."""
    if len(by_seed) < 2:
        return np.nan
    return float(np.ptp([mean_dice(runs, "test") for runs in by_seed.values()]))
