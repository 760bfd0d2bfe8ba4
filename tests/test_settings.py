from pathlib import Path

import pytest

from brainseg_utils.errors import BrainSegError
from brainseg_utils.suite.settings import (
    check_settings,
    parameters_for,
    read_parameters,
)

KNOWN = {
    "02_cnn1": {"epochs": 10, "seed": 0, "learning_rate": 0.1},
    "03_cnn2": {"epochs": 14, "seed": 0, "learning_rate": 0.1},
    "04_dropout_sweep": {"seeds": [0], "folds": [], "overrides": {}},
}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs=3", 3),
        ("rate=1e-4", 1e-4),
        ("seeds=[1, 2]", [1, 2]),
        ("on_bad=exclude", "exclude"),
        ("on_bad='exclude'", "exclude"),
        ("sequences=[t1,flair]", ["t1", "flair"]),
        ("code=__import__('os')", "__import__('os')"),
    ],
)
def test_settings_are_values_and_never_code(setting, value):
    parameters = read_parameters(Path("nowhere"), "quick", "", [setting])
    assert parameters == {"profile": "quick", setting.split("=")[0]: value}


@pytest.mark.parametrize(
    "bad",
    [
        "epochs",
        "epochs=",
        "epochs=[1",
        "a b=1",
        "=1",
        "profile=paper",
    ],
)
def test_setting_that_is_none_is_refused(bad):
    with pytest.raises(BrainSegError, match="E-PARAM"):
        read_parameters(Path("nowhere"), "quick", "", [bad])


def test_unknown_profile_is_refused(tmp_path):
    with pytest.raises(BrainSegError, match="no such profile"):
        read_parameters(tmp_path, "papr", "", [])


def test_relative_folder_means_the_callers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parameters = read_parameters(tmp_path, "quick", "patients", [])
    assert parameters["data_dir"] == str(tmp_path / "patients")


def test_sweep_passes_on_what_its_notebooks_know():
    known = {
        "02_cnn1": {"epochs": 1},
        "03_cnn2": {"fine_learning_rate": 1.0},
        "04_dropout_sweep": {"overrides": {}, "seeds": []},
    }
    asked = {"epochs": 2, "fine_learning_rate": 0.1, "seeds": [1]}
    assert parameters_for("04_dropout_sweep", asked, known) == {
        "seeds": [1],
        "overrides": {"epochs": 2, "fine_learning_rate": 0.1},
    }
    assert parameters_for("02_cnn1", asked, known) == {"epochs": 2}


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 3, "learning_rate": 1},
        {"seeds": [1, 2]},
        {"folds": [1]},  # The sweep's list; a training's number of folds is another.
    ],
)
def test_settings_that_fit_are_accepted(settings):
    check_settings(settings, KNOWN)


def test_type_is_checked_before_anything_runs():
    with pytest.raises(BrainSegError, match="seeds: wanted list.*got 3"):
        check_settings({"seeds": 3}, KNOWN)


def test_value_that_makes_no_training_is_refused():
    with pytest.raises(BrainSegError, match="epochs: wanted at least 1, got 0"):
        check_settings({"epochs": 0}, KNOWN)


def test_what_the_sweep_varies_is_not_silently_overridden():
    with pytest.raises(BrainSegError, match="Set seeds instead"):
        check_settings({"seed": 3}, KNOWN)


STUDY = {
    "epochs": 6,
    "learning_rate": 0.1,
    "frozen_blocks": 2,
    "folds": [],
    "seeds": [],
}


def test_parameters_of_further_notebooks_are_known_where_these_are_wanted():
    with pytest.raises(BrainSegError, match="frozen_blocks.*none of the notebooks"):
        check_settings({"frozen_blocks": 1}, KNOWN)
    further = {**KNOWN, "06_learning_rates": STUDY}
    check_settings({"frozen_blocks": 1, "folds": [0, 1]}, further)
    with pytest.raises(BrainSegError, match="frozen_blocks: wanted 0 or more, got -1"):
        check_settings({"frozen_blocks": -1}, further)
