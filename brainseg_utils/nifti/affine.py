"""Where the voxels of a NIfTI-1 file lie, where its header says so without doubt."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import nibabel
import numpy as np

from brainseg_utils.errors import BrainSegError

CODES = range(6)  # NIFTI_XFORM_UNKNOWN to NIFTI_XFORM_TEMPLATE_OTHER in nifti1.h.
MAX_MM = 1e6  # Farther away lies no scanner; damaged headers say 1e30 and more.
MAX_DISTANCE = 0.5  # Voxels between two forms that mean the same place.
# Volume of a voxel against that of a box with the same edges: the scanner's tilt
# leaves more than a half, three axes in one plane leave rounding.
MIN_VOLUME = 1e-4


def checked_affine(
    path: Path, fields: nibabel.Nifti1Header, shape: tuple[int, ...]
) -> np.ndarray:
    """Return the affine `[4, 4]` from voxel indices to millimetres.

    It is the sform where that has a code, else the qform, else the bare voxel sizes,
    as nibabel chooses.

    Raises:
        BrainSegError: `E-NII-AFFINE` where a form that has a code is not finite
            or a kilometre away, squeezes voxels flat, or places a corner elsewhere
            than the other one.
    """
    # pixdim[0] is the handedness of the qform; nifti1.h lets 0 stand for 1.
    fields["pixdim"][0] = fields["pixdim"][0] or 1
    codes = int(fields["sform_code"]), int(fields["qform_code"])
    if not set(codes) <= set(CODES):
        raise _unusable(path, f"sform_code and qform_code {codes} are none of 0 to 5")
    with np.errstate(all="ignore"):
        sform = _checked(path, fields.get_sform(), "sform") if codes[0] else None
        qform = _checked(path, _qform(path, fields), "qform") if codes[1] else None
        if sform is not None and qform is not None:
            _check_agreement(path, sform, qform, shape)
        if sform is None and qform is None:
            return _checked(path, _bare_sizes(path, fields), "voxel size")
    return qform if sform is None else sform


def _qform(path: Path, fields: nibabel.Nifti1Header) -> np.ndarray:
    try:
        return fields.get_qform()
    except (ValueError, nibabel.spatialimages.HeaderDataError) as error:
        raise _unusable(path, f"its qform is no rotation: {error}") from None


def _bare_sizes(path: Path, fields: nibabel.Nifti1Header) -> np.ndarray:
    if (fields["pixdim"][1:4] < 0).any():
        raise _unusable(path, f"its voxel sizes are {fields['pixdim'][1:4].tolist()}")
    return fields.get_base_affine()


def _checked(path: Path, affine: np.ndarray, form: str) -> np.ndarray:
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    # NaN fails the comparisons, as it must, and an edge of 0 gives NaN.
    volume = np.abs(np.linalg.det(affine[:3, :3] / edges))
    if not np.abs(affine).max() <= MAX_MM or not volume > MIN_VOLUME:
        what = f"its {form} says not where the voxels lie: {affine[:3].tolist()}"
        raise _unusable(path, what)
    return affine


def _check_agreement(
    path: Path, sform: np.ndarray, qform: np.ndarray, shape: tuple[int, ...]
) -> None:
    corners = np.array([*product(*((0, size - 1) for size in shape[:3]))])
    moved = nibabel.affines.apply_affine(np.linalg.inv(sform) @ qform, corners)
    distance = np.abs(moved - corners).max()
    if not distance <= MAX_DISTANCE:
        raise BrainSegError(
            "E-NII-AFFINE",
            path,
            f"its sform and qform place a corner {distance:.3g} voxels apart.",
            "Keep the right one: image = nibabel.load(OLD); image.set_qform(None, 0) "
            "drops the qform, image.set_sform(None, 0) the sform; then nibabel.save.",
        )


def _unusable(path: Path, what: str) -> BrainSegError:
    remedy = "Export the file again; its header looks damaged."
    return BrainSegError("E-NII-AFFINE", path, f"{what}.", remedy)
