"""What a mask measures: volume, largest diameter, slices."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel
import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

FEW = 500  # Points whose distances are computed at once, each to each.


@dataclass(frozen=True)
class Measures:
    """The size of a tumour.

    Attributes:
        volume_ml: Volume in millilitres.
        diameter_mm: Largest distance between the middles of two of its voxels, in any
            direction, in millimetres; 0 of none or one.
        slices: Axial slices that it touches.
    """

    volume_ml: float
    diameter_mm: float
    slices: int


def measure(mask: np.ndarray, affine: np.ndarray) -> Measures:
    """Measure a mask.

    Args:
        mask: `[i, j, k]` of 0 and 1, stored in any direction.
        affine: `[4, 4]`, from voxel indices to millimetres; it may be oblique.
    """
    voxel_mm3 = abs(np.linalg.det(affine[:3, :3]))
    upwards = int(np.flatnonzero(nibabel.io_orientation(affine)[:, 0] == 2)[0])
    others = tuple(axis for axis in range(3) if axis != upwards)
    return Measures(
        float(np.count_nonzero(mask) * voxel_mm3 / 1000),
        diameter_mm(mask, affine),
        int(np.count_nonzero(np.any(mask, axis=others))),
    )


def diameter_mm(mask: np.ndarray, affine: np.ndarray) -> float:
    """Return the largest distance between the middles of two voxels of a mask, in mm.

    The two are corners of the convex hull, which are few.
    """
    inside = np.asarray(mask, bool)
    surface = inside & ~ndimage.binary_erosion(inside)
    points = nibabel.affines.apply_affine(affine, np.argwhere(surface))
    if len(points) > FEW:
        # Joggled, as Qhull calls it, because a mask may lie in one plane.
        points = points[ConvexHull(points, qhull_options="QJ").vertices]
    return float(pdist(points).max()) if len(points) > 1 else 0.0
