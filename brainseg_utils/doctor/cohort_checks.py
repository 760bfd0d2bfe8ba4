"""What only the other patients can tell: copies, odd ranges, swapped sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.doctor.looks import look_of, odd_looks, odd_range, usual_look
from brainseg_utils.doctor.profiles import Profile
from brainseg_utils.errors import BrainSegError
from brainseg_utils.volumes import home_of

MIN_OTHERS = 2  # Fewer patients say nothing about what is usual.
LARGE_COHORT = 20
# Scanners differ by a factor of ten at most; a slip of units is larger.
MAX_RATIO = 30.0


def check_cohort(
    cases: Sequence[Case], profiles: Sequence[Profile]
) -> list[list[BrainSegError]]:
    """Compare patients with one another; return each one's problems.

    `E-DUP-DATA` is laid to the later of two patients that share a scan. `W-RANGE` and
    `W-SWAP` compare a patient with the median of the others, from three patients on.
    They are statistical: a swap of sequences that look alike (T1 and T1ce) stays
    unseen, and a patient that is unlike all others may be named.
    """
    problems = _copies(cases, profiles)
    if len(cases) <= MIN_OTHERS:
        return problems
    looks = [look_of(profile) for profile in profiles]
    spread = np.array([[deviation for _, deviation in p.scales] for p in profiles])
    lowest = np.array([p.percentiles for p in profiles])[..., 0]
    # In a large cohort one patient hardly moves the median, which takes long to find.
    of_all = usual_look(looks) if len(cases) > LARGE_COHORT else None
    for number, (case, look) in enumerate(zip(cases, looks, strict=True)):
        problems[number] += _odd_ranges(case, number, spread, lowest)
        usual = of_all or usual_look(looks[:number] + looks[number + 1 :])
        problems[number] += odd_looks(case, look, usual)
    return problems


def _copies(
    cases: Sequence[Case], profiles: Sequence[Profile]
) -> list[list[BrainSegError]]:
    first: dict[tuple[float, ...], Case] = {}
    problems: list[list[BrainSegError]] = [[] for _ in cases]
    for case, profile, found in zip(cases, profiles, problems, strict=True):
        earlier = [first.setdefault(print_, case) for print_ in profile.fingerprints]
        doubles = {
            name: other
            for name, other in zip(case.sequences, earlier, strict=True)
            if other is not case
        }
        if doubles:
            twins = sorted({other.id for other in doubles.values()})
            found.append(
                BrainSegError(
                    "E-DUP-DATA",
                    home_of(case),
                    f"{', '.join(doubles)} of {case.id} are the very scans of "
                    f"{', '.join(twins)}.",
                    "Keep one of them: a patient on both sides of a split is a leak.",
                )
            )
    return problems


def _odd_ranges(
    case: Case, number: int, spread: np.ndarray, lowest: np.ndarray
) -> Iterator[BrainSegError]:
    """Name what most of the others differ from.

    By majority: one odd patient among three must not make the others look odd.

    Args:
        case: The patient.
        number: Its row in both arrays.
        spread: `[patient, sequence]` deviations over the brain.
        lowest: `[patient, sequence]` first percentiles over the brain.
    """
    half = (len(spread) - 1) / 2
    with np.errstate(over="ignore"):
        ratios = spread[number] / spread
    far = ((ratios > MAX_RATIO) | (ratios < 1 / MAX_RATIO)).sum(axis=0) > half
    negative = (lowest[number] < 0) & ((lowest >= 0).sum(axis=0) > half)
    for channel, (name, path) in enumerate(case.sequences.items()):
        if far[channel]:
            ratio = np.median(np.delete(ratios[:, channel], number))
            what = f"it spreads {ratio:.3g} times as wide as usual."
            yield odd_range(path, name, what)
        if negative[channel]:
            yield odd_range(path, name, "its brain is negative, unlike the others'.")
