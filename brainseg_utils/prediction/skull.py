"""Tell a head from a brain: under a scalp lies bone, which every sequence shows dark.

From its edge inwards a skull-stripped brain grows steadily brighter or darker; a head
is bright, then dark for a centimetre, then bright again.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Share of the volume beyond which there is no background: a brain that is cropped as
# tightly as can be fills about a half.
FILLED = 0.85
# Brightness of a dark shell between two bright ones, as a share of the darker of them.
# It is 0.26 in the Colin 27 head (T1), which stays below 0.41 where a half is cut off;
# 1.0 in its brain, 0.87 or more in five real ones and 0.74 or more in 150 phantoms, in
# every sequence.
DARK = 0.55
GRID_MM = 2.0  # Fine enough for a bone of 6 mm.
SHELL_MM = 2.5
BONE_MM = (4.0, 22.0)  # Depths at which bone may lie.
DEEP_MM = 20.0  # What lies deeper is brain in a head as well.
UPPER = 0.6  # Shells are looked at above this share of the height: below it is a face.
MIN_VOXELS = 20  # Of a shell, to count.


def shows_skull(volume: np.ndarray, spacing_mm: tuple[float, float, float]) -> bool:
    """Tell whether a sequence shows more of a head than its brain.

    Args:
        volume: `[z, y, x]` as scanned, 0 in the background.
        spacing_mm: Voxel size along x, y and z.
    """
    filled = np.count_nonzero(volume) / volume.size
    return filled > FILLED or dark_shell(volume, spacing_mm) < DARK


def dark_shell(volume: np.ndarray, spacing_mm: tuple[float, float, float]) -> float:
    """Return how bright the darkest shell is, as a share of what encloses it.

    1 or so in a brain; 1 also where a volume is too small to tell.
    """
    steps = [max(1, round(GRID_MM / mm)) for mm in spacing_mm[::-1]]
    thinned = _tight(volume[tuple(slice(None, None, step) for step in steps)])
    grid_mm = [step * mm for step, mm in zip(steps, spacing_mm[::-1], strict=True)]
    depth = _upper(_depth(thinned != 0, grid_mm))
    deep = thinned[depth > DEEP_MM]
    if len(deep) < MIN_VOXELS:
        return 1.0
    shells = _brightness_of_shells(thinned, depth)
    first, last = (int(mm // SHELL_MM) for mm in BONE_MM)
    shares = [
        shells[n] / bright
        for n in range(first, min(last + 1, len(shells)))
        if (bright := min(max(shells[:n]), np.median(deep))) > 0
    ]
    return float(min(shares, default=1.0))


def _tight(volume: np.ndarray) -> np.ndarray:
    """Return the box that holds all that is not 0: distances inside are the same."""
    boxes = ndimage.find_objects((volume != 0).astype(np.uint8))
    return volume[boxes[0]] if boxes else volume


def _depth(inside: np.ndarray, grid_mm: list[float]) -> np.ndarray:
    """Return each voxel's distance to the background, in mm; 0 outside."""
    # Bone may be 0 as well: what a slice's outline encloses counts as inside.
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in inside])
    framed = np.pad(filled, 1)
    return ndimage.distance_transform_edt(framed, grid_mm)[1:-1, 1:-1, 1:-1]


def _upper(depth: np.ndarray) -> np.ndarray:
    """Return depths with 0 in the lower part of what is inside."""
    rows = np.flatnonzero(depth.any(axis=(1, 2)))
    start = int(rows[0] + UPPER * (rows[-1] - rows[0])) if len(rows) else 0
    return np.where(np.arange(len(depth))[:, None, None] >= start, depth, 0)


def _brightness_of_shells(volume: np.ndarray, depth: np.ndarray) -> list[float]:
    """Return the median of each shell from the edge inwards, as far as there are."""
    numbers = np.ceil(depth / SHELL_MM).astype(int)
    found = []
    for number in range(1, numbers.max() + 1):
        shell = volume[numbers == number]
        if len(shell) >= MIN_VOXELS:
            found.append(float(np.median(shell)))
    return found
