import json
from datetime import date
from pathlib import Path

import pytest
from refusals import refusal
from tiny_notebook import write_notebook

from brainseg_utils.execution.parameters import check_parameters, notebook_parameters

ROOT = Path(__file__).parents[1]


@pytest.fixture
def notebook(tmp_path):
    return write_notebook(tmp_path / "tiny {1}.ipynb")


def test_defaults_are_read_from_the_notebook(notebook):
    found = notebook_parameters(notebook)
    assert (found["value"], found["rate"], found["folder"]) == (1, 0.5, "")
    assert (found["options"], found["rates"]) == ({}, [])


def test_whole_number_serves_for_a_fraction(notebook):
    check_parameters(notebook, {"rate": 1})


def test_everything_that_json_can_hold_passes(notebook):
    options = {"a": [1, 2.5, "x", None, True, {"b": []}]}
    check_parameters(notebook, {"options": options, "rates": [0.0, 0.1]})


@pytest.mark.parametrize(
    ("name", "value"),
    [("value", "1"), ("value", True), ("value", 1.0), ("rate", "x"), ("rates", (1,))],
)
def test_a_wrong_type_is_refused_with_what_was_wanted(notebook, name, value):
    error = refusal(check_parameters, notebook, {name: value})
    assert (error.code, error.path) == ("E-PARAM", name)
    assert repr(value) in error.what


def test_an_unknown_name_is_refused_with_the_nearest_one(notebook):
    error = refusal(check_parameters, notebook, {"vlaue": 3})
    assert error.code == "E-PARAM" and error.path == "vlaue"
    assert "Did you mean value?" in error.remedy and "rate" in error.remedy


def test_a_name_like_no_other_gets_no_guess(notebook):
    error = refusal(check_parameters, notebook, {"xyzzy": 3})
    assert "Did you mean" not in error.remedy


HOSTILE_NAMES = [
    "value\nimport os; os.mkdir('canary')",
    "x = __import__('os').mkdir('canary') #",
    "value; import os",
    "__builtins__",
    "",
    None,
    3,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_code_in_a_name_is_refused(notebook, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(check_parameters, notebook, {name: 1}).code == "E-PARAM"
    assert not (tmp_path / "canary").exists()


class Pretender(str):
    pass


HOSTILE_VALUES = [
    ("folder", Path('/data/a"; import os; x="')),
    ("folder", Pretender("x")),
    ("folder", b"bytes"),
    ("options", {"a": Path("/x")}),
    ("options", {"a": {"b": [object()]}}),
    ("options", {1: "a"}),
    ("options", {Pretender("a"): 1}),
    ("rates", [0.1, float("nan")]),
    ("rates", [(1, 2)]),
    ("rates", [date(2026, 1, 1)]),
    ("rate", float("inf")),
    ("value", None),
]


@pytest.mark.parametrize(("name", "value"), HOSTILE_VALUES)
def test_what_json_cannot_hold_is_refused(notebook, name, value):
    error = refusal(check_parameters, notebook, {name: value})
    assert (error.code, error.path) == ("E-PARAM", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [("dropout_rate", 1.0), ("epochs", 0), ("image_size", -3), ("on_bad", "ignore")],
)
def test_a_value_out_of_range_is_refused_before_anything_runs(name, value):
    path = ROOT / "notebooks" / "03_cnn2.ipynb"
    error = refusal(check_parameters, path, {name: value})
    assert (error.code, error.path) == ("E-PARAM", name)


def test_an_untagged_notebook_is_refused(notebook):
    content = json.loads(notebook.read_text())
    content["cells"][0]["metadata"] = {}
    notebook.write_text(json.dumps(content))
    error = refusal(notebook_parameters, notebook)
    assert "no cell tagged 'parameters'" in str(error)


def test_a_default_that_is_no_literal_is_refused(notebook):
    content = notebook.read_text().replace("value: int = 1", "value: int = abs(-1)")
    notebook.write_text(content)
    error = refusal(notebook_parameters, notebook)
    assert error.code == "E-NOTEBOOK" and "abs(-1)" in str(error)
