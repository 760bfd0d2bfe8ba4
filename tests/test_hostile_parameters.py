"""Values that would like to be code: none runs, and each arrives as it was."""

import json
import os

import pytest
from refusals import refusal
from tiny_notebook import write_notebook

from brainseg_utils.cli import main
from brainseg_utils.drive.copies import copy_folder
from brainseg_utils.execution.notebook import execute_notebook
from brainseg_utils.execution.parameters import (
    MAX_LENGTH,
    check_parameters,
    parse_setting,
)
from brainseg_utils.runs import Run
from brainseg_utils.workspace import open_workspace

CODE = "import os; os.mkdir('struck')"
TEXTS = (
    f'"; {CODE}; x = "',
    f"'; {CODE}; x = '",
    f'"""\n{CODE}\n"""',
    f"\n{CODE}\n",
    f"\r{CODE}",
    f"\\\n{CODE}",
    f"\u2028{CODE}\u2029",
    f"\x0c{CODE}\x00",
    '\\"; ' + CODE + " #",
    "\\x22; " + CODE + " #",
    "\\N{QUOTATION MARK}; " + CODE + " #",
    "＂; " + CODE,  # Wide letters, which some make plain ones.
    "\u202e" + CODE,
    "{__import__('os').mkdir('struck')}",
    "{{ cycler.__init__.__globals__.os.mkdir('struck') }}",
    "%(struck)s%n",
    "__import__('os').mkdir('struck')",
    "$(mkdir struck)",
    "`mkdir struck`",
    "; mkdir struck #",
    "| mkdir struck",
    "!mkdir struck",
    "\n!mkdir struck\n",
    "\n%system mkdir struck\n",
    "%%bash\nmkdir struck",
    "--help",
    "../../struck",
    "None",
    "a" * 3000,
)
CHECK = """import json
from pathlib import Path

Path(folder, "arrived.json").write_text(json.dumps([options, rates]))"""
OPTIONS = {"texts": list(TEXTS)} | {text: text for text in TEXTS}


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Return a notebook that writes down what arrived, in a folder where nothing is."""
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return write_notebook(tmp_path / "tiny.ipynb", CHECK)


def arrived(folder):
    assert not [path for path in folder.rglob("*") if "struck" in path.name]
    return json.loads((folder / "arrived.json").read_text())


def test_texts_come_to_a_notebook_as_they_were(notebook, tmp_path):
    asked = {"folder": str(tmp_path), "options": OPTIONS, "rates": list(TEXTS)}
    execute_notebook(notebook, tmp_path / "out.ipynb", asked, tmp_path)
    assert arrived(tmp_path) == [OPTIONS, list(TEXTS)]


def test_texts_come_through_a_sweep_as_they_were(notebook, tmp_path):
    few = [text for text in TEXTS if len(text) < 100 and "\0" not in text]
    settings = [f"folder={tmp_path}", f"rates={few!r}"]
    assert main(["sweep", str(notebook), "--set", *settings]) == 0
    assert arrived(tmp_path) == [{}, few]


@pytest.mark.parametrize("text", TEXTS)
def test_a_setting_is_a_value_whatever_is_in_it(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse_setting(f"folder={text!r}") == ("folder", text)
    try:
        _, value = parse_setting(f"folder={text}")
        assert type(value) in (str, list, dict, type(None))
    except Exception as error:
        assert type(error).__name__ == "BrainSegError"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    [
        *("-" * 3000 + "1", "[" * 1000, "{" * 1000, "'''", "*a"),
        *("!!python/object/apply:os.mkdir [struck]", "!!python/name:os.mkdir"),
        *("[&a [x, x], &b [*a, *a], &c [*b, *b]]", "{{}: 1}", "\0"),
        "a" * (MAX_LENGTH + 1),
    ],
)
def test_what_is_no_value_is_refused_in_a_moment(value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = refusal(parse_setting, f"options={value}")
    assert error.code == "E-PARAM" and len(str(error)) < 400
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_text_are_refused_before_anything_runs(notebook):
    text = os.fsdecode(b"caf\xe9")  # As a shell hands over a name from another system.
    for asked in ({"folder": text}, {"options": {text: 1}}, {"rates": [text]}):
        assert refusal(check_parameters, notebook, asked).code == "E-PARAM"


@pytest.mark.parametrize(
    "text", ["quick/../..", "/tmp", "..", "a\0b", "", f"a\n{CODE}"]
)
def test_a_profile_is_a_name_and_never_a_path(text):
    assert refusal(open_workspace, text).code == "E-PROFILE"


@pytest.mark.parametrize("text", [text for text in TEXTS if "\0" not in text])
def test_variables_of_the_environment_are_never_code(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAINSEG_PROFILE", text)
    assert refusal(open_workspace).code == "E-PROFILE"
    monkeypatch.setenv("BRAINSEG_MIRROR", text)
    run = Run(tmp_path / "runs" / "quick" / "runs" / "a")
    assert refusal(copy_folder, run).code == "E-PARAM"
    assert list(tmp_path.iterdir()) == []
