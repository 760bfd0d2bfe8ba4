"""A patient's files in, a mask in their own space out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError, errors_of, raise_all
from brainseg_utils.files import refuse_existing
from brainseg_utils.masks.planes import Cube
from brainseg_utils.masks.predictions import decide_mask, predict_images
from brainseg_utils.nifti.same_grid import (
    StoredGrid,
    plain_grid,
    read_grid,
    write_on_grid,
)
from brainseg_utils.prediction.measures import Measures, measure
from brainseg_utils.prediction.new_patient import (
    NewPatient,
    as_trained,
    find_new_patients,
    load_new_patient,
)
from brainseg_utils.prediction.resampling import resample_probability
from brainseg_utils.prediction.trained_runs import TrainedRun, load_trained
from brainseg_utils.runs import Run
from brainseg_utils.store.case_slices import CaseSlices, slice_case, tumour_outside
from brainseg_utils.store.codes import decode
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.store.prepared_case import check_slices
from brainseg_utils.volumes import home_of

REPLACE = "Choose another folder (--output), or have it replaced (--force)."
UNSEEN = 0.02  # Share of the brain; slices with hardly any are never looked at.


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

    Sequences on other grids than the first one's are resampled to that, and pixels of
    another shape than in training to training's; the mask lies on the first sequence's
    own grid in any case. Where nothing has to be resampled, nothing is, and where also
    voxels have training's size, the mask is the one that `evaluate_run` would score.

    Args:
        patient: Folder of one patient in any layout that `find_cases` knows, or the
            case, whose sequences may be more, and in any order. A mask is not needed,
            and not read.
        run: A finished run, or its folder; loaded by `load_trained` it serves several
            patients.

    Raises:
        BrainSegError: The files cannot be used, or are not what the run was trained on:
            see `load_new_patient`; `E-MISSING`; `E-CROP` where no slice holds brain.
    """
    trained = run if isinstance(run, TrainedRun) else load_trained(run)
    case = patient if isinstance(patient, Case) else _only_patient(patient, trained)
    case = as_trained(case, trained.inputs)
    loaded = load_new_patient(case, trained.inputs)
    probability, problems = _predict(trained, case, loaded)
    config, grid = trained.config, _stored_grid(case, loaded)
    voxel_ml = float(np.prod(loaded.own.spacing_mm)) / 1000
    mask = decide_mask(probability, config.threshold, config.smallest_ml / voxel_ml)
    stored = grid.from_ras(mask)
    return CasePrediction(
        case,
        stored,
        grid.from_ras(probability),
        grid.affine,
        config.threshold,
        measure(stored, grid.affine),
        (*loaded.warnings, *problems),
        grid,
    )


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
        refuse_existing(path, REPLACE)
    arrays = prediction.mask, prediction.probability
    for path, data in zip(paths, arrays, strict=False):
        try:
            write_on_grid(path, data, prediction.grid)
        except BrainSegError as error:
            remedy = "Choose another folder (--output), or make it writable."
            raise BrainSegError(error.code, error.path, error.what, remedy) from error
    return paths


def _only_patient(folder: str | Path, trained: TrainedRun) -> Case:
    cases, problems = find_new_patients(folder, trained.inputs)
    raise_all(errors_of(problems), "exclude")
    if len(cases) > 1:
        names = ", ".join(case.id for case in cases[:3])
        what = f"holds {len(cases)} patients ({names}...), and one was wanted."
        raise BrainSegError("E-AMBIGUOUS", folder, what, "Name one patient's folder.")
    return cases[0]


def _predict(
    trained: TrainedRun, case: Case, loaded: NewPatient
) -> tuple[np.ndarray, list[BrainSegError]]:
    """Return probabilities `[x, y, z]` on the patient's own grid, and warnings."""
    volumes = loaded.volumes
    cut = trained.inputs.grid_for(volumes.spacing_mm)
    slices = slice_case(volumes, loaded.profile.scales, cut)
    raise_all(check_slices(case, volumes, slices, cut), "exclude")
    cube = Cube(slices.z, cut.pitch(volumes.spacing_mm), cut.image_size)
    images = decode(slices.images)
    found = predict_images(trained.model, images, cube, trained.config)
    whole = cut.restore(found, slices.z, slices.corner, loaded.grid.shape)
    back = resample_probability(whole, loaded.grid, loaded.own)
    return back, _unseen(case, loaded, slices, cut)


def _unseen(
    case: Case, loaded: NewPatient, slices: CaseSlices, cut: SliceGrid
) -> list[BrainSegError]:
    outside = tumour_outside(slices, loaded.volumes.brain, cut)
    share = outside / loaded.profile.voxels
    what = f"{share:.0%} of the brain lie outside the slices, and were not looked at."
    remedy = "Check that nothing but the brain differs from 0."
    crop = BrainSegError("W-CROP", home_of(case), what, remedy)
    return [crop] if share > UNSEEN else []


def _stored_grid(case: Case, loaded: NewPatient) -> StoredGrid:
    path = next(iter(case.sequences.values()))
    if path.is_dir():
        return plain_grid(loaded.own.shape, loaded.own.affine)
    return read_grid(path)
