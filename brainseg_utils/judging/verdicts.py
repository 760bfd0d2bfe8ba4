"""When a comparison counts: differences over patients, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage, stats

from brainseg_utils.dropout_sweep import DropoutSweep
from brainseg_utils.evaluation import dice_score
from brainseg_utils.nifti import read_volume
from brainseg_utils.runs import Run
from brainseg_utils.volumes import read_mask

BORDER_VOXELS = 3
SETTLING = 3  # In the first epochs a network learns; it does not waver yet.
ANSWERS = {True: "yes", False: "no", None: "open"}


def is_positive(difference: Mapping[str, float | None]) -> bool | None:
    """Tell whether a difference lies above 0; None where its interval holds 0."""
    low, high = difference["low"], difference["high"]
    if low is None or low <= 0 <= high:
        return None
    return low > 0


def varies_less(one: Sequence[float], other: Sequence[float]) -> bool | None:
    """Tell whether `one` spreads less than `other`; None where chance may explain it.

    Brown-Forsythe test at 5 %, which does not ask for normal scores.
    """
    if min(len(one), len(other)) < 3:
        return None
    if not stats.levene(one, other, center="median").pvalue < 0.05:
        return None
    return bool(np.std(one) < np.std(other))


def all_alike(differences: np.ndarray) -> bool | None:
    """Tell whether all runs say more than 0; None where they disagree or one is NaN."""
    if (differences > 0).all():
        return True
    return False if (differences <= 0).all() else None


def verdict(parts: Mapping[str, bool | None]) -> str:
    """Return what the answers to a claim's parts say of the whole."""
    answers = set(parts.values())
    if answers == {True}:
        return "reproduced"
    if True in answers:
        return "in part"
    return "not reproduced" if False in answers else "open"


def state(
    number: int, claim: str, parts: Mapping[str, bool | None], figures: str
) -> dict[str, Any]:
    """Return a row of the table of claims."""
    answers = "; ".join(f"{part}: {ANSWERS[holds]}" for part, holds in parts.items())
    return {
        "number": number,
        "claim": claim,
        "verdict": verdict(parts),
        "evidence": f"{answers} ({figures})",
    }


def describe(difference: Mapping[str, float | None]) -> str:
    """Return a difference with its interval in words."""
    mean, low, high = (difference[key] for key in ("mean", "low", "high"))
    if low is None:
        return f"{mean:+.3f}, one patient"
    return f"{mean:+.3f}, {low:+.3f} to {high:+.3f}"


def phase_jumps(
    curves: np.ndarray, switch_epoch: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return each run's mean step from epoch to epoch before and after the switch.

    Args:
        curves: `[run, epoch]`, NaN after a run's end.
        switch_epoch: First epoch of the second phase, from 0; None without one.

    Returns:
        Two arrays `[run]`, NaN where a phase has no step to measure. The steps while
        the network settles, and the one across the switch, belong to neither.
    """
    steps = np.abs(np.diff(curves, axis=1))
    switch = steps.shape[1] + 1 if switch_epoch is None else switch_epoch
    phases = steps[:, SETTLING : max(switch - 1, 0)], steps[:, switch:]
    return tuple(
        np.array(
            [np.mean(r[np.isfinite(r)]) if np.isfinite(r).any() else np.nan for r in p]
        )
        for p in phases
    )


def border_dice(sweep: DropoutSweep, run: Run) -> dict[str, float]:
    """Return Dice within `BORDER_VOXELS` of the true border, for patients with one."""
    return {
        case_id: _border_dice(sweep, run, case_id)
        for case_id, scores in run.scores["test"].items()
        if scores["tumour_ml"] > 0
    }


def _border_dice(sweep: DropoutSweep, run: Run, case_id: str) -> float:
    truth = read_mask(sweep.cohort.cases[case_id])[0].astype(bool)
    predicted = read_volume(run.prediction(case_id)).data.astype(bool)
    outer = ndimage.binary_dilation(truth, iterations=BORDER_VOXELS)
    inner = ndimage.binary_erosion(truth, iterations=BORDER_VOXELS)
    band = outer & ~inner
    return dice_score(truth[band], predicted[band])
