"""The paper's seven claims, each held against the runs: verdict and number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage

from brainseg_utils.comparison import choose_rates
from brainseg_utils.dropout_sweep import DropoutSweep
from brainseg_utils.evaluation import (
    PAPER_BASELINE,
    dice_score,
    mean_interval,
    patient_means,
    read_truth,
)
from brainseg_utils.nifti import read_volume
from brainseg_utils.runs import Run

SIMILAR = 0.05  # Rates whose mean Dice differ by less count as "similar results".
BORDER_VOXELS = 3


def judge_claims(sweep: DropoutSweep, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return `number`, `claim`, `verdict` and `evidence` of each of the paper's claims.

    The verdict is `"reproduced"`, `"in part"` or `"not reproduced"`; where two things
    are compared, the interval of the difference over patients must leave out 0. All
    figures are Dice per patient volume on test patients unless said otherwise.
    """
    return [
        _claim(number, text, *judge(sweep, table))
        for number, (text, judge) in enumerate(_CLAIMS, 1)
    ]


def paired_difference(
    one: Mapping[str, float], other: Mapping[str, float]
) -> dict[str, float | None]:
    """Return mean and 95 % interval over patients of `one - other`.

    Raises:
        ValueError: The patients differ.
    """
    if set(one) != set(other):
        raise ValueError("both scores must be of the same patients")
    differences = [one[case_id] - other[case_id] for case_id in one]
    # mean_interval cuts to [0, 1]; a difference lies in [-1, 1].
    shifted = mean_interval([(d + 1) / 2 for d in differences])
    return {k: None if v is None else 2 * v - 1 for k, v in shifted.items()}


def border_dice(sweep: DropoutSweep, run: Run) -> dict[str, float]:
    """Return each test patient's Dice within `BORDER_VOXELS` of the true border."""
    return {
        case_id: _border_dice(sweep, run, case_id) for case_id in run.scores["test"]
    }


def _border_dice(sweep: DropoutSweep, run: Run, case_id: str) -> float:
    truth = read_truth(sweep.cohort.cases[case_id])[0].astype(bool)
    predicted = read_volume(run.prediction(case_id)).data.astype(bool)
    outer = ndimage.binary_dilation(truth, iterations=BORDER_VOXELS)
    inner = ndimage.binary_erosion(truth, iterations=BORDER_VOXELS)
    band = outer & ~inner
    return dice_score(truth[band], predicted[band])


def _claim(number: int, text: str, parts: list[bool], evidence: str) -> dict[str, Any]:
    verdicts = {True: "reproduced", False: "not reproduced"}
    verdict = verdicts[parts[0]] if len(set(parts)) == 1 else "in part"
    return {"number": number, "claim": text, "verdict": verdict, "evidence": evidence}


def _clearly_positive(difference: Mapping[str, float | None]) -> bool:
    """Tell whether the whole interval lies above 0; the mean, where there is none."""
    low = difference["low"]
    return bool((difference["mean"] if low is None else low) > 0)


def _rates(sweep: DropoutSweep, table: pd.DataFrame, model: str) -> pd.Series:
    """Return the mean over test patients at each dropout rate, full length."""
    full = table[(table["model"] == model) & ~table["half_epochs"]]
    return pd.Series(
        {
            rate: np.mean([*sweep.patient_dice(rows).values()])
            for rate, rows in full.groupby("dropout_rate")
        }
    )


def _listed(rates: pd.Series) -> str:
    return ", ".join(f"{dice:.3f} at {rate:g}" for rate, dice in rates.items())


def _interval(summary: Mapping[str, float | None]) -> str:
    if summary["low"] is None:
        return f"{summary['mean']:+.3f} (one patient, no interval)"
    return f"{summary['mean']:+.3f} ({summary['low']:+.3f} to {summary['high']:+.3f})"


def _figure_one(sweep: DropoutSweep, table: pd.DataFrame) -> tuple[list[bool], str]:
    sequences = sweep.cohort.store.sequences
    shown = f"notebook 01 shows {len(sequences)} sequences and the mask of one patient"
    return [len(sequences) == 4], f"{shown}: {', '.join(sequences)}"


def _cnn1_rates(sweep: DropoutSweep, table: pd.DataFrame) -> tuple[list[bool], str]:
    rates = _rates(sweep, table, "cnn1")
    falls = bool(rates.is_monotonic_decreasing and rates.nunique() > 1)
    low_beat = bool(rates[rates.index < 0.2].min() > PAPER_BASELINE)
    high = rates[rates.index == 0.2]
    fails_at_02 = bool(len(high) and high.iloc[0] <= PAPER_BASELINE)
    return [low_beat, fails_at_02, falls], f"mean Dice {_listed(rates)}"


