import errno
import io
import os

import numpy as np
import pytest
from nifti_files import (
    NAMES,
    VOXELS_AT,
    assert_read,
    assert_refused,
    nifti_bytes,
    save,
)
from refusals import refused

from brainseg_utils.nifti import content as nifti_content
from brainseg_utils.nifti import read_volume

GOOD = nifti_bytes()


def test_a_missing_file_is_refused(tmp_path):
    assert_refused(tmp_path / "a.nii.gz", "E-READ", "no such file")


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    file = save(tmp_path / "a", GOOD)
    assert_refused(file / "a.nii", "E-READ")


def test_a_link_is_followed(tmp_path):
    target = save(tmp_path / "a.nii", GOOD)
    (tmp_path / "b.nii").symlink_to(target)
    assert_read(tmp_path / "b.nii")


def test_a_dangling_link_is_refused_with_its_target(tmp_path):
    (tmp_path / "a.nii").symlink_to("gone.nii")
    assert_refused(tmp_path / "a.nii", "E-READ", "link to gone.nii")


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "a.nii").symlink_to("b.nii")
    (tmp_path / "b.nii").symlink_to("a.nii")
    assert_refused(tmp_path / "a.nii", "E-READ", "leads back to itself")


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "a.nii").mkdir()
    assert_refused(tmp_path / "a.nii", "E-READ", "it is a folder")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "a.nii")
    assert_refused(tmp_path / "a.nii", "E-READ", "it is no regular file")


def test_a_name_with_a_zero_byte_is_refused():
    with refused("E-READ", "a\0.nii"):
        read_volume("a\0.nii")


def test_a_name_longer_than_the_system_allows_is_refused():
    assert_refused("a" * 5000 + ".nii", "E-READ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_refused(tmp_path):
    path = save(tmp_path / "a.nii", GOOD)
    path.chmod(0)
    assert_refused(path, "E-READ", "chmod u+r", "owner")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, ["chmod u+r", "owner"]),
        (errno.EIO, ["Input/output error"]),
        (errno.ENOTCONN, ["not connected", "Drive"]),
    ],
)
@pytest.mark.parametrize("call", ["stat", "open", "first read", "second read"])
def test_what_the_system_refuses_is_told(tmp_path, monkeypatch, call, number, words):
    path = save(tmp_path / "a.nii", GOOD)

    def fail(*_):
        raise OSError(number, os.strerror(number))

    class File(io.BytesIO):
        def __init__(self, *_):
            super().__init__(GOOD)
            if call == "open":
                fail()

        def read(self, *_):
            return fail() if call == "first read" else super().read(VOXELS_AT)

        readinto = fail

    monkeypatch.setattr(nifti_content, "open", File, raising=False)
    if call == "stat":
        monkeypatch.setattr(nifti_content.os, "stat", fail)
    assert_refused(path, "E-READ", *words)


@pytest.mark.parametrize("grown", [-1, 1])
def test_a_file_that_changes_under_the_reader_is_refused(tmp_path, monkeypatch, grown):
    path = save(tmp_path / "a.nii.gz", GOOD)
    size = path.stat().st_size - grown
    monkeypatch.setattr(nifti_content, "_size", lambda _: size)
    assert_refused(path, "E-READ", "changed while it was read")


def test_reading_changes_nothing(tmp_path):
    path = save(tmp_path / "a.nii.gz", GOOD)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert_read(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "kept", [*np.linspace(1, len(GOOD) - 1, 18, dtype=int), 347, 348, 351, 352]
)
def test_a_truncated_file_is_refused_with_what_it_has_and_needs(tmp_path, kept):
    path = save(tmp_path / "a.nii", GOOD[:kept])
    need = len(GOOD) if kept >= 348 else 348
    assert_refused(path, "E-NII-SHORT", f"have {kept} bytes, need {need}")


@pytest.mark.parametrize("extra", [b"\0", b"x" * 1000])
@pytest.mark.parametrize("name", NAMES)
def test_bytes_behind_the_last_voxel_are_refused(tmp_path, name, extra):
    path = save(tmp_path / name, GOOD + extra)
    assert_refused(path, "E-NII-EXTRA", f"{len(extra)} bytes follow the last voxel")


@pytest.mark.parametrize("kept", [*range(0, 348, 40), 348, 360, len(GOOD) - 1])
def test_a_whole_stream_of_too_little_is_refused(tmp_path, kept):
    path = save(tmp_path / "a.nii.gz", GOOD[:kept])
    need = len(GOOD) if kept >= 348 else 348
    assert_refused(path, "E-NII-SHORT", f"have {kept} bytes, need {need}")
