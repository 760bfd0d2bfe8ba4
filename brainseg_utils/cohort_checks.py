"""What only the other patients can tell: copies, odd ranges, swapped sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError
from brainseg_utils.profiles import Profile
from brainseg_utils.volumes import home_of

MIN_OTHERS = 2  # Fewer patients say nothing about what is usual.
LARGE_COHORT = 20
# Scanners differ by a factor of ten at most; a slip of units is larger.
MAX_RATIO = 30.0
# A mistake is named where undoing it brings a patient this much nearer to the others.
# Undoing what is no mistake leaves five real patients and eight phantoms above 0.79 for
# swaps and above 0.38 for inversions, whichever sequences there are.
SWAP_NEARER = 0.4
INVERSION_NEARER = 0.25
MIN_TO_INVERT = 3  # Fewer sequences do not say which way round one of them is.
BROAD = slice(1, -1)  # The percentiles from 5 to 95: the ends are noise.

Look = tuple[np.ndarray, np.ndarray]  # As `_look` returns it.


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
    looks = [_look(profile) for profile in profiles]
    spread = np.array([[deviation for _, deviation in p.scales] for p in profiles])
    lowest = np.array([p.percentiles for p in profiles])[..., 0]
    # In a large cohort one patient hardly moves the median, which takes long to find.
    of_all = _median(looks) if len(cases) > LARGE_COHORT else None
    for number, (case, look) in enumerate(zip(cases, looks, strict=True)):
        problems[number] += _odd_ranges(case, number, spread, lowest)
        usual = of_all or _median(looks[:number] + looks[number + 1 :])
        problems[number] += _odd_looks(case, look, usual)
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
            yield _range(path, name, f"it spreads {ratio:.3g} times as wide as usual.")
        if negative[channel]:
            yield _range(path, name, "its brain is negative, unlike the others'.")


def _odd_looks(case: Case, look: Look, usual: Look) -> Iterator[BrainSegError]:
    """Name the mistake whose undoing brings a patient nearest to the others."""
    names, now = list(case.sequences), _distance(look, usual)
    channels = range(len(names))
    swaps = {
        pair: _distance(_swap(look, *pair), usual) for pair in combinations(channels, 2)
    }
    inversions = {
        channel: _distance(_invert(look, channel), usual)
        for channel in (channels if len(names) >= MIN_TO_INVERT else ())
    }
    swap, swapped = min(swaps.items(), key=_second, default=(None, now))
    inversion, inverted = min(inversions.items(), key=_second, default=(None, now))
    if swapped < SWAP_NEARER * now and swapped <= inverted:
        one, other = (names[channel] for channel in swap)
        yield BrainSegError(
            "W-SWAP",
            home_of(case),
            f"{one} and {other} of {case.id} look as if their files were swapped.",
            "Look at both beside another patient's, and rename them if so.",
        )
    elif inverted < INVERSION_NEARER * now:
        what = "dark and bright look interchanged."
        yield _range(case.sequences[names[inversion]], names[inversion], what)


def _second(item: tuple) -> float:
    return item[1]


def _look(profile: Profile) -> Look:
    """Return z-scored percentiles and correlations: no scale or offset changes them."""
    mean, deviation = np.array(profile.scales).T[..., None]
    z_scores = (np.array(profile.percentiles) - mean) / deviation
    return z_scores[:, BROAD], np.array(profile.correlations)


def _median(looks: Sequence[Look]) -> Look:
    return tuple(np.median(figures, axis=0) for figures in zip(*looks, strict=True))


def _distance(look: tuple, usual: tuple) -> float:
    z_scores, correlations = (
        one - other for one, other in zip(look, usual, strict=True)
    )
    return float((z_scores**2).mean(axis=1).sum() + (correlations**2).sum() / 2)


def _swap(look: Look, one: int, other: int) -> Look:
    order = np.arange(len(look[0]))
    order[[one, other]] = other, one
    return look[0][order], look[1][np.ix_(order, order)]


def _invert(look: Look, channel: int) -> Look:
    z_scores, correlations = (figures.copy() for figures in look)
    z_scores[channel] = -z_scores[channel][::-1]
    correlations[channel] *= -1
    correlations[:, channel] *= -1
    return z_scores, correlations


def _range(path: object, name: str, what: str) -> BrainSegError:
    remedy = "Look at it beside another patient's; export it again if it is wrong."
    return BrainSegError("W-RANGE", path, f"{name}: {what}", remedy)
