"""Write a volume on the very grid of another file: its axes, place and codes."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np

from brainseg_utils.files import replacing
from brainseg_utils.nifti.content import HEAD_BYTES, reading
from brainseg_utils.nifti.gunzip import gunzip
from brainseg_utils.nifti.header import HEADER_BYTES, parse_header
from brainseg_utils.nifti.kind import BYTE_ORDERS, is_gzip

RAS = np.array([[0, 1], [1, 1], [2, 1]])  # As nibabel.io_orientation has it.


class StoredGrid(NamedTuple):
    """Where the voxels of a file lie, in the order in which it stores them.

    Attributes:
        shape: Voxels along the three stored axes.
        affine: `[4, 4]`, from stored voxel indices to RAS+ millimetres.
        header: The file's header, of which every field about place is kept.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    header: nibabel.Nifti1Header

    def from_ras(self, data: np.ndarray) -> np.ndarray:
        """Turn `[x, y, z]` of `read_volume` back to the order of the file's axes."""
        stored = nibabel.io_orientation(self.affine)
        back = nibabel.orientations.ornt_transform(RAS, stored)
        return nibabel.apply_orientation(data, back)


def read_grid(path: Path) -> StoredGrid:
    """Return the grid of a NIfTI-1 file; of a 4-D file, that of each volume.

    Raises:
        BrainSegError: As `read_volume`, for what the header alone can tell.
    """
    with reading(path), open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    start = bytes(gunzip(path, head, HEADER_BYTES)) if is_gzip(path, head) else head
    checked = parse_header(path, start, max_axes=4)
    fields = start[:HEADER_BYTES], BYTE_ORDERS[start[:4]]
    header = nibabel.Nifti1Header(*fields, check=False)
    return StoredGrid(checked.shape[:3], checked.affine, header)


def plain_grid(shape: tuple[int, int, int], affine: np.ndarray) -> StoredGrid:
    """Return the grid of voxels that no NIfTI file holds, such as slices' pictures."""
    image = nibabel.Nifti1Image(np.zeros(shape, np.uint8), affine)
    return StoredGrid(shape, affine, image.header)


def write_on_grid(path: str | Path, data: np.ndarray, grid: StoredGrid) -> None:
    """Write `data` with its dtype and no scaling; the same input gives the same bytes.

    Args:
        path: Ends with `.nii.gz`.
        data: Of the grid's shape, in the order of its stored axes.
        grid: Whose qform, sform, their codes, voxel sizes and units are taken over.

    Raises:
        BrainSegError: `E-DISK` or `E-DISK-RO`.
    """
    header = grid.header.copy()
    header.set_data_dtype(data.dtype)
    # What told of the scan's own brightness would make a mask invisible.
    for name, value in (("cal_min", 0), ("cal_max", 0), ("descrip", b"brainseg")):
        header[name] = value
    image = nibabel.Nifti1Image(data, grid.affine, header)
    content = gzip.compress(image.to_bytes(), 1, mtime=0)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
