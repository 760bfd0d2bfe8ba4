"""One patient turned and cut for showing, however the files were stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import nibabel
import numpy as np


class Plane(NamedTuple):
    """A direction to look in, laid out as radiologists do.

    Attributes:
        axis: Axis of `[x, y, z]` that counts the slices.
        rows: Axis that runs upwards in the picture.
        columns: Axis that runs to the left in the picture.
        sides: Letters at the picture's left, right, top and bottom edge: of the
            patient's R(ight), L(eft), A(nterior), P(osterior), S(uperior), I(nferior).
        begin: Where the slice with the lowest number lies.
    """

    axis: int
    rows: int
    columns: int
    sides: str
    begin: str


PLANES = {
    "axial": Plane(2, 1, 0, "RLAP", "feet"),
    "coronal": Plane(1, 2, 0, "RLSI", "back"),
    "sagittal": Plane(0, 2, 1, "APSI", "left"),
}
CONVENTION = "Radiological convention: the patient's right is on the left."


@dataclass(frozen=True)
class View:
    """One patient in RAS+, cut to the box round what any array shows.

    Attributes:
        images: `[x, y, z]` of each sequence: x to the right, y to the front, z upwards.
        mask: `[x, y, z]` bool, the predicted tumour.
        truth: `[x, y, z]` bool, the tumour as it is; None where unknown.
        probability: `[x, y, z]` in [0, 1], of tumour; None where not at hand.
        spacing_mm: Size of a voxel along x, y and z.
        corner: Voxel of the whole volume, in RAS+, where the box begins.
        whole: Shape of the whole volume in RAS+.
        oblique_degrees: Largest angle between an axis of voxels and the nearest axis
            of the patient.
    """

    images: dict[str, np.ndarray]
    mask: np.ndarray
    truth: np.ndarray | None
    probability: np.ndarray | None
    spacing_mm: tuple[float, float, float]
    corner: tuple[int, int, int]
    whole: tuple[int, int, int]
    oblique_degrees: float

    def slices(self, plane: str, volume: np.ndarray) -> np.ndarray:
        """Return `[slice, row, column]` of a volume, row 0 at the picture's top."""
        axis, rows, columns, *_ = PLANES[plane]
        return volume.transpose(axis, rows, columns)[:, ::-1, ::-1]

    def largest(self, plane: str) -> int:
        """Return the slice with most tumour: of the mask, else truth, else brain."""
        brain = next(iter(self.images.values())) != 0
        shown = (self.mask, self.truth, brain)
        volume = next((v for v in shown if v is not None and v.any()), brain)
        return int(np.count_nonzero(self.slices(plane, volume), axis=(1, 2)).argmax())

    def size_mm(self, plane: str) -> tuple[float, float]:
        """Return height and width of a plane's pictures."""
        _, rows, columns, *_ = PLANES[plane]
        return tuple(self.mask.shape[a] * self.spacing_mm[a] for a in (rows, columns))

    def number(self, plane: str, index: int) -> str:
        """Name a slice by its place in the whole volume, counted from 1 in RAS+."""
        axis = PLANES[plane].axis
        return f"{plane} {self.corner[axis] + index + 1}/{self.whole[axis]}"


def turn(
    images: Mapping[str, np.ndarray],
    mask: np.ndarray,
    affine: np.ndarray,
    probability: np.ndarray | None = None,
    truth: np.ndarray | None = None,
) -> View:
    """Turn a patient's arrays to RAS+ and cut them to what they show.

    Axes are flipped and swapped, and nothing is interpolated: an oblique scan is shown
    along its own axes, each named after the nearest of the patient's.

    Args:
        images: `[x, y, z]` of each sequence, as stored; 0 outside the brain.
        mask: The same shape, 0 and 1.
        affine: `[4, 4]`, from the stored voxels to mm in RAS+.
        probability: The same shape, in [0, 1].
        truth: The same shape, 0 and 1.

    Raises:
        ValueError: There are no images, or an array differs in shape.
    """
    _check_shapes(images, mask, probability, truth)
    orientation = nibabel.io_orientation(affine)
    shown = [*images.values(), mask, *([] if truth is None else [truth])]
    inside = np.logical_or.reduce([np.asarray(array) != 0 for array in shown])
    inside = nibabel.apply_orientation(inside, orientation)
    box = _box(inside)

    def turned(array: np.ndarray, dtype: type | None = None) -> np.ndarray:
        return nibabel.apply_orientation(np.asarray(array, dtype), orientation)[box]

    spacing = np.empty(3)
    spacing[orientation[:, 0].astype(int)] = nibabel.affines.voxel_sizes(affine)
    return View(
        {name: turned(image) for name, image in images.items()},
        turned(mask, bool),
        None if truth is None else turned(truth, bool),
        None if probability is None else turned(probability),
        tuple(map(float, spacing)),
        tuple(one.start for one in box),
        inside.shape,
        float(np.degrees(nibabel.affines.obliquity(affine).max())),
    )


def _check_shapes(images: Mapping[str, np.ndarray], *others: np.ndarray | None) -> None:
    if not images:
        raise ValueError("images must hold at least one sequence. Got: none")
    arrays = [*images.values(), *(one for one in others if one is not None)]
    shapes = {np.shape(array) for array in arrays}
    if len(shapes) > 1 or len(next(iter(shapes))) != 3:
        raise ValueError(f"all must have one shape of three axes. Got: {shapes}")


def _box(inside: np.ndarray) -> tuple[slice, slice, slice]:
    """Return the smallest box round what is true; the whole where nothing is."""
    spans = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(inside.any(axis=others))
        span = (found[0], found[-1] + 1) if len(found) else (0, inside.shape[axis])
        spans.append(slice(*map(int, span)))
    return tuple(spans)