def _cnn2_rates(sweep: DropoutSweep, table: pd.DataFrame) -> tuple[list[bool], str]:
    rates = _rates(sweep, table, "cnn2")
    full = table[(table["model"] == "cnn2") & ~table["half_epochs"]]
    first, second = _jumps(sweep, full)
    evidence = f"mean Dice {_listed(rates)}; mean change of validation Dice from epoch "
    evidence += f"to epoch {first:.3f} before the switch, {second:.3f} after"
    alike = bool(np.ptp(rates) < SIMILAR)
    return [bool(rates.min() > 0.9), alike, bool(first > second)], evidence


def _jumps(sweep: DropoutSweep, rows: pd.DataFrame) -> tuple[float, float]:
    """Return the mean size of steps in validation Dice in each of the two phases.

    The first three epochs are left out: there the network learns, it does not waver.
    """
    steps = np.abs(np.diff(sweep.curves(rows, "val_dice"), axis=1))
    switch = sweep.switch_epoch("cnn2") or steps.shape[1]
    start = min(3, max(switch - 1, 0))
    halves = steps[:, start : max(switch - 1, start + 1)], steps[:, switch:]
    first, second = (np.nanmean(h) if np.isfinite(h).any() else np.nan for h in halves)
    return float(first), float(second)


def _half_epochs(sweep: DropoutSweep, table: pd.DataFrame) -> tuple[list[bool], str]:
    half = table[table["half_epochs"]]
    rate = half["dropout_rate"].min()
    same = table[(table["dropout_rate"] == rate) & ~table["half_epochs"]]
    full = sweep.patient_dice(same[same["model"] == "cnn2"])
    short = sweep.patient_dice(half)
    plain = sweep.patient_dice(same[same["model"] == "cnn1"])
    loss, gain = paired_difference(full, short), paired_difference(short, plain)
    epochs = f"{half['epochs'].max()} against {same['epochs'].max()} epochs"
    evidence = f"{epochs} lose {_interval(loss)}; and gain on CNN1 {_interval(gain)}"
    return [_clearly_positive(loss), _clearly_positive(gain)], evidence


def _borders(sweep: DropoutSweep, table: pd.DataFrame) -> tuple[list[bool], str]:
    dice = {
        model: patient_means(
            [
                {case_id: {"border": value} for case_id, value in scores.items()}
                for scores in (border_dice(sweep, run) for run in sweep.runs(rows))
            ],
            "border",
        )
        for model, rows in choose_rates(table).groupby("model")
    }
    gain = paired_difference(dice["cnn2"], dice["cnn1"])
    means = {model: np.mean([*values.values()]) for model, values in dice.items()}
    evidence = f"Dice within {BORDER_VOXELS} voxels of the border: "
    evidence += f"CNN1 {means['cnn1']:.3f}, CNN2 {means['cnn2']:.3f}, {_interval(gain)}"
    return [_clearly_positive(gain)], evidence


def _best_rates(sweep: DropoutSweep, table: pd.DataFrame) -> tuple[list[bool], str]:
    full = table[~table["half_epochs"]]
    dice = full.groupby(["model", "dropout_rate"])["validation_dice"].mean()
    best = {model: dice[model].idxmax() for model in ("cnn1", "cnn2")}
    evidence = "best on validation patients: "
    evidence += ", ".join(f"{model.upper()} {rate:g}" for model, rate in best.items())
    return [rate == 0 for rate in best.values()], evidence


def _cnn2_better(sweep: DropoutSweep, table: pd.DataFrame) -> tuple[list[bool], str]:
    chosen = choose_rates(table)
    dice = {m: sweep.patient_dice(rows) for m, rows in chosen.groupby("model")}
    gain = paired_difference(dice["cnn2"], dice["cnn1"])
    spread = {m: float(np.std([*d.values()])) for m, d in dice.items()}
    evidence = f"CNN2 - CNN1 {_interval(gain)}; deviation between patients "
    evidence += f"CNN1 {spread['cnn1']:.3f}, CNN2 {spread['cnn2']:.3f}"
    return [_clearly_positive(gain), spread["cnn2"] < spread["cnn1"]], evidence


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
