"""Read the header of a NIfTI-1 file and believe nothing in it without a check."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.nifti.affine import checked_affine
from brainseg_utils.nifti.kind import (
    BYTE_ORDERS,
    SAVE_AS_NIFTI_1,
    begins_as_nifti,
    check_not_foreign,
    not_nifti,
)

HEADER_BYTES = 348
MIN_OFFSET = 352  # The header and the four bytes that announce extensions.
MAX_OFFSET = 2**24  # vox_offset is a float32, which counts no further exactly.
MAX_VOXELS = 512**3  # A head at 0.5 mm; a header that claims more lies.

# Datatype codes that stand for one real number, from nifti1.h.
DTYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
OTHER_DTYPES = {
    1: "single bits",
    32: "complex numbers",
    128: "RGB colours",
    1536: "128-bit floats",
    1792: "complex numbers",
    2048: "complex numbers",
    2304: "RGBA colours",
}
GET_AGAIN = "Get the file again, or export it again; its header looks damaged."


@dataclass(frozen=True)
class Header:
    """What a header says of the voxels, once it has passed every check.

    Attributes:
        shape: `(x, y, z)`, or `(x, y, z, volume)` where there are several volumes.
        dtype: Of the stored voxels, with their byte order.
        offset: Bytes before the first voxel.
        slope: Factor from stored to real values, never 0.
        inter: What is added then.
        affine: `[4, 4]`, from stored voxel indices to millimetres.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    slope: float
    inter: float
    affine: np.ndarray

    @property
    def end(self) -> int:
        """Bytes up to the end of the last voxel."""
        return self.offset + math.prod(self.shape) * self.dtype.itemsize


def parse_header(path: Path, head: bytes, max_axes: int) -> Header:
    """Check and return the header.

    Args:
        path: The file, for messages.
        head: Its first 348 bytes, decompressed.
        max_axes: 3 where one volume is wanted, 4 where several are welcome.

    Raises:
        BrainSegError: `E-NII-TYPE`, `-SHORT`, `-DIMS`, `-NDIM`, `-DTYPE`, `-OFFSET`,
            `-SCALE` or `-AFFINE`, for the first field that cannot be right.
    """
    order = _byte_order(path, head)
    fields = nibabel.Nifti1Header(head[:HEADER_BYTES], order, check=False)
    _check_magic(path, fields["magic"].tobytes())
    shape = _shape(path, fields, max_axes)
    dtype = _dtype(path, fields).newbyteorder(order)
    offset, scale = _offset(path, fields), _scale(path, fields)
    return Header(shape, dtype, offset, *scale, checked_affine(path, fields, shape))


def _byte_order(path: Path, head: bytes) -> str:
    order = BYTE_ORDERS.get(head[:4])
    if len(head) >= HEADER_BYTES and order:
        return order
    if begins_as_nifti(head):
        what = f"have {len(head)} bytes, need {HEADER_BYTES} for the header alone."
        raise BrainSegError("E-NII-SHORT", path, what, "Get the file again.")
    check_not_foreign(path, head)
    raise not_nifti(path, f"it begins with the bytes {head[:4].hex(' ')}", GET_AGAIN)


def _check_magic(path: Path, magic: bytes) -> None:
    if magic == b"ni1\0":
        raise not_nifti(path, "its voxels lie in another file (.img)", SAVE_AS_NIFTI_1)
    if magic != b"n+1\0":
        what = f"its magic bytes are {magic!r}, as of Analyze 7.5 or of a damaged file"
        raise not_nifti(path, what, "Export the scan again, as one .nii or .nii.gz.")


def _shape(path: Path, fields: nibabel.Nifti1Header, max_axes: int) -> tuple[int, ...]:
    # Python's integers do not overflow, as numpy's did with such headers.
    axes, *sizes = (int(size) for size in fields["dim"])
    shape = tuple(sizes[:axes])
    if not 1 <= axes <= 7 or min(shape) < 1:
        what = f"wanted 1 to 7 axes of 1 voxel or more, got dim = {[axes, *sizes]}."
        raise BrainSegError("E-NII-DIMS", path, what, GET_AGAIN)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if math.prod(shape[:3]) > MAX_VOXELS:
        what = f"the header claims {list(shape)} voxels, the limit is {MAX_VOXELS}."
        raise BrainSegError("E-NII-DIMS", path, what, GET_AGAIN)
    _check_axes(path, shape, max_axes)
    return shape


def _check_axes(path: Path, shape: tuple[int, ...], max_axes: int) -> None:
    remedy = "Give one file for each sequence, each a 3-D volume."
    if len(shape) == 4 and max_axes == 3:
        remedy = (
            f"It holds {shape[3]} volumes: split it, for example with "
            "nibabel.four_to_three, or read it with brainseg_utils.nifti.read_series."
        )
    if not 3 <= len(shape) <= max_axes or min(shape[:3]) == 1:
        what = f"wanted a volume of three axes, got shape {list(shape)}."
        raise BrainSegError("E-NII-NDIM", path, what, remedy)


def _dtype(path: Path, fields: nibabel.Nifti1Header) -> np.dtype:
    code, bits = int(fields["datatype"]), int(fields["bitpix"])
    if code not in DTYPES:
        kind = OTHER_DTYPES.get(code, "nothing known")
        what = f"wanted one real number a voxel, got datatype {code} ({kind})."
        remedy = "Export the scan itself, not a colour or complex image of it."
        raise BrainSegError("E-NII-DTYPE", path, what, remedy)
    dtype = np.dtype(DTYPES[code])
    if bits != 8 * dtype.itemsize:
        what = f"datatype {code} has {8 * dtype.itemsize} bits, bitpix says {bits}."
        raise BrainSegError("E-NII-DTYPE", path, what, GET_AGAIN)
    return dtype


def _offset(path: Path, fields: nibabel.Nifti1Header) -> int:
    offset = float(fields["vox_offset"])
    # NaN fails the comparison, as it must.
    if not MIN_OFFSET <= offset <= MAX_OFFSET or not offset.is_integer():
        what = f"vox_offset must be a whole number from {MIN_OFFSET}, got {offset}."
        raise BrainSegError("E-NII-OFFSET", path, what, GET_AGAIN)
    return int(offset)


def _scale(path: Path, fields: nibabel.Nifti1Header) -> tuple[float, float]:
    slope, inter = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope and math.isfinite(slope) and math.isfinite(inter):
        return slope, inter
    raise BrainSegError(
        "E-NII-SCALE",
        path,
        f"wanted a finite scl_slope other than 0, got {slope} (scl_inter {inter}).",
        "Where no scaling is meant, set scl_slope to 1 and scl_inter to 0; "
        "nibabel.save(nibabel.load(OLD), NEW) does.",
    )
