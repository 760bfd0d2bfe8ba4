"""Slices with those below and above them as further channels, which is 2.5-D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from brainseg_utils.store.slice_array import SliceArray


class NeighbourSlices:
    """Images with their neighbours, indexed by rows like the `SliceArray` beneath.

    Channels come slice by slice from the lowest up: with one neighbour the sequences
    of the slice below, those of the slice, those of the slice above. Neighbours are a
    patient's next stored slices. Where there are none, at either end, the last one
    stands for them; it is never another patient's.

    Args:
        slices: The images, as they are stored.
        spans: Each patient's first row and the row after the last one, without gaps.
        neighbours: How many slices to either side.
    """

    def __init__(
        self, slices: SliceArray, spans: Sequence[tuple[int, int]], neighbours: int
    ):
        self._slices, self._spans, self._neighbours = slices, spans, neighbours
        starts, stops = np.transpose(spans)
        self._first = np.repeat(starts, stops - starts)
        self._last = np.repeat(stops - 1, stops - starts)

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, and the shape of each."""
        *rest, sequences = self._slices.shape
        return (*rest, sequences * (2 * self._neighbours + 1))

    def __len__(self) -> int:
        return len(self._slices)

    def __getitem__(self, index: Any) -> np.ndarray:
        """Return decoded rows."""
        around = self._around(np.arange(len(self))[index])
        return np.concatenate([self._slices[rows] for rows in around], axis=-1)

    def row(self, number: int) -> np.ndarray:
        """Return one row as it is stored, as `SliceArray.row` does."""
        around = self._around(number)
        return np.concatenate([self._slices.row(row) for row in around], axis=-1)

    def held(self) -> NeighbourSlices:
        """Return the same images, held in memory; each slice once."""
        return NeighbourSlices(self._slices.held(), self._spans, self._neighbours)

    def _around(self, rows: np.ndarray | int) -> list[np.ndarray]:
        """Return for each step, from the lowest up, which rows lie there."""
        steps = range(-self._neighbours, self._neighbours + 1)
        ends = self._first[rows], self._last[rows]
        return [np.clip(rows + step, *ends) for step in steps]
