"""Turn patients into a store of normalised axial slices, once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.doctor.cohort_checks import check_cohort
from brainseg_utils.doctor.profiles import Profile
from brainseg_utils.errors import BrainSegError, errors_of, raise_all
from brainseg_utils.files import value_digest
from brainseg_utils.store import SliceStore
from brainseg_utils.store.codes import decode
from brainseg_utils.store.entries import content_digest
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.store.prepared_case import CasePreparer, Prepared
from brainseg_utils.store.slice_array import SliceArray
from brainseg_utils.volumes import home_of

# One more than cores, to work while another waits for the disk; each holds a patient,
# some 200 MB.
WORKERS = min((os.cpu_count() or 1) + 1, 8)


def prepare_slices(
    cases: Sequence[Case],
    folder: str | Path,
    grid: SliceGrid | None = None,
    on_bad: str = "fail",
) -> SliceStore:
    """Prepare all slices of `cases` below `folder`; what is there already is opened.

    Every patient is kept for itself: an interrupted call goes on with the next one, a
    damaged file costs no other patient, and cohorts that share patients share their
    slices. Several processes may prepare at once.

    Args:
        cases: Patients with masks, all with the same sequences.
        folder: Where prepared slices are kept.
        grid: How to cut slices; `SliceGrid()` when None.
        on_bad: `"fail"` lists every unusable patient in one error; `"exclude"` leaves
            them out and names them in `SliceStore.problems`.

    Raises:
        BrainSegError: A patient cannot be used and `on_bad` is `"fail"`, or none can;
            `E-DISK` or `E-DISK-RO` where slices cannot be written.
    """
    grid, folder = grid or SliceGrid(), Path(folder)
    if on_bad not in ("fail", "exclude"):
        raise ValueError(f"on_bad must be 'fail' or 'exclude'. Got: {on_bad!r}")
    _check_cases(cases)
    prepared = _prepare_all(cases, folder, grid)
    whole = [one for one in prepared if one.entry]
    profiles = [Profile(**one.entry.record["profile"]) for one in whole]
    of_cohort = check_cohort([one.case for one in whole], profiles)
    usable = [
        one for one, found in zip(whole, of_cohort, strict=True) if not errors_of(found)
    ]
    problems = [p for one in prepared for p in one.problems]
    problems += [p for found in of_cohort for p in found]
    if on_bad == "fail" or not usable:
        raise_all(errors_of(problems), on_bad)
    problems += [note for one in prepared for note in one.notes]
    return _open_store(usable, folder, grid, problems)


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


def _prepare_all(
    cases: Sequence[Case], folder: Path, grid: SliceGrid
) -> list[Prepared]:
    """Prepare patients, as many at once as there are cores and not more."""
    done: dict[int, Prepared] = {}
    # As many readers as cores: more would unpack beside one another, and then wait.
    readers = ThreadPoolExecutor(os.cpu_count())
    with readers, ThreadPoolExecutor(WORKERS) as pool:
        contents = list(pool.map(_content_or_problem, cases))
        # What another process is busy with comes last, when there is no other work.
        for wait in (False, True):
            left = [number for number in range(len(cases)) if number not in done]
            preparer = CasePreparer(folder, grid, len(left), readers)
            results = pool.map(
                lambda n, p=preparer, w=wait: p.prepare(cases[n], contents[n], w), left
            )
            done |= {n: one for n, one in zip(left, results, strict=True) if one}
    return [done[number] for number in range(len(cases))]


def _content_or_problem(case: Case) -> str | BrainSegError:
    try:
        if case.mask is None:  # Taken for one without tumour it would teach nonsense.
            remedy = "Add the mask; to predict, patients need not be prepared."
            what = f"{case.id} has no mask, which training needs."
            raise BrainSegError("E-MISSING", home_of(case), what, remedy)
        return content_digest(case)
    except BrainSegError as problem:
        return problem


def _open_store(
    usable: list[Prepared], folder: Path, grid: SliceGrid, problems: list[BrainSegError]
) -> SliceStore:
    entries = [one.entry for one in usable]
    stops = np.cumsum([entry.shape[0] for entry in entries]).tolist()
    cases = tuple(
        {
            **entry.record,
            "id": one.case.id,
            "shape": entry.record["shape_xyz"],
            "start": stop - entry.shape[0],
            "stop": stop,
        }
        for one, entry, stop in zip(usable, entries, stops, strict=True)
    )
    keys = [[one.case.id, one.entry.path.stem] for one in usable]
    return SliceStore(
        folder,
        SliceArray(entries, "images", decode),
        SliceArray(entries, "masks"),
        cases,
        tuple(usable[0].case.sequences),
        grid,
        tuple(str(problem) for problem in problems),
        value_digest(keys, length=16),
    )
