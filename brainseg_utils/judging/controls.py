"""What a network must beat to have learned anything: nothing, and a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainseg_utils.cohorts import Cohort
from brainseg_utils.evaluation import dice_score, score_mask
from brainseg_utils.masks.predictions import restore_mask
from brainseg_utils.splits import Split

THRESHOLDS = np.arange(0.0, 4.01, 0.1)  # In deviations from the brain's mean.


def predict_nothing(cohort: Cohort, split: Split) -> dict[str, Any]:
    """Score empty masks on the test patients, as `{id: scores}`."""
    return {name: _score_slices(cohort, name, None, 0.0) for name in split.test}


def best_threshold(cohort: Cohort, split: Split) -> tuple[float, dict[str, Any]]:
    """Score the best threshold on one sequence: FLAIR, else the last of the store.

    The threshold is the one with the highest mean Dice over the training patients.

    Returns:
        The threshold in z-scores, and the test patients' scores as `{id: scores}`.
    """
    sequences = cohort.store.sequences
    channel = sequences.index("flair") if "flair" in sequences else len(sequences) - 1
    dice = [_dice_by_threshold(cohort, name, channel) for name in split.train]
    threshold = float(THRESHOLDS[np.mean(dice, axis=0).argmax()])
    scores = {
        name: _score_slices(cohort, name, channel, threshold) for name in split.test
    }
    return threshold, scores


def _dice_by_threshold(cohort: Cohort, case_id: str, channel: int) -> list[float]:
    image = _brain_only(cohort, case_id, channel)
    truth = cohort.store.masks[_rows(cohort, case_id)]
    return [dice_score(truth, image >= threshold) for threshold in THRESHOLDS]


def _score_slices(
    cohort: Cohort, case_id: str, channel: int | None, threshold: float
) -> dict[str, float]:
    """Score `image >= threshold` like a network's prediction; None is an empty mask."""
    store = cohort.store
    if channel is None:
        slices = np.zeros_like(store.masks[_rows(cohort, case_id)])
    else:
        slices = _brain_only(cohort, case_id, channel) >= threshold
    mask = restore_mask(store, case_id, slices.astype(np.float32))
    return score_mask(cohort.cases[case_id], store, mask, slices)


def _brain_only(cohort: Cohort, case_id: str, channel: int) -> np.ndarray:
    """Return one sequence's slices, `[slice, height, width]`; background is -inf."""
    images = cohort.store.images[_rows(cohort, case_id)]
    # The background is 0 as the brain's mean is, and must not count as bright.
    return np.where(np.any(images != 0, axis=-1), images[..., channel], -np.inf)


def _rows(cohort: Cohort, case_id: str) -> slice:
    record = cohort.store.case(case_id)
    return slice(record["start"], record["stop"])
