"""A drive that fails at any one call to the system, or from there on."""

import builtins
import errno
import io
import os
import shutil

import pytest
from builds import contents
from refusals import refusal
from test_mirror import PLACE, drive, finish, fresh, keep_epoch, of, run, states_of

from brainseg_utils.drive import copies
from brainseg_utils.drive.copies import MANIFEST
from brainseg_utils.errors import BrainSegError

__all__ = ["drive", "run"]  # Fixtures.
CALLS = (
    *((os, name) for name in ("fsync", "mkdir", "replace", "unlink", "listdir")),
    *((os, name) for name in ("stat", "open")),
    *((module, "open") for module in (io, builtins)),
)
NUMBERS = (errno.ENOTCONN, errno.EIO, errno.ENOSPC, errno.EROFS)
MOST = 200
gone = pytest.mark.parametrize("gone", [True, False], ids=["gone", "hiccup"])
number = pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)


class Half(io.FileIO):
    """A file whose first write is cut short by the drive."""

    def write(self, content):
        super().write(content[: len(content) // 2])
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def fail(patch, drive, nth, number, gone):
    """Let the nth call that touches the drive fail, and where it is gone all after."""
    calls, opened = [], [""]

    def broken(real, name):
        def call(*arguments, **options):
            path = opened[-1] if name == "fsync" else str(arguments[0])
            if name == "open":
                opened.append(path)
            if path.startswith(str(drive)):
                calls.append(name)
                if len(calls) == nth or (gone and len(calls) > nth):
                    if number == errno.EIO and arguments[1:2] == ("wb",):
                        return Half(path, "w")
                    raise OSError(number, os.strerror(number), path)
            return real(*arguments, **options)

        return call

    for owner, name in CALLS:
        patch.setattr(owner, name, broken(getattr(owner, name), name))
    return calls


def assert_nothing_is_half(drive, here):
    for name, digest in contents(drive / PLACE).items():
        if name not in (MANIFEST, "notes.txt") and not name.split("/")[-1][0] == ".":
            assert digest == here[name], name


@gone
@number
@pytest.mark.parametrize("whole", [False, True], ids=["states", "results"])
def test_at_whichever_call_the_drive_fails_a_copy_is_completed_later(
    run, drive, monkeypatch, whole, number, gone
):
    if whole:
        of(run).keep_states()
        finish(run)
    start = drive.with_name("start")
    (drive / PLACE).mkdir(parents=True, exist_ok=True)
    (drive / PLACE / "notes.txt").write_text("mine")
    shutil.copytree(drive, start)
    here = contents(run.folder)
    keep = "keep_results" if whole else "keep_states"
    for nth in range(1, MOST):
        with monkeypatch.context() as patch:
            calls = fail(patch, drive, nth, number, gone)
            one = of(run)
            getattr(one, keep)()
        assert contents(run.folder) == here
        assert_nothing_is_half(drive, here)
        assert not (one.missing and not gone), "a hiccup is got over"
        if len(calls) < nth:
            break
        getattr(one, keep)()
        one.check()
        assert (drive / PLACE / "notes.txt").read_text() == "mine"
        assert not list(drive.rglob(".*"))
        shutil.rmtree(drive)
        shutil.copytree(start, drive)
    assert 20 < nth < MOST - 1


@gone
@number
@pytest.mark.parametrize("whole", [False, True], ids=["states", "results"])
def test_at_whichever_call_the_drive_fails_a_fresh_machine_does_not_begin_anew(
    run, drive, tmp_path, monkeypatch, whole, number, gone
):
    keep_epoch(run, 2)
    of(run).keep_states()
    if whole:
        finish(run)
        of(run).keep_results()
    there, here = contents(drive), contents(run.folder)
    for nth in range(1, MOST):
        other = fresh(run, tmp_path)
        with monkeypatch.context() as patch:
            calls = fail(patch, drive, nth, number, gone)
            try:
                of(other).pull()
            except BrainSegError as error:
                assert gone and error.code == "E-SYNC"
            else:
                assert other.trained if whole else states_of(other)
        assert contents(drive) == there
        taken = contents(other.folder)
        assert {name: here[name] for name in taken} == taken
        if len(calls) < nth:
            break
        of(other).pull()
        assert other.done if whole else states_of(other) == states_of(run)
        shutil.rmtree(other.folder)
    assert 5 < nth < MOST - 1


def test_a_local_disk_that_is_full_is_not_blamed_on_the_drive(
    run, tmp_path, monkeypatch
):
    of(run).keep_states()
    other = fresh(run, tmp_path)

    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    error = refusal(of(other).pull)
    assert error.code == "E-DISK"


def test_pauses_grow_and_a_drive_that_stays_gone_is_asked_once_an_epoch(
    run, drive, monkeypatch
):
    pauses = []
    monkeypatch.setattr(copies.time, "sleep", pauses.append)
    drive.rmdir()
    one = of(run)
    one.keep_states()
    assert pauses == sorted(pauses) and len(pauses) == 3
    one.keep_states()
    assert len(pauses) == 4
