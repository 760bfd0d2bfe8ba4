"""Load one patient into memory and refuse what does not fit together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError
from brainseg_utils.layouts.slice_stacks import read_stack
from brainseg_utils.nifti import Volume, read_series, read_volume
from brainseg_utils.system.memory_order import (
    along,
    backward_axes,
    forwards,
    laid_out_alike,
)

PLANES = 8
AFFINE_TOLERANCE_MM = 1e-3  # Rounding in headers is 1e-7; a real shift is far larger.


@dataclass(frozen=True)
class CaseVolumes:
    """One patient's voxels in RAS+: z upwards, y to the front, x to the right.

    Arrays are views on what the files hold, and run backwards in memory where the files
    do: turning 18 MB costs more than all arithmetic on it.

    Attributes:
        sequences: `[z, y, x]` of each sequence as scanned, in the order of
            `Case.sequences`.
        brain: `[z, y, x]` bool, where any sequence differs from 0.
        mask: `[z, y, x]` uint8, 1 in the whole tumour; None without a mask file.
        affine: `[4, 4]`, from voxel `(x, y, z)` to millimetres.
        spacing_mm: Size of a voxel along x, y and z.
    """

    sequences: dict[str, np.ndarray]
    brain: np.ndarray
    mask: np.ndarray | None
    affine: np.ndarray
    spacing_mm: tuple[float, float, float]


def load_case(case: Case, readers: Executor | None = None) -> CaseVolumes:
    """Read all files of a patient, each once.

    Args:
        case: The patient.
        readers: Threads that read the files; None takes some for this patient alone.

    Raises:
        BrainSegError: A file cannot be read, sequences or mask differ in shape or
            affine, or the mask holds an unknown label.
    """
    if readers is None:
        with ThreadPoolExecutor(os.cpu_count()) as own:
            return load_case(case, own)
    volumes = read_files(case, readers)
    check_same_grid(case, volumes)
    return assemble(case, volumes)


def assemble(case: Case, volumes: dict[str, Volume]) -> CaseVolumes:
    """Make a patient of its files' volumes, which lie on one grid.

    Args:
        case: The patient.
        volumes: Each sequence, and `"mask"` where there is one.

    Raises:
        BrainSegError: `E-LABEL` where the mask holds an unknown label.
    """
    arrays = laid_out_alike({role: v.data.T for role, v in volumes.items()})
    mask = arrays.pop("mask", None)
    first = next(iter(volumes.values()))
    return CaseVolumes(
        arrays,
        _any_nonzero(list(arrays.values())),
        None if mask is None else along(mask, lambda m: _whole_tumour(case, m)),
        first.affine,
        first.spacing_mm,
    )


def read_sequence(case: Case, name: str) -> Volume:
    """Return one sequence of a patient, `[x, y, z]` in RAS+ orientation."""
    return _read_path(case, case.sequences[name], [name])[name]


def read_mask(case: Case) -> Volume:
    """Return a patient's whole-tumour mask, `[x, y, z]` uint8 in RAS+ orientation."""
    volume = _read_path(case, case.mask, ["mask"])["mask"]
    return Volume(_whole_tumour(case, volume.data), volume.affine)


def read_files(case: Case, readers: Executor) -> dict[str, Volume]:
    """Read the sequences and last the mask, several files at a time."""
    paths = {**case.sequences, **({"mask": case.mask} if case.mask else {})}
    jobs: dict[Path, list[str]] = {}
    for role, path in paths.items():
        jobs.setdefault(path, []).append(role)
    parts = readers.map(lambda job: _read_path(case, *job), jobs.items())
    found = {role: volume for part in parts for role, volume in part.items()}
    return {role: found[role] for role in paths}


def _read_path(case: Case, path: Path, roles: Sequence[str]) -> dict[str, Volume]:
    """Read what one file or folder of slices holds of a patient."""
    if path.is_dir():
        return {role: _read_stack(path, case.parts.get(role)) for role in roles}
    if not any(role in case.parts for role in roles):
        volume = read_volume(path)
        return {role: volume for role in roles}
    series = read_series(path)
    for role in roles:
        if not case.parts.get(role, 0) < len(series):
            raise BrainSegError(
                "E-NII-NDIM",
                path,
                f"holds {len(series)} volumes, and {role} should be number "
                f"{case.parts[role]} counted from 0.",
                "Check the file and the order of channels that its data set states.",
            )
    return {role: series[case.parts.get(role, 0)] for role in roles}


def _read_stack(folder: Path, part: int | None) -> Volume:
    # Pictures have their first row at the front and the patient's right on the left.
    backwards = read_stack(folder, part).T
    return Volume(backwards[::-1, ::-1], np.eye(4))


def _any_nonzero(arrays: list[np.ndarray]) -> np.ndarray:
    stored = forwards(*arrays)
    brain = np.empty(stored[0].shape, bool)
    dtypes = {array.dtype for array in stored}
    whole = len(dtypes) == 1 and stored[0].dtype.kind in "iu"
    # A few planes at a time, so that they stay in the processor's cache.
    for start in range(0, len(brain), PLANES):
        planes = [array[start : start + PLANES] for array in stored]
        inside = brain[start : start + PLANES]
        if whole:  # Of whole numbers of one type one comparison suffices.
            np.not_equal(reduce(np.bitwise_or, planes), 0, out=inside)
        else:
            np.any([plane != 0 for plane in planes], axis=0, out=inside)
    return np.flip(brain, backward_axes(arrays[0]))


def check_same_grid(case: Case, volumes: dict[str, Volume]) -> None:
    """Refuse files that do not lie voxel on voxel.

    Raises:
        BrainSegError: `E-SHAPE` or `E-AFFINE`.
    """
    shapes = {role: volume.data.shape for role, volume in volumes.items()}
    if len(set(shapes.values())) > 1:
        raise BrainSegError(
            "E-SHAPE",
            home_of(case),
            f"the files of {case.id} differ in shape: {shapes}.",
            "Resample them to one grid (the data sets named in the README are).",
        )
    affines = np.array([volume.affine for volume in volumes.values()])
    apart = np.abs(affines[:, None] - affines).max(axis=(2, 3))
    # The file that agrees with most others is taken for right.
    usual = int((apart <= AFFINE_TOLERANCE_MM).sum(axis=1).argmax())
    for role, distance in zip(volumes, apart[usual], strict=True):
        if distance > AFFINE_TOLERANCE_MM:
            raise BrainSegError(
                "E-AFFINE",
                case.mask if role == "mask" else case.sequences[role],
                f"its affine differs from that of {list(volumes)[usual]} by up to "
                f"{distance:.3g}, so the two do not lie over one another.",
                "Register or resample the patient's files to one grid.",
            )


def _whole_tumour(case: Case, mask: np.ndarray) -> np.ndarray:
    try:
        return case.labels.whole_tumour(mask)
    except ValueError as error:
        raise BrainSegError(
            "E-LABEL",
            case.mask,
            f"{error}.",
            "Check that the mask is of this data set; if it follows another scheme, "
            "name that one: labels=.",
        ) from None


def home_of(case: Case) -> Path:
    """Return the folder in which a patient's images lie."""
    path = next(iter(case.sequences.values()))
    return path if path.is_dir() else path.parent
