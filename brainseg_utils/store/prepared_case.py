"""Find one patient's prepared slices, or make them."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from brainseg_utils.cases import Case
from brainseg_utils.doctor.case_checks import check_volumes
from brainseg_utils.doctor.profiles import Profile, profile_case
from brainseg_utils.errors import BrainSegError, errors_of
from brainseg_utils.store.case_slices import CaseSlices, slice_case, tumour_outside
from brainseg_utils.store.entries import (
    Entry,
    entry_bytes,
    entry_key,
    entry_lock,
    find_entry,
    write_entry,
)
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.system.disks import disk_full, free_bytes
from brainseg_utils.volumes import CaseVolumes, home_of, load_case


class Prepared(NamedTuple):
    """What became of one patient.

    Attributes:
        case: The patient.
        entry: Its slices; None where a problem is an error.
        problems: What is wrong or odd about its files.
        notes: What was wrong with slices prepared earlier.
    """

    case: Case
    entry: Entry | None
    problems: list[BrainSegError]
    notes: list[BrainSegError]


@dataclass(frozen=True)
class CasePreparer:
    """Finds or makes patients' slices in one folder.

    Attributes:
        folder: Where prepared slices are kept.
        grid: How to cut them.
        patients: How many are to be made, for which there must be space.
        readers: Threads that read files, shared by all patients that are made at once.
    """

    folder: Path
    grid: SliceGrid
    patients: int
    readers: Executor

    def prepare(
        self, case: Case, content: str | BrainSegError, wait: bool
    ) -> Prepared | None:
        """Find or make one patient's slices.

        Args:
            case: The patient.
            content: Digest of its files, or what was wrong with reading them.
            wait: Whether to wait where another process is making them.

        Returns:
            What became of it; None while another process is at it.
        """
        if isinstance(content, BrainSegError):
            return Prepared(case, None, [content], [])
        key = entry_key(case, self.grid, content)
        entry, notes = self._find(key)
        if not entry:
            with entry_lock(self.folder, key, wait) as free:
                if not free:
                    return None
                entry, _ = self._find(key)
                if not entry:
                    return self._make(case, key, content)._replace(notes=notes)
        problems = [_problem_here(case, saved) for saved in entry.record["problems"]]
        return Prepared(case, entry, problems, notes)

    def _find(self, key: str) -> tuple[Entry | None, list[BrainSegError]]:
        try:
            return find_entry(self.folder, key), []
        except BrainSegError as note:
            return None, [note]

    def _make(self, case: Case, key: str, content: str) -> Prepared:
        try:
            volumes = load_case(case, self.readers)
            profile = profile_case(volumes)
            problems = check_volumes(case, volumes, profile)
            if errors_of(problems):
                return Prepared(case, None, problems, [])
            slices = slice_case(volumes, profile.scales, self.grid)
            problems += check_slices(case, volumes, slices, self.grid)
        except BrainSegError as problem:
            return Prepared(case, None, [problem], [])
        needed = entry_bytes(slices) * self.patients
        if free_bytes(self.folder / key) < needed:
            raise disk_full(self.folder, needed)  # Better said now than after an hour.
        facts = _facts(case, volumes, slices, profile, problems)
        entry = write_entry(self.folder, key, slices, {"content": content, **facts})
        return Prepared(case, entry, problems, [])


def _facts(
    case: Case,
    volumes: CaseVolumes,
    slices: CaseSlices,
    profile: Profile,
    problems: list[BrainSegError],
) -> dict[str, Any]:
    tumour_mm3 = np.count_nonzero(volumes.mask) * float(np.prod(volumes.spacing_mm))
    return {
        "z": slices.z,
        "corner": list(slices.corner),
        "shape_xyz": list(volumes.brain.shape[::-1]),
        "spacing_mm": list(volumes.spacing_mm),
        "tumour_ml": tumour_mm3 / 1000,
        "tumour_rows": np.flatnonzero(slices.masks.any(axis=(1, 2))).tolist(),
        "profile": asdict(profile),
        # Without the path: the same contents may lie elsewhere the next time.
        "problems": [
            {"code": p.code, "role": _role(case, p), "what": p.what, "remedy": p.remedy}
            for p in problems
        ],
    }


def _role(case: Case, problem: BrainSegError) -> str:
    paths = {**case.sequences, "mask": case.mask}
    return next((r for r, path in paths.items() if str(path) == problem.path), "mask")


def _problem_here(case: Case, saved: dict[str, str]) -> BrainSegError:
    path = case.mask if saved["role"] == "mask" else case.sequences[saved["role"]]
    return BrainSegError(saved["code"], path, saved["what"], saved["remedy"])


def check_slices(
    case: Case, volumes: CaseVolumes, slices: CaseSlices, grid: SliceGrid
) -> list[BrainSegError]:
    """Return what cutting lost: `W-CROP` for tumour outside the slices.

    Raises:
        BrainSegError: `E-CROP` when no slice shows enough brain.
    """
    if not slices.z:
        raise BrainSegError(
            "E-CROP",
            home_of(case),
            f"no slice of {case.id} shows brain on a hundredth of its square.",
            "Take a smaller crop_size, or check the patient's files.",
        )
    if volumes.mask is None:
        return []
    lost = tumour_outside(slices, volumes.mask, grid)
    what = f"{lost} of {np.count_nonzero(volumes.mask)} tumour voxels lie outside."
    remedy = "They count as missed; take a larger crop_size."
    return [BrainSegError("W-CROP", case.mask, what, remedy)] if lost else []
