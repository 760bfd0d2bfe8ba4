"""The prepared slices on disk, mapped into memory as they are used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import read_json
from brainseg_utils.grid import SliceGrid


@dataclass(frozen=True)
class SliceStore:
    """Normalised slices of many patients, read from disk as they are used.

    Attributes:
        folder: Where the store lies.
        images: `[slice, height, width, channel]` float16, z-scored inside the brain.
        masks: `[slice, height, width]` uint8, 1 in the whole tumour.
        cases: For each patient `id`, `start` and `stop` (its rows), `z` (the rows'
            positions in the volume), `corner` (voxel of the crop), `tumour_ml`.
        sequences: Names of the channels, in order.
        grid: How slices were cut from the volumes.
        problems: What was left out or looked odd, as text.
        key: Digest of everything that went in.
    """

    folder: Path
    images: np.ndarray
    masks: np.ndarray
    cases: tuple[dict[str, Any], ...]
    sequences: tuple[str, ...]
    grid: SliceGrid
    problems: tuple[str, ...]
    key: str

    @property
    def tumour_ml(self) -> dict[str, float]:
        """Tumour volume of each patient, in millilitres."""
        return {case["id"]: case["tumour_ml"] for case in self.cases}

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


def open_store(folder: str | Path) -> SliceStore:
    """Open a store written by `prepare_slices`; nothing is read but its manifest.

    Raises:
        BrainSegError: The folder holds no whole store.
    """
    folder = Path(folder)
    try:
        manifest = read_json(folder / "manifest.json")
        shape = tuple(manifest["shape"])
        images = _map(folder / "images.f16", np.float16, shape)
        masks = _map(folder / "masks.u8", np.uint8, shape[:3])
        return SliceStore(
            folder,
            images,
            masks,
            tuple(manifest["cases"]),
            tuple(manifest["sequences"]),
            SliceGrid(**manifest["grid"]),
            tuple(manifest["problems"]),
            manifest["key"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrainSegError(
            "E-STORE",
            folder,
            f"is not a whole store: {error}.",
            "Delete the folder; it is prepared again from the patients' files.",
        ) from error


def _map(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if path.stat().st_size != wanted:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, not {wanted}")
    return np.memmap(path, dtype, "r", shape=shape)
