"""The slices of many patients as one array, read from disk as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.store.entries import Entry


class SliceArray:
    """Rows of many files behind one another, indexed like a NumPy array.

    Rows are read, not mapped: a file that is cut short or a drive that goes away then
    ends in an error and not in the death of the process, and address space and open
    files stay few however many patients there are. What the system has in its page
    cache comes at the speed of memory.

    Args:
        entries: The files, in the order of their rows.
        kind: `"images"` or `"masks"`.
        decode: Makes of what is stored what indexing returns.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        kind: str,
        decode: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ):
        images = kind == "images"
        self._entries, self._kind, self._decode = list(entries), kind, decode
        self._starts = np.cumsum([0, *(entry.shape[0] for entry in entries)])
        size = entries[0].shape[1:]
        self._stored = np.dtype("<i2" if images else "u1")
        self._row_shape = size if images else size[:2]
        self._row_bytes = int(np.prod(self._row_shape)) * self._stored.itemsize
        self._offsets = [0 if images else entry.image_bytes for entry in entries]
        self._held: np.ndarray | None = None
        self.dtype = decode(np.zeros(0, self._stored)).dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, and the shape of each."""
        return (len(self), *self._row_shape)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: Any) -> np.ndarray:
        """Return decoded rows; the first index chooses them, the rest work on these."""
        first, *rest = index if isinstance(index, tuple) else (index,)
        if first is Ellipsis:
            first, rest = slice(None), [Ellipsis, *rest]
        rows = np.arange(len(self))[first]
        found = self._decode(self.read(np.atleast_1d(rows)))
        return found[(slice(None) if np.ndim(rows) else 0, *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def held(self) -> SliceArray:
        """Return the same array, held in memory whole."""
        other = SliceArray(self._entries, self._kind, self._decode)
        other._held = self.read(np.arange(len(self)))
        return other

    def row(self, number: int) -> np.ndarray:
        """Return one row as it is stored; of a held array it is a view.

        Raises:
            BrainSegError: `E-CACHE-GONE` when the files have been deleted, cut short or
                unmounted since they were opened.
        """
        if self._held is not None:
            return self._held[number]
        found = np.empty(self._row_shape, self._stored)
        self._read_row(int(number), memoryview(found).cast("B"))
        return found

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return rows as they are stored, `[row, ...]`, in the order asked for.

        Raises:
            BrainSegError: As `row`.
        """
        found = np.empty((len(rows), *self._row_shape), self._stored)
        for number, target in zip(rows, found, strict=True):
            if self._held is not None:
                target[...] = self._held[number]
            else:
                self._read_row(int(number), memoryview(target).cast("B"))
        return found

    def _read_row(self, row: int, target: memoryview) -> None:
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        offset = self._offsets[number] + (row - self._starts[number]) * self._row_bytes
        path = self._entries[number].path
        try:
            # Opening costs a hundredth of reading; kept open, files would run out.
            with open(path, "rb", buffering=0) as file:
                file.seek(offset)
                if file.readinto(target) != len(target):
                    raise OSError("it has become shorter")
        except OSError as error:
            raise BrainSegError(
                "E-CACHE-GONE",
                path,
                f"prepared slices cannot be read any more: {error}.",
                "Run again: what is missing is prepared from the patients' files.",
            ) from error
