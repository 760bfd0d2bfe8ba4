"""A patient's files in, a mask in their own space out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from brainseg_utils.case_checks import check_volumes
from brainseg_utils.case_slices import slice_case
from brainseg_utils.cases import Case, find_cases
from brainseg_utils.codes import decode
from brainseg_utils.errors import BrainSegError, errors_of, raise_all
from brainseg_utils.files import refuse_existing
from brainseg_utils.measures import Measures, measure
from brainseg_utils.nifti.same_grid import (
    StoredGrid,
    plain_grid,
    read_grid,
    write_on_grid,
)
from brainseg_utils.predictions import decide_mask, predict_images
from brainseg_utils.profiles import profile_case
from brainseg_utils.runs import Run
from brainseg_utils.trained_runs import TrainedRun, load_trained
from brainseg_utils.volumes import CaseVolumes, load_case


@dataclass(frozen=True)
class CasePrediction:
    """What a network says of a patient, on the grid of the first sequence's file.

    Attributes:
        case: The patient: id and files.
        mask: `[i, j, k]` uint8 of 0 and 1, axes as the file stores them.
        probability: `[i, j, k]` float32 in [0, 1]; 0 where nothing was predicted.
        affine: `[4, 4]`, from voxel indices to RAS+ millimetres.
        threshold: Probability from which a voxel is tumour.
        measures: Size of the mask.
        warnings: What is unusual about the patient, with codes `W-`.
        grid: The file's grid and header.
    """

    case: Case
    mask: np.ndarray
    probability: np.ndarray
    affine: np.ndarray
    threshold: float
    measures: Measures
    warnings: tuple[BrainSegError, ...]
    grid: StoredGrid


def predict_case(
    patient: Case | str | Path, run: TrainedRun | Run | str | Path
) -> CasePrediction:
    """Segment a patient as the run's recipe says.

    Args:
        patient: Folder of one patient in any layout that `find_cases` knows, or the
            case. A mask is not needed, and not read.
        run: A finished run, or its folder; loaded by `load_trained` it serves several
            patients.

    Raises:
        BrainSegError: The files cannot be used, or are not what the run was trained on.
    """
    trained = run if isinstance(run, TrainedRun) else load_trained(run)
    case = patient if isinstance(patient, Case) else find_patient(patient, trained)
    volumes = load_case(replace(case, mask=None))
    profile = profile_case(volumes)
    problems = check_volumes(case, volumes, profile)
    raise_all(errors_of(problems), "exclude")
    probability = _predict(trained, case, volumes, profile.scales)
    voxel_ml = float(np.prod(volumes.spacing_mm)) / 1000
    choices = trained.config.threshold, trained.config.smallest_ml / voxel_ml
    mask = decide_mask(probability, *choices)
    grid = _grid_of(case, volumes)
    mask, probability = map(grid.from_ras, (mask, probability))
    return CasePrediction(
        case,
        mask,
        probability,
        grid.affine,
        trained.config.threshold,
        measure(mask, grid.affine),
        tuple(problems),
        grid,
    )


def find_patient(folder: str | Path, trained: TrainedRun) -> Case:
    """Return the one patient in a folder."""
    cases, problems = find_cases(folder, trained.inputs.sequences, need_mask=False)
    raise_all(errors_of(problems), "exclude")
    if len(cases) > 1:
        names = ", ".join(case.id for case in cases[:3])
        what = f"holds {len(cases)} patients ({names}...), and one was wanted."
        raise BrainSegError("E-AMBIGUOUS", folder, what, "Name one patient's folder.")
    return cases[0]


def output_paths(case: Case, folder: str | Path, probability: bool) -> list[Path]:
    """Return where a patient's mask and, if wanted, its probabilities are written."""
    kinds = ("mask", "probability") if probability else ("mask",)
    return [Path(folder) / f"{case.id}_{kind}.nii.gz" for kind in kinds]


def write_prediction(
    prediction: CasePrediction,
    output: str | Path,
    force: bool = False,
    probability: bool = False,
) -> list[Path]:
    """Write `<case>_mask.nii.gz`, uint8, on the grid of the first sequence's file.

    Args:
        prediction: From `predict_case`.
        output: Folder; made where it is missing.
        force: Whether to replace files that are there.
        probability: Whether to write `<case>_probability.nii.gz`, float32, as well.

    Returns:
        The paths written.

    Raises:
        BrainSegError: `E-EXISTS` without `force`; `E-DISK` or `E-DISK-RO`.
    """
    paths = output_paths(prediction.case, output, probability)
    for path in paths if not force else ():
        refuse_existing(path)
    arrays = prediction.mask, prediction.probability
    for path, data in zip(paths, arrays, strict=False):
        write_on_grid(path, data, prediction.grid)
    return paths


def _predict(
    trained: TrainedRun,
    case: Case,
    volumes: CaseVolumes,
    scales: list[tuple[float, float]],
) -> np.ndarray:
    """Return probabilities `[x, y, z]` on the grid of the volumes."""
    grid = trained.inputs.grid_for(volumes.spacing_mm)
    slices = slice_case(volumes, scales, grid)
    images = decode(slices.images)
    found = predict_images(trained.model, images, mirror=trained.config.mirror)
    shape = volumes.brain.shape[::-1]
    return grid.restore(found, slices.z, slices.corner, shape)


def _grid_of(case: Case, volumes: CaseVolumes) -> StoredGrid:
    path = next(iter(case.sequences.values()))
    if path.is_dir():
        return plain_grid(volumes.brain.shape[::-1], volumes.affine)
    return read_grid(path)
