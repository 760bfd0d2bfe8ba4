"""Threshold and smallest part, chosen on validation patients for a network that stands.

Both change a mask after the network has spoken, so that trying many costs one
prediction of the validation patients.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from brainseg_utils.cohorts import Cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.evaluation import dice_score, patient_means
from brainseg_utils.fitting.compiling import load_model
from brainseg_utils.masks.predictions import predict_slices, restore_mask
from brainseg_utils.runs import Run
from brainseg_utils.volumes import read_mask

if TYPE_CHECKING:
    import keras

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
SMALLEST_ML = (0.0, 0.1, 1.0, 5.0)
Decoding = tuple[float, float]  # Threshold, and smallest part in ml.
DiceByDecoding = Mapping[Decoding, Mapping[str, float]]


def dice_by_decoding(
    model: keras.Model,
    cohort: Cohort,
    case_ids: Sequence[str],
    config: TrainingConfig,
) -> dict[Decoding, dict[str, float]]:
    """Return patients' Dice per volume for every threshold and smallest part.

    Args:
        model: A trained network.
        cohort: Patients and slices.
        case_ids: Whom to predict.
        config: The recipe, but for threshold and smallest part.
    """
    dice: dict[Decoding, dict[str, float]] = {}
    for case_id in case_ids:
        probabilities = predict_slices(model, cohort.store, case_id, config)
        for decoding, score in _scores(cohort, case_id, probabilities).items():
            dice.setdefault(decoding, {})[case_id] = score
    return dice


def tune_decoding(
    runs: Iterable[Run], cohort: Cohort
) -> tuple[list[Decoding], dict[str, float]]:
    """Choose on each run's validation patients, and score its test patients so.

    Returns:
        What was chosen for each run; each test patient's Dice, the mean over runs.
    """
    chosen, scores = [], []
    for run in runs:
        ways = _both_parts(run, cohort)
        chosen.append(best_decoding(ways["validation"]))
        dice = ways["test"][chosen[-1]]
        scores.append({case_id: {"dice": score} for case_id, score in dice.items()})
    return chosen, patient_means(scores, "dice")


def _both_parts(run: Run, cohort: Cohort) -> dict[str, DiceByDecoding]:
    model, config = load_model(run, cohort), run.training_config
    return {
        part: dice_by_decoding(model, cohort, run.config["split"][part], config)
        for part in ("validation", "test")
    }


def best_decoding(dice: DiceByDecoding) -> Decoding:
    """Return the threshold and smallest part with the highest mean Dice."""
    return max(dice, key=lambda decoding: float(np.mean([*dice[decoding].values()])))


def _scores(
    cohort: Cohort, case_id: str, probabilities: np.ndarray
) -> dict[Decoding, float]:
    truth, _ = read_mask(cohort.cases[case_id])
    return {
        decoding: dice_score(
            truth, restore_mask(cohort.store, case_id, probabilities, *decoding)
        )
        for decoding in itertools.product(THRESHOLDS, SMALLEST_ML)
    }
