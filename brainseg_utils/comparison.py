"""CNN1 against CNN2 and the controls: what notebook 05 reads out of finished runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from brainseg_utils.averaging import average, average_each_way
from brainseg_utils.dropout_sweep import DropoutSweep
from brainseg_utils.evaluation import patient_means
from brainseg_utils.intervals import bootstrap_interval
from brainseg_utils.judging.controls import best_threshold, predict_nothing
from brainseg_utils.machine import describe_machine, peak_memory_mb, versions
from brainseg_utils.runs import Run
from brainseg_utils.splits import Split


def choose_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Keep each model's full-length runs at its best dropout rate, fold by fold.

    Best is the highest mean over seeds of Dice on the fold's own validation patients;
    the test patients have no say.
    """
    full = table[~table["half_epochs"]]
    keys = ["model", "fold", "dropout_rate"]
    dice = full.groupby(keys)["validation_dice"].mean().reset_index()
    best = dice.loc[dice.groupby(["model", "fold"])["validation_dice"].idxmax(), keys]
    return full.merge(best, on=keys)


def summarise_scores(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Summarise runs' test scores: Dice in each way, per volume with its interval.

    Args:
        scores: One `{id: scores}` for each run, from `evaluation.score_mask`.

    Returns:
        Each of `averaging.WAYS`, and `hd95_mm` and `surface_dice` as means over
        patients. `dice_volume` is a dictionary: the interval and each patient's.
    """
    dice = patient_means(scores, "dice_volume")
    surfaces = {name: average(scores, name) for name in ("hd95_mm", "surface_dice")}
    interval = {**bootstrap_interval(dice.values()), "patients": dice}
    return {**average_each_way(scores), "dice_volume": interval, **surfaces}


def summarise_models(sweep: DropoutSweep, chosen: pd.DataFrame) -> dict[str, Any]:
    """Summarise the chosen runs of each model; seconds are the mean of one training."""
    return {
        model: {
            **summarise_scores([run.scores["test"] for run in sweep.runs(rows)]),
            "seconds": float(rows["seconds"].mean()),
            "dropout_rate": {
                str(fold): float(rate)
                for fold, rate in zip(rows["fold"], rows["dropout_rate"], strict=True)
            },
        }
        for model, rows in chosen.groupby("model")
    }


def summarise_controls(sweep: DropoutSweep, chosen: pd.DataFrame) -> dict[str, Any]:
    """Score the two controls on the splits of the chosen runs, once for each fold."""
    runs = sweep.runs(chosen.drop_duplicates("fold"))
    splits = [
        Split(**{part: tuple(ids) for part, ids in run.config["split"].items()})
        for run in runs
    ]
    thresholds = [best_threshold(sweep.cohort, split) for split in splits]
    return {
        "predict_nothing": summarise_scores(
            [predict_nothing(sweep.cohort, split) for split in splits]
        ),
        "best_threshold": {
            **summarise_scores([scores for _, scores in thresholds]),
            "z_scores": [threshold for threshold, _ in thresholds],
        },
    }


def runs_of_median_patient(
    sweep: DropoutSweep, chosen: pd.DataFrame
) -> tuple[str, dict[str, Run]]:
    """Return the test patient with the median Dice of CNN2, and who predicted it.

    Returns:
        The case id, and for each model its first chosen run that tested this patient.
    """
    dice = sweep.patient_dice(chosen[chosen["model"] == "cnn2"])
    case_id = sorted(dice, key=dice.get)[len(dice) // 2]
    runs = {
        model: next(r for r in sweep.runs(rows) if case_id in r.scores["test"])
        for model, rows in chosen.groupby("model")
    }
    return case_id, runs


def summarise(
    sweep: DropoutSweep, table: pd.DataFrame, claims: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return everything that `summary.json` holds."""
    chosen = choose_rates(table)
    peaks = [run.training["peak_memory_mb"] for run in sweep.runs(table)]
    return {
        "models": summarise_models(sweep, chosen),
        "controls": summarise_controls(sweep, chosen),
        "claims": list(claims),
        "seed": int(table["seed"].min()),
        "seeds": int(table["seed"].nunique()),
        "folds": int(table["fold"].nunique()),
        "cohort": {"name": sweep.cohort.name, "patients": len(sweep.cohort.cases)},
        "profile": sweep.workspace.profile,
        "peak_memory_mb": round(max([*peaks, peak_memory_mb()])),
        "machine": describe_machine(),
        "date": time.strftime("%Y-%m-%d"),
        "versions": versions(),
    }
