"""WRONG on purpose: what a split by slices, not by patients, would add to Dice.

Dealt as single slices, a test patient's tumour lies in training as well, a millimetre
further. Nothing else in the package splits like this; here it is done to measure what
it flatters by. One network is trained twice, with as many patients, slices with and
without tumour, and steps, and scored on the same slices. All that differs is whose
slices it learned from: in one case the test patients' own others are among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from brainseg_utils.averaging import average
from brainseg_utils.callbacks import Schedule, StopOnNaN
from brainseg_utils.cohorts import Cohort
from brainseg_utils.compute import Compute
from brainseg_utils.config import TrainingConfig
from brainseg_utils.evaluation import dice_per_batch, dice_score, patient_means
from brainseg_utils.files import read_json, value_digest, write_json
from brainseg_utils.fitting.compiling import build_model, compile_model
from brainseg_utils.fitting.sampling import draw_batches
from brainseg_utils.intervals import paired_difference
from brainseg_utils.judging.slice_deals import SPLITS, Deal, deal_slices
from brainseg_utils.judging.verdicts import describe, is_positive
from brainseg_utils.masks.predictions import predict_slices
from brainseg_utils.pipelines import make_feed
from brainseg_utils.plans import identity_of, resolve, split_of
from brainseg_utils.store import SliceStore
from brainseg_utils.workspace import Workspace

VERSION = 1  # Raise it whenever the same configuration would give other figures.
LEARNING_RATE = 3e-3  # Highest of one cycle: rates for long trainings are too low.


def compare_splits(
    config: TrainingConfig,
    cohort: Cohort,
    workspace: Workspace,
    slices: int,
    seeds: Sequence[int],
    folds: Sequence[int],
    report: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Train and score with both splits, for each fold and seed.

    What is finished is kept in `slice-split.json` of the workspace's runs, by a digest
    of configuration and patients, and not repeated.

    Args:
        config: The network; its schedule and length are replaced.
        cohort: Patients and slices; the folds' validation patients are not used.
        workspace: Where results are kept.
        slices: Slices in each training: so many steps times the batch size.
        seeds: Seeds of deal, weights, order and augmentation.
        folds: Folds of patients, each with test patients of its own.
        report: Takes a line for each pair of trainings.

    Returns:
        For each pair `fold`, `seed`, `train_slices` (how many different ones), and for
        each of `SPLITS` `{id: {"dice", "dice_slice"}}`: of a patient's held-out slices
        on the store's grid, pooled, and as a mean where both empty count 1.

    Raises:
        BrainSegError: `E-NAN`, `E-DISK`, `E-CACHE-GONE`.
    """
    if workspace.profile == "smoke":
        seeds = seeds[:1]
    path = workspace.runs / "slice-split.json"
    kept = read_json(path) if path.is_file() else {}
    pairs = []
    for fold, seed in ((int(f), int(s)) for f in folds for s in seeds):
        short = shorten(replace(config, fold=fold, seed=seed), slices)
        key = value_digest({"slice_split": VERSION, **identity_of(short, cohort)})
        if key not in kept:
            report(f"fold {fold}, seed {seed}: two trainings of {slices} slices")
            kept[key] = _train_both(short, cohort, path)
            write_json(path, kept)
        pairs.append(kept[key])
    return pairs


def shorten(config: TrainingConfig, slices: int) -> TrainingConfig:
    """Return a training of so many slices in one cycle, whose last weights are kept.

    There are no validation patients: to choose an epoch by would be another leak.
    """
    cycle = {"schedule": "one-cycle", "learning_rate": LEARNING_RATE, "keep": "last"}
    one_phase = {"fine_learning_rate": 0.0, "epochs": 1, "minutes": 0.0}
    one_phase |= {"weight_average": 0.0, "settle": False, "rehearsal_share": 0.0}
    # Held-out slices would be seen together with those that were learned.
    one_phase |= {"neighbours": 0, "planes": "axial"}
    return resolve(replace(config, slices_per_epoch=slices, **one_phase, **cycle))


def summarise_pairs(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what pairs of trainings say, the mean over each patient's pairs first.

    Returns:
        `dice`: `{id: Dice of held-out slices}` for each of `SPLITS`; `dice_slice`: its
        mean for each; `difference`: of slices minus patients in `dice`, as
        `intervals.paired_difference` has it.
    """
    scores = {name: [pair[name] for pair in pairs] for name in SPLITS}
    dice = {name: patient_means(runs, "dice") for name, runs in scores.items()}
    return {
        "dice": dice,
        "dice_slice": {name: average(s, "dice_slice") for name, s in scores.items()},
        "difference": paired_difference(dice["slices"], dice["patients"]),
    }


def describe_pairs(summary: Mapping[str, Any]) -> str:
    """Say in words what `summarise_pairs` returned."""
    dice = [np.mean([*summary["dice"][name].values()]) for name in SPLITS]
    per_slice = [summary["dice_slice"][name] for name in SPLITS]
    answer = {
        True: "The split by slices flatters.",
        False: "The split by slices does not flatter here.",
        None: "Chance alone could do that: these patients do not tell.",
    }
    difference = summary["difference"]
    return (
        f"Dice of held-out slices, mean of {len(summary['dice']['slices'])} patients: "
        f"{dice[0]:.3f} split by patients, {dice[1]:.3f} split by slices; "
        f"difference {describe(difference)} (95 % interval), p = {difference['p']:.3f}."
        f" As a mean over slices: {per_slice[0]:.3f} and {per_slice[1]:.3f}."
        f" {answer[is_positive(difference)]}"
    )


def _train_both(config: TrainingConfig, cohort: Cohort, path: Path) -> dict[str, Any]:
    deal = deal_slices(cohort.store, split_of(config, cohort), config.seed)
    facts = {"fold": config.fold, "seed": config.seed}
    facts["train_slices"] = len(deal.train["patients"])
    return facts | {
        name: _score(_train(config, cohort.store, rows, path), config, cohort, deal)
        for name, rows in deal.train.items()
    }


def _train(
    config: TrainingConfig, store: SliceStore, rows: np.ndarray, path: Path
) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    compute = Compute(strategy="one")
    with compute.scope():
        model = build_model(config, store)
        compile_model(model, config, compute.jit_compile)
    count = config.batch_size, config.slices_per_epoch
    batches = draw_batches(config, store, rows, *count)
    schedule = Schedule(config.schedule, config.learning_rate, batches.steps)
    try:
        callbacks = [schedule, StopOnNaN(batches, path)]
        model.fit(make_feed(batches), shuffle=False, callbacks=callbacks, verbose=0)
    except Exception as error:
        for failure in batches.failures:
            raise failure from error
        raise
    return model


def _score(
    model: keras.Model, config: TrainingConfig, cohort: Cohort, deal: Deal
) -> dict[str, dict[str, float]]:
    store, scores = cohort.store, {}
    for case_id, rows in deal.held_out.items():
        places = rows - store.case(case_id)["start"]
        found = predict_slices(model, store, case_id, config)[places]
        pair = store.masks[rows], found >= config.threshold
        per_slice = float(dice_per_batch(*pair, batch_size=1).mean())
        scores[case_id] = {"dice": dice_score(*pair), "dice_slice": per_slice}
    return scores
