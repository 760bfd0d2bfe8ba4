"""What a patient must be like for a run's network: what it was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brainseg_utils.cases import SEQUENCES
from brainseg_utils.doctor.looks import BROAD, Look, look_distance, look_of, usual_look
from brainseg_utils.doctor.profiles import PERCENTILES, Profile
from brainseg_utils.files import read_json, write_json
from brainseg_utils.store import SliceStore
from brainseg_utils.store.grid import SliceGrid

FILE = "inputs.json"
LARGEST = 4096  # Voxels, pixels, millimetres or millilitres of no patient.
SAME = 0.02  # Voxel sizes that differ by no more than this share count as the same.


@dataclass(frozen=True)
class RunInputs:
    """What slices a network was trained on, and of what patients.

    Attributes:
        sequences: Names of the channels, in order.
        crop_size: Side in voxels of the square that was cut.
        image_size: Side in pixels of a slice.
        spacing_mm: Voxel size along x, y and z, the training patients' median.
        brain_ml: Smallest and largest volume of a training patient's brain.
        percentiles: The training patients' usual look, see `doctor.looks.look_of`.
        correlations: The other half of it.
        farthest: How far from it the farthest training patient is.

    Raises:
        ValueError: A value cannot be, as in a file that somebody changed.
    """

    sequences: tuple[str, ...]
    crop_size: int
    image_size: int
    spacing_mm: tuple[float, float, float]
    brain_ml: tuple[float, float]
    percentiles: tuple[tuple[float, ...], ...]
    correlations: tuple[tuple[float, ...], ...]
    farthest: float

    def __post_init__(self):
        known = set(self.sequences) <= set(SEQUENCES)
        if not known or not 0 < len(self.sequences) == len(set(self.sequences)):
            raise ValueError(f"sequences must be of {SEQUENCES}. Got: {self.sequences}")
        counts = len(self.spacing_mm), len(self.brain_ml)
        numbers = (*self.spacing_mm, *self.brain_ml, self.crop_size, self.image_size)
        if counts != (3, 2) or not all(0 < number <= LARGEST for number in numbers):
            raise ValueError(f"sizes must be in (0, {LARGEST}]. Got: {numbers}")
        self._check_looks()
        SliceGrid(self.crop_size, self.image_size)

    def _check_looks(self) -> None:
        count = len(self.sequences)
        wanted = [(count, len(PERCENTILES[BROAD])), (count, count)]
        shapes = [half.shape for half in self.usual]
        if shapes != wanted:
            raise ValueError(f"looks must be of shapes {wanted}. Got: {shapes}")
        figures = np.concatenate([half.ravel() for half in self.usual])
        if not np.isfinite([*figures, self.farthest]).all() or self.farthest < 0:
            raise ValueError("looks must be finite numbers. Got: others")

    @classmethod
    def of(cls, store: SliceStore, case_ids: Iterable[str]) -> RunInputs:
        """Take them from the slices of the patients that a network is trained on."""
        records = [store.case(case_id) for case_id in case_ids]
        spacings = np.array([record["spacing_mm"] for record in records])
        profiles = [Profile(**record["profile"]) for record in records]
        voxels = [profile.voxels for profile in profiles]
        brain_ml = np.prod(spacings, axis=1) * voxels / 1000
        looks = [look_of(profile) for profile in profiles]
        usual = usual_look(looks)
        return cls(
            tuple(store.sequences),
            store.grid.crop_size,
            store.grid.image_size,
            tuple(np.median(spacings, axis=0).tolist()),
            (float(brain_ml.min()), float(brain_ml.max())),
            *(_as_tuples(half) for half in usual),
            max(look_distance(look, usual) for look in looks),
        )

    @classmethod
    def read(cls, folder: Path) -> RunInputs:
        """Read a run folder's `inputs.json`."""
        found = read_json(folder / FILE)
        return cls(**{name: _as_tuples(value) for name, value in found.items()})

    def write(self, folder: Path) -> None:
        """Write `inputs.json` into a run folder."""
        write_json(folder / FILE, asdict(self))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """`(height, width, channel)` of a slice."""
        return (self.image_size, self.image_size, len(self.sequences))

    @property
    def pixel_mm(self) -> float:
        """Side of a pixel in millimetres, in the mean of x and y."""
        return SliceGrid(self.crop_size, self.image_size).pixel_mm(self.spacing_mm)

    @property
    def usual(self) -> Look:
        """The training patients' usual look."""
        halves = self.percentiles, self.correlations
        return tuple(np.array(half, float) for half in halves)

    def grid_for(self, spacing_mm: tuple[float, float, float]) -> SliceGrid:
        """Return how to cut a patient, so that its pixels are as large as in training.

        Where voxels have the size of training, it is training's own grid.

        Args:
            spacing_mm: The patient's voxel size; `x` to `y` as in training.
        """
        grid = SliceGrid(self.crop_size, self.image_size)
        ratio = self.spacing_mm[0] / spacing_mm[0]
        if abs(ratio - 1) <= SAME:
            return grid
        return replace(grid, crop_size=max(1, round(self.crop_size * ratio)))


def _as_tuples(value: Any) -> Any:
    """Return nested lists or an array as tuples, and anything else as it is."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
