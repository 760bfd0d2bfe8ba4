"""Turn patients into a memory-mapped store of normalised axial slices, once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError, raise_all
from brainseg_utils.files import (
    file_digest,
    read_json,
    replacing_folder,
    value_digest,
    write_json,
)
from brainseg_utils.grid import SliceGrid
from brainseg_utils.volumes import load_case, normalise

STORE_VERSION = 1  # Raise it whenever the same files would give other slices.
MIN_BRAIN_SHARE = 0.01  # Slices with less brain than this teach nothing.


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

    def rows(self, case_ids: Iterable[str], step: int = 1) -> np.ndarray:
        """Return the row numbers of every `step`-th slice of these patients."""
        spans = [self.case(case_id) for case_id in case_ids]
        rows = [np.arange(span["start"], span["stop"], step) for span in spans]
        return np.concatenate(rows) if rows else np.zeros(0, int)


def prepare_slices(
    cases: Sequence[Case],
    folder: str | Path,
    grid: SliceGrid | None = None,
    on_bad: str = "fail",
) -> SliceStore:
    """Prepare all slices of `cases` into a store below `folder`, or open it if there.

    Args:
        cases: Patients with masks, all with the same sequences.
        folder: Where stores are kept; each lies in a folder named by its key, a digest
            of the files' contents, the grid and `STORE_VERSION`.
        grid: How to cut slices; `SliceGrid()` when None.
        on_bad: `"fail"` lists every unusable patient in one error; `"exclude"` leaves
            them out and names them in `SliceStore.problems`.

    Raises:
        BrainSegError: A patient cannot be used and `on_bad` is `"fail"`, or none can.
    """
    grid = grid or SliceGrid()
    if on_bad not in ("fail", "exclude"):
        raise ValueError(f"on_bad must be 'fail' or 'exclude'. Got: {on_bad!r}")
    key = _store_key(cases, grid)
    target = Path(folder) / key
    if not (target / "manifest.json").is_file():
        with replacing_folder(target) as temporary:
            _write_store(cases, temporary, grid, on_bad, key)
    return open_store(target)


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
    except (OSError, ValueError, KeyError) as error:
        raise BrainSegError(
            "E-STORE",
            folder,
            f"is not a whole store: {error}.",
            "Delete the folder; it is prepared again from the patients' files.",
        ) from error
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


def _map(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if path.stat().st_size != wanted:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, not {wanted}")
    return np.memmap(path, dtype, "r", shape=shape)


def _store_key(cases: Sequence[Case], grid: SliceGrid) -> str:
    # Contents and not paths or times: a moved folder keeps its store, and a changed
    # file never finds a stale one.
    parts = [
        [case.id, case.labels.name, list(case.sequences), _digests(case)]
        for case in cases
    ]
    return value_digest([STORE_VERSION, asdict(grid), parts], length=16)


def _digests(case: Case) -> list[str]:
    paths = [*case.sequences.values(), case.mask]
    missing = [path for path in paths if path is None or not path.is_file()]
    if missing:
        raise BrainSegError(
            "E-READ", missing[0], f"is missing for {case.id}.", "Find the cases again."
        )
    return [file_digest(path) for path in paths]


def _write_store(
    cases: Sequence[Case], folder: Path, grid: SliceGrid, on_bad: str, key: str
) -> None:
    records, problems, rows = [], [], 0
    with (
        open(folder / "images.f16", "wb") as images_file,
        open(folder / "masks.u8", "wb") as masks_file,
    ):
        for prepared in _prepare_all(cases, grid):
            if isinstance(prepared, BrainSegError):
                problems.append(prepared)
                continue
            record, images, masks, warnings = prepared
            images_file.write(images.tobytes())
            masks_file.write(masks.tobytes())
            records.append({**record, "start": rows, "stop": rows + len(images)})
            rows += len(images)
            problems += warnings
    if on_bad == "fail" or not records:
        raise_all(problem for problem in problems if problem.code.startswith("E-"))
    sequences = list(cases[0].sequences)
    manifest = {
        "key": key,
        "version": STORE_VERSION,
        "shape": [rows, grid.image_size, grid.image_size, len(sequences)],
        "grid": asdict(grid),
        "sequences": sequences,
        "cases": records,
        "problems": [str(problem) for problem in problems],
    }
    write_json(folder / "manifest.json", manifest)


def _prepare_all(cases: Sequence[Case], grid: SliceGrid) -> Iterator[Any]:
    """Prepare patients in order, as many at once as there are cores, not more."""
    workers = min(os.cpu_count() or 1, 4)
    remaining = iter(cases)
    with ThreadPoolExecutor(workers) as pool:
        # Waiting for each group keeps memory at `workers` patients.
        while group := list(islice(remaining, workers)):
            yield from pool.map(lambda case: _prepare_or_problem(case, grid), group)


def _prepare_or_problem(case: Case, grid: SliceGrid) -> Any:
    try:
        return _prepare_case(case, grid)
    except BrainSegError as problem:
        return problem


def _prepare_case(case: Case, grid: SliceGrid) -> tuple:
    volumes = load_case(case)
    corner = grid.corner(volumes.brain)
    brain = grid.cut_mask(volumes.brain, corner)
    z = np.flatnonzero(brain.mean(axis=(1, 2)) >= MIN_BRAIN_SHARE)
    if not len(z):
        raise BrainSegError(
            "E-SEQ-CONST", case.mask.parent, f"{case.id} has no brain.", "Leave it out."
        )
    images = grid.cut_image(normalise(volumes.image, volumes.brain), corner)[z]
    masks = grid.cut_mask(volumes.mask, corner)[z]
    ml = float(volumes.mask.sum() * np.prod(volumes.spacing_mm) / 1000)
    record = {
        "id": case.id,
        "z": z.tolist(),
        "corner": list(corner),
        "shape": list(volumes.mask.shape),
        "spacing_mm": list(volumes.spacing_mm),
        "tumour_ml": ml,
    }
    return record, images.astype(np.float16), masks, list(volumes.warnings)
