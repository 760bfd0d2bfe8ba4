"""Load one patient into memory and refuse what does not fit together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError
from brainseg_utils.nifti import Volume, read_volume

AFFINE_TOLERANCE_MM = 1e-3  # Rounding in headers is 1e-7; a real shift is far larger.


@dataclass(frozen=True)
class CaseVolumes:
    """One patient's voxels, in canonical (RAS+) orientation.

    Attributes:
        image: `[x, y, z, channel]` float32 as scanned, channels in the order of
            `Case.sequences`.
        brain: `[x, y, z]` bool, where any sequence differs from 0.
        mask: `[x, y, z]` uint8, 1 in the whole tumour; None without a mask file.
        affine: `[4, 4]`, from voxel indices to millimetres.
        spacing_mm: Size of a voxel along x, y and z.
        warnings: Problems that do not stop the patient's use.
    """

    image: np.ndarray
    brain: np.ndarray
    mask: np.ndarray | None
    affine: np.ndarray
    spacing_mm: tuple[float, float, float]
    warnings: tuple[BrainSegError, ...]


def load_case(case: Case) -> CaseVolumes:
    """Read all files of a patient.

    Raises:
        BrainSegError: A file cannot be read, sequences or mask differ in shape or
            affine, a sequence is constant, or the mask holds an unknown label.
    """
    paths = [*case.sequences.values(), *([case.mask] if case.mask else [])]
    volumes = [read_volume(path) for path in paths]
    _check_same_grid(case, dict(zip(paths, volumes, strict=True)))
    channels = volumes[: len(case.sequences)]
    for path, volume in zip(paths, channels, strict=False):
        _check_varies(path, volume)
    image = np.stack([volume.data for volume in channels], -1).astype(np.float32)
    mask = _whole_tumour(case, volumes[-1]) if case.mask else None
    return CaseVolumes(
        image,
        np.any(image != 0, axis=-1),
        mask,
        volumes[0].affine,
        volumes[0].spacing_mm,
        () if mask is None or mask.any() else (_empty_mask(case),),
    )


def normalise(image: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """Scale each channel, in place, to mean 0 and deviation 1 in the brain, else 0.

    Args:
        image: `[x, y, z, channel]` float32 as scanned; it is overwritten.
        brain: `[x, y, z]` bool.

    Returns:
        `image`, clipped to [-5, 5] so that a few very bright
        vessels do not take the range from everything else.
    """
    inside = image[brain]
    # Sums of millions of float32 values need float64 to keep their digits.
    mean = inside.mean(axis=0, dtype=np.float64).astype(np.float32)
    deviation = inside.std(axis=0, dtype=np.float64).astype(np.float32)
    # In place: at full size another copy costs more time than the arithmetic.
    image -= mean
    image /= np.maximum(deviation, 1e-6)
    np.clip(image, -5, 5, out=image)
    image[~brain] = 0
    return image


def _check_same_grid(case: Case, volumes: dict[Path, Volume]) -> None:
    shapes = {path.name: volume.data.shape for path, volume in volumes.items()}
    if len(set(shapes.values())) > 1:
        raise BrainSegError(
            "E-SHAPE",
            _home(case),
            f"the files of {case.id} differ in shape: {shapes}.",
            "Resample them to one grid (the data sets named in the README are).",
        )
    reference = next(iter(volumes.values())).affine
    for path, volume in volumes.items():
        distance = np.abs(volume.affine - reference).max()
        if distance > AFFINE_TOLERANCE_MM:
            raise BrainSegError(
                "E-AFFINE",
                path,
                f"its affine differs from that of {next(iter(volumes)).name} by up to "
                f"{distance:.3g}, so the two do not lie over one another.",
                "Register or resample the patient's files to one grid.",
            )


def _check_varies(path: Path, volume: Volume) -> None:
    if volume.data.min() == volume.data.max():
        raise BrainSegError(
            "E-SEQ-CONST",
            path,
            f"every voxel is {volume.data.flat[0]}.",
            "Export the sequence again, or leave it out in the parameters.",
        )


def _whole_tumour(case: Case, volume: Volume) -> np.ndarray:
    try:
        return case.labels.whole_tumour(volume.data)
    except ValueError as error:
        raise BrainSegError(
            "E-LABEL",
            case.mask,
            f"{error}.",
            "Check that the mask belongs to this data set's label scheme.",
        ) from None


def _empty_mask(case: Case) -> BrainSegError:
    return BrainSegError(
        "W-EMPTY",
        case.mask,
        f"the mask of {case.id} holds no tumour.",
        "Keep it if the patient has none (Dice then counts 1 for an empty prediction "
        "and 0 for any other); else get the mask again.",
    )


def _home(case: Case) -> Path:
    return next(iter(case.sequences.values())).parent
