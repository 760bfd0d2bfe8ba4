"""The one reader and the one writer of NIfTI files."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import replacing
from brainseg_utils.nifti.content import read_content
from brainseg_utils.nifti.header import MAX_VOXELS as MAX_VOXELS
from brainseg_utils.nifti.header import Header

CHUNK = 2**16  # Voxels at a time: their float64 copy stays in the processor's cache.


class Volume(NamedTuple):
    """A 3-D image in canonical orientation.

    Attributes:
        data: `[x, y, z]` with x to the right, y to the front, z upwards (RAS+).
        affine: `[4, 4]`, from voxel indices to millimetres.
    """

    data: np.ndarray
    affine: np.ndarray

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Size of a voxel along x, y and z, in millimetres."""
        return tuple(float(s) for s in nibabel.affines.voxel_sizes(self.affine))


def read_volume(path: str | Path) -> Volume:
    """Read a 3-D NIfTI-1 file and turn it to canonical (RAS+) orientation.

    Axes of 1 behind the third are dropped. The header is believed in nothing that the
    file cannot hold, and every checksum is compared.

    Returns:
        Volume: the data as float32, or as stored where it holds unscaled integers;
            read-only, as it is a view on what was read.

    Raises:
        BrainSegError: `E-READ` where the file is missing or cannot be read; else one
            of `E-NII-EMPTY`, `-TYPE`, `-GZ`, `-SHORT`, `-EXTRA`, `-BOMB`, `-DIMS`,
            `-NDIM`, `-DTYPE`, `-OFFSET`, `-SCALE`, `-AFFINE` and `-NONFINITE`.
    """
    header, voxels = _read(path, max_axes=3)
    return _turn(voxels, header.affine)


def read_series(path: str | Path) -> list[Volume]:
    """Read the volumes of a 4-D NIfTI-1 file in order; a 3-D file gives one.

    Returns:
        Volumes as `read_volume` returns them, all views on the same memory.

    Raises:
        BrainSegError: As `read_volume`; the file may hold `MAX_VOXELS` a volume and
            1 GiB in all.
    """
    header, voxels = _read(path, max_axes=4)
    volumes = [voxels] if voxels.ndim == 3 else np.moveaxis(voxels, 3, 0)
    return [_turn(volume, header.affine) for volume in volumes]


def write_volume(
    path: str | Path, data: np.ndarray, affine: np.ndarray, compresslevel: int = 1
) -> None:
    """Write `data` `[x, y, z]` with its dtype; the same input gives the same bytes.

    Raises:
        ValueError: `path` ends with neither `.nii` nor `.nii.gz`.
    """
    path = Path(path)
    if not path.name.endswith((".nii", ".nii.gz")):
        raise ValueError(f"path must end with .nii or .nii.gz. Got: {path}")
    content = nibabel.Nifti1Image(data, affine, dtype=data.dtype).to_bytes()
    if path.name.endswith(".gz"):
        content = gzip.compress(content, compresslevel, mtime=0)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _read(path: str | Path, max_axes: int) -> tuple[Header, np.ndarray]:
    path = Path(path)
    header, content = read_content(path, max_axes)
    stored = np.frombuffer(content, header.dtype, offset=header.offset)
    # What overflows is infinite afterwards, and counted.
    with np.errstate(over="ignore", invalid="ignore"):
        voxels = _real_values(header, stored)
    if voxels.dtype.kind == "f":
        _check_finite(path, voxels, header.shape)
    # Some are a view on what was read and some a copy. None may be written, so that
    # code which works for one file works for all.
    voxels.flags.writeable = False
    return header, voxels.reshape(header.shape, order="F")


def _real_values(header: Header, stored: np.ndarray) -> np.ndarray:
    """Return float32, or the stored integers where no scale applies."""
    if (header.slope, header.inter) != (1, 0):
        return _scaled(header, stored)
    whole = stored.dtype.kind in "iu"
    dtype = stored.dtype.newbyteorder("=") if whole else np.float32
    return stored.astype(dtype, copy=False)


def _scaled(header: Header, stored: np.ndarray) -> np.ndarray:
    voxels = np.empty(stored.shape, np.float32)
    for start in range(0, len(stored), CHUNK):
        # In double precision and in this order, as nibabel scales.
        chunk = stored[start : start + CHUNK].astype(np.float64)
        chunk *= header.slope
        if header.inter:  # -0.0 + 0.0 would lose the sign.
            chunk += header.inter
        voxels[start : start + CHUNK] = chunk
    return voxels


def _check_finite(path: Path, voxels: np.ndarray, shape: tuple[int, ...]) -> None:
    finite = np.isfinite(voxels)
    if finite.all():
        return
    first = np.unravel_index(np.argmin(finite), shape, order="F")
    raise BrainSegError(
        "E-NII-NONFINITE",
        path,
        f"{len(finite) - np.count_nonzero(finite)} of {len(finite)} voxels are NaN or "
        f"infinite, the first at {[int(i) for i in first]} as stored.",
        "Export the file again, or set these voxels to 0.",
    )


@lru_cache(maxsize=64)
def _orientation(affine: bytes) -> np.ndarray:
    # Kept, because the files of a data set share a few; each takes a decomposition.
    return nibabel.io_orientation(np.frombuffer(affine).reshape(4, 4))


def _turn(voxels: np.ndarray, affine: np.ndarray) -> Volume:
    """Turn to RAS+ by strides alone, as nibabel.as_closest_canonical does."""
    orientation = _orientation(affine.tobytes())
    turned = nibabel.apply_orientation(voxels, orientation)
    back = nibabel.orientations.inv_ornt_aff(orientation, voxels.shape)
    return Volume(turned, affine @ back)
