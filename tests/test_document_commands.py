"""Every command of the documents runs: here, in CI, or elsewhere for a reason named."""

import os
import shutil
import subprocess
import sys

import pytest
from command_table import COMMANDS, ELSEWHERE, of, reason
from documents import ROOT, Command
from short_runs import train_one, write_short_notebook

from brainseg_utils.workspace import Workspace


def test_documents_hold_commands_of_every_kind():
    assert len(COMMANDS) > 60
    assert len(of("make")) > 10 and len(of("brainseg")) > 5 and of("python")


def test_every_command_is_tried_here_or_has_its_reason():
    for command in COMMANDS:
        tried = command.words[0] in ("make", "brainseg") or "-c" in command.words
        assert tried or reason(command), f"{command.place}: {command}"
    assert not reason(Command("", (), ("curl", "-O", "http://example.org")))


def test_every_reason_is_in_use_and_its_test_is_there():
    assert set(map(reason, COMMANDS)) - {None} == set(ELSEWHERE)
    for _, test in ELSEWHERE.values():
        assert not test or (ROOT / "tests" / f"{test}.py").is_file(), test


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace in smoke size: patients, a finished run, a short notebook 03."""
    folder = tmp_path_factory.mktemp("home")
    write_short_notebook(folder / "notebooks/03_cnn2.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSEG_PROFILE", "smoke")
        cohort = train_one(Workspace(folder, "smoke"))
    cohort.folder.rename(folder / "patients")
    shutil.copytree(folder / "patients" / min(cohort.cases), folder / "new")
    return folder


@pytest.fixture(scope="module")
def scheduler():
    """The address of a small Dask cluster on this machine."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


def execute(words, home):
    """Run a command of the package in a workspace, in smoke size."""
    environment = {"BRAINSEG_HOME": str(home), "BRAINSEG_PROFILE": "smoke"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=home,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", of("brainseg"), ids=str)
def test_a_command_of_brainseg_runs(command, home, request):
    words = list(command.words[1:])
    here = {"/my/patients": home / "patients", "/my/new-patient": home / "new"}
    here["/my/run"] = next(home.glob("runs/*/runs/cnn2*"))
    if "--dask" in words:
        here["tcp://10.0.0.5:8786"] = request.getfixturevalue("scheduler")
    for place, replacement in here.items():
        words = [word.replace(place, str(replacement)) for word in words]
    words += ["--help"] if len(words) == 1 else []  # Mentioned, and not given in full.
    done = execute(["-m", "brainseg_utils.cli", *words], home)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_command_of_brainseg_that_is_none_fails(home):
    assert execute(["-m", "brainseg_utils.cli", "chekc", home], home).returncode
    assert execute(["-m", "brainseg_utils.cli", "check", home / "no"], home).returncode


@pytest.mark.parametrize("command", of("python"), ids=str)
def test_a_line_of_python_runs(command, home):
    done = execute(command.words[1:], home)
    assert done.returncode == 0, done.stderr
