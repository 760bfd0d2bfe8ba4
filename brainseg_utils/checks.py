"""The data doctor: every problem of a folder of patients, listed at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainseg_utils.cases import SEQUENCES, Case, find_cases
from brainseg_utils.doctor.case_checks import check_volumes
from brainseg_utils.doctor.cohort_checks import check_cohort
from brainseg_utils.doctor.profiles import Profile, profile_case
from brainseg_utils.errors import BrainSegError, errors_of
from brainseg_utils.splits import patient_of
from brainseg_utils.volumes import load_case

MIN_PATIENTS = 3  # One each for training, validation and test.


@dataclass(frozen=True)
class Report:
    """What the doctor found.

    Attributes:
        folder: Where the patients lie.
        cases: Every patient that was found, usable or not.
        problems: Everything that is wrong or odd, in the order of the patients.
    """

    folder: Path
    cases: tuple[Case, ...]
    problems: tuple[BrainSegError, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing would stop a training; warnings are allowed."""
        return not errors_of(self.problems)

    def as_text(self) -> str:
        """Return the report for reading: problems one below the other, errors first."""
        errors = errors_of(self.problems)
        warnings = [p for p in self.problems if p not in errors]
        lines = [
            f"{_count(self.cases, 'patient')} in {self.folder}: "
            f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
        ]
        for problem in [*errors, *warnings]:
            lines += [
                "",
                f"{problem.code:16} {self._within(problem.path)}",
                f"{'':16} {problem.what}",
                f"{'':16} -> {problem.remedy}",
            ]
        return "\n".join(lines)

    def _within(self, path: str) -> str:
        # Whole paths would push what matters out of sight.
        folder, whole = os.path.abspath(self.folder), os.path.abspath(path)
        inside = whole.startswith(os.path.join(folder, ""))
        return os.path.relpath(whole, folder) if inside else path

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON: `{"folder", "patients", "problems": [...]}`."""
        return {
            "folder": str(self.folder),
            "patients": [case.id for case in self.cases],
            "problems": [
                {"code": p.code, "path": p.path, "what": p.what, "remedy": p.remedy}
                for p in self.problems
            ],
        }


def check_folder(
    folder: str | Path,
    sequences: Sequence[str] = SEQUENCES,
    need_mask: bool = True,
    layout: str = "",
    labels: str = "",
) -> Report:
    """Examine all patients below `folder` and list every problem; nothing is written.

    Args:
        folder: Any layout that `find_cases` knows.
        sequences: The sequences a patient must have.
        need_mask: Whether a patient must have a mask, as training needs it.
        layout: As for `find_cases`.
        labels: As for `find_cases`.

    Returns:
        The report. Even a folder that holds no patients gives one, with `E-ROOT`.
    """
    folder = Path(folder)
    try:
        cases, problems = find_cases(folder, sequences, need_mask, layout, labels)
    except BrainSegError as problem:
        return Report(folder, (), (problem,))
    problems = list(problems)
    patients = len({patient_of(case.id) for case in cases})
    if patients < MIN_PATIENTS and need_mask:
        problems.append(too_few(folder, patients))
    return Report(folder, tuple(cases), tuple(problems + check_cases(cases)))


def check_cases(cases: Sequence[Case]) -> list[BrainSegError]:
    """Read all files of all patients and return every problem of their contents."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        examined = list(pool.map(_examine, cases))
    read = [n for n, (profile, _) in enumerate(examined) if profile]
    of_cohort = check_cohort([cases[n] for n in read], [examined[n][0] for n in read])
    for number, found in zip(read, of_cohort, strict=True):
        examined[number][1].extend(found)
    return [problem for _, problems in examined for problem in problems]


def _count(things: Sequence, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def too_few(folder: Path, patients: int) -> BrainSegError:
    """Return the error of a cohort that cannot be split."""
    return BrainSegError(
        "E-FEW",
        folder,
        f"have {patients} usable patients, need at least {MIN_PATIENTS} (training, "
        "validation, test).",
        "Add patients, or mend those named above.",
    )


def _examine(case: Case) -> tuple[Profile | None, list[BrainSegError]]:
    try:
        volumes = load_case(case)
    except BrainSegError as problem:
        return None, [problem]
    profile = profile_case(volumes)
    problems = check_volumes(case, volumes, profile)
    # What cannot be used says nothing about the others either.
    return (None if errors_of(problems) else profile), problems
