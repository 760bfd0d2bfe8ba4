"""One notebook at a time, and every way in which it may not come to its end."""

import pytest
from refusals import refusal
from tiny_notebook import executions, write_tiny_notebook

from brainseg_utils.execution.notebook import execute_notebook, failed_path


@pytest.fixture
def notebook(tmp_path):
    return write_tiny_notebook(tmp_path / "tiny {1}.ipynb")


def execute(notebook, tmp_path, **parameters):
    timeout = parameters.pop("timeout", 0)
    output = tmp_path / "out {2}" / "done.ipynb"
    asked = {"folder": str(tmp_path), **parameters}
    execute_notebook(notebook, output, asked, tmp_path, timeout=timeout)
    return output


def test_an_executed_notebook_appears_when_all_of_it_ran(notebook, tmp_path):
    output = execute(notebook, tmp_path, value=3)
    assert executions(tmp_path) == {3: 1}
    assert [path.name for path in output.parent.iterdir()] == ["done.ipynb"]


CAUSES = {
    "raise": ("E-CELL", "ZeroDivisionError: asked to fail"),
    "exit": ("E-CELL", "never ran"),
    "die": ("E-KERNEL", "kernel died"),
    "hang": ("E-TIMEOUT", "was not done after 2 s"),
}


@pytest.mark.parametrize("how", CAUSES)
def test_a_failure_is_told_with_its_cause_and_kept_for_reading(notebook, tmp_path, how):
    code, words = CAUSES[how]
    timeout = 2 if how == "hang" else 0
    error = refusal(lambda: execute(notebook, tmp_path, fail=how, timeout=timeout))
    assert error.code == code and words in str(error)
    assert "cell 2 ('import os')" in str(error)
    output = tmp_path / "out {2}" / "done.ipynb"
    assert [path.name for path in output.parent.iterdir()] == ["done.failed.ipynb"]
    assert error.path == str(failed_path(output))
    assert executions(tmp_path) == {}


def test_success_removes_the_failure_before_it(notebook, tmp_path):
    refusal(lambda: execute(notebook, tmp_path, fail="raise"))
    output = execute(notebook, tmp_path)
    assert [path.name for path in output.parent.iterdir()] == ["done.ipynb"]
