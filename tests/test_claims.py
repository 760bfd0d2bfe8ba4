"""Claims over made-up runs: CNN2 predicts the truth, CNN1 a border too many."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tiny_cohort import make_tiny_cohort

from brainseg_utils.claims import judge_claims
from brainseg_utils.comparison import (
    choose_rates,
    runs_of_median_patient,
    summarise,
    summarise_controls,
)
from brainseg_utils.dropout_sweep import DropoutSweep, read_results, write_results
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import score_mask
from brainseg_utils.files import write_json
from brainseg_utils.nifti import write_volume
from brainseg_utils.runs import SCORES_VERSION
from brainseg_utils.splits import split_cases
from brainseg_utils.volumes import read_mask
from brainseg_utils.workspace import Workspace

ROOT = Path(__file__).parents[1]
# Best dropout rate on validation patients, by model and fold.
BEST = {("cnn1", 0): 0.0, ("cnn1", 1): 0.2, ("cnn2", 0): 0.2, ("cnn2", 1): 0.0}


class MadeUpWorkspace(Workspace):
    """Runs in a temporary folder, notebooks of the checkout."""

    @property
    def notebooks(self):
        return ROOT / "notebooks"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    root = tmp_path_factory.mktemp("work")
    sweep = DropoutSweep(MadeUpWorkspace(root, "test"), {})
    sweep.cohort = make_tiny_cohort(root)
    for point in sweep.points([0.0, 0.2], [0], [0, 1]):
        write_run(sweep, sweep.config_of(point), sweep.run_of(point))
    return sweep


@pytest.fixture(scope="module")
def table(sweep):
    return sweep.table(sweep.points([0.0, 0.2], [0], [0, 1]))


def write_run(sweep, config, run):
    split = split_cases(sweep.cohort.store.tumour_ml, config.fold)
    scores = {"validation": {}, "test": {}}
    for part in scores:
        for case_id in getattr(split, part):
            scores[part][case_id] = predict(sweep, config, run, case_id)
    best = BEST[config.model, config.fold] == config.dropout_rate
    for score in scores["validation"].values():
        score["dice_volume"] = 0.9 if best else 0.5
    write_json(run.folder / "scores.json", scores)
    known = {"epochs": config.epochs, "split": split.as_dict()}
    write_json(run.folder / "config.json", known)
    write_json(run.folder / "training.json", {"seconds": 1.0, "peak_memory_mb": 1.0})
    history = ["epoch,val_dice", *(f"{e},{0.5 + e / 100}" for e in range(10))]
    (run.folder / "history.csv").write_text("\n".join(history) + "\n")
    for name in ("weights.npz", "inputs.json", "MODEL_CARD.md"):
        (run.folder / name).touch()
    run.finish()


def predict(sweep, config, run, case_id):
    case, store = sweep.cohort.cases[case_id], sweep.cohort.store
    mask, affine = read_mask(case)
    if config.model == "cnn1":
        mask = ndimage.binary_dilation(mask).astype(np.uint8)
    write_volume(run.prediction(case_id), mask, affine)
    slices = store.masks[store.rows([case_id])]
    return score_mask(case, store, mask, slices)


def test_every_claim_gets_a_row_in_order(sweep, table):
    claims = judge_claims(sweep, table)
    assert [claim["number"] for claim in claims] == [1, 2, 3, 4, 5, 6, 7]
    assert all(claim["evidence"] for claim in claims)


def test_perfect_borders_are_told_from_swollen_ones(sweep, table):
    borders = judge_claims(sweep, table)[4]
    assert borders["verdict"] == "reproduced"
    assert "CNN2 1.000" in borders["evidence"]


def test_rates_that_predict_alike_leave_the_question_open(sweep, table):
    cnn1 = judge_claims(sweep, table)[1]
    assert "worse with more: open" in cnn1["evidence"]


def test_rate_that_was_not_run_is_open_and_not_refuted(sweep, table):
    cnn1 = judge_claims(sweep, table[table["dropout_rate"] != 0.2])
    assert "not above it at 0.2: open" in cnn1[1]["evidence"]


def test_both_models_of_the_picture_tested_the_same_patient(sweep, table):
    chosen = choose_rates(table)
    first = {m: rows.iloc[0]["fold"] for m, rows in chosen.groupby("model")}
    assert len(set(first.values())) == 2, "the trap must be set: first folds differ"
    case_id, runs = runs_of_median_patient(sweep, chosen)
    assert all(run.prediction(case_id).is_file() for run in runs.values())
    assert len({run.config["split"]["test"][0] for run in runs.values()}) == 1


def test_controls_are_scored_on_the_models_patients(sweep, table):
    chosen = choose_rates(table)
    controls = summarise_controls(sweep, chosen)
    tested = set(sweep.patient_dice(chosen))
    for control in controls.values():
        assert set(control["dice_volume"]["patients"]) == tested


def test_summary_has_the_fields_that_others_rely_on(sweep, table):
    summary = summarise(sweep, table, [])
    assert set(summary["models"]) == {"cnn1", "cnn2"}
    assert set(summary["controls"]) == {"predict_nothing", "best_threshold"}
    for model in summary["models"].values():
        assert {"dice_volume", "dice_slice", "dice_batch", "seconds"} <= set(model)
        assert {"mean", "low", "high", "patients"} == set(model["dice_volume"])
    assert {"claims", "seed", "peak_memory_mb", "versions"} <= set(summary)
    assert summary["models"]["cnn2"]["dice_volume"]["mean"] == 1.0
    assert summary["controls"]["predict_nothing"]["dice_volume"]["mean"] == 0.0


def test_results_are_read_back_as_they_were_written(sweep, table):
    write_results(sweep, table)
    again, read = read_results(sweep.workspace)
    assert again.overrides == sweep.overrides
    assert read["run"].tolist() == table["run"].tolist()


def test_results_of_runs_that_an_earlier_version_scored_are_refused(sweep, table):
    write_results(sweep, table)
    record = sweep.runs(table)[1].folder / "done.json"
    whole = record.read_text()
    now = f'"scores_version": {SCORES_VERSION}'
    record.write_text(whole.replace(now, '"scores_version": 1'))
    with pytest.raises(BrainSegError, match="1 of its 10 runs .* earlier version"):
        read_results(sweep.workspace)
    record.write_text(whole)
    assert len(read_results(sweep.workspace)[1]) == len(table)


def test_empty_table_does_not_replace_results(sweep, table):
    write_results(sweep, table)
    with pytest.raises(BrainSegError, match="no run finished"):
        write_results(sweep, table[:0])
    assert len(read_results(sweep.workspace)[1]) == len(table)
