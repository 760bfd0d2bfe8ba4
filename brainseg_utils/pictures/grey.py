"""Voxels as grey levels, alike in all slices of a volume."""

from __future__ import annotations

import numpy as np

PERCENTILES = (0.5, 99.5)


def grey_levels(image: np.ndarray) -> np.ndarray:
    """Return a sequence as 8-bit grey: 0 outside the brain, 1 to 255 within.

    The darkest and brightest half percent of the voxels within are cut off. One scale
    for the whole volume keeps neighbouring slices comparable.

    Args:
        image: Any shape; exactly 0 outside the brain, whatever the units within.

    Returns:
        uint8 of the same shape.
    """
    image = np.asarray(image)
    inside = image != 0
    if not inside.any():
        return np.zeros(image.shape, np.uint8)
    low, high = np.percentile(image[inside].astype(np.float32), PERCENTILES)
    scale = 254 / (high - low) if high > low else 0.0
    levels = (image.astype(np.float32) - np.float32(low)) * np.float32(scale)
    return (np.clip(levels + 1, 1, 255) * inside).astype(np.uint8)
