"""A patient's files, with a mask that was predicted for them, as a `View`."""

from __future__ import annotations

from dataclasses import replace

import nibabel
import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.pictures import View, turn
from brainseg_utils.volumes import load_case


def view_case(
    case: Case,
    mask: np.ndarray,
    affine: np.ndarray,
    probability: np.ndarray | None = None,
    with_truth: bool = True,
) -> View:
    """Read a patient's sequences, and the reference mask where there is one.

    Args:
        case: The patient.
        mask: `[i, j, k]` of 0 and 1 on the patient's grid, stored in any direction.
        affine: `[4, 4]`, from the mask's voxels to mm in RAS+.
        probability: As the mask, in [0, 1].
        with_truth: Whether to read the reference mask.

    Raises:
        BrainSegError: As `volumes.load_case`.
        ValueError: The mask has not the patient's shape.
    """
    volumes = load_case(case if with_truth else replace(case, mask=None))
    orientation = nibabel.io_orientation(affine)
    mask, probability = (
        array if array is None else nibabel.apply_orientation(array, orientation)
        for array in (mask, probability)
    )
    images = {name: image.T for name, image in volumes.sequences.items()}
    truth = None if volumes.mask is None else volumes.mask.T
    return turn(images, mask, volumes.affine, probability, truth)
