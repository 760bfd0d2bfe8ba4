"""The way from a volume to square slices of one size, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.system.opencv import cv2


@dataclass(frozen=True)
class SliceGrid:
    """Axial slices: a square cut round the brain's middle, resized.

    Attributes:
        crop_size: Side of the square in voxels. 192 holds any adult brain at 1 mm.
        image_size: Side of a slice in pixels after resizing.
    """

    crop_size: int = 192
    image_size: int = 96

    def __post_init__(self):
        for name in ("crop_size", "image_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise BrainSegError(
                    "E-PARAM",
                    name,
                    f"wanted a positive whole number, got {value!r}.",
                    "Correct it.",
                )

    def pixel_mm(self, spacing_mm: Sequence[float]) -> float:
        """Return the side of a pixel in millimetres, in the mean of x and y.

        Args:
            spacing_mm: The volume's voxel size along x, y and z.
        """
        return self.crop_size * float(np.mean(spacing_mm[:2])) / self.image_size

    def pitch(self, spacing_mm: Sequence[float]) -> float:
        """Return the distance of two planes of a volume, in pixels."""
        return spacing_mm[2] / self.pixel_mm(spacing_mm)

    def corner(self, footprint: np.ndarray) -> tuple[int, int]:
        """Return the voxel `(x, y)` of the square's corner; it may lie outside.

        Args:
            footprint: `[x, y]` bool, where the brain is in any slice.
        """
        middles = []
        for axis in (0, 1):
            inside = np.flatnonzero(footprint.any(axis=1 - axis))
            middles.append((inside[0] + inside[-1] + 1) // 2 if len(inside) else 0)
        return tuple(int(middle) - self.crop_size // 2 for middle in middles)

    def cut(self, volume: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
        """Cut planes `[z, y, x]` into slices `[z, height, width]` float32.

        Pixels are means of the voxels they cover, weighted by the area covered; where
        the slice is larger than the square they are linear between voxels. Beyond the
        volume lie zeros. Height runs along y, width along x.

        Args:
            volume: Some planes of a volume.
            corner: Voxel `(x, y)` of the square's corner.
        """
        inside, outside = self._overlap(corner[::-1], volume.shape[1:])
        part = volume[:, *inside]
        whole = part.shape[1:] == (self.crop_size, self.crop_size)
        make = np.empty if whole else np.zeros
        squares = make((len(volume), self.crop_size, self.crop_size), np.float32)
        np.copyto(squares[:, *outside], part)
        return _resize(squares, self.image_size)

    def restore(
        self,
        slices: np.ndarray,
        z: np.ndarray,
        corner: tuple[int, int],
        shape: tuple[int, int, int],
    ) -> np.ndarray:
        """Put slices back where they were cut; voxels outside all of them are 0.

        Args:
            slices: `[len(z), height, width]` float, for example probabilities.
            z: Position of each slice in the volume.
            corner: Voxel `(x, y)` of the square's corner.
            shape: `(x, y, z)` of the volume.

        Returns:
            `shape` float32, linear between the slices' pixels.
        """
        volume = np.zeros(shape[::-1], np.float32)
        inside, outside = self._overlap(corner[::-1], shape[1::-1])
        squares = _resize(slices.astype(np.float32), self.crop_size)
        volume[z, *inside] = squares[:, *outside]
        return volume.T

    def _overlap(self, corner: tuple[int, int], shape: tuple[int, ...]) -> tuple:
        """Return the shared part of plane and square, as indices into each."""
        low = [max(c, 0) for c in corner]
        high = [min(c + self.crop_size, n) for c, n in zip(corner, shape, strict=True)]
        spans = [(a, max(a, b), c) for a, b, c in zip(low, high, corner, strict=True)]
        inside = tuple(slice(a, b) for a, b, _ in spans)
        outside = tuple(slice(a - c, b - c) for a, b, c in spans)
        return inside, outside


def _resize(squares: np.ndarray, size: int) -> np.ndarray:
    """Resize squares `[n, side, side]` to `[n, size, size]`."""
    count, side, _ = squares.shape
    if side == size or not count:
        return squares[:, :size, :size]
    if size > side:
        return np.stack([cv2.resize(s, (size, size)) for s in squares])
    # One below the other they are one tall picture: no area reaches across a border.
    tall = squares.reshape(count * side, side)
    small = cv2.resize(tall, (size, count * size), interpolation=cv2.INTER_AREA)
    return small.reshape(count, size, size)
