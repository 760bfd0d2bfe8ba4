import re

import pytest

from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import write_json
from brainseg_utils.planning.recipes import RECOMMENDED
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.run_files.model_card import card_text, write_model_card
from brainseg_utils.runs import Run

INPUTS = RunInputs(
    sequences=("t1ce", "flair"),
    crop_size=192,
    image_size=96,
    spacing_mm=(1.0, 1.0, 1.0),
    brain_ml=(1100.0, 1700.0),
    percentiles=((0.0,) * 5,) * 2,
    correlations=((1.0, 0.5), (0.5, 1.0)),
    farthest=0.5,
)
DICE = {
    "validation": {"mean": 0.912, "low": 0.881, "high": 0.943},
    "test": {"mean": 0.873, "low": None, "high": None},
}


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "cnn2_x")
    split = {"train": ["A", "B", "C"], "validation": ["D", "E"], "test": ["F"]}
    config = vars(TrainingConfig("cnn2", recipe="recommended", seed=7))
    write_json(
        run.folder / "config.json", {**config, "cohort": "upenn-gbm", "split": split}
    )
    facts = {"parameters": 488097, "versions": {"python": "3.11.7", "keras": "3.15.1"}}
    write_json(run.folder / "training.json", facts)
    INPUTS.write(run.folder)
    return run


def test_it_says_what_on_whom_how_good_and_what_not_for(run):
    write_model_card(run, DICE)
    page = (run.folder / "MODEL_CARD.md").read_text()
    assert page == card_text(run, DICE)
    for told in (
        "CNN2, 16 filters in its first level, 488,097 weights",
        "t1ce, flair, skull-stripped",
        "96 x 96 pixels of 2 mm",
        "1100 to 1700 ml",
        "Patients of upenn-gbm",
        "3 to train on, 2 to validate on, 1 to test on",
        "| 2 of validation | 0.912 | 0.881 to 0.943 |",
        "| 1 of test | 0.873 | one patient has none |",
        "no medical device",
        "- keras: 3.15.1",
        "- seed: 7",
        "# cnn2_x",
        "brainseg predict PATIENT --run FOLDER",
    ):
        assert told in " ".join(page.split()) or told in page, told


def test_every_choice_of_the_recipe_is_listed(run):
    page = card_text(run, DICE)
    for name in RECOMMENDED:
        assert re.search(f"^- {name}: ", page, re.MULTILINE), name
    assert "- loss: dice+bce" in page


def test_phantoms_are_told_from_patients(run):
    told = "trained on synthetic ones"
    assert told not in card_text(run, DICE)
    write_json(run.folder / "config.json", {**run.config, "cohort": "phantom-0-1mm"})
    assert told in " ".join(card_text(run, DICE).split())
