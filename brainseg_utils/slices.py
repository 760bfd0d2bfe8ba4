"""Turn patients into a store of normalised axial slices, once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError, raise_all
from brainseg_utils.files import (
    file_digest,
    replacing_folder,
    value_digest,
    write_json,
)
from brainseg_utils.grid import SliceGrid
from brainseg_utils.store import SliceStore, open_store
from brainseg_utils.volumes import load_case, normalise

STORE_VERSION = 1  # Raise it whenever the same files would give other slices.
MIN_BRAIN_SHARE = 0.01  # Slices with less brain than this teach nothing.


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
    _check_cases(cases)
    key = _store_key(cases, grid)
    target = Path(folder) / key
    if not (target / "manifest.json").is_file():
        with replacing_folder(target) as temporary:
            _write_store(cases, temporary, grid, on_bad, key)
    store = open_store(target)
    if on_bad == "fail":
        _check_whole(store)
    return store


def _check_cases(cases: Sequence[Case]) -> None:
    if not cases:
        raise BrainSegError(
            "E-FEW", "cases", "there is no patient to prepare.", "Check the folder."
        )
    for case in cases:
        if list(case.sequences) != list(cases[0].sequences):
            raise ValueError(
                f"cases must have the same sequences. Got: {list(cases[0].sequences)} "
                f"for {cases[0].id}, {list(case.sequences)} for {case.id}"
            )


def _check_whole(store: SliceStore) -> None:
    """Refuse a store that was prepared earlier with patients left out."""
    left_out = [text for text in store.problems if text.startswith("E-")]
    if left_out:
        listing = "\n".join(f"  {text}" for text in left_out)
        raise BrainSegError(
            "E-DATA",
            store.folder,
            f"was prepared without {len(left_out)} patients:\n{listing}\n",
            "Mend the files, or leave these patients out with on_bad='exclude'.",
        )


def _store_key(cases: Sequence[Case], grid: SliceGrid) -> str:
    # Contents and not paths or times: a moved folder keeps its store, and a changed
    # file never finds a stale one.
    parts = [
        [case.id, case.labels.name, list(case.sequences), _digests(case)]
        for case in cases
    ]
    return value_digest([STORE_VERSION, asdict(grid), parts], length=16)


def _digests(case: Case) -> list[str]:
    files = {**case.sequences, "mask": case.mask}
    for role, path in files.items():
        if path is None or not path.is_file():
            raise BrainSegError(
                "E-READ",
                path or f"{role} of {case.id}",
                f"the {role} of {case.id} is missing.",
                "Find the cases again; preparing slices needs a mask.",
            )
    return [file_digest(path) for path in files.values()]


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
    warnings = [*volumes.warnings, *_cut_off(case, volumes.mask, corner, grid, z)]
    return record, images.astype(np.float16), masks, warnings


def _cut_off(
    case: Case, mask: np.ndarray, corner: tuple[int, int], grid: SliceGrid, z: Any
) -> list[BrainSegError]:
    x, y = (slice(max(c, 0), c + grid.crop_size) for c in corner)
    lost = int(mask.sum()) - int(mask[x, y][..., z].sum())
    what = f"{lost} of {mask.sum()} tumour voxels lie outside the slices."
    remedy = "They count as missed; take a larger crop_size."
    return [BrainSegError("W-CROP", case.mask, what, remedy)] if lost else []
