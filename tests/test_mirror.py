"""The copy of a run on a drive that comes and goes; no TensorFlow here."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from builds import contents
from refusals import refusal

from brainseg_utils.drive import copies, mirror
from brainseg_utils.drive.copies import MANIFEST
from brainseg_utils.drive.mirror import Mirror
from brainseg_utils.files import file_digest, read_json, write_json, write_text
from brainseg_utils.run_files.states import State, remove_states, write_state
from brainseg_utils.runs import EVALUATED, WHOLE_RUN, Run

PLACE = Path("runs", "quick", "runs", "cnn1_x")


@pytest.fixture(autouse=True)
def drive(tmp_path, monkeypatch):
    folder = tmp_path / "drive"
    folder.mkdir()
    monkeypatch.setenv("BRAINSEG_MIRROR", str(folder))
    monkeypatch.setattr(copies.time, "sleep", lambda seconds: None)
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
    for name in ("weights.npz", *EVALUATED):
        write_text(run.folder / name, name)
    digests = run.digests(("weights.npz", "history.csv"))
    write_json(run.folder / "training.json", {"files": digests})
    write_text(run.folder / "predictions" / "P1.nii.gz", "mask")
    run.finish()


def states_of(run):
    return contents(run.states)


def fresh(run, tmp_path):
    """The same run on a machine that has nothing yet."""
    return Run(tmp_path / "other machine" / PLACE)


def of(run, lines=None):
    return Mirror.of(run, (lines if lines is not None else []).append)


def test_an_unfinished_run_is_taken_up_on_another_machine(run, tmp_path):
    of(run).keep_states()
    other = fresh(run, tmp_path)
    of(other).pull()
    assert states_of(other) == states_of(run)


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


def test_a_drive_that_is_not_mounted_stops_what_would_begin_anew(run, drive, tmp_path):
    drive.rmdir()
    error = refusal(of(fresh(run, tmp_path)).pull)
    assert error.code == "E-SYNC" and not drive.exists()


def test_a_drive_that_is_not_mounted_does_not_stop_what_can_go_on(run, drive):
    drive.rmdir()
    lines = []
    of(run, lines).pull()
    assert len(lines) == 1 and lines[0].startswith("W-SYNC")


@pytest.mark.parametrize("place", ["home", f"home/{PLACE}/state", "here"])
def test_a_mirror_in_the_run_folder_or_of_no_fixed_place_is_refused(
    run, tmp_path, monkeypatch, place
):
    wanted = place if place == "here" else str(tmp_path / place)
    monkeypatch.setenv("BRAINSEG_MIRROR", wanted)
    assert refusal(of, run).code == "E-PARAM"


def test_a_mirror_elsewhere_in_the_project_is_accepted(run, tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINSEG_MIRROR", str(tmp_path / "home" / "runs"))
    assert of(run).folder == tmp_path / "home" / "runs" / PLACE


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
    assert states_of(other) == states_of(run)


def test_what_is_here_is_not_replaced_by_what_is_there(run):
    of(run).keep_states()
    write_text(run.folder / "history.csv", "epoch\n1\n2\n")
    of(run).pull()
    assert (run.folder / "history.csv").read_text() == "epoch\n1\n2\n"


def test_half_a_result_is_not_taken_for_a_whole_one(run, drive, tmp_path):
    finish(run)
    of(run).keep_results()
    (drive / PLACE / "weights.npz").write_text("wei")
    other = fresh(run, tmp_path)
    remove_states(run.states)
    error = refusal(of(other).pull)
    assert error.code == "E-SYNC" and "weights.npz is damaged" in str(error)
    assert contents(other.folder) == {}, "nor are the other results"


def test_half_a_mask_under_a_temporary_name_is_no_result(run, drive, tmp_path):
    write_text(run.folder / "predictions" / ".0123abcd-P1.nii.gz", "ha")
    finish(run)
    of(run).keep_results()
    other = fresh(run, tmp_path)
    of(other).pull()
    assert other.trained and not list(drive.rglob(".*"))


@pytest.mark.parametrize("half, whole", [(2, 1), (1, 2)])
def test_half_a_state_gives_way_to_the_other(run, drive, tmp_path, half, whole):
    keep_epoch(run, 2)
    of(run).keep_states()
    [path] = (drive / PLACE / "state").glob(f"epoch-000{half}*")
    path.write_bytes(path.read_bytes()[:-1])
    other, lines = fresh(run, tmp_path), []
    of(other, lines).pull()
    assert [name[:10] for name in states_of(other)] == [f"epoch-000{whole}"]
    told = [line for line in lines if path.name in line and "is damaged" in line]
    assert len(told) == (half > whole), "a state that is not needed is not told of"


def test_states_older_than_ours_are_not_taken_back(run, tmp_path):
    of(run).keep_states()
    other = fresh(run, tmp_path)
    keep_epoch(other, 5)
    here = contents(other.folder)
    of(other).pull()
    assert contents(other.folder) == here


def test_a_drive_that_keeps_a_part_in_silence_is_found_out(run, monkeypatch):
    real = copies.write_bytes
    monkeypatch.setattr(copies, "write_bytes", lambda path, c: real(path, c[:-1]))
    lines = []
    one = of(run, lines)
    one.keep_states()
    assert "is damaged" in lines[0]
    assert refusal(one.check).code == "E-SYNC"


def test_a_copy_that_lost_its_states_does_not_begin_anew(run, drive, tmp_path):
    of(run).keep_states()
    for path in (drive / PLACE / "state").iterdir():
        path.unlink()
    error = refusal(of(fresh(run, tmp_path)).pull)
    assert error.code == "E-SYNC" and "history.csv" in str(error)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_damaged_manifest_costs_a_warning_and_is_mended(run, drive, tmp_path, text):
    of(run).keep_states()
    (drive / PLACE / MANIFEST).write_text(text)
    other, lines = fresh(run, tmp_path), []
    of(other, lines).pull()
    assert states_of(other) == states_of(run)
    assert "mirror.json is damaged" in lines[0]
    one = of(run, lines)
    one.keep_states()
    one.check()
    of(other, lines).pull()
    assert len(lines) == 1


def test_a_manifest_cannot_name_files_of_others(run, drive, tmp_path):
    finish(run)
    of(run).keep_results()
    manifest = read_json(drive / PLACE / MANIFEST)
    for name in ("../evil.json", "notes.csv"):
        write_text(drive / PLACE / name, "evil")
        manifest[name] = file_digest(drive / PLACE / name)
    write_json(drive / PLACE / MANIFEST, manifest)
    other = fresh(run, tmp_path)
    of(other).pull()
    assert other.done
    assert not [*other.folder.parent.rglob("evil*"), *other.folder.rglob("notes*")]


def test_a_finished_copy_goes_before_an_unfinished_run(run, tmp_path):
    other = fresh(run, tmp_path)
    of(run).keep_states()
    of(other).pull()
    write_json(other.folder / "config.json", {"model": "cnn1"})
    write_text(other.folder / "history.csv", "epoch\n1\n2\n")
    finish(other)
    remove_states(other.states)
    of(other).keep_results()
    of(run).pull()
    remove_states(run.states)
    assert run.done and contents(run.folder) == contents(other.folder)


def test_an_unfinished_run_does_not_undo_a_finished_copy(run, drive, tmp_path):
    other = fresh(run, tmp_path)
    write_json(other.folder / "config.json", {})
    write_text(other.folder / "history.csv", "")
    finish(other)
    of(other).keep_results()
    there = contents(drive)
    one = of(run)
    one.keep_states()
    one.check()
    assert contents(drive) == there


def test_two_finished_runs_are_not_mixed(run, drive, tmp_path):
    finish(run)
    of(run).keep_results()
    other, lines = fresh(run, tmp_path), []
    for name in WHOLE_RUN:
        write_text(other.folder / name, "other")
    digests = other.digests(("weights.npz", "history.csv"))
    write_json(other.folder / "training.json", {"files": digests})
    here = contents(other.folder)
    of(other, lines).pull()
    assert contents(other.folder) == here
    assert "another result" in lines[0]


def test_a_state_later_than_ours_is_not_removed(run, drive, tmp_path):
    other = fresh(run, tmp_path)
    keep_epoch(other, 8)
    keep_epoch(other, 9)
    of(other).keep_states()
    of(run).keep_states()
    of(run).pull()
    assert sorted(n[:10] for n in states_of(run)) == [
        f"epoch-000{epoch}" for epoch in (1, 8, 9)
    ]


def test_a_state_that_goes_while_it_is_copied_stays_in_the_copy(run, drive):
    one = of(run)
    one.keep_states()
    [state] = (drive / PLACE / "state").iterdir()
    names = [f"state/{state.name}", "history.csv"]
    remove_states(run.states)
    one._copy(names)
    one.check()
    assert state.exists(), "until the results are there"


def test_files_of_the_user_on_the_drive_stay(run, drive):
    names = ("notes.txt", ".settings-old.json", ".0123abcd-notes.txt", "state/a.npz")
    notes = [drive / PLACE / name for name in names]
    for path in notes:
        write_text(path, "mine")
    of(run).keep_states()
    finish(run)
    of(run).keep_results()
    assert [path.read_text() for path in notes] == ["mine"] * len(notes)


def test_what_a_lost_connection_left_half_written_is_removed(run, drive):
    half = drive / PLACE / "state" / ".0123abcd-epoch-0001-0123456789abcdef.npz"
    write_text(half, "ha")
    of(run).keep_states()
    assert not half.exists()


def test_a_copy_that_was_killed_is_completed_by_the_next(run, drive, tmp_path):
    code = (
        "import sys; from pathlib import Path; from brainseg_utils.runs import Run;"
        "from brainseg_utils.drive.mirror import Mirror;"
        "Mirror.of(Run(Path(sys.argv[1]))).keep_states()"
    )
    command = [sys.executable, "-c", code, str(run.folder)]
    environment = {**os.environ, "BRAINSEG_CRASH": "mirror.copied:2"}
    assert subprocess.run(command, env=environment).returncode == -signal.SIGKILL
    other = fresh(run, tmp_path)
    of(other).pull()
    assert states_of(other) == states_of(run), "a state tells itself that it is whole"
    assert not (drive / PLACE / MANIFEST).exists()
    one = of(run)
    one.keep_states()
    one.check()
    assert not list(drive.rglob(".*"))
    assert contents(drive / PLACE).keys() - {MANIFEST} == contents(run.folder).keys()


def test_a_slow_drive_falls_behind_and_does_not_hold_up_the_training(
    run, drive, monkeypatch
):
    slow, real = threading.Event(), copies.write_bytes

    def write_slowly(path, content):
        slow.wait(10)
        real(path, content)

    monkeypatch.setattr(copies, "write_bytes", write_slowly)
    one, started = of(run), time.perf_counter()
    for epoch in (2, 3, 4):
        keep_epoch(run, epoch)
        one.keep_states_meanwhile()
    assert time.perf_counter() - started < 5
    slow.set()
    finish(run)
    one.keep_results()
    one.check()
    assert (drive / PLACE / "weights.npz").is_file()


def test_a_drive_that_never_answers_is_told_of_in_the_end(run, monkeypatch):
    forever, lines = threading.Event(), []
    monkeypatch.setattr(copies, "write_bytes", lambda path, content: forever.wait(10))
    monkeypatch.setattr(mirror, "PATIENCE_S", 0.1)
    one = of(run, lines)
    one.keep_states_meanwhile()
    finish(run)
    one.keep_results()
    assert "does not answer" in lines[0]
    assert refusal(one.check).code == "E-SYNC"
    forever.set()


def test_a_copy_that_comes_too_late_does_not_replace_the_results(
    run, drive, monkeypatch
):
    slow, real = threading.Event(), copies.write_bytes

    def write_slowly(path, content):
        if threading.current_thread() is not threading.main_thread():
            slow.wait(10)
        real(path, content)

    monkeypatch.setattr(copies, "write_bytes", write_slowly)
    monkeypatch.setattr(mirror, "PATIENCE_S", 0.1)
    late = of(run)
    late.keep_states_meanwhile()
    finish(run)
    late.keep_results()
    of(run).keep_results()
    there = (drive / PLACE / MANIFEST).read_text()
    slow.set()
    late._copying.join()
    assert (drive / PLACE / MANIFEST).read_text() == there
