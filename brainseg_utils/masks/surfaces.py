"""Score how close two surfaces lie, in mm: Hausdorff 95 and surface Dice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import ndimage

from brainseg_utils.masks.surface_elements import surface_elements


def surface_dice(
    mask_true: np.ndarray,
    mask_pred: np.ndarray,
    spacing_mm: Sequence[float],
    tolerance_mm: float = 1.0,
) -> float:
    """Return the share of both surfaces that lies within a tolerance of the other.

    `(area(T near P) + area(P near T)) / (area(T) + area(P))`, the surface Dice or NSD
    of Nikolov et al. 2018 (arXiv:1809.04430) as DeepMind's `surface_distance` defines
    it, and MONAI with `use_subvoxels=True`: surfaces consist of elements between
    2 x 2 x 2 voxels, each weighted by its area; see `surface_elements`.

    Both empty give 1, one empty gives 0. (DeepMind and MONAI give NaN for the former.)

    Args:
        mask_true: `[x, y, z]`; anything but 0 is inside.
        mask_pred: The same shape.
        spacing_mm: Size of a voxel along x, y and z.
        tolerance_mm: Distance up to which elements count as near, inclusive. With
            spacings such as 0.1, which binary numbers cannot hold, rounding decides
            where distances equal it: MONAI, in single precision, may say otherwise.

    Raises:
        ValueError: The masks are not 3-D or not of one shape, the spacing is not three
            positive numbers, or the tolerance is negative.
    """
    true, pred, spacing = _checked(mask_true, mask_pred, spacing_mm)
    if not tolerance_mm >= 0:
        raise ValueError(f"tolerance_mm must not be negative. Got: {tolerance_mm}")
    if not (true.any() and pred.any()):
        return float(true.any() == pred.any())
    pairs = _area_distances(true, pred, spacing)
    near = sum(areas[distances <= tolerance_mm].sum() for distances, areas in pairs)
    return float(near / sum(areas.sum() for _, areas in pairs))


def hd95(
    mask_true: np.ndarray,
    mask_pred: np.ndarray,
    spacing_mm: Sequence[float],
    elements: Literal["voxels", "areas"] = "voxels",
) -> float:
    """Return the larger of the two directed 95th percentiles of distance, in mm.

    Two definitions are in use, and figures of one do not compare with the other's:

    - `"voxels"`, MONAI's `compute_hausdorff_distance(percentile=95)`: from the middle
      of each voxel that shares a face with the outside (the volume's edge included) to
      the nearest such voxel of the other mask. Each counts once; between two ranks,
      linear interpolation.
    - `"areas"`, DeepMind's `compute_robust_hausdorff`, which BraTS has used since 2023:
      between the surface elements of `surface_dice`; the smallest distance within which
      95 % of the area lie.

    Both empty give 0. One empty gives the volume's diagonal: no two points inside are
    farther apart. So does BraTS, by a constant: 374 mm, where 240 x 240 x 155 voxels of
    1 mm have a diagonal of 373.13 mm. (MONAI gives NaN and DeepMind infinity.)

    Args:
        mask_true: `[x, y, z]`; anything but 0 is inside.
        mask_pred: The same shape.
        spacing_mm: Size of a voxel along x, y and z.
        elements: What distances are measured between, as above.

    Raises:
        ValueError: The masks are not 3-D or not of one shape, the spacing is not three
            positive numbers, or there are no such elements.
    """
    true, pred, spacing = _checked(mask_true, mask_pred, spacing_mm)
    if elements not in ("voxels", "areas"):
        raise ValueError(f"elements must be 'voxels' or 'areas'. Got: {elements!r}")
    if not (true.any() or pred.any()):
        return 0.0
    if not (true.any() and pred.any()):
        return float(np.linalg.norm(true.shape * spacing))
    if elements == "areas":
        return max(_quantile(*pair) for pair in _area_distances(true, pred, spacing))
    borders = [mask & ~ndimage.binary_erosion(mask) for mask in _cropped(true, pred)]
    directed = [_distances(*pair, spacing) for pair in (borders, borders[::-1])]
    return max(float(np.percentile(distances, 95)) for distances in directed)


def _checked(
    mask_true: np.ndarray, mask_pred: np.ndarray, spacing_mm: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    true, pred = np.asarray(mask_true, bool), np.asarray(mask_pred, bool)
    if true.ndim != 3 or true.shape != pred.shape:
        raise ValueError(
            f"masks must be 3-D and have one shape. Got: {true.shape}, {pred.shape}"
        )
    spacing = np.asarray(spacing_mm, float)
    if spacing.shape != (3,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(f"spacing_mm must be 3 positive numbers. Got: {spacing_mm}")
    return true, pred, spacing


def _cropped(true: np.ndarray, pred: np.ndarray) -> list[np.ndarray]:
    """Return both masks in their common bounding box, one empty voxel around it."""
    box = ndimage.find_objects((true | pred).view(np.uint8))[0]
    return [np.pad(mask[box], 1) for mask in (true, pred)]


def _distances(
    points: np.ndarray, others: np.ndarray, spacing: np.ndarray
) -> np.ndarray:
    """Return the distance in mm from each point of a mask to the other's nearest."""
    # Where it lies is less to compute for all voxels than how far away it is.
    nearest = ndimage.distance_transform_edt(
        ~others, sampling=spacing, return_distances=False, return_indices=True
    )
    steps = np.argwhere(points) - nearest[:, points].T
    return np.linalg.norm(steps * spacing, axis=1)


def _area_distances(
    true: np.ndarray, pred: np.ndarray, spacing: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return distances and areas of the true surface's elements, and the other's."""
    elements = [surface_elements(mask, spacing) for mask in _cropped(true, pred)]
    (cut, areas), (other_cut, other_areas) = elements
    return [
        (_distances(cut, other_cut, spacing), areas),
        (_distances(other_cut, cut, spacing), other_areas),
    ]


def _quantile(distances: np.ndarray, areas: np.ndarray) -> float:
    order = np.lexsort((areas, distances))
    share = np.cumsum(areas[order]) / areas.sum()
    # Rounding may leave the last share below 1, but never below 0.95.
    return float(distances[order][np.searchsorted(share, 0.95)])
