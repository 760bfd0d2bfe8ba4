"""A patient's axial slices as a cube, to be cut along its other two planes as well.

A network that sees slices is blind along the third axis. What it mistakes in one plane
it often knows in another, so that the mean over planes is better than each: view
aggregation (Roy et al. 2019, arXiv:1801.04161).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Axes of slice, height and width in a cube `[z, y, x]`.
PLANES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
# Pixels from slice to slice. Five real patients, made thicker, gain 0.022 at 0.5, 0.014
# at 1.5 and 0.005 at 3, where one loses 0.05: other planes then show too little.
FARTHEST = 1.5


@dataclass(frozen=True)
class Cube:
    """Where slices lie in a cube of pixels that are as high as they are wide.

    Attributes:
        z: Position of each slice in the volume.
        pitch: From one position to the next, in pixels.
        side: Height and width of a slice, and depth of the cube, in pixels.
    """

    z: Sequence[int]
    pitch: float
    side: int

    @property
    def fits(self) -> bool:
        """Whether slices lie close enough for other planes, and all in the cube."""
        height = (max(self.z) - min(self.z) + 1) * self.pitch
        return self.pitch <= FARTHEST and height <= self.side

    def fill(self, slices: np.ndarray) -> np.ndarray:
        """Return `[side, side, side, ...]` of slices `[slice, side, side, ...]`.

        Planes between slices are linear, several slices in a plane a weighted mean.
        """
        return _resample(self._nearness(), slices)

    def slices(self, cube: np.ndarray) -> np.ndarray:
        """Return `[slice, side, side]` of a filled cube: the way back."""
        return _resample(self._nearness().T, cube)

    def _nearness(self) -> np.ndarray:
        """Return `[plane, slice]`: 1 at the same height, 0 where too far apart."""
        planes = np.arange(self.side) - (self.side - 1) / 2
        slices = (np.asarray(self.z) - (max(self.z) + min(self.z)) / 2) * self.pitch
        distance = np.abs(planes[:, None] - slices) / max(1.0, self.pitch)
        return np.maximum(0, 1 - distance).astype(np.float32)


def over_planes(
    look: Callable[[np.ndarray], np.ndarray], cube: np.ndarray
) -> np.ndarray:
    """Return the mean of what is seen in a cube's three planes, `[z, y, x]`.

    Args:
        look: Makes of slices `[slice, height, width, channel]` their probabilities
            `[slice, height, width]`.
        cube: `[z, y, x, channel]`; where a slice holds nothing but 0, nothing is seen.
    """
    total = np.zeros(cube.shape[:3], np.float32)
    for axes in PLANES.values():
        seen = total.transpose(axes)  # A view: what is added stays.
        images = cube.transpose(*axes, 3)
        shown = images.any(axis=(1, 2, 3))
        if shown.any():
            seen[shown] += look(np.ascontiguousarray(images[shown]))
    return total / len(PLANES)


def _resample(nearness: np.ndarray, stack: np.ndarray) -> np.ndarray:
    """Return weighted means `[row, ...]` of a stack; 0 where nothing is near."""
    weights = nearness / np.maximum(nearness.sum(axis=1, keepdims=True), 1e-6)
    flat = np.asarray(stack, np.float32).reshape(len(stack), -1)
    return (weights @ flat).reshape(len(weights), *stack.shape[1:])
