from dataclasses import replace

import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils import studies
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.studies import Study
from brainseg_utils.workspace import Workspace

PLAIN = TrainingConfig("cnn1", filters=2, epochs=2, slices_per_epoch=32, patience=2)
VARIANTS = {"plain": PLAIN, "fast": replace(PLAIN, learning_rate=1e-2)}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def lines():
    return []


@pytest.fixture(scope="module")
def study(cohort, lines, tmp_path_factory):
    study = Study(
        cohort,
        Workspace(tmp_path_factory.mktemp("work"), "test"),
        VARIANTS,
        seeds=[0, 1],
        folds=[0, 1],
    )
    study.run(lines.append)
    return study


def made(cohort, folder, **changes):
    whole = {"variants": VARIANTS, "seeds": [0], "folds": [0], **changes}
    return Study(cohort, Workspace(folder, "test"), **whole)


def test_every_variant_meets_every_seed_and_fold(study):
    for name in VARIANTS:
        runs = study.runs(name)
        assert len({run.folder for run in runs}) == 4
        assert all(run.done for run in runs)
        met = {(run.config["seed"], run.config["fold"]) for run in runs}
        assert met == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_line_a_run_counts_them_and_tells_the_time_left(study, lines):
    assert len(lines) == 8
    assert lines[0].startswith("1 of 8  plain, fold 0, seed 0: validation Dice 0.")
    assert " left" in lines[0] and lines[-1].endswith("about 0 s left")


def test_variants_meet_one_seed_before_the_next(lines, study):
    met = [line.split("  ")[1].split(":")[0] for line in lines[:4]]
    assert met == [
        "plain, fold 0, seed 0",
        "fast, fold 0, seed 0",
        "plain, fold 0, seed 1",
        "fast, fold 0, seed 1",
    ]


def test_what_is_done_is_not_trained_again(study, monkeypatch):
    monkeypatch.setattr(studies, "load_model", None)
    before = [run.folder.stat().st_mtime_ns for run in study.runs("fast")]
    lines = []
    study.run(lines.append)
    assert all(line.endswith("there already") for line in lines)
    assert before == [run.folder.stat().st_mtime_ns for run in study.runs("fast")]


def test_an_interrupted_study_goes_on_with_what_is_missing(cohort, tmp_path):
    made(cohort, tmp_path, variants={"plain": PLAIN}).run(str)
    lines = []
    made(cohort, tmp_path).run(lines.append)
    assert lines[0].endswith("there already") and lines[1].endswith("0 s left")


def test_patients_are_means_over_seeds_of_the_test_part(study):
    dice = study.patient_dice("plain")
    runs = [run for run in study.runs("plain") if run.config["fold"] == 0]
    (case_id,) = runs[0].config["split"]["test"]
    scores = [run.scores["test"][case_id]["dice_volume"] for run in runs]
    assert len(dice) == 2, "one test patient in each of two folds"
    assert dice[case_id] == pytest.approx(np.mean(scores))


def test_curves_have_a_row_a_run(study):
    assert study.curves("fast", "val_dice").shape == (4, 2)


def test_table_holds_scores_intervals_and_paired_differences(study):
    table = study.table("plain")
    one, other = (study.patient_dice(name) for name in ("fast", "plain"))
    assert list(table.index) == ["plain", "fast"]
    assert table.loc["fast", "dice"] == pytest.approx(np.mean([*one.values()]))
    difference = np.mean([one[i] - other[i] for i in one])
    assert table.loc["fast", "difference"] == pytest.approx(difference)
    assert (table["low"] <= table["dice"]).all()
    assert (table["runs"] == 4).all() and (table["seconds"] > 0).all()
    compared = ["difference", "difference_low", "difference_high", "p"]
    assert table.loc["plain", compared].isna().all(), "nothing to compare with itself"


def test_seeds_lie_as_far_apart_as_their_means(study):
    runs = {0: [], 1: []}
    for run in study.runs("fast"):
        scores = run.scores["test"].values()
        runs[run.config["seed"]] += [score["dice_volume"] for score in scores]
    spread = abs(np.mean(runs[0]) - np.mean(runs[1]))
    assert study.table("plain").loc["fast", "seed_spread"] == pytest.approx(spread)


def test_unknown_reference_is_refused(study):
    with pytest.raises(ValueError, match="one of \\['plain', 'fast'\\]. Got: 'plane'"):
        study.table("plane")


@pytest.mark.parametrize("name", ["variants", "seeds"])
def test_a_study_of_nothing_is_refused(cohort, tmp_path, name):
    with pytest.raises(BrainSegError, match=f"E-PARAM.*{name}.*at least one"):
        made(cohort, tmp_path, **{name: []})


def test_a_small_cohort_leaves_every_patient_out_once(cohort, tmp_path):
    assert made(cohort, tmp_path, folds=[]).folds == [0, 1, 2, 3]


def test_smoke_keeps_two_variants_one_seed_one_fold(cohort, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSEG_PROFILE", "smoke")
    more = {**VARIANTS, "third": replace(PLAIN, learning_rate=1e-5)}
    study = made(cohort, tmp_path, variants=more, seeds=[3, 4], folds=[])
    assert list(study.variants) == ["plain", "fast"]
    assert (study.seeds, study.folds) == ([3], [0])
    assert study.variants["fast"] == VARIANTS["fast"].shrunk_for_smoke()


def test_steps_compare_each_variant_with_the_one_before(study):
    steps, table = study.steps(["fast", "plain"]), study.table("fast")
    assert [*steps.index] == ["fast", "plain"]
    assert np.isnan(steps.loc["fast", "difference"])
    for figure in ("dice", "difference", "difference_low", "p", "seconds"):
        assert steps.loc["plain", figure] == table.loc["plain", figure]
