"""A patient's files, with a mask that was predicted for them, as a `View`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import nibabel
import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.pictures import View, turn
from brainseg_utils.prediction.resampling import (
    Grid,
    on_first_grid,
    resample_probability,
)
from brainseg_utils.volumes import read_files, read_mask


def view_case(
    case: Case,
    mask: np.ndarray,
    affine: np.ndarray,
    probability: np.ndarray | None = None,
) -> View:
    """Read a patient's sequences, and the reference mask where there is one.

    All are brought onto the grid of the first sequence, as for prediction.

    Args:
        case: The patient.
        mask: `[i, j, k]` of 0 and 1 on the first sequence's grid, stored in any
            direction.
        affine: `[4, 4]`, from the mask's voxels to mm in RAS+.
        probability: As the mask, in [0, 1].

    Raises:
        BrainSegError: A file cannot be read, or `E-AFFINE`.
        ValueError: The mask has not the first sequence's shape.
    """
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        files = read_files(replace(case, mask=None), readers)
    volumes, _ = on_first_grid(case, files)
    grid = Grid.of(next(iter(volumes.values())))
    orientation = nibabel.io_orientation(affine)
    mask, probability = (
        array if array is None else nibabel.apply_orientation(array, orientation)
        for array in (mask, probability)
    )
    images = {name: volume.data for name, volume in volumes.items()}
    return turn(images, mask, grid.affine, probability, _truth(case, grid))


def _truth(case: Case, grid: Grid) -> np.ndarray | None:
    if case.mask is None:
        return None
    truth = read_mask(case)
    if Grid.of(truth).equals(grid):
        return truth.data
    share = truth.data.astype(np.float32)
    return resample_probability(share, Grid.of(truth), grid) >= 0.5
