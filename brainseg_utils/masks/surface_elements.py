"""The surface of a mask, cut into elements of known area."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage


def surface_elements(
    mask: np.ndarray, spacing: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the surface elements of a mask: where they lie, and their areas in mm².

    Args:
        mask: `[x, y, z]` bool with an empty margin.
        spacing: Size of a voxel in mm along the axes.

    Returns:
        Which 2 x 2 x 2 voxels are neither all in nor all out, `[x - 1, y - 1, z - 1]`,
        and the area of the surface between each such eight, `[element]`.
    """
    codes = np.zeros(np.subtract(mask.shape, 1), np.uint8)
    for bit, corner in enumerate(np.ndindex(2, 2, 2)):
        window = (slice(i, i + n) for i, n in zip(corner, codes.shape, strict=True))
        codes |= mask[tuple(window)].view(np.uint8) << np.uint8(bit)
    faces = np.prod(spacing) / spacing
    # Which axes a facet's normal leans to: one, two in equal parts, or all three.
    normals = np.concatenate([np.eye(3), 1 - np.eye(3), np.ones((1, 3))])
    areas = _facets() @ np.linalg.norm(normals * faces, axis=1)
    cut = (codes > 0) & (codes < 255)
    return cut, areas[codes[cut]]


@cache
def _facets() -> np.ndarray:
    """Return what the surface in a cell consists of, for each code of its 8 corners.

    Of marching cubes' two readings of a cell, the inside or the outside is cut off,
    whichever has fewer corners, each face-connected piece by itself.

    Returns:
        `[256, 7]`: multiples of the facets normal to x, y, z; to y and z, x and z,
        x and y in equal parts; to all three.
    """
    table = np.zeros((256, 7))  # None for 0 and 255, all out and all in.
    for code in range(1, 255):
        cell = np.unpackbits(np.uint8(code), bitorder="little").reshape(2, 2, 2)
        labels, count = ndimage.label(cell if cell.sum() <= 4 else 1 - cell)
        table[code] = sum(_piece(labels == i + 1) for i in range(count))
    return table


def _piece(piece: np.ndarray) -> np.ndarray:
    """Return the facets `[7]` that cut a piece of up to 4 corners off its unit cell.

    The facets run through the middles of the edges between piece and rest.
    """
    links = np.array([np.count_nonzero(piece.all(axis)) for axis in range(3)])
    # Along the axis of a chain's middle link, two corners lie on either side.
    middle = [np.count_nonzero(piece.take(0, axis)) == 2 for axis in range(3)]
    none = np.zeros(3)
    if links.sum() == 0:  # One corner: a triangle.
        return np.array([*none, *none, 1 / 8])
    if links.sum() == 1:  # An edge: a rectangle along it.
        return np.array([*none, *links / 2, 0])
    if links.sum() == 2:  # Three corners of a face: half the face, and a trapezium.
        return np.array([*(links == 0) / 2, *none, 3 / 8])
    if links.sum() == 4:  # A face: its like in the middle of the cell.
        return np.array([*(links == 0), *none, 0])
    if not any(middle):  # A corner and its three neighbours: a regular hexagon.
        return np.array([*none, *none, 3 / 4])
    # A chain with a link along each axis: two triangles, and a trapezium.
    return np.array([*none, *np.logical_not(middle) / 4, 1 / 2])
