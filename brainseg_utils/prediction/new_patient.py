"""A patient to predict: read, brought onto one grid, and held against the run's."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from brainseg_utils.cases import Case, find_cases
from brainseg_utils.doctor.case_checks import check_volumes
from brainseg_utils.doctor.profiles import Profile, profile_case
from brainseg_utils.errors import BrainSegError, errors_of, raise_all
from brainseg_utils.nifti import Volume
from brainseg_utils.prediction.fitness import ANOTHER_RUN, check_fit, check_spacing
from brainseg_utils.prediction.resampling import (
    Grid,
    on_first_grid,
    pixels_as,
    resample,
)
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.volumes import CaseVolumes, assemble, home_of, read_files


class NewPatient(NamedTuple):
    """What of a patient a network needs.

    Attributes:
        volumes: Its voxels, on the grid to predict on.
        profile: Figures of them.
        grid: The grid to predict on.
        own: The grid of the first sequence's file, turned to RAS+; the same object
            where nothing had to be resampled.
        warnings: What is unusual about the patient, with codes `W-`.
    """

    volumes: CaseVolumes
    profile: Profile
    grid: Grid
    own: Grid
    warnings: list[BrainSegError]


def find_new_patients(
    folder: str | Path, inputs: RunInputs
) -> tuple[list[Case], list[BrainSegError]]:
    """Find patients with the sequences of training, as `find_cases` does.

    Raises:
        BrainSegError: As `find_cases`.
    """
    folder = Path(folder).expanduser()
    cases, problems = find_cases(folder, inputs.sequences, need_mask=False)
    return cases, [
        BrainSegError(p.code, p.path, p.what, f"{p.remedy} {_wanted(inputs)}")
        if p.code == "E-MISSING"
        else p
        for p in problems
    ]


def as_trained(case: Case, inputs: RunInputs) -> Case:
    """Return a patient with the sequences of training, in their order.

    Raises:
        BrainSegError: `E-MISSING` for a sequence that the patient has not.
    """
    missing = [name for name in inputs.sequences if name not in case.sequences]
    if missing:
        what = f"patient {case.id} has no {', '.join(missing)}."
        raise BrainSegError("E-MISSING", home_of(case), what, _wanted(inputs))
    return replace(case, sequences={n: case.sequences[n] for n in inputs.sequences})


def load_new_patient(case: Case, inputs: RunInputs) -> NewPatient:
    """Read a patient and refuse what a run's network cannot judge.

    Args:
        case: The patient, from `find_new_patients` or `as_trained`. Its mask is not
            read.
        inputs: What the network was trained on.

    Raises:
        BrainSegError: A file cannot be read; `E-AFFINE`, `E-SPACING`, `E-SEQ-CONST`,
            `E-SEQ-DUP`, `E-SKULL` or `E-SIZE`; `E-DATA` for several of them.
    """
    case = replace(case, mask=None)
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        files = read_files(case, readers)
    files, warnings = on_first_grid(case, files)
    own = Grid.of(next(iter(files.values())))
    warnings += check_spacing(case, own.spacing_mm, inputs)
    raise_all(errors_of(warnings), "exclude")
    grid = pixels_as(own, inputs.spacing_mm)
    volumes = assemble(case, _on(grid, own, files))
    profile = profile_case(volumes)
    if not profile.voxels:
        raise _empty(case)
    warnings += check_volumes(case, volumes, profile)
    raise_all(errors_of(warnings), "exclude")
    warnings += check_fit(case, volumes, profile, inputs)
    raise_all(errors_of(warnings), "exclude")
    return NewPatient(volumes, profile, grid, own, warnings)


def _wanted(inputs: RunInputs) -> str:
    return f"The run wants {', '.join(inputs.sequences)}. {ANOTHER_RUN}"


def _on(grid: Grid, own: Grid, files: dict[str, Volume]) -> dict[str, Volume]:
    if grid is own:
        return files
    return {name: resample(volume, grid) for name, volume in files.items()}


def _empty(case: Case) -> BrainSegError:
    return BrainSegError(
        "E-SEQ-CONST",
        home_of(case),
        f"every sequence of {case.id} is 0 everywhere: there is no brain.",
        "Export the sequences again.",
    )
