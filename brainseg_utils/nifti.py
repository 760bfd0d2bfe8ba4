"""The one reader and the one writer of NIfTI files."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import replacing

MAX_VOXELS = 512**3  # A head at 0.5 mm; a header that claims more lies.


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
    """Read a 3-D NIfTI file and turn it to canonical (RAS+) orientation.

    Returns:
        Volume: the data as float32, or as stored where it holds unscaled integers.

    Raises:
        BrainSegError: The file is missing, damaged, not 3-D, larger than
            `MAX_VOXELS`, has no usable affine, or holds NaN or infinite voxels.
    """
    path = Path(path)
    image = _open(path)
    _check_shape(path, image.shape)
    _check_affine(path, image.affine)
    data = _read_voxels(path, image).reshape(image.shape[:3])
    # Without dtype nibabel refuses 64-bit integers, which some tools write for masks.
    canonical = nibabel.as_closest_canonical(
        nibabel.Nifti1Image(data, image.affine, dtype=data.dtype)
    )
    return Volume(np.asarray(canonical.dataobj), canonical.affine)


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


def _open(path: Path) -> nibabel.Nifti1Image:
    try:
        image = nibabel.load(path)
    except FileNotFoundError:
        raise BrainSegError(
            "E-READ", path, "there is no such file.", "Check the path."
        ) from None
    except Exception as error:  # nibabel passes on whatever a bad header provokes.
        raise _damaged(path, error) from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise BrainSegError(
            "E-NII-TYPE",
            path,
            f"wanted NIfTI, got {type(image).__name__}.",
            "Convert it, for example with dcm2niix.",
        )
    return image


def _check_shape(path: Path, shape: tuple[int, ...]) -> None:
    if len([n for n in shape if n > 1]) != 3 or any(n != 1 for n in shape[3:]):
        raise BrainSegError(
            "E-NII-NDIM",
            path,
            f"wanted three axes, got shape {list(shape)}.",
            "Give one file for each sequence, each a 3-D volume.",
        )
    if np.prod(shape, dtype=float) > MAX_VOXELS:
        raise BrainSegError(
            "E-NII-DIMS",
            path,
            f"the header claims {list(shape)} voxels, over the limit of {MAX_VOXELS}.",
            "Get the file again; its header looks damaged.",
        )


def _check_affine(path: Path, affine: np.ndarray) -> None:
    if not np.isfinite(affine).all() or not np.linalg.det(affine[:3, :3]):
        raise BrainSegError(
            "E-NII-AFFINE",
            path,
            f"its affine says not where the voxels lie: {affine[:3].tolist()}.",
            "Export the file again; its header looks damaged.",
        )


def _read_voxels(path: Path, image: nibabel.Nifti1Image) -> np.ndarray:
    try:
        data = _stored_voxels(path, image)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _damaged(path, error) from error
    if data.dtype.kind not in "iuf":
        raise BrainSegError(
            "E-NII-TYPE",
            path,
            f"wanted one real number a voxel, got {data.dtype}.",
            "Export the scan itself, not a colour or complex image of it.",
        )
    if data.dtype.kind == "f":
        data = data.astype(np.float32, copy=False)
    bad = 0 if data.dtype.kind in "iu" else np.count_nonzero(~np.isfinite(data))
    if bad:
        raise BrainSegError(
            "E-NII-NONFINITE",
            path,
            f"{bad} voxels are NaN or infinite.",
            "Export the file again, or set these voxels to 0.",
        )
    return data


def _stored_voxels(path: Path, image: nibabel.Nifti1Image) -> np.ndarray:
    if not path.name.lower().endswith(".gz"):
        return np.asanyarray(image.dataobj)
    with gzip.open(path) as file:
        data = np.asanyarray(type(image).from_stream(file).dataobj)
        # Only at the end does gzip compare its checksum: most damage shows nowhere
        # else, and the voxels would be wrong in silence.
        while file.read(2**20):
            pass
    return data


def _damaged(path: Path, error: Exception) -> BrainSegError:
    reason = io.StringIO(str(error)).readline().strip() or type(error).__name__
    return BrainSegError(
        "E-READ",
        path,
        f"cannot be read as NIfTI: {reason}.",
        "The file is damaged or of another kind; get it again.",
    )
