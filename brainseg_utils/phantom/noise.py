"""Smooth random fields, the same at every voxel size."""

from __future__ import annotations

import numpy as np


def smooth_noise(
    rng: np.random.Generator, axes_mm: tuple[np.ndarray, ...], scale_mm: float
) -> np.ndarray:
    """Return a smooth random field `[x, y, z]` of mean 0 and variance 1 everywhere.

    Normal numbers on a lattice of `scale_mm`, joined by cubic B-splines. The lattice
    is fixed in mm, so that the same draw gives the same field at every spacing.
    """
    weights = [_spline_weights(axis, scale_mm) for axis in axes_mm]
    field = rng.standard_normal([w.shape[1] for w in weights], dtype=np.float32)
    # Sparse products: BLAS would use every core for each of many small products, and
    # slows down a hundredfold where other processes hold those cores. The last axis
    # comes first and the first last, so that only small arrays are copied.
    for axis in (2, 1, 0):
        rows = np.moveaxis(field, axis, 0)
        product = weights[axis] @ np.ascontiguousarray(rows).reshape(len(rows), -1)
        field = np.moveaxis(product.reshape(-1, *rows.shape[1:]), 0, axis)
    return np.ascontiguousarray(field)


def _spline_weights(axis_mm: np.ndarray, scale_mm: float):
    """Return sparse `[positions, knots]`; rows have unit length, variance stays 1."""
    from scipy.sparse import csr_array

    knots = np.arange(-1, np.ceil(260.0 / scale_mm) + 2)
    distance = np.abs(axis_mm[:, None] / scale_mm - knots)
    inner = 2 / 3 - distance**2 + distance**3 / 2
    outer = np.clip(2 - distance, 0, None) ** 3 / 6
    weights = np.where(distance < 1, inner, outer)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    return csr_array(weights.astype(np.float32))
