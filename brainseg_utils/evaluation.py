"""Score runs by Dice and surfaces per patient volume, and by other ways to average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.cohorts import Cohort
from brainseg_utils.drive.mirror import Mirror
from brainseg_utils.files import write_json
from brainseg_utils.intervals import bootstrap_interval
from brainseg_utils.masks.predictions import predict_mask
from brainseg_utils.masks.surfaces import hd95, surface_dice
from brainseg_utils.nifti import write_volume
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.run_files.model_card import write_model_card
from brainseg_utils.runs import Run
from brainseg_utils.store import SliceStore
from brainseg_utils.volumes import read_mask

if TYPE_CHECKING:
    import keras

PAPER_BASELINE = 0.60  # The Dice that the paper sets out to beat.
TOLERANCE_MM = 1.0  # Within which two surfaces count as one, in surface Dice.


def dice_score(mask_true: np.ndarray, mask_pred: np.ndarray) -> float:
    """Return `2 * |A and B| / (|A| + |B|)` of two masks of one shape.

    Both empty give 1; only the truth empty gives 0: the rule of the BraTS challenge.

    Raises:
        ValueError: The shapes differ.
    """
    return float(_dice(*_overlap_and_total(mask_true, mask_pred, None)))


def dice_per_slice(mask_true: np.ndarray, mask_pred: np.ndarray) -> np.ndarray:
    """Return the Dice of each axial slice of two `[x, y, z]` masks, as `[z]`.

    Slices empty in both count 1, which is why predicting nothing scores well here.
    """
    return _dice(*_overlap_and_total(mask_true, mask_pred, (0, 1)))


def dice_per_batch(
    mask_true: np.ndarray, mask_pred: np.ndarray, batch_size: int = 16
) -> np.ndarray:
    """Return the pooled Dice of each batch of `[slice, height, width]` masks.

    Neighbouring slices make a batch, as in a validation set that is not shuffled; the
    mean of such batches is what a metric averaged inside `evaluate` amounts to.
    """
    _check_one_shape(mask_true, mask_pred)
    starts = range(0, len(mask_true), batch_size)
    pairs = [
        (mask_true[i : i + batch_size], mask_pred[i : i + batch_size]) for i in starts
    ]
    return np.array([dice_score(*pair) for pair in pairs])


def score_mask(
    case: Case, store: SliceStore, mask: np.ndarray, slices: np.ndarray
) -> dict[str, float]:
    """Return the scores of one patient's predicted mask.

    Where one of mask and truth is empty, Dice and surface Dice are 0 and `hd95_mm` is
    the volume's diagonal; where both are, 1 and 0 mm. Distances are between surface
    elements, the `"areas"` of `masks.surfaces.hd95`, as BraTS has them since 2023.

    Args:
        case: The patient.
        store: Where its slices lie.
        mask: `[x, y, z]` of 0 and 1, at full resolution: scored as volume and slices.
        slices: `[slice, height, width]` of 0 and 1 on the store's grid: as batches.

    Returns:
        Dice as `dice_volume`, as means over the patient's slices (`dice_slice`), over
        those with tumour (`dice_tumour_slice`; the volume's where there is none) and
        over batches (`dice_batch`), what a Dice of several patients pooled consists of
        (`overlap_voxels`, `mask_voxels` of truth and mask), `hd95_mm`, `surface_dice`
        within `TOLERANCE_MM`, and volumes in ml.
    """
    truth, _ = read_mask(case)
    record = store.case(case.id)
    spacing = record["spacing_mm"]
    truth_slices = store.masks[record["start"] : record["stop"]]
    overlap, total = _overlap_and_total(truth, mask, None)
    return {
        "dice_volume": dice_score(truth, mask),
        "dice_slice": float(dice_per_slice(truth, mask).mean()),
        "dice_tumour_slice": _dice_of_tumour_slices(truth, mask),
        "dice_batch": float(dice_per_batch(truth_slices, slices).mean()),
        "overlap_voxels": int(overlap),
        "mask_voxels": int(total),
        "hd95_mm": hd95(truth, mask, spacing, elements="areas"),
        "surface_dice": surface_dice(truth, mask, spacing, TOLERANCE_MM),
        "tumour_ml": record["tumour_ml"],
        "predicted_ml": float(mask.sum() * np.prod(spacing) / 1000),
    }


def evaluate_run(run: Run, model: keras.Model, cohort: Cohort) -> dict[str, Any]:
    """Score a run on its validation and test patients and complete its folder.

    Writes `scores.json`, the test patients' predicted masks, what a new patient must be
    like, the model card, and last the completion record. A run that has its record is
    read and not scored again; one that an earlier version scored is, from its weights.

    Returns:
        `{"validation": {id: scores}, "test": {id: scores}}`, see `score_mask`.

    Raises:
        BrainSegError: `E-SYNC` where `BRAINSEG_MIRROR` could not be brought up to date;
            the local run is whole.
    """
    with run.locked():
        if not run.done:
            score_run(run, model, cohort)
        mirror = Mirror.of(run)
        mirror.keep_results()
        mirror.check()
    return run.scores


def score_run(run: Run, model: keras.Model, cohort: Cohort, masks: bool = True) -> None:
    """Do the work of `evaluate_run` in a folder that nobody else uses, without a copy.

    Predicted masks of test patients are kept where `masks` is set.
    """
    scores: dict[str, Any] = {}
    config = run.training_config
    for part in ("validation", "test"):
        scores[part] = {}
        for case_id in run.config["split"][part]:
            slices, mask = predict_mask(model, cohort.store, case_id, config)
            case = cohort.cases[case_id]
            scores[part][case_id] = score_mask(case, cohort.store, mask, slices)
            if masks and part == "test":
                write_volume(run.prediction(case_id), mask, read_mask(case)[1])
    write_json(run.folder / "scores.json", scores)
    RunInputs.of(cohort.store, run.config["split"]["train"]).write(run.folder)
    write_model_card(run, {part: _mean_dice(of) for part, of in scores.items()})
    run.finish()


def _mean_dice(scores: dict[str, Any]) -> dict[str, float | None]:
    return bootstrap_interval(score["dice_volume"] for score in scores.values())


def patient_means(scores: Sequence[dict[str, Any]], figure: str) -> dict[str, float]:
    """Average a figure over runs, patient by patient.

    Args:
        scores: One `{id: scores}` for each run; over folds the ids differ.
        figure: Such as `"dice_volume"`.

    Returns:
        The mean for each patient, keyed by id: patients and not runs are the sample.
    """
    ids = sorted({case_id for run in scores for case_id in run})
    return {
        case_id: float(
            np.mean([run[case_id][figure] for run in scores if case_id in run])
        )
        for case_id in ids
    }


def _dice_of_tumour_slices(mask_true: np.ndarray, mask_pred: np.ndarray) -> float:
    shown = np.any(mask_true, axis=(0, 1))
    if not shown.any():
        return dice_score(mask_true, mask_pred)
    return float(dice_per_slice(mask_true[..., shown], mask_pred[..., shown]).mean())


def _check_one_shape(mask_true: np.ndarray, mask_pred: np.ndarray) -> None:
    if mask_true.shape != mask_pred.shape:
        raise ValueError(
            f"masks must have one shape. Got: {mask_true.shape}, {mask_pred.shape}"
        )


def _overlap_and_total(
    mask_true: np.ndarray, mask_pred: np.ndarray, axis: tuple[int, ...] | None
) -> tuple[np.ndarray, np.ndarray]:
    _check_one_shape(mask_true, mask_pred)
    true, pred = np.asarray(mask_true, bool), np.asarray(mask_pred, bool)
    overlap = np.count_nonzero(true & pred, axis)
    return overlap, np.count_nonzero(true, axis) + np.count_nonzero(pred, axis)


def _dice(overlap: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.where(total > 0, 2 * overlap / np.maximum(total, 1), 1.0)
