import gzip
import struct
from collections import Counter

import numpy as np
import pytest
from nifti_files import assert_read, assert_refused, nifti_bytes, save, zipped

from brainseg_utils.errors import BrainSegError
from brainseg_utils.nifti import read_volume

GOOD = nifti_bytes()
# Some noise that shrinks little, so that most of the stream is voxels.
SCAN = nifti_bytes(np.random.default_rng(0).integers(0, 2**12, (20, 20, 4), np.int16))


@pytest.mark.parametrize("lost", [*range(1, 11), *range(100, 2701, 260)])
def test_a_truncated_stream_is_refused(tmp_path, lost):
    path = save(tmp_path / "a.nii.gz", SCAN)
    path.write_bytes(path.read_bytes()[:-lost])
    assert_refused(path, "E-NII-GZ", "it ends too early")


def test_a_flipped_bit_is_refused_unless_it_means_nothing(tmp_path):
    # nibabel stops before the checksum: most of these came back as wrong voxels.
    path = save(tmp_path / "a.nii.gz", SCAN)
    content, voxels = path.read_bytes(), read_volume(path).data
    rng = np.random.default_rng(0)
    # The ten bytes of gzip's header bear the time of writing and the like.
    places = rng.integers(10, len(content), 600)
    codes = Counter()
    for place, bit in zip(places, rng.integers(0, 8, 600), strict=True):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            assert np.array_equal(read_volume(path).data, voxels)
            # A bit that fills up the last byte, or of a code that is never used.
            assert gzip.decompress(damaged) == SCAN
            codes["accepted"] += 1
        except BrainSegError as error:
            codes[error.code[:6]] += 1
    assert codes["accepted"] < 5
    assert codes["E-NII-"] == 600 - codes["accepted"]


@pytest.mark.parametrize("place", range(-8, 0))
def test_a_wrong_checksum_or_length_is_refused(tmp_path, place):
    path = save(tmp_path / "a.nii.gz", SCAN)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert_refused(path, "E-NII-GZ", "checksum")


@pytest.mark.parametrize(
    ("rubbish", "word"),
    [
        (b"x", "1 other bytes follow its data"),
        (b"\0\0xyz", "3 other bytes follow its data"),
        (b"\x1f\x8b", "it ends too early"),
        (b"\x1f\x8bx" * 9, "damaged"),
    ],
)
def test_rubbish_behind_the_stream_is_refused(tmp_path, rubbish, word):
    path = save(tmp_path / "a.nii.gz", GOOD)
    path.write_bytes(path.read_bytes() + rubbish)
    assert_refused(path, "E-NII-GZ", word)


@pytest.mark.parametrize("zeros", [1, 7, 512, 10**5])
def test_zeros_behind_the_stream_are_padding(tmp_path, zeros):
    path = save(tmp_path / "a.nii.gz", GOOD)
    path.write_bytes(path.read_bytes() + bytes(zeros))
    assert_read(path)


@pytest.mark.parametrize("step", [7, 100, 348, 352, 10**6])
@pytest.mark.parametrize("between", [b"", bytes(3), zipped(b"")])
def test_several_members_are_one_stream(tmp_path, step, between):
    parts = [zipped(GOOD[i : i + step]) for i in range(0, len(GOOD), step)]
    path = tmp_path / "a.nii.gz"
    path.write_bytes(between.join(parts) + between)
    assert gzip.decompress(path.read_bytes()) == GOOD
    assert_read(path)


def test_a_large_member_behind_a_small_one_is_read(tmp_path):
    noise = np.random.default_rng(0).integers(0, 2**15, (80, 80, 40), np.int16)
    content = nifti_bytes(noise)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(zipped(content[:100]) + zipped(content[100:]))
    assert path.stat().st_size > 4 * 2**16  # More than one window.
    assert np.array_equal(read_volume(path).data, noise)


def test_the_second_member_is_checked_as_the_first(tmp_path):
    path = tmp_path / "a.nii.gz"
    second = bytearray(zipped(GOOD[400:]))
    second[-5] ^= 1
    path.write_bytes(zipped(GOOD[:400]) + second)
    assert_refused(path, "E-NII-GZ", "checksum")


def test_names_and_comments_in_the_gzip_header_are_passed_over(tmp_path):
    stream = zipped(GOOD)
    flagged = bytearray(stream[:10])
    flagged[3] = 4 | 8 | 16
    extra = struct.pack("<H", 5) + b"extra" + b"name\0" + b"comment\0"
    (tmp_path / "a.nii.gz").write_bytes(flagged + extra + stream[10:])
    assert_read(tmp_path / "a.nii.gz")
