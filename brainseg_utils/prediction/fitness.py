"""Whether a patient is what a run's network was trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.doctor.looks import look_distance, look_of, odd_looks
from brainseg_utils.doctor.profiles import Profile
from brainseg_utils.errors import BrainSegError
from brainseg_utils.prediction.skull import shows_skull
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.volumes import CaseVolumes, home_of

# Sizes of voxels, against those of training: unusual beyond the first, refused beyond
# the second. Along x and y a pixel counts, which is the mean of several voxels.
COARSE_PIXELS = (1.5, 3.0)
THICK_SLICES = (3.0, 8.0)
FINEST = 0.1
# Brain volumes, against the smallest and the largest of training: unusual, refused.
SMALL_BRAIN = (0.7, 0.4)
LARGE_BRAIN = (1.3, 2.0)
# Looks, against the farthest of training or, where few patients are much alike, a half:
# one data set's patients differ by 0.8, and other data sets' from them no more.
ODD_LOOK, LEAST_FARTHEST = 2.0, 0.5
ANOTHER_RUN = "Take a run that was trained on such patients."


def check_spacing(
    case: Case, spacing_mm: tuple[float, float, float], inputs: RunInputs
) -> list[BrainSegError]:
    """Return `E-SPACING` or `W-SPACING` for voxels of another size than in training.

    Args:
        case: The patient.
        spacing_mm: Voxel size along x, y and z.
        inputs: What the network was trained on.
    """
    x, y, z = spacing_mm
    coarse, thick = max(x, y) / inputs.pixel_mm, z / inputs.spacing_mm[2]
    fine = float(np.min(np.divide(spacing_mm, inputs.spacing_mm)))
    if coarse > COARSE_PIXELS[1] or thick > THICK_SLICES[1] or fine < FINEST:
        remedy = "Check the voxel size in its header (millimetres). " + ANOTHER_RUN
        return [_spacing("E-SPACING", case, spacing_mm, inputs, remedy)]
    if coarse > COARSE_PIXELS[0] or thick > THICK_SLICES[0]:
        remedy = "Trust the mask less: its voxels show a mixture of tissues."
        return [_spacing("W-SPACING", case, spacing_mm, inputs, remedy)]
    return []


def check_fit(
    case: Case, volumes: CaseVolumes, profile: Profile, inputs: RunInputs
) -> list[BrainSegError]:
    """Return what of a patient is unlike the patients of training.

    `E-SKULL` and `E-SIZE` stop the prediction; `W-SIZE`, `W-SWAP` and `W-RANGE` are
    warnings. Sequences that look alike (T1 and T1ce) may be swapped unseen.

    Args:
        case: The patient.
        volumes: Its voxels, on one grid.
        profile: Figures of them; no sequence is constant.
        inputs: What the network was trained on.
    """
    skull = [*_skulls(case, volumes)]
    if skull:  # Which explains whatever else is odd.
        return skull[:1]
    brain_ml = profile.voxels * float(np.prod(volumes.spacing_mm)) / 1000
    look = look_of(profile)
    problems = [*_size(case, brain_ml, inputs), *odd_looks(case, look, inputs.usual)]
    return problems or [*_unlike(case, look_distance(look, inputs.usual), inputs)]


def _skulls(case: Case, volumes: CaseVolumes) -> Iterator[BrainSegError]:
    for name, volume in volumes.sequences.items():
        if shows_skull(volume, volumes.spacing_mm):
            yield BrainSegError(
                "E-SKULL",
                case.sequences[name],
                f"{name} shows more than the brain, or its background is not 0.",
                "Strip the skull of all sequences, for example with HD-BET or "
                "SynthStrip, with 0 outside the brain.",
            )


def _size(case: Case, brain_ml: float, inputs: RunInputs) -> Iterator[BrainSegError]:
    low, high = inputs.brain_ml
    what = (
        f"the brain of {case.id} has {brain_ml:.0f} ml, those of training {low:.0f} to "
        f"{high:.0f} ml."
    )
    if not SMALL_BRAIN[1] * low <= brain_ml <= LARGE_BRAIN[1] * high:
        remedy = "Check the voxel size in its header, and what is not 0 in it. "
        yield BrainSegError("E-SIZE", home_of(case), what, remedy + ANOTHER_RUN)
    elif not SMALL_BRAIN[0] * low <= brain_ml <= LARGE_BRAIN[0] * high:
        remedy = "Check that the whole brain is there, and nothing but it."
        yield BrainSegError("W-SIZE", home_of(case), what, remedy)


def _unlike(case: Case, distance: float, inputs: RunInputs) -> Iterator[BrainSegError]:
    usual = max(inputs.farthest, LEAST_FARTHEST)
    if distance > ODD_LOOK * usual:
        what = f"{case.id} looks {distance / usual:.1f} times as unusual as any patient"
        remedy = "Trust the mask less, and look at the sequences in a viewer."
        yield BrainSegError("W-RANGE", home_of(case), f"{what} of training.", remedy)


def _spacing(
    code: str,
    case: Case,
    spacing_mm: tuple[float, float, float],
    inputs: RunInputs,
    remedy: str,
) -> BrainSegError:
    sizes = spacing_mm, inputs.spacing_mm
    here, there = (" x ".join(f"{mm:.3g}" for mm in size) for size in sizes)
    what = f"voxels have {here} mm; those of training have {there} mm."
    path = next(iter(case.sequences.values()))
    return BrainSegError(code, path, what, remedy)
