"""What one patient's voxels can tell of mistakes, whatever the other patients are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.doctor.profiles import Profile
from brainseg_utils.errors import BrainSegError
from brainseg_utils.system.memory_order import forwards
from brainseg_utils.volumes import CaseVolumes, home_of

MAX_TUMOUR_SHARE = 0.5  # Of the brain; the largest of five real ones has 0.15.
FULL = 0.98  # Of a volume; a skull-stripped brain fills a sixth of it.
MIN_OVERLAP = 0.9  # Share of a tumour's voxels that must lie on brain.


def check_volumes(
    case: Case, volumes: CaseVolumes, profile: Profile
) -> list[BrainSegError]:
    """Return every problem of one patient's voxels.

    `E-SEQ-CONST` and `E-SEQ-DUP` stop its use; `W-EMPTY`, `W-MASK`
    and `W-RANGE` are warnings. A
    mask of another patient is found only where it does not fit the brain.
    """
    problems = [*_constant(case, profile), *_doubles(case, volumes)]
    problems += _filled_background(case, profile)
    if volumes.mask is not None:
        problems += _check_mask(case, volumes)
    return problems


def _constant(case: Case, profile: Profile) -> Iterator[BrainSegError]:
    sequences = zip(case.sequences.items(), profile.scales, strict=True)
    for (name, path), (mean, deviation) in sequences:
        if deviation == 0:
            yield BrainSegError(
                "E-SEQ-CONST",
                path,
                f"{name} is {mean:g} in every voxel of the brain.",
                "Export the sequence again, or leave it out in the parameters.",
            )


def _filled_background(case: Case, profile: Profile) -> Iterator[BrainSegError]:
    """Name a sequence without background where the others have one.

    It is inverted or not skull-stripped, and makes everything count as brain.
    """
    for channel, (name, path) in enumerate(case.sequences.items()):
        others = profile.filled[:channel] + profile.filled[channel + 1 :]
        varies = profile.scales[channel][1] > 0  # Else it is named as constant.
        if varies and profile.filled[channel] > FULL >= max(others, default=1.0):
            yield BrainSegError(
                "W-RANGE",
                path,
                f"{name} is 0 nowhere, and the other sequences are outside the brain.",
                "Look at it: it may be inverted, or not skull-stripped.",
            )


def _doubles(case: Case, volumes: CaseVolumes) -> Iterator[BrainSegError]:
    for one, other in combinations(volumes.sequences, 2):
        pair = volumes.sequences[one], volumes.sequences[other]
        first, second = forwards(*pair)
        # A plane in the middle tells nearly all pairs apart at once.
        middle = len(first) // 2
        if np.array_equal(first[middle], second[middle]) and np.array_equal(
            first, second
        ):
            yield BrainSegError(
                "E-SEQ-DUP",
                home_of(case),
                f"{one} and {other} of {case.id} are the same scan: "
                f"{case.sequences[one].name}, {case.sequences[other].name}.",
                "Get the missing one, or leave one of them out in the parameters.",
            )


def _check_mask(case: Case, volumes: CaseVolumes) -> Iterator[BrainSegError]:
    brain, mask = forwards(volumes.brain, volumes.mask)
    tumour = np.count_nonzero(mask)
    if not tumour:
        yield BrainSegError(
            "W-EMPTY",
            case.mask,
            f"the mask of {case.id} holds no tumour.",
            "Keep it if the patient has none (Dice then counts 1 for an empty "
            "prediction and 0 for any other); else get the mask again.",
        )
        return
    on_brain = np.count_nonzero(brain.view(np.uint8) & mask)
    remedy = "Look at mask and images together: it may be another patient's, or turned."
    if on_brain > MAX_TUMOUR_SHARE * np.count_nonzero(brain):
        what = f"the mask fills {on_brain / np.count_nonzero(brain):.0%} of the brain."
        yield BrainSegError("W-MASK", case.mask, what, remedy)
    if on_brain < MIN_OVERLAP * tumour:
        what = f"only {on_brain / tumour:.0%} of the mask lies on the brain."
        yield BrainSegError("W-MASK", case.mask, what, remedy)
