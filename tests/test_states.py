"""States of a training on disk: no Keras here, so that hundreds are written at once."""

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from refusals import refusal

from brainseg_utils import files
from brainseg_utils.run_files.states import (
    State,
    check_same,
    read_state,
    remove_states,
    state_files,
    write_state,
)

WRITER = """
import sys
import numpy as np
from pathlib import Path
from brainseg_utils.run_files.states import State, write_state
for epoch in (1, 2, 3):
    write_state(Path(sys.argv[1]), State(epoch, {"w": np.full(9, epoch)}, {"n": epoch}))
"""


def state(epochs):
    return State(epochs, {"weights": np.arange(6.0) * epochs}, {"note": f"e{epochs}"})


def write(folder, *epochs):
    return [write_state(folder, state(number)) for number in epochs]


def read(folder, lines=None):
    return read_state(folder, (lines if lines is not None else []).append)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "state"


def test_what_was_written_is_read(folder):
    write(folder, 3)
    found = read(folder)
    assert found.epochs == 3
    assert found.facts == {"note": "e3"}
    assert np.array_equal(found.arrays["weights"], np.arange(6.0) * 3)


def test_an_empty_folder_has_no_state(folder):
    assert read(folder) is None


def test_the_newest_counts_and_the_one_before_is_kept(folder):
    write(folder, 8, 9, 10, 11)
    assert [path.name[:10] for path in state_files(folder)] == [
        "epoch-0011",
        "epoch-0010",
    ]
    assert read(folder).epochs == 11


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def damage_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damage_empty(path):
    path.write_bytes(b"")


DAMAGES = [damage_cut, damage_bit, damage_empty]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_state_gives_way_to_the_one_before_by_name(folder, damage):
    newest = write(folder, 4, 5)[-1]
    damage(newest)
    lines = []
    assert read(folder, lines).epochs == 4
    assert lines[0].startswith("W-CKPT") and str(newest) in lines[0]
    assert "after epoch 4" in lines[0]


@pytest.mark.parametrize("damage", DAMAGES)
def test_two_damaged_states_are_an_error_and_never_a_fresh_start(folder, damage):
    for path in write(folder, 4, 5):
        damage(path)
    error = refusal(read, folder)
    assert error.code == "E-CKPT"
    assert str(folder.parent) in error.remedy


def test_a_missing_newest_state_gives_way_to_the_one_before(folder):
    write(folder, 4, 5)[-1].unlink()
    assert read(folder).epochs == 4


def test_every_single_flipped_byte_is_noticed(folder):
    path = write(folder, 1)[0]
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        path.write_bytes(changed)
        assert refusal(read, folder).code == "E-CKPT", place
    path.write_bytes(whole)
    assert read(folder).epochs == 1


def test_after_a_fallback_the_damaged_state_is_replaced(folder):
    damage_bit(write(folder, 4, 5)[-1])
    write_state(folder, State(5, {}, {"note": "again"}))
    assert [path.name[:10] for path in state_files(folder)] == [
        "epoch-0005",
        "epoch-0004",
    ]
    assert read(folder).facts == {"note": "again"}


def test_pickles_are_not_opened(folder, tmp_path):
    import hashlib
    import io

    class Canary:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "canary"),)

    buffer = io.BytesIO()
    np.savez(buffer, facts=np.array([Canary()], object))
    content = buffer.getvalue()
    digits = hashlib.sha256(content).hexdigest()[:16]
    folder.mkdir(parents=True)
    (folder / f"epoch-0001-{digits}.npz").write_bytes(content)
    assert refusal(read, folder).code == "E-CKPT"
    assert not (tmp_path / "canary").exists()


def test_removal_leaves_what_is_somebody_elses(folder):
    write(folder, 1, 2)
    (folder / "notes.txt").write_text("mine")
    remove_states(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_removal_takes_an_emptied_folder_along(folder):
    write(folder, 1)
    remove_states(folder)
    assert not folder.exists()
    assert folder.parent.exists()


@pytest.mark.parametrize("point", ["files.written:2", "files.replaced:2"])
def test_a_writer_killed_in_mid_write_leaves_a_whole_state(folder, point):
    assert kill_writer(folder, point) == -signal.SIGKILL
    found = read(folder)
    assert found.epochs == (2 if point == "files.replaced:2" else 1)
    assert found.facts["n"] == found.arrays["w"][0]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_writer_killed_before_it_tidies_up_leaves_the_newest(folder):
    assert kill_writer(folder, "states.written:3") == -signal.SIGKILL
    assert read(folder).epochs == 3
    write(folder, 4)
    assert len(state_files(folder)) == 2


def kill_writer(folder, point):
    command = [sys.executable, "-c", WRITER, str(folder)]
    return subprocess.run(
        command, env={**os.environ, "BRAINSEG_CRASH": point}
    ).returncode


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_at_whichever_call_a_disk_fails_the_state_before_is_whole(
    folder, monkeypatch, number
):
    for nth in range(1, 20):
        target = folder / str(nth)
        write(target, 1)
        with monkeypatch.context() as patch:
            calls = break_call(patch, nth, number)
            try:
                write(target, 2)
            except files.BrainSegError as error:
                assert error.code in ("E-DISK", "E-DISK-RO")
                assert read(target).epochs == 1
                assert len(list(target.iterdir())) == 1, "no leftovers"
            else:
                assert read(target).epochs == 2
                if len(calls) < nth:
                    break
    assert 2 < nth < 19, "in the end every call was let through"


def break_call(patch, nth, number):
    """Let the nth of the calls that write to a disk fail, a write after a few bytes."""
    calls = []

    def broken(name, real):
        def call(target, *arguments, **options):
            calls.append(name)
            if len(calls) == nth:
                if name == "write_bytes":
                    real(target, arguments[0][:7])
                raise OSError(number, os.strerror(number), str(target))
            return real(target, *arguments, **options)

        return call

    for owner, name in (
        (os, "replace"),
        (os, "fsync"),
        (os, "open"),
        (files.Path, "write_bytes"),
    ):
        patch.setattr(owner, name, broken(name, getattr(owner, name)))
    return calls


def test_differences_are_listed_as_there_and_here(tmp_path):
    error = refusal(
        check_same, tmp_path, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4}, "Go."
    )
    assert error.code == "E-CKPT-MISMATCH"
    assert "b: 2 there, 5 here" in str(error)
    assert "c: 3 there, nothing here" in str(error)
    assert "d: nothing there, 4 here" in str(error)
    assert " a:" not in str(error)


def test_what_is_the_same_passes(tmp_path):
    check_same(tmp_path, {"a": 1}, {"a": 1}, "Go.")
