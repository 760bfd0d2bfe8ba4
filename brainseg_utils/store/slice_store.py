"""The prepared slices of a cohort, read from disk as they are used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brainseg_utils.files import value_digest
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.store.neighbour_slices import NeighbourSlices
from brainseg_utils.store.slice_array import SliceArray


@dataclass(frozen=True)
class SliceStore:
    """Normalised slices of many patients.

    Attributes:
        folder: Where the patients' prepared slices lie.
        images: `[slice, height, width, channel]` float32, z-scored inside the brain.
        masks: `[slice, height, width]` uint8, 1 in the whole tumour.
        cases: For each patient `id`, `start` and `stop` (its rows), `z` (the rows'
            positions in the volume), `corner` (voxel of the crop), `shape` and
            `spacing_mm` of the volume, `tumour_ml`, `tumour_rows`, `content` (digest of
            its files).
        sequences: Names of the channels, in order.
        grid: How slices were cut from the volumes.
        problems: What was left out or looked odd, as text.
        key: Digest of everything that went in.
    """

    folder: Path
    images: SliceArray | NeighbourSlices
    masks: SliceArray
    cases: tuple[dict[str, Any], ...]
    sequences: tuple[str, ...]
    grid: SliceGrid
    problems: tuple[str, ...]
    key: str

    @property
    def tumour_ml(self) -> dict[str, float]:
        """Tumour volume of each patient, in millilitres."""
        return {case["id"]: case["tumour_ml"] for case in self.cases}

    @property
    def data_key(self) -> str:
        """Digest of the patients' files, however they are cut."""
        return value_digest({case["id"]: case["content"] for case in self.cases})

    def case(self, case_id: str) -> dict[str, Any]:
        """Return the record of one patient.

        Raises:
            KeyError: The store holds no such patient.
        """
        for case in self.cases:
            if case["id"] == case_id:
                return case
        raise KeyError(f"no patient {case_id!r} in {self.folder}")

    def rows(self, case_ids: Iterable[str], at_most: int = 0) -> np.ndarray:
        """Return these patients' row numbers, evenly thinned to `at_most` (0: all)."""
        spans = [self.case(case_id) for case_id in case_ids]
        rows = [np.arange(span["start"], span["stop"]) for span in spans]
        rows = np.concatenate(rows) if rows else np.zeros(0, int)
        step = -(-len(rows) // at_most) if at_most else 1
        return rows[::step]

    def tumour_rows(self) -> np.ndarray:
        """Return the row numbers of all slices that show tumour, ascending."""
        rows = [np.add(case["tumour_rows"], case["start"]) for case in self.cases]
        return np.concatenate([np.zeros(0, int), *rows]).astype(int)

    def with_neighbours(self, count: int) -> SliceStore:
        """Return the same store, its images with `count` slices to either side."""
        if not count:
            return self
        spans = [(case["start"], case["stop"]) for case in self.cases]
        return replace(self, images=NeighbourSlices(self.images, spans, count))

    def held(self) -> SliceStore:
        """Return the same store, with all slices held in memory."""
        return replace(self, images=self.images.held(), masks=self.masks.held())
