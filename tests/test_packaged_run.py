"""The run that comes with the package: whole, as it was, and of use."""

import re
import shutil
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from brainseg_utils.cases import find_cases
from brainseg_utils.commands.pretraining import pretraining_config
from brainseg_utils.evaluation import dice_score
from brainseg_utils.files import file_digest
from brainseg_utils.phantom import make_phantoms
from brainseg_utils.prediction.case_prediction import predict_case
from brainseg_utils.prediction.trained_runs import (
    describe,
    load_trained,
    validation_dice,
)
from brainseg_utils.pretrained import PACKAGED, PRETRAINED
from brainseg_utils.run_files.model_card import FILE, card_text
from brainseg_utils.run_report import write_run_report
from brainseg_utils.runs import Run
from brainseg_utils.volumes import read_mask

sys.path.append(str(Path(__file__).parents[1] / "tools"))
import packaged_run

ROOT = Path(__file__).parents[1]
# Whose run folders begin with these weights: other ones leave them behind.
WEIGHTS = "c780d0795a2c8db9e707366c774817cbc8545a20f5bf9b86a82cd9b04b538426"
RUN = Run(PACKAGED)


@pytest.fixture(scope="module")
def trained():
    return load_trained("phantom")


def test_its_weights_are_those_that_trainings_started_from():
    assert file_digest(PRETRAINED) == WEIGHTS


def test_it_is_a_finished_run_of_the_recipe_and_patients_that_readme_names():
    assert RUN.done
    assert RUN.training_config == pretraining_config(packaged_run.EPOCHS)
    split = RUN.config["split"]
    counts = {part: len(ids) for part, ids in split.items()}
    assert counts == {"train": 540, "validation": 30, "test": 30}
    assert {part: [*RUN.scores[part]] for part in ("validation", "test")} == {
        part: split[part] for part in ("validation", "test")
    }
    assert 0.8 < validation_dice(RUN) < 1


def test_what_was_not_kept_of_its_training_is_not_made_up(tmp_path):
    assert RUN.history == {}
    assert "history.csv" not in RUN.results()
    page = tmp_path / "run.html"
    write_run_report(page, RUN, None)
    text = page.read_text()
    assert "epoch by epoch, was not kept" in text and "not at hand" in text
    assert all(name in text for name in RUN.scores["test"])


def test_its_card_tells_of_phantoms_and_of_real_patients():
    page = (PACKAGED / FILE).read_text(encoding="utf-8")
    assert page.count(packaged_run.REAL) == 1
    dice = {}
    for part, row in re.findall(r"\| 30 of (\w+) \| (.+) \|", page):
        figures = [float(text) for text in re.split(r" \| | to ", row)]
        dice[part] = dict(zip(("mean", "low", "high"), figures, strict=True))
    assert card_text(RUN, dice) == page.replace(packaged_run.REAL, "")
    assert dice["validation"]["mean"] == pytest.approx(validation_dice(RUN), abs=6e-4)
    # Of the README's table, whose last row is of these weights.
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = re.search(r"\*\*the same by three planes: the package's\*\*.*", readme)[0]
    lowest = min(re.findall(r"0\.\d{3}", row))
    assert f"| 0.868 | {lowest} |" in page and "**0.868**" in row


def test_it_segments_a_phantom_that_it_has_not_seen(trained, tmp_path):
    folder = make_phantoms(tmp_path, 1, seed=0, spacing_mm=2.0)
    (case,), _ = find_cases(folder)
    prediction = predict_case(case, trained)
    truth, _ = read_mask(case)
    # Both lie in this file's axes, which lead to the left and to the back.
    assert dice_score(truth[::-1, ::-1], prediction.mask) > 0.8
    assert not prediction.warnings


def test_it_says_that_it_comes_with_the_package_and_saw_phantoms_alone(trained):
    assert trained.run == RUN
    said = describe(RUN)
    assert said.startswith("cnn2-phantom (comes with brainseg): trained on 540 phantom")
    assert "and no real one" in said and "on such" in said


def test_a_folder_called_phantom_is_named_with_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phantom").mkdir()
    assert load_trained("phantom").run == RUN
    for named in ("./phantom", Path("phantom"), tmp_path / "phantom"):
        with refused("E-RUN", Path(named)):
            load_trained(named)


def test_a_copy_elsewhere_predicts_as_well_and_a_damaged_one_does_not(tmp_path):
    copy = Run(shutil.copytree(PACKAGED, tmp_path / "mine"))
    assert load_trained(copy).run.done
    (copy.folder / "inputs.json").write_text("{}")
    with refused("E-RUN", copy.folder):
        load_trained(copy)


def test_every_file_of_it_is_part_of_an_installation():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)["tool"]["setuptools"]["package-data"]
    patterns = data["brainseg_utils.pretrained"]
    names = [path.relative_to(PACKAGED.parent) for path in PACKAGED.rglob("*")]
    assert len(names) > 6
    for name in names:
        assert any(fnmatch(str(name), pattern) for pattern in patterns), name


def test_its_tool_scores_a_run_without_a_record(tmp_path, monkeypatch):
    """What `brainseg_utils/pretrained/README.md` states goes into the folder."""
    from tiny_cohort import make_tiny_cohort

    cohort = make_tiny_cohort(tmp_path / "cohort")
    run = Run(tmp_path / "cnn2-phantom")
    run.folder.mkdir()
    shutil.copy(PRETRAINED, run.folder)
    monkeypatch.setattr(packaged_run, "PACKAGED", run.folder)
    monkeypatch.setattr(packaged_run, "load_cohort", lambda *_: cohort)
    monkeypatch.setattr("brainseg_utils.commands.pretraining.FOLDS", 4)
    packaged_run.main()
    assert run.done and run.training["seconds"] == pytest.approx(504)
    assert np.array_equal(sorted(run.results()), sorted(RUN.results()))
    assert packaged_run.REAL in (run.folder / FILE).read_text(encoding="utf-8")
