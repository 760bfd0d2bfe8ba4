"""The paper's seven claims, each held against the runs: verdict and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from brainseg_utils.comparison import choose_rates
from brainseg_utils.dropout_sweep import DropoutSweep
from brainseg_utils.evaluation import PAPER_BASELINE, patient_means
from brainseg_utils.intervals import paired_difference
from brainseg_utils.judging.verdicts import (
    BORDER_VOXELS,
    all_alike,
    border_dice,
    describe,
    is_positive,
    phase_jumps,
    state,
    varies_less,
)

SIMILAR = 0.05  # Rates whose mean Dice differ by less count as "similar results".


def judge_claims(sweep: DropoutSweep, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return `number`, `claim`, `verdict` and `evidence` of each of the paper's claims.

    A claim's parts are answered yes, no or open: where two things are compared, open
    means that the 95 % interval of the difference over patients holds 0. The verdict is
    `"reproduced"` (all yes), `"in part"`, `"not reproduced"` or `"open"`. Figures are
    Dice per patient volume on test patients unless said otherwise.
    """
    return [
        state(number, claim, *judge(sweep, table))
        for number, (claim, judge) in enumerate(_CLAIMS, 1)
    ]


def _dice_by_rate(
    sweep: DropoutSweep, table: pd.DataFrame, model: str, part: str = "test"
) -> dict[float, dict[str, float]]:
    """Return each patient's Dice at each dropout rate, over full-length runs."""
    full = table[(table["model"] == model) & ~table["half_epochs"]]
    return {
        float(rate): patient_means(
            [run.scores[part] for run in sweep.runs(rows)], "dice_volume"
        )
        for rate, rows in full.groupby("dropout_rate")
    }


def _means(dice: dict[float, dict[str, float]]) -> pd.Series:
    return pd.Series({rate: np.mean([*of.values()]) for rate, of in dice.items()})


def _listed(means: pd.Series) -> str:
    return ", ".join(f"{dice:.3f} at {rate:g}" for rate, dice in means.items())


def _figure_one(sweep: DropoutSweep, table: pd.DataFrame) -> tuple:
    sequences = sweep.cohort.store.sequences
    return {"shown in notebook 01": len(sequences) == 4}, ", ".join(sequences)


def _cnn1_rates(sweep: DropoutSweep, table: pd.DataFrame) -> tuple:
    dice = _dice_by_rate(sweep, table, "cnn1")
    means = _means(dice)
    low, high = means[means.index < 0.2], means[means.index == 0.2]
    fall = paired_difference(dice[min(dice)], dice[max(dice)])
    parts = {
        "above 0.60 below rate 0.2": bool(low.min() > PAPER_BASELINE),
        "not above it at 0.2": bool(high.iloc[0] <= PAPER_BASELINE)
        if len(high)
        else None,
        "worse with more": is_positive(fall),
    }
    return parts, f"{_listed(means)}; lowest rate - highest {describe(fall)}"


def _cnn2_rates(sweep: DropoutSweep, table: pd.DataFrame) -> tuple:
    means = _means(_dice_by_rate(sweep, table, "cnn2"))
    full = table[(table["model"] == "cnn2") & ~table["half_epochs"]]
    first, second = phase_jumps(
        sweep.curves(full, "val_dice"), sweep.switch_epoch("cnn2")
    )
    parts = {
        "above 0.90 at every rate": bool(means.min() > 0.9),
        "alike": bool(np.ptp(means) < SIMILAR),
        "unsteadier before the switch": all_alike(first - second),
    }
    jumps = f"{np.mean(first):.3f} before and {np.mean(second):.3f} after the switch"
    return parts, f"{_listed(means)}; validation Dice moves by {jumps} an epoch"


def _half_epochs(sweep: DropoutSweep, table: pd.DataFrame) -> tuple:
    half = table[table["half_epochs"]]
    same = table[(table["dropout_rate"] == half["dropout_rate"].min())]
    same = same[~same["half_epochs"]]
    short = sweep.patient_dice(half)
    loss = paired_difference(sweep.patient_dice(same[same["model"] == "cnn2"]), short)
    gain = paired_difference(short, sweep.patient_dice(same[same["model"] == "cnn1"]))
    parts = {"worse": is_positive(loss), "better than CNN1": is_positive(gain)}
    lengths = f"{same['epochs'].max()} - {half['epochs'].max()} epochs"
    return parts, f"{lengths} {describe(loss)}; over CNN1 {describe(gain)}"


def _borders(sweep: DropoutSweep, table: pd.DataFrame) -> tuple:
    dice = {}
    for model, rows in choose_rates(table).groupby("model"):
        runs = [border_dice(sweep, run) for run in sweep.runs(rows)]
        scores = [{name: {"border": v} for name, v in of.items()} for of in runs]
        dice[model] = patient_means(scores, "border")
    gain = paired_difference(dice["cnn2"], dice["cnn1"])
    means = {model: np.mean([*of.values()]) for model, of in dice.items()}
    figures = f"Dice within {BORDER_VOXELS} voxels of the border: CNN1 "
    figures += f"{means['cnn1']:.3f}, CNN2 {means['cnn2']:.3f}, gain {describe(gain)}"
    return {"CNN2 follows borders better": is_positive(gain)}, figures


def _best_rates(sweep: DropoutSweep, table: pd.DataFrame) -> tuple:
    best = {m: _best_rate(sweep, table, m) for m in ("cnn1", "cnn2")}
    parts = {model.upper(): holds for model, (holds, _) in best.items()}
    figures = [f"{model.upper()} {words}" for model, (_, words) in best.items()]
    return parts, f"best on validation patients: {'; '.join(figures)}"


def _best_rate(
    sweep: DropoutSweep, table: pd.DataFrame, model: str
) -> tuple[bool | None, str]:
    dice = _dice_by_rate(sweep, table, model, "validation")
    means = _means(dice).sort_values(ascending=False)
    if len(means) < 2:
        return None, f"only {means.index[0]:g} was tried"
    first, second = means.index[:2]
    ahead = paired_difference(dice[first], dice[second])
    holds = None if is_positive(ahead) is None else bool(first == 0)
    return holds, f"{first:g}, ahead of {second:g} by {describe(ahead)}"


def _cnn2_better(sweep: DropoutSweep, table: pd.DataFrame) -> tuple:
    chosen = choose_rates(table)
    dice = {m: sweep.patient_dice(rows) for m, rows in chosen.groupby("model")}
    gain = paired_difference(dice["cnn2"], dice["cnn1"])
    one, other = [*dice["cnn1"].values()], [*dice["cnn2"].values()]
    parts = {
        "more accurate": is_positive(gain),
        "more robust": varies_less(other, one),
    }
    spread = f"deviation between patients {np.std(one):.3f} and {np.std(other):.3f}"
    return parts, f"CNN2 - CNN1 {describe(gain)}; {spread}"


_CLAIMS = (
    ("Fig. 1: the four sequences and the mask of one case", _figure_one),
    (
        "Fig. 2: CNN1 beats 0.60 at low dropout, not at 0.2; more dropout, worse Dice",
        _cnn1_rates,
    ),
    (
        "Fig. 3: CNN2 is above 0.90 at every rate, all similar; unsteady before the "
        "phase switch",
        _cnn2_rates,
    ),
    ("Fig. 4: half the epochs are worse, but still better than CNN1", _half_epochs),
    ("Fig. 5: CNN1 loses the borders, CNN2 follows them", _borders),
    ("The best dropout rate is 0.0 for both", _best_rates),
    ("CNN2 is more accurate and more robust than CNN1", _cnn2_better),
)
