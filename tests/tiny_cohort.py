"""A cohort of made-up patients, small enough to train on in a second."""

from pathlib import Path

import numpy as np

from brainseg_utils.cases import find_cases
from brainseg_utils.cohorts import Cohort
from brainseg_utils.nifti import write_volume
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid

SHAPE = (20, 20, 8)


def make_tiny_cohort(folder: Path, patients: int = 4) -> Cohort:
    """Write patients with a bright cube for a tumour and prepare their slices."""
    rng = np.random.default_rng(0)
    for index in range(patients):
        write_tiny_patient(folder / "patients" / f"P{index}", rng, 4 + index)
    cases, _ = find_cases(folder / "patients")
    store = prepare_slices(cases, folder / "prepared", SliceGrid(16, 16))
    return Cohort("tiny", folder, {case.id: case for case in cases}, store, ())


def write_tiny_patient(folder: Path, rng: np.random.Generator, size: int) -> None:
    """Write one patient in BraTS naming; the tumour is `size` voxels wide."""
    mask = np.zeros(SHAPE, np.uint8)
    corner = rng.integers(4, 8, 2)
    mask[corner[0] : corner[0] + size, corner[1] : corner[1] + size, 2:6] = 2
    brain = np.zeros(SHAPE, bool)
    brain[2:18, 2:18] = True
    for name in ("t1", "t1ce", "t2", "flair"):
        voxels = rng.normal(100 + 80 * (mask > 0), 10) * brain
        path = folder / f"{folder.name}_{name}.nii.gz"
        write_volume(path, voxels.astype(np.int16), np.eye(4))
    write_volume(folder / f"{folder.name}_seg.nii.gz", mask * brain, np.eye(4))
