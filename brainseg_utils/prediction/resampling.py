"""Bring a patient's sequences onto one grid, and what was found on it back.

What lies voxel on voxel already, with pixels of training's shape, is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel
import numpy as np
from nibabel.processing import resample_from_to

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError
from brainseg_utils.nifti import Volume
from brainseg_utils.run_files.inputs import SAME
from brainseg_utils.volumes import AFFINE_TOLERANCE_MM

MIN_SHARED = 0.7  # Of the smaller of two brains that lie over one another.


@dataclass(frozen=True)
class Grid:
    """Where voxels lie.

    Attributes:
        shape: `(x, y, z)`, in RAS+ order.
        affine: `[4, 4]`, from voxel indices to millimetres.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    @classmethod
    def of(cls, volume: Volume) -> Grid:
        """Return the grid of a volume."""
        return cls(volume.data.shape, volume.affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Size of a voxel along x, y and z."""
        return tuple(map(float, nibabel.affines.voxel_sizes(self.affine)))

    def equals(self, other: Grid) -> bool:
        """Tell whether two grids lie voxel on voxel."""
        apart = np.abs(self.affine - other.affine).max()
        return self.shape == other.shape and bool(apart <= AFFINE_TOLERANCE_MM)


def on_first_grid(
    case: Case, volumes: dict[str, Volume]
) -> tuple[dict[str, Volume], list[BrainSegError]]:
    """Resample what does not lie on the grid of the first sequence.

    Files are believed to lie over one another in millimetres: nothing is registered.

    Returns:
        The volumes, and `W-GRID` for each that was resampled.

    Raises:
        BrainSegError: `E-AFFINE` where a sequence's brain lies elsewhere.
    """
    first = next(iter(volumes.values()))
    brought, warnings = {}, []
    for name, volume in volumes.items():
        if Grid.of(volume).equals(Grid.of(first)):
            brought[name] = volume
            continue
        brought[name] = resample(volume, Grid.of(first))
        _check_overlap(case, name, volume, brought[name], first)
        warnings.append(_resampled(case, name, next(iter(volumes))))
    return brought, warnings


def pixels_as(grid: Grid, spacing_mm: tuple[float, float, float]) -> Grid:
    """Return a grid whose pixels are as wide to high as in training.

    It covers the same space, cut into planes as before; a grid whose pixels have the
    shape of training's is returned itself.

    Args:
        grid: The patient's.
        spacing_mm: Voxel size in training.
    """
    here, wanted = np.array(grid.spacing_mm), np.array(spacing_mm)
    ratio = here[:2] / wanted[:2]
    if ratio.max() <= (1 + SAME) * ratio.min():
        return grid
    scale = np.array([*(1 / ratio), 1.0])
    shape = np.maximum(np.ceil(np.array(grid.shape) / scale), 1).astype(int)
    # The edges of the volume stay where they are, and not the middles of its voxels.
    to_old = np.diag([*scale, 1.0])
    to_old[:3, 3] = (scale - 1) / 2
    return Grid(tuple(shape.tolist()), grid.affine @ to_old)


def resample(volume: Volume, grid: Grid) -> Volume:
    """Return a sequence on another grid, float32, linear between voxels of the brain.

    A voxel is background where less than half of it is brain; the brain's edge is not
    mixed with the zeros outside it.
    """
    data = np.asarray(volume.data, np.float32)
    share = _onto(Volume((data != 0).astype(np.float32), volume.affine), grid)
    mixed = _onto(Volume(data, volume.affine), grid)
    inside = share >= 0.5
    found = np.divide(mixed, share, out=np.zeros_like(mixed), where=inside)
    return Volume(found, grid.affine)


def resample_probability(data: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Return probabilities on another grid, linear between voxels, in [0, 1]."""
    if source is target:
        return data
    return np.clip(_onto(Volume(data, source.affine), target), 0, 1)


def _onto(volume: Volume, grid: Grid) -> np.ndarray:
    image = nibabel.Nifti1Image(volume.data, volume.affine)
    # Half a voxel beyond its middle the outermost voxel still counts.
    found = resample_from_to(
        image, (grid.shape, grid.affine), order=1, mode="grid-constant"
    )
    return np.asarray(found.dataobj, np.float32)


def _check_overlap(
    case: Case, name: str, volume: Volume, brought: Volume, first: Volume
) -> None:
    shared = np.logical_and(brought.data, first.data)
    share = _ml(shared, first.affine)
    smaller = min(_ml(one.data, one.affine) for one in (volume, first))
    if share < MIN_SHARED * smaller:
        raise BrainSegError(
            "E-AFFINE",
            case.sequences[name],
            f"only {share / smaller:.0%} of its brain lie where that of "
            f"{next(iter(case.sequences))} lies.",
            "Register the patient's sequences to one another.",
        )


def _ml(inside: np.ndarray, affine: np.ndarray) -> float:
    return np.count_nonzero(inside) * abs(np.linalg.det(affine[:3, :3])) / 1000


def _resampled(case: Case, name: str, first: str) -> BrainSegError:
    return BrainSegError(
        "W-GRID",
        case.sequences[name],
        f"lies on another grid than {first}, and was resampled to that.",
        "Check that the two lie over one another in a viewer: nothing was registered.",
    )
