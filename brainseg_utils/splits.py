"""Divide patients, never slices, into training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from brainseg_utils.errors import BrainSegError

LEAVE_ONE_OUT_BELOW = 9  # With so few patients each one serves as test once.
DEFAULT_FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Patient ids of one division; no id stands twice."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self):
        ids = self.train + self.validation + self.test
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


def automatic_folds(patients: int) -> int:
    """Return how many folds suit a cohort: leave-one-out while it is small."""
    return patients if patients < LEAVE_ONE_OUT_BELOW else DEFAULT_FOLDS


def split_cases(
    tumour_ml: Mapping[str, float], fold: int = 0, folds: int = 0, seed: int = 0
) -> Split:
    """Split patients so that tumours of all sizes stand in every part.

    Patients are sorted by tumour volume and dealt, in shuffled groups of neighbours,
    one to each fold. Fold `fold` is the test part, the next one validation, the rest
    training.

    Args:
        tumour_ml: Tumour volume of each patient, in millilitres, keyed by id.
        fold: Which fold is the test part, from 0.
        folds: Number of folds, at least 3; 0 takes `automatic_folds`.
        seed: Seed of the dealing; the same for all folds of a cross-validation.

    Raises:
        BrainSegError: Fewer than 3 patients, or fold numbers that do not fit.
    """
    folds = folds or automatic_folds(len(tumour_ml))
    _check_counts(len(tumour_ml), fold, folds)
    # Sorting by id first makes the split independent of the order of the mapping.
    by_size = sorted(sorted(tumour_ml), key=lambda name: tumour_ml[name])
    rng = np.random.default_rng(seed)
    parts: list[list[str]] = [[] for _ in range(folds)]
    for start in range(0, len(by_size), folds):
        group = by_size[start : start + folds]
        for part, name in zip(rng.permutation(folds), group, strict=False):
            parts[part].append(name)
    # An incomplete last group may leave folds uneven by one, none of them empty.
    test, validation = parts[fold], parts[(fold + 1) % folds]
    train = [name for part in parts for name in part if part not in (test, validation)]
    return Split(*(tuple(sorted(ids)) for ids in (train, validation, test)))


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
