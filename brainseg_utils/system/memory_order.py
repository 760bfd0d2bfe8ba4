"""Arrays that run backwards in memory, as those of files stored in other directions.

Turning 18 MB costs more than all arithmetic on it, so work follows the memory.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def forwards(*arrays: np.ndarray) -> list[np.ndarray]:
    """Turn arrays of one shape alike, so that the first runs forwards in memory."""
    return [np.flip(array, backward_axes(arrays[0])) for array in arrays]


def backward_axes(array: np.ndarray) -> tuple[int, ...]:
    """Return the axes along which an array runs backwards."""
    return tuple(axis for axis, step in enumerate(array.strides) if step < 0)


def laid_out_alike(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Copy what is not stored plane by plane in the direction of the first array."""
    backwards = backward_axes(next(iter(arrays.values())))
    return {
        role: np.flip(np.ascontiguousarray(np.flip(array, backwards)), backwards)
        for role, array in arrays.items()
    }


def along(array: np.ndarray, function: Callable) -> np.ndarray:
    """Apply a voxel-wise function in the order of memory."""
    return np.flip(function(*forwards(array)), backward_axes(array))
