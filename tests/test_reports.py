"""The pages of one patient and of one run, opened in a browser."""

import re
from dataclasses import replace

import numpy as np
import pytest
from browser import requests, visit, wait_for, widths
from nibabel.affines import from_matvec
from refusals import refusal
from tiny_cohort import make_tiny_cohort
from trainings import CONFIG, run_training

from brainseg_utils.case_report import (
    measure_rows,
    view_prediction,
    write_case_report,
)
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import dice_score, evaluate_run
from brainseg_utils.fitting.compiling import load_model
from brainseg_utils.nifti import read_volume, write_volume
from brainseg_utils.prediction.case_prediction import CasePrediction
from brainseg_utils.prediction.case_views import view_case
from brainseg_utils.prediction.measures import measure
from brainseg_utils.run_report import ranked, score_rows, write_run_report
from brainseg_utils.volumes import read_mask, read_sequence

ODD = "<img src=x onerror=alert(1)>"
WARNING = BrainSegError("W-ODD", ODD, "is odd.", "Look at it.")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def run(cohort, tmp_path_factory):
    config = replace(CONFIG, epochs=2)
    run = run_training(cohort, tmp_path_factory.mktemp("runs"), config, verbose=False)
    evaluate_run(run, load_model(run, cohort), cohort)
    return run


@pytest.fixture(scope="module")
def prediction(cohort):
    case = replace(cohort.cases["P1"], id=ODD)
    truth, affine = read_mask(case)
    mask = np.roll(truth, 1, axis=0)
    # As a file has it whose axes lead to the left and to the back.
    mask, affine = mask[::-1, ::-1], affine @ np.diag([-1, -1, 1, 1])
    affine[:2, 3] = [count - 1 for count in mask.shape[:2]]
    probability = mask * np.float32(0.6)
    size = measure(mask, affine)
    return CasePrediction(
        case, mask, probability, affine, 0.5, size, (WARNING,), grid=None
    )


def opened(chrome, path):
    """Open a page; return its text after checking that it needs nothing else."""
    visit(chrome, path)
    for frame in chrome.find_elements("css selector", "iframe"):
        chrome.switch_to.frame(frame)
        wait_for(chrome, "return document.querySelector('output').textContent")
        chrome.switch_to.default_content()
    assert chrome.get_log("browser") == []
    assert requests(chrome) == [path.as_uri()]
    assert min(widths(chrome)) > 0
    return chrome.find_element("css selector", "body").text


def test_a_patients_page_shows_pictures_measures_warnings_and_model(
    chrome, tmp_path, prediction, run
):
    path = tmp_path / "patient.html"
    write_case_report(path, prediction, run, view_prediction(prediction))
    text = opened(chrome, path)
    assert len(widths(chrome)) == 4
    assert ODD in text  # As text, and not as an image.
    assert "W-ODD" in text
    assert f"{prediction.measures.volume_ml:.1f} ml" in text
    assert "no medical device" in text
    assert "95 % interval" in text
    assert run.folder.name in text


def test_a_runs_page_shows_scores_pictures_and_curves(chrome, tmp_path, cohort, run):
    path = tmp_path / "run.html"
    write_run_report(path, run, cohort.cases)
    text = opened(chrome, path)
    scores = run.scores["test"]
    assert len(widths(chrome)) == 1 + len(ranked(scores))
    for name, of in scores.items():
        assert re.search(rf"{name} {of['dice_volume']:.3f} {of['hd95_mm']:.1f}", text)


def test_the_mask_lies_on_the_patient_however_it_is_stored(prediction):
    view = view_prediction(prediction)
    truth, _ = read_mask(prediction.case)
    shifted = np.roll(truth, 1, axis=0)
    assert dice_score(view.truth, view.mask) == dice_score(truth, shifted)
    rows = dict(measure_rows(prediction, view))
    assert rows["Dice with the reference mask"] == f"{dice_score(truth, shifted):.3f}"
    # All of the mask has probability 0.6, and the rest 0.
    assert rows["in doubt (between 0.25 and 0.75)"] == rows["volume"]


def test_what_lies_on_another_grid_is_brought_onto_the_first_ones(tmp_path, cohort):
    case = cohort.cases["P1"]
    truth, affine = read_mask(case)
    arrays = {"seg": truth, "t2": read_sequence(case, "t2").data}
    for name, array in arrays.items():
        # Three planes more at the back.
        larger = np.pad(array, ((0, 0), (3, 0), (0, 0)))
        place = affine @ from_matvec(np.eye(3), (0, -3, 0))
        write_volume(tmp_path / f"{name}.nii.gz", larger, place)
    sequences = {**case.sequences, "t2": tmp_path / "t2.nii.gz"}
    elsewhere = replace(case, sequences=sequences, mask=tmp_path / "seg.nii.gz")
    view, wanted = (view_case(one, truth, affine) for one in (elsewhere, case))
    assert np.array_equal(view.truth, wanted.truth)
    assert np.allclose(view.images["t2"], wanted.images["t2"], atol=1e-3)


def test_predicted_masks_of_a_run_are_shown_as_they_were_scored(cohort, run):
    for name, of in run.scores["test"].items():
        mask, affine = read_volume(run.prediction(name))
        view = view_case(cohort.cases[name], mask, affine)
        assert dice_score(view.truth, view.mask) == pytest.approx(of["dice_volume"])


def test_a_patient_who_is_not_there_is_named(tmp_path, run):
    refused = refusal(write_run_report, tmp_path / "run.html", run, {})
    assert refused.code == "E-MISSING"
    assert not (tmp_path / "run.html").exists()


def scored(**dice):
    rest = dict.fromkeys(("hd95_mm", "surface_dice", "tumour_ml", "predicted_ml"), 1)
    return {name: {"dice_volume": value, **rest} for name, value in dice.items()}


def test_best_median_and_worst_are_different_patients_or_left_out():
    three = scored(a=0.2, b=0.9, c=0.5)
    assert ranked(three) == {"best": "b", "median": "c", "worst": "a"}
    assert ranked(scored(a=0.2, b=0.9)) == {"best": "b", "worst": "a"}
    assert ranked(scored(a=0.2)) == {"best": "a"}
    assert [row[0] for row in score_rows(three)] == ["patient", "b", "c", "a"]
