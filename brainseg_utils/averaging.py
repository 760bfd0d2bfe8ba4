"""One set of masks, five figures called Dice: they differ in what is averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainseg_utils.evaluation import patient_means

# The way to average, as figures name it. Empty in both counts 1 in all of them, and
# each is the mean over patients of what `evaluation.score_mask` gives, but the last.
WAYS = {
    "dice_volume": "per patient volume",
    "dice_slice": "mean over all slices",
    "dice_tumour_slice": "mean over slices with tumour",
    "dice_batch": "mean over batches of 16",
    "dice_pooled": "pooled over all voxels",
}


def average_each_way(scores: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the same masks' Dice by each of `WAYS`.

    Args:
        scores: One `{id: scores}` for each run, from `evaluation.score_mask`. A patient
            whom several runs tested counts once, with the mean over them.
    """
    means = {way: average(scores, way) for way in WAYS if way != "dice_pooled"}
    return {**means, "dice_pooled": dice_pooled(scores)}


def name_ways(entry: Mapping[str, Any]) -> dict[str, float]:
    """Return the Dice of an entry of `summary.json` by each way's name."""
    figures = {**entry, "dice_volume": entry["dice_volume"]["mean"]}
    return {name: figures[way] for way, name in WAYS.items()}


def average(scores: Sequence[Mapping[str, Any]], figure: str) -> float:
    """Return a figure's mean over patients, each patient's over runs taken first."""
    return float(np.mean([*patient_means(scores, figure).values()]))


def dice_pooled(scores: Sequence[Mapping[str, Any]]) -> float:
    """Return the Dice of all patients' voxels together: large tumours decide it."""
    overlap = sum(patient_means(scores, "overlap_voxels").values())
    voxels = sum(patient_means(scores, "mask_voxels").values())
    return 2 * overlap / voxels if voxels else 1.0
