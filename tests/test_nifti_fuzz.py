"""What the reader makes of files that were damaged at random, ten thousand of them."""

import gzip
import os
import re
import struct
import time
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nifti_mutants import make_mutant

from brainseg_utils.errors import BrainSegError
from brainseg_utils.nifti import read_volume

SEED = 0
MUTANTS = int(os.environ.get("BRAINSEG_MUTANTS", 10_000))
OUTCOMES = {
    *("read", "E-NII-EMPTY", "E-NII-TYPE", "E-NII-GZ", "E-NII-SHORT", "E-NII-EXTRA"),
    *("E-NII-BOMB", "E-NII-DIMS", "E-NII-NDIM", "E-NII-DTYPE", "E-NII-OFFSET"),
    *("E-NII-SCALE", "E-NII-AFFINE", "E-NII-NONFINITE"),
}
MAX_SECONDS, MAX_MIB = 1, 300
CLEAR_REFS = Path("/proc/self/clear_refs")
DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8"}
DTYPES |= {256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}


def test_no_mutant_is_read_wrongly_or_refused_without_a_reason(tmp_path):
    reset_peak()
    before = peak_mib()
    codes = Counter(
        outcome_of(tmp_path, make_mutant(SEED, number), number)
        for number in range(MUTANTS)
    )
    assert peak_mib() - before < MAX_MIB
    # The mutants reach every check, and are not so broken that none is left to read.
    if MUTANTS >= 10_000:
        assert set(codes) == OUTCOMES, codes
        assert codes["read"] > MUTANTS / 10, codes


def outcome_of(folder, mutant, number):
    """Return the code of the refusal, or "read"; fail where the outcome is wrong."""
    name = f"mutant {number} of seed {SEED} ({mutant.what}, {mutant.name})"
    path = folder / mutant.name
    # To overwrite a file may wait for the disk; a new one does not.
    path.unlink(missing_ok=True)
    path.write_bytes(mutant.content)
    start = time.perf_counter()
    try:
        volume = read_volume(path)
        outcome = "read"
    except BrainSegError as error:
        volume, outcome = None, error.code
        assert outcome in OUTCOMES and error.remedy, f"{name}: {error}"
    except Exception as error:
        pytest.fail(f"{name}: {type(error).__name__} escaped: {error}")
    seconds = time.perf_counter() - start
    assert seconds < MAX_SECONDS, f"{name}: took {seconds:.1f} s"
    if volume is not None:
        check_read(name, mutant, volume)
    return outcome


def check_read(name, mutant, volume):
    payload = mutant.content
    if mutant.name.endswith(".gz"):
        try:
            payload = gzip.decompress(payload)
        except (OSError, EOFError, ValueError) as error:
            pytest.fail(f"{name}: read, but gzip itself refuses it: {error}")
    if mutant.stream_damaged:
        assert payload == mutant.original, f"{name}: read from a damaged stream"
    wanted, affine = parse(payload)
    assert np.isfinite(volume.affine).all(), f"{name}: affine not finite"
    assert np.array_equal(volume.affine, affine), f"{name}: another affine"
    assert np.isfinite(volume.data).all(), f"{name}: voxels not finite"
    assert np.array_equal(volume.data, wanted), f"{name}: other voxels"


def parse(payload):
    """Return voxels and affine turned to RAS+, by a second, plain reading."""
    order = "<" if payload[0] else ">"
    axes, *sizes = struct.unpack_from(order + "8h", payload, 40)
    dtype = order + DTYPES[struct.unpack_from(order + "h", payload, 70)[0]]
    offset, slope, inter = struct.unpack_from(order + "3f", payload, 108)
    stored = np.frombuffer(payload[int(offset) :], dtype)
    assert sizes[3:axes].count(1) == axes - 3  # Also: every byte belongs to a voxel.
    stored = stored.reshape(sizes[:3], order="F")
    if (slope, inter) != (1, 0) or stored.dtype.kind == "f":
        stored = (stored.astype(np.float64) * slope + inter).astype(np.float32)
    header = nibabel.Nifti1Header(payload[:348], order, check=False)
    header["pixdim"][0] = header["pixdim"][0] or 1
    image = nibabel.Nifti1Image(stored, header.get_best_affine(), dtype=stored.dtype)
    canonical = nibabel.as_closest_canonical(image)
    return np.asarray(canonical.dataobj), canonical.affine


def reset_peak():
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text("5")  # From proc(5): sets the peak to what is held now.


def peak_mib():
    """Return the most memory held since the reset; 0 where no system file tells it."""
    if not CLEAR_REFS.exists():
        return 0
    status = CLEAR_REFS.with_name("status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def test_a_mutant_is_the_same_for_ever():
    assert make_mutant(3, 5) == make_mutant(3, 5)
    assert make_mutant(3, 5).content != make_mutant(3, 7).content
