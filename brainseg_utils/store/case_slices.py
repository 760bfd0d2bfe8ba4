"""Cut one patient's volumes into normalised slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brainseg_utils.store.codes import as_pixels, encode
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.system.opencv import cv2
from brainseg_utils.volumes import CaseVolumes

MIN_BRAIN_SHARE = 0.01  # Slices with less brain than this teach nothing.
PLANES = 8  # Cut at once: few enough for the processor's cache.


@dataclass(frozen=True)
class CaseSlices:
    """One patient's prepared slices.

    Attributes:
        images: `[slice, height, width, channel]` int16, codes of z-scores inside the
            brain and 0 outside.
        masks: `[slice, height, width]` uint8, 1 in the whole tumour.
        z: Position of each slice in the volume.
        corner: Voxel `(x, y)` of the square that was cut.
    """

    images: np.ndarray
    masks: np.ndarray
    z: list[int]
    corner: tuple[int, int]


def slice_case(
    volumes: CaseVolumes, scales: list[tuple[float, float]], grid: SliceGrid
) -> CaseSlices:
    """Normalise a patient inside the brain and cut all slices that show brain.

    Each sequence gets mean 0 and deviation 1 over the brain, is averaged into pixels
    (what lies outside the brain counts as the mean), and is clipped to `codes.Z_LIMIT`.
    Without a mask file the masks are empty.

    Args:
        volumes: The patient.
        scales: Mean and deviation of each sequence over the brain.
        grid: How to cut.
    """
    turn = _turn(volumes.brain)
    corner = grid.corner(volumes.brain[:, *turn].any(axis=0)[turn].T)
    cut = _cutter(volumes.brain.shape, corner, turn, grid)
    arrays = list(volumes.sequences.values())
    depth, size = len(volumes.brain), grid.image_size
    images = np.empty((depth, size, size, len(arrays)), np.int16)
    masks = np.zeros((depth, size, size), np.uint8)
    kept: list[int] = []
    for start in range(0, depth, PLANES):
        planes = slice(start, start + PLANES)
        shares = cut(volumes.brain[planes])
        enough = np.flatnonzero(brain_share(shares) >= MIN_BRAIN_SHARE)
        rows = slice(len(kept), len(kept) + len(enough))
        codes = [
            encode(cut(array[planes]), shares, *scale)
            for array, scale in zip(arrays, scales, strict=True)
        ]
        as_pixels(images)[rows] = _merge(codes)[:, *turn][enough]
        if volumes.mask is not None:
            masks[rows] = (cut(volumes.mask[planes]) >= 0.5)[:, *turn][enough]
        kept += (start + enough).tolist()
    return CaseSlices(images[: len(kept)], masks[: len(kept)], kept, corner)


def brain_share(shares: np.ndarray) -> np.ndarray:
    """Return for each slice `[slice, height, width]` which part of it is brain."""
    return (shares >= 0.5).mean(axis=(1, 2))


def tumour_outside(slices: CaseSlices, mask: np.ndarray, grid: SliceGrid) -> int:
    """Return how many voxels of a mask `[z, y, x]` lie in none of the slices."""
    x, y = (slice(max(c, 0), max(c + grid.crop_size, 0)) for c in slices.corner)
    inside = sum(np.count_nonzero(mask[z, y, x]) for z in slices.z)
    return np.count_nonzero(mask) - inside


def _merge(codes: list[np.ndarray]) -> np.ndarray:
    """Return whole pixels `[slice, height, width]` of channels of that shape."""
    shape = codes[0].shape
    # One below the other, because OpenCV knows single pictures alone.
    merged = cv2.merge([channel.reshape(-1, shape[-1]) for channel in codes])
    return as_pixels(merged.reshape(*shape, len(codes)))


def _turn(volume: np.ndarray) -> tuple[slice, slice]:
    """Return the indices that make planes run forwards in memory, and turn them back.

    Backwards they are several times slower to cut; pixels are fewer, and turn quickly.
    """
    return tuple(slice(None, None, -1 if s < 0 else 1) for s in volume.strides[1:])


def _cutter(
    shape: tuple[int, int, int],
    corner: tuple[int, int],
    turn: tuple[slice, slice],
    grid: SliceGrid,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return how to cut planes `[z, y, x]` forwards, whichever way they are stored."""
    # The same square, its corner counted in the direction of memory.
    x, y = (
        length - c - grid.crop_size if along.step < 0 else c
        for c, length, along in zip(corner, shape[:0:-1], turn[::-1], strict=True)
    )
    return lambda volume: grid.cut(volume[:, *turn], (x, y))
