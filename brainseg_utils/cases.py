"""Find patients in a folder, whichever of the known naming styles it follows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import BRATS_2018, BRATS_2023, UPENN_GBM, LabelScheme

SEQUENCES = ("t1", "t1ce", "t2", "flair")

# Suffixes in file names, by what they stand for. BraTS renamed its sequences in 2023;
# UPENN-GBM names contrast-enhanced T1 after gadolinium.
SUFFIXES = {
    "t1": ("t1", "t1n"),
    "t1ce": ("t1ce", "t1c", "t1gd"),
    "t2": ("t2", "t2w"),
    "flair": ("flair", "t2f"),
    "mask": ("seg", "segm"),
}
ROLE_OF_SUFFIX = {s: role for role, suffixes in SUFFIXES.items() for s in suffixes}
FILE_NAME = re.compile(r"(?P<id>.+)[_-](?P<suffix>[^_-]+)\.nii(\.gz)?", re.IGNORECASE)

EXPECTED_TREE = """Wanted one of these trees (.nii or .nii.gz):
  BraTS 2018-2022   <case>/<case>_{t1,t1ce,t2,flair,seg}.nii.gz
  BraTS 2023+       <case>/<case>-{t1n,t1c,t2w,t2f,seg}.nii.gz
  UPENN-GBM         images_structural/<case>/<case>_{T1,T1GD,T2,FLAIR}.nii.gz
                    images_segm/<case>_segm.nii.gz"""


@dataclass(frozen=True)
class Case:
    """A patient's study: where its files lie.

    Attributes:
        id: The patient's name in the data set.
        sequences: Path of each sequence, keyed `"t1"`, `"t1ce"`, `"t2"`, `"flair"`.
        mask: Path of the mask; None where only prediction is wanted.
        labels: What the values in the mask mean.
    """

    id: str
    sequences: dict[str, Path]
    mask: Path | None
    labels: LabelScheme


def find_cases(
    folder: str | Path,
    sequences: Sequence[str] = SEQUENCES,
    need_mask: bool = True,
) -> tuple[list[Case], list[BrainSegError]]:
    """Find the patients below `folder` and name what could not be used.

    Args:
        folder: A tree in BraTS 2018-2022, BraTS 2023+ or UPENN-GBM naming; letter
            case does not matter, and the styles may be mixed.
        sequences: The sequences a patient must have.
        need_mask: Whether a patient must have a mask.

    Returns:
        The usable patients sorted by id, and one problem for each patient or file
        that was left out.

    Raises:
        BrainSegError: `E-ROOT` when the folder is missing or no NIfTI file in it is
            named as a patient's; `E-SEQUENCE` when `sequences` names an unknown one.
    """
    folder = Path(folder)
    _check_sequences(sequences)
    grouped, unknown = _group_files(_nifti_files(folder))
    if not grouped:
        what = f"holds no patients: {len(unknown)} NIfTI files, none of a known name."
        raise BrainSegError("E-ROOT", folder, what, EXPECTED_TREE)
    # UPENN-GBM ships automatic masks as well; a mask alone is no patient.
    alone = [
        path
        for roles in grouped.values()
        if set(roles) == {"mask"}
        for path in roles["mask"]
    ]
    cases, problems = [], [_lone_mask(path) for path in sorted(alone)]
    grouped = {name: roles for name, roles in grouped.items() if set(roles) != {"mask"}}
    for case_id, roles in sorted(grouped.items()):
        trouble = _case_problems(folder, case_id, roles, unknown, sequences, need_mask)
        problems += trouble
        if not trouble:
            cases.append(_make_case(case_id, roles, sequences))
    return cases, problems + [_unused_file(path) for path in unknown]


def _check_sequences(sequences: Sequence[str]) -> None:
    unknown = [name for name in sequences if name not in SEQUENCES]
    if unknown or not sequences or len(set(sequences)) < len(sequences):
        raise BrainSegError(
            "E-SEQUENCE",
            "sequences",
            f"wanted different names out of {list(SEQUENCES)}, got {list(sequences)}.",
            "Correct the parameter.",
        )


def _nifti_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BrainSegError(
            "E-ROOT", folder, "is not a folder.", f"Check the path. {EXPECTED_TREE}"
        )
    return sorted(
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith((".nii", ".nii.gz"))
        # Some archives unpack to a folder named like the file inside it.
        and not path.is_dir()
        # Hidden files are leftovers of macOS (._name) or of an interrupted write.
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _group_files(
    files: list[Path],
) -> tuple[dict[str, dict[str, list[Path]]], list[Path]]:
    """Group files by patient and role; return also the files of unknown suffix."""
    grouped: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    unknown = []
    for path in files:
        match = FILE_NAME.fullmatch(path.name)
        role = ROLE_OF_SUFFIX.get(match["suffix"].lower()) if match else None
        if role is None:
            unknown.append(path)
        else:
            grouped[match["id"]][role].append(path)
    return grouped, unknown


def _case_problems(
    folder: Path,
    case_id: str,
    roles: dict[str, list[Path]],
    unknown: list[Path],
    sequences: Sequence[str],
    need_mask: bool,
) -> list[BrainSegError]:
    home = next(iter(roles.values()))[0].parent
    # UPENN-GBM keeps masks in a folder of their own; a patient is named by its images.
    home = next((roles[s][0].parent for s in SEQUENCES if s in roles), home)
    wanted = [*sequences, *(["mask"] if need_mask else [])]
    problems = [
        BrainSegError(
            "E-AMBIGUOUS",
            home,
            f"patient {case_id} has several files for {role}: "
            f"{[str(path.relative_to(folder)) for path in roles[role]]}.",
            "Keep one of them.",
        )
        for role in wanted
        if len(roles.get(role, ())) > 1
    ]
    missing = [role for role in wanted if role not in roles]
    if missing:
        problems.append(_missing_files(home, case_id, missing, unknown))
    return problems


def _missing_files(
    home: Path, case_id: str, missing: list[str], unknown: list[Path]
) -> BrainSegError:
    tried = "; ".join(f"{role}: {'/'.join(SUFFIXES[role])}" for role in missing)
    beside = [path.name for path in unknown if path.parent == home]
    hint = f" It holds also {beside}: rename one if it is meant." if beside else ""
    return BrainSegError(
        "E-MISSING",
        home,
        f"patient {case_id} has no {', '.join(missing)} (suffixes tried: {tried}).",
        f"Add the file, or name fewer sequences in the parameters.{hint}",
    )


def _make_case(
    case_id: str, roles: dict[str, list[Path]], sequences: Sequence[str]
) -> Case:
    suffixes = {
        FILE_NAME.fullmatch(path.name)["suffix"].lower()
        for paths in roles.values()
        for path in paths
    }
    if suffixes & {"t1n", "t1c", "t2w", "t2f"}:
        labels = BRATS_2023
    elif suffixes & {"t1gd", "segm"}:
        labels = UPENN_GBM
    else:
        labels = BRATS_2018
    paths = {name: roles[name][0] for name in sequences}
    return Case(case_id, paths, next(iter(roles.get("mask", ())), None), labels)


def _lone_mask(path: Path) -> BrainSegError:
    return BrainSegError(
        "W-NAME",
        path,
        "was not used: it is named as a mask, but no sequence has the same patient id.",
        "Rename it if it belongs to a patient; else leave it.",
    )


def _unused_file(path: Path) -> BrainSegError:
    return BrainSegError(
        "W-NAME",
        path,
        f"was not used: its name ends with none of {sorted(ROLE_OF_SUFFIX)}.",
        "Rename it if it is one of these; else leave it.",
    )
