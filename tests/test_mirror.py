"""The copy of a run on a drive that comes and goes; no TensorFlow here."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builds import contents
from refusals import refusal

from brainseg_utils import files, mirror
from brainseg_utils.files import write_json, write_text
from brainseg_utils.mirror import MANIFEST, Mirror
from brainseg_utils.runs import Run
from brainseg_utils.states import State, write_state

PLACE = Path("runs", "quick", "runs", "cnn1_x")


@pytest.fixture(autouse=True)
def drive(tmp_path, monkeypatch):
    folder = tmp_path / "drive"
    folder.mkdir()
    monkeypatch.setenv("BRAINSEG_MIRROR", str(folder))
    monkeypatch.setattr(mirror.time, "sleep", lambda seconds: None)
    return folder


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "home" / PLACE)
    write_json(run.folder / "config.json", {"model": "cnn1"})
    write_text(run.folder / "history.csv", "epoch\n1\n")
    keep_epoch(run, 1)
    return run


def keep_epoch(run, number):
    write_state(run.states, State(number, {"w": np.full(5, number)}, {}))


def finish(run):
    for name in ("training.json", "weights.npz", "scores.json"):
        write_text(run.folder / name, name)
    write_text(run.folder / "predictions" / "P1.nii.gz", "mask")
    run.finish()


def fresh(run, tmp_path):
    """The same run on a machine that has nothing yet."""
    return Run(tmp_path / "other machine" / PLACE)


def of(run, lines=None):
    return Mirror.of(run, (lines if lines is not None else []).append)


def test_an_unfinished_run_is_taken_up_on_another_machine(run, tmp_path):
    of(run).keep_states()
    other = fresh(run, tmp_path)
    of(other).pull()
    assert contents(other.folder) == contents(run.folder)


def test_the_copy_keeps_the_states_that_the_run_keeps(run, drive):
    for epoch in (2, 3):
        keep_epoch(run, epoch)
        of(run).keep_states()
    names = sorted(path.name[:10] for path in (drive / PLACE / "state").iterdir())
    assert names == ["epoch-0002", "epoch-0003"]


def test_a_finished_run_is_done_on_another_machine(run, tmp_path, drive):
    of(run).keep_states()
    finish(run)
    of(run).keep_results()
    other = fresh(run, tmp_path)
    of(other).pull()
    assert other.done
    assert not list((drive / PLACE / "state").iterdir())


def test_without_the_variable_nothing_happens(run, monkeypatch, drive):
    monkeypatch.delenv("BRAINSEG_MIRROR")
    one = of(run)
    one.pull()
    one.keep_states()
    one.check()
    assert contents(drive) == {}


def test_a_drive_that_is_not_mounted_is_an_error_at_the_start(run, drive):
    drive.rmdir()
    error = refusal(of, run)
    assert error.code == "E-SYNC" and not drive.exists()


def test_the_project_itself_is_no_mirror_of_its_own(run, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSEG_MIRROR", str(tmp_path / "home"))
    assert refusal(of, run).code == "E-PARAM"


def test_a_drive_lost_on_the_way_costs_one_warning_and_is_caught_up(
    run, drive, tmp_path
):
    lines = []
    one = of(run, lines)
    one.keep_states()
    drive.rename(tmp_path / "gone")
    for epoch in (2, 3):
        keep_epoch(run, epoch)
        one.keep_states()
    assert len(lines) == 1 and lines[0].startswith("W-SYNC")
    assert not drive.exists(), "nothing is written where the drive was"
    error = refusal(one.check)
    assert error.code == "E-SYNC" and "epoch-0003" in str(error)
    (tmp_path / "gone").rename(drive)
    one.keep_states()
    one.check()
    other = fresh(run, tmp_path)
    of(other).pull()
    assert contents(other.folder) == contents(run.folder)


def test_what_is_here_is_not_replaced_by_what_is_there(run):
    of(run).keep_states()
    write_text(run.folder / "history.csv", "epoch\n1\n2\n")
    of(run).pull()
    assert (run.folder / "history.csv").read_text() == "epoch\n1\n2\n"


def test_half_a_copy_is_not_taken_for_a_whole_one(run, drive, tmp_path):
    finish(run)
    of(run).keep_results()
    (drive / PLACE / "weights.npz").write_text("wei")
    other, lines = fresh(run, tmp_path), []
    of(other, lines).pull()
    assert not other.trained
    assert "weights.npz is damaged there" in lines[0]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"../../evil.json": "0"}'])
def test_a_manifest_that_was_tampered_with_does_no_harm(run, drive, tmp_path, text):
    of(run).keep_states()
    (drive / PLACE / MANIFEST).write_text(text)
    other = fresh(run, tmp_path)
    of(other).pull()
    assert contents(other.folder) == {}
    assert not list(tmp_path.rglob("evil*"))


def test_files_of_the_user_on_the_drive_stay(run, drive):
    notes = drive / PLACE / "notes.txt"
    write_text(notes, "mine")
    of(run).keep_states()
    finish(run)
    of(run).keep_results()
    assert notes.read_text() == "mine"


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.EIO, errno.ENOSPC])
def test_at_whichever_call_the_drive_fails_nothing_half_is_left(
    run, drive, tmp_path, monkeypatch, number
):
    here = contents(run.folder)
    for nth in range(1, 200):
        with monkeypatch.context() as patch:
            calls = fail_from(patch, nth, number, drive)
            one = of(run)
            one.keep_states()
        assert contents(run.folder) == here
        there = contents(drive / PLACE)
        there.pop(MANIFEST, None)
        whole = {name: here[name] for name in there if not Path(name).name[0] == "."}
        assert {n: there[n] for n in whole} == whole, nth
        if not one.missing:
            break
        one.keep_states()
        one.check()
        assert not list((drive / PLACE).rglob(".*"))
        for path in sorted((drive / PLACE).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    assert 5 < nth < 199 and len(calls) < nth


def fail_from(patch, nth, number, drive):
    """Let the nth call that touches the drive fail, and all after it."""
    calls = []

    def broken(real):
        def call(target, *arguments, **options):
            if str(target).startswith(str(drive)) or isinstance(target, int):
                calls.append(target)
                if len(calls) >= nth:
                    raise OSError(number, os.strerror(number), str(target))
            return real(target, *arguments, **options)

        return call

    for owner, name in (
        (os, "replace"),
        (os, "fsync"),
        (files.Path, "write_bytes"),
        (files.Path, "read_text"),
        (files.Path, "mkdir"),
    ):
        patch.setattr(owner, name, broken(getattr(owner, name)))
    return calls


def test_a_copy_that_was_killed_is_completed_by_the_next(run, drive, tmp_path):
    code = (
        "import sys; from pathlib import Path; from brainseg_utils.runs import Run;"
        "from brainseg_utils.mirror import Mirror;"
        "Mirror.of(Run(Path(sys.argv[1]))).keep_states()"
    )
    command = [sys.executable, "-c", code, str(run.folder)]
    environment = {**os.environ, "BRAINSEG_CRASH": "mirror.copied:2"}
    assert subprocess.run(command, env=environment).returncode == -signal.SIGKILL
    other = fresh(run, tmp_path)
    of(other).pull()
    assert contents(other.folder) == {}, "there is no manifest yet"
    of(run).keep_states()
    of(other).pull()
    assert contents(other.folder) == contents(run.folder)
