"""Lesions of other slices painted into healthy ones: variety where patients are few."""

from __future__ import annotations

import numpy as np


def paint_lesion(
    codes: np.ndarray, donor: np.ndarray, donor_mask: np.ndarray, mirror: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return a healthy slice with the lesion of another one, and its mask.

    The lesion comes as it is, to the place where it was or to the other side, and only
    where the healthy slice has brain: z-scores of two patients are of one scale. So do
    Yang et al. 2021 (TumorCP, doi 10.1007/978-3-030-87193-2_55), with more changes.

    Args:
        codes: `[height, width, channel]` int16, the healthy slice; left as it is.
        donor: The same shape, the slice with a lesion.
        donor_mask: `[height, width]` uint8 of 0 and 1, where its lesion is.
        mirror: Whether the lesion goes to the other side.
    """
    across = -1 if mirror else 1
    donor, donor_mask = donor[:, ::across], donor_mask[:, ::across]
    mask = donor_mask * np.any(codes != 0, axis=-1)
    painted = np.where(mask[..., None] > 0, donor, codes)
    return painted, mask.astype(np.uint8)
