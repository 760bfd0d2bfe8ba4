"""Every target of make in the documents is there, and CI makes it or says why not."""

import re
import shlex
import subprocess

import pytest
from command_table import of, reason
from documents import ROOT

from brainseg_utils.cli import main
from brainseg_utils.suite import running as suite


def rules():
    """Return what each target of the Makefile needs or calls."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z]+):(?! export)([^#\n]*).*\n((?:\t.*\n)*)", text, re.M)
    return {
        target: {*needs.split(), *re.findall(r"\$\(MAKE\) (\w+)", recipe)}
        for target, needs, recipe in found
    }


def targets_of_ci():
    """Return all targets that CI makes, those that others need included."""
    files = [ROOT / ".ci/run", *(ROOT / ".github/workflows").glob("*.yml")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    reached, pending = set(), re.findall(r"^[^#\n]*\bmake (\w+)", text, re.M)
    while pending:
        target = pending.pop()
        if target in rules() and target not in reached:
            reached.add(target)
            pending += rules()[target]
    return reached


@pytest.mark.parametrize("command", of("make", elsewhere=True), ids=str)
def test_a_target_of_make_is_there_and_ci_makes_it(command):
    target = command.words[1]
    assert target in rules(), command.place
    assert target in targets_of_ci() or reason(command), command.place


def test_ci_makes_what_the_readme_begins_with_and_no_target_that_is_not_there():
    assert {"run", "test", "docs", "notebooks"} <= targets_of_ci() <= set(rules())


class Started(Exception):
    """The first notebook was about to be executed."""


def make_run(monkeypatch, tmp_path, *variables):
    """Do what `make run` would do, up to the first notebook; return the exit status."""
    # Started by `make test`, make would tell where it is.
    command = ["make", "-n", "--no-print-directory", "run", *variables]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    line = said.stdout.strip().splitlines()[-1]

    def start(*arguments):
        raise Started

    monkeypatch.setattr(suite, "execute_notebook", start)
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    program, *arguments = shlex.split(line)
    assert program.endswith("/brainseg")
    return main(arguments)


@pytest.mark.parametrize(
    "command", [one for one in of("make") if one.words[1] == "run"], ids=str
)
def test_make_run_takes_its_settings(command, monkeypatch, tmp_path):
    with pytest.raises(Started):
        make_run(monkeypatch, tmp_path, *command.words[2:])


def test_make_run_refuses_a_setting_that_is_none(monkeypatch, tmp_path):
    assert make_run(monkeypatch, tmp_path, "SET=epcohs=3") == 1
