import sys

import pandas as pd
import pytest
from refusals import refusal
from tiny_notebook import executions, write_tiny_notebook

from brainseg_utils.cli import main
from brainseg_utils.sweep import open_executor


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    return write_tiny_notebook(tmp_path / "tiny.ipynb")


def sweep(notebook, *arguments):
    fixed = f"folder={notebook.parent}"
    return main(["sweep", str(notebook), "--set", fixed, *arguments])


def test_a_grid_ends_with_its_table_and_csv(notebook, capsys):
    assert sweep(notebook, "--grid", "value=[2,3]", "--seeds", "0", "1") == 0
    path = notebook.parent / "home" / "runs" / "sweeps" / "tiny" / "results.csv"
    table = pd.read_csv(path)
    assert table["square"].tolist() == [4, 4, 9, 9]
    assert table["seed"].tolist() == [0, 1, 0, 1]
    said = capsys.readouterr().out
    assert "square" in said and "results.csv" in said


def test_a_failure_makes_the_command_fail_and_the_rest_is_kept(notebook, capsys):
    out = str(notebook.parent / "out")
    assert sweep(notebook, "--grid", 'fail=["","raise"]', "--to", out) == 1
    assert executions(notebook.parent) == {1: 1}
    assert "asked to fail" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--grid", "vlaue=[1]"], "Did you mean value?"),
        (["--grid", "value=1"], "wanted a list of values"),
        (["--grid", "value=[]"], "wanted a list of values"),
        (["--grid", "value"], "wanted name=value"),
        (["--grid", "value=['a']"], "wanted int"),
        (["--grid", "__import__('os').mkdir('canary')=[1]"], "wanted name=value"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(
    notebook, arguments, words, capsys
):
    assert sweep(notebook, *arguments) == 1
    assert words in capsys.readouterr().err
    assert executions(notebook.parent) == {}


def test_a_notebook_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["sweep", str(tmp_path / "no.ipynb")]) == 1
    assert "E-NOTEBOOK" in capsys.readouterr().err


def test_dask_is_asked_for_by_name_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    error = refusal(open_executor("tcp://127.0.0.1:9").__enter__)
    assert error.code == "E-DASK" and "pip install distributed" in error.remedy
