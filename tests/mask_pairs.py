"""Seeded pairs of masks, on which surface distances are compared with other packages.

numpy alone is needed here, so that an interpreter without this project makes them too.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

ROUND_SPACINGS = (0.5, 1.0, 1.5, 2.0, 3.0)  # Distances equal to a tolerance occur.
TOLERANCES_MM = (0.5, 1.0, 2.0, 3.0)


class MaskPair(NamedTuple):
    """Two `[x, y, z]` masks, the size of a voxel, and a tolerance for surface Dice."""

    true: np.ndarray
    pred: np.ndarray
    spacing_mm: tuple[float, float, float]
    tolerance_mm: float


def mask_pairs(count: int = 1000) -> Iterator[MaskPair]:
    """Yield pairs of blobs: alike, apart, at the edge, speckled, full, empty."""
    for number in range(count):
        rng = np.random.default_rng(number)
        shape = tuple(int(n) for n in rng.integers(1, 25, 3))
        blobs = [_blob(rng, shape) for _ in range(3)]
        true, pred = blobs[0] | blobs[1], blobs[0] | blobs[2]
        if rng.random() < 0.5:
            noise = rng.choice([0.002, 0.05, 0.5])
            pred = pred ^ (rng.random(shape) < noise)
        true, pred = (mask & (rng.random() >= 0.05) for mask in (true, pred))
        spacing = rng.choice(ROUND_SPACINGS, 3)
        if rng.random() < 0.5:
            spacing = rng.integers(300, 4000, 3) / 1000
        tolerance = float(rng.choice(TOLERANCES_MM))
        yield MaskPair(true, pred, tuple(spacing.tolist()), tolerance)


def checksum(pairs: Iterable[MaskPair]) -> int:
    """Return a number that changes with any voxel, spacing or tolerance."""
    total = 0
    for pair in pairs:
        numbers = np.array([*pair.true.shape, *pair.spacing_mm, pair.tolerance_mm])
        for array in (pair.true, pair.pred, numbers):
            total = zlib.crc32(array.tobytes(), total)
    return total


def _blob(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return an ellipsoid with its centre anywhere, also outside."""
    centre = rng.uniform(-0.1, 1.1, 3) * shape
    radii = rng.uniform(0.05, 0.6, 3) * shape + 0.5
    axes = zip(np.ogrid[*map(slice, shape)], centre, radii, strict=True)
    inside = sum(((axis - middle) / radius) ** 2 for axis, middle, radius in axes)
    return inside <= 1
