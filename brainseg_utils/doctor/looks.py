"""How a patient's sequences look beside one another, and what mistake that betrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.doctor.profiles import Profile
from brainseg_utils.errors import BrainSegError
from brainseg_utils.volumes import home_of

# A mistake is named where undoing it brings a patient this much nearer to the others.
# Undoing what is no mistake leaves five real patients and eight phantoms above 0.79 for
# swaps and above 0.38 for inversions, whichever sequences there are.
SWAP_NEARER = 0.4
INVERSION_NEARER = 0.25
MIN_TO_INVERT = 3  # Fewer sequences do not say which way round one of them is.
BROAD = slice(1, -1)  # The percentiles from 5 to 95: the ends are noise.

Look = tuple[np.ndarray, np.ndarray]  # As `look_of` returns it.


def odd_looks(case: Case, look: Look, usual: Look) -> Iterator[BrainSegError]:
    """Name the mistake whose undoing brings a patient nearest to the others.

    Args:
        case: The patient.
        look: Its look.
        usual: The median look of other patients with the same sequences.
    """
    names, now = list(case.sequences), look_distance(look, usual)
    channels = range(len(names))
    swaps = {
        pair: look_distance(_swap(look, *pair), usual)
        for pair in combinations(channels, 2)
    }
    inversions = {
        channel: look_distance(_invert(look, channel), usual)
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
        yield odd_range(case.sequences[names[inversion]], names[inversion], what)


def _second(item: tuple) -> float:
    return item[1]


def look_of(profile: Profile) -> Look:
    """Return z-scored percentiles and correlations: no scale or offset changes them."""
    mean, deviation = np.array(profile.scales).T[..., None]
    z_scores = (np.array(profile.percentiles) - mean) / deviation
    return z_scores[:, BROAD], np.array(profile.correlations)


def usual_look(looks: Sequence[Look]) -> Look:
    """Return the median of several looks."""
    return tuple(np.median(figures, axis=0) for figures in zip(*looks, strict=True))


def look_distance(look: Look, usual: Look) -> float:
    """Return how far a look is from the usual one, in squared deviations."""
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


def odd_range(path: object, name: str, what: str) -> BrainSegError:
    """Return `W-RANGE` for a sequence."""
    remedy = "Look at it beside another patient's; export it again if it is wrong."
    return BrainSegError("W-RANGE", path, f"{name}: {what}", remedy)
