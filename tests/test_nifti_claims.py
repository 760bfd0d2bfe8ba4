"""What files cost that claim or hold far more than a scan."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from nifti_files import (
    NAMES,
    assert_read,
    assert_refused,
    nifti_bytes,
    save,
    zipped,
)

from brainseg_utils.nifti import content as nifti_content
from brainseg_utils.nifti import read_volume

GOOD = nifti_bytes()

MEASURE = """
import resource, sys, time
from pathlib import Path
from brainseg_utils.errors import BrainSegError
from brainseg_utils.nifti import read_volume
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
read_volume(sys.argv[1])
before, start = peak(), time.process_time()  # Other work does not count.
try:
    read_volume(sys.argv[2])
except BrainSegError as error:
    print(error.code, time.process_time() - start, peak() - before)
"""


def cost_of_refusal(path, code):
    """Return the seconds and MiB that a fresh process needs to refuse a file."""
    good = save(path.with_name("good.nii.gz"), GOOD)
    command = [sys.executable, "-c", MEASURE, good, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    got, seconds, mib = done.stdout.split()
    assert got == code
    return float(seconds), float(mib)


def zeros_stream(start, mebibytes):
    """Return gzip of `start` and many zeros without compressing each of them."""
    first, block = (zlib.compressobj(9, wbits=-15) for _ in range(2))
    head = first.compress(start) + first.flush(zlib.Z_FULL_FLUSH)
    zeros = block.compress(bytes(2**24)) + block.flush(zlib.Z_FULL_FLUSH)
    crc = zlib.crc32(start)
    for _ in range(mebibytes // 16):
        crc = zlib.crc32(bytes(2**24), crc)
    length = (len(start) + mebibytes * 2**20) % 2**32
    body = head + zeros * (mebibytes // 16) + b"\x03\0"
    return zipped(b"")[:10] + body + struct.pack("<II", crc, length)


@pytest.mark.parametrize("name", NAMES)
def test_a_lie_of_2000_cubed_costs_nothing(tmp_path, name):
    lie = nifti_bytes(dim=[3, 2000, 2000, 2000, 1, 1, 1, 1])[:352]
    path = save(tmp_path / name, lie)
    seconds, mib = cost_of_refusal(path, "E-NII-DIMS")
    assert seconds < 0.1
    assert mib < 50


@pytest.mark.parametrize(
    ("name", "code"), [("a.nii", "E-NII-SHORT"), ("a.nii.gz", "E-NII-DIMS")]
)
def test_a_lie_within_the_limit_costs_nothing(tmp_path, name, code):
    path = save(tmp_path / name, nifti_bytes(dim=[3, 400, 400, 400, 1, 1, 1, 1]))
    seconds, mib = cost_of_refusal(path, code)
    assert seconds < 0.1
    assert mib < 50


def test_a_bomb_whose_header_claims_its_gibibyte_is_refused(tmp_path):
    claim = {"dim": [3, 512, 512, 512, 1, 1, 1, 1], "datatype": 64, "bitpix": 64}
    start = nifti_bytes(**claim)[:352]
    path = tmp_path / "a.nii.gz"
    path.write_bytes(zeros_stream(start, 1024))
    assert path.stat().st_size < 1.1e6
    seconds, mib = cost_of_refusal(path, "E-NII-BOMB")
    assert seconds < 0.1
    assert mib < 50


def test_a_bomb_whose_header_claims_little_is_refused(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(zeros_stream(GOOD, 1024))
    seconds, mib = cost_of_refusal(path, "E-NII-BOMB")
    assert seconds < 0.5
    assert mib < 50


def test_a_bomb_in_many_members_is_refused(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(zipped(GOOD) + zipped(bytes(2**20)) * 512)
    seconds, mib = cost_of_refusal(path, "E-NII-BOMB")
    assert seconds < 0.5
    assert mib < 50


def test_a_stream_that_goes_on_a_little_is_no_bomb(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(zipped(GOOD + bytes(2**20)))
    assert_refused(path, "E-NII-EXTRA", f"{2**20} bytes follow the last voxel")


def test_more_compressed_bytes_than_the_claim_can_need_are_not_read(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(zipped(GOOD))
    with open(path, "r+b") as file:
        file.truncate(2**30)  # A hole: it takes no room on the disk.
    seconds, mib = cost_of_refusal(path, "E-NII-EXTRA")
    assert seconds < 0.1
    assert mib < 50


@pytest.mark.parametrize("name", NAMES)
def test_a_series_over_the_limit_of_bytes_is_refused(tmp_path, name, monkeypatch):
    monkeypatch.setattr(nifti_content, "MAX_BYTES", len(GOOD) - 1)
    assert_refused(save(tmp_path / name, GOOD), "E-NII-DIMS", f"{len(GOOD)} bytes")
    monkeypatch.setattr(nifti_content, "MAX_BYTES", len(GOOD))
    assert_read(tmp_path / name)


def test_a_mask_of_almost_nothing_at_full_size_is_read(tmp_path):
    mask = np.zeros((240, 240, 155), np.int16)
    mask[100, 100, 100] = 1
    path = save(tmp_path / "a.nii.gz", nifti_bytes(mask))
    assert mask.nbytes > 900 * path.stat().st_size  # Shrunk nearly as far as may be.
    assert read_volume(path).data.sum() == 1


def test_endless_empty_members_are_refused_in_time(tmp_path):
    content = nifti_bytes(np.zeros((100, 100, 100), np.int16))
    path = tmp_path / "a.nii.gz"
    path.write_bytes(zipped(content[:348]) + zipped(b"") * 200_000)
    seconds, _ = cost_of_refusal(path, "E-NII-GZ")
    assert seconds < 1
