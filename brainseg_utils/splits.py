"""Divide patients, never slices, into training, validation and test."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from brainseg_utils.errors import BrainSegError

LEAVE_ONE_OUT_BELOW = 9  # With so few patients each one serves as test once.
DEFAULT_FOLDS = 5
EVERY_FOLD_BELOW = 20  # One fold of fewer patients tests too few of them.

# Data sets that number the time points of a patient: BraTS-GLI-00005-001 and
# UPENN-GBM-00002_21 are later scans of somebody who has been scanned before.
TIME_POINT = re.compile(r"(?P<patient>BraTS-\w+-\d+)-\d+|(?P<upenn>UPENN-GBM-\d+)_\d+")


@dataclass(frozen=True)
class Split:
    """Case ids of one division; no patient stands in two parts."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self):
        parts = (self.train, self.validation, self.test)
        ids = [name for part in parts for name in {patient_of(case) for case in part}]
        doubles = sorted({name for name in ids if ids.count(name) > 1})
        if doubles:
            raise BrainSegError(
                "E-LEAK",
                "split",
                f"patients {doubles} stand in more than one part.",
                "Give each patient to one part.",
            )

    def as_dict(self) -> dict[str, list[str]]:
        """Return the parts as lists, for JSON."""
        return {part: list(ids) for part, ids in asdict(self).items()}


def patient_of(case_id: str) -> str:
    """Return the patient of a case; several time points may be one patient's."""
    match = TIME_POINT.fullmatch(case_id)
    return match["patient"] or match["upenn"] if match else case_id


def automatic_folds(patients: int) -> int:
    """Return how many folds suit a cohort: leave-one-out while it is small."""
    return patients if patients < LEAVE_ONE_OUT_BELOW else DEFAULT_FOLDS


def folds_to_run(patients: int) -> list[int]:
    """Return the folds that a sweep needs: all of them where patients are few."""
    every = patients < EVERY_FOLD_BELOW
    return list(range(automatic_folds(patients))) if every else [0]


def split_cases(
    tumour_ml: Mapping[str, float], fold: int = 0, folds: int = 0, seed: int = 0
) -> Split:
    """Split patients so that tumours of all sizes stand in every part.

    Patients are sorted by tumour volume and dealt, in shuffled groups of neighbours,
    one to each fold. Fold `fold` is the test part, the next one validation, the rest
    training.

    Args:
        tumour_ml: Tumour volume of each case, in millilitres, keyed by id.
        fold: Which fold is the test part, from 0.
        folds: Number of folds, at least 3; 0 takes `automatic_folds`.
        seed: Seed of the dealing; the same for all folds of a cross-validation.

    Raises:
        BrainSegError: Fewer than 3 patients, or fold numbers that do not fit.
    """
    cases_of, size = defaultdict(list), defaultdict(float)
    # Sorting by id makes the split independent of the order of the mapping.
    for case_id in sorted(tumour_ml):
        cases_of[patient_of(case_id)].append(case_id)
        size[patient_of(case_id)] += tumour_ml[case_id]
    folds = folds or automatic_folds(len(cases_of))
    _check_counts(len(cases_of), fold, folds)
    parts = _deal(sorted(cases_of, key=size.get), folds, seed)
    # An incomplete last group may leave folds uneven by one, none of them empty.
    held_out = fold, (fold + 1) % folds
    train = [name for n, part in enumerate(parts) if n not in held_out for name in part]
    names = train, parts[held_out[1]], parts[fold]
    return Split(
        *(tuple(sorted(c for p in part for c in cases_of[p])) for part in names)
    )


def _deal(by_size: list[str], folds: int, seed: int) -> list[list[str]]:
    """Deal patients in groups of neighbours in size, one of each group to a fold."""
    rng = np.random.default_rng(seed)
    parts: list[list[str]] = [[] for _ in range(folds)]
    for start in range(0, len(by_size), folds):
        group = by_size[start : start + folds]
        for part, name in zip(rng.permutation(folds), group, strict=False):
            parts[part].append(name)
    return parts


def _check_counts(patients: int, fold: int, folds: int) -> None:
    if patients < 3:
        raise BrainSegError(
            "E-FEW",
            "patients",
            f"have {patients}, need at least 3 (training, validation, test).",
            "Add patients to the folder.",
        )
    if not 3 <= folds <= patients or not 0 <= fold < folds:
        raise BrainSegError(
            "E-FOLD",
            "fold, folds",
            f"wanted 3 <= folds <= {patients} patients and 0 <= fold < folds, "
            f"got fold={fold}, folds={folds}.",
            "Correct the parameters; folds=0 chooses by the number of patients.",
        )
