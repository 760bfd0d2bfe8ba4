"""Patients of any other folder, found by the patterns that a YAML file gives."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import BINARY
from brainseg_utils.layouts import (
    SEQUENCES,
    Candidate,
    Findings,
    Wanted,
    split_path,
    without_copy_mark,
)
from brainseg_utils.layouts.candidates import make_cases
from brainseg_utils.layouts.folder_yaml import Description, read_description
from brainseg_utils.layouts.folders import Tree
from brainseg_utils.layouts.path_patterns import compile_pattern, fill_pattern

FILE_NAME = "brainseg.yaml"
SHAPE = f"""\
any other         {FILE_NAME} in the folder, such as
                    sequences: {{t1: "{{case}}/{{case}}_T1w.nii.gz"}}
                    mask: "masks/{{case}}_lesion.nii.gz"
                    labels: {{1: lesion}}"""


def find(tree: Tree, wanted: Wanted, path: str | Path) -> Findings:
    """Find the patients of a folder that a YAML file describes.

    Raises:
        BrainSegError: `E-LAYOUT` for a mistake in the file; `E-ROOT` when no file of
            the tree matches it.
    """
    described = read_description(path)
    labels = wanted.labels or described.labels
    if "mask" in described.patterns and labels is None:
        raise BrainSegError(
            "E-LAYOUT",
            path,
            "labels: is missing, and the masks need a meaning.",
            "Name the values, such as {1: lesion}, or the key of a known scheme.",
        )
    absent = [role for role in wanted.roles if role not in described.patterns]
    if absent:
        return [], [_absent(described, absent)]
    patients, spare = _match_files(tree, described)
    if not patients:
        raise _no_match(tree, described)

    def explain(case_id: str, missing: list[str]) -> list[BrainSegError]:
        return [_missing(tree, described, case_id, missing)]

    cases, problems = make_cases(
        tree,
        patients,
        wanted,
        explain,
        lambda case_id: labels or BINARY,
        described.parts,
    )
    return cases, problems + [_spare_mask(tree, file) for file in spare]


def _match_files(
    tree: Tree, described: Description
) -> tuple[dict[str, dict[str, list[Candidate]]], list[str]]:
    """Return the files of each patient, and the masks of those without sequences."""
    patterns = {r: compile_pattern(p) for r, p in described.patterns.items()}
    patients = defaultdict(lambda: defaultdict(list))
    for file in tree.files:
        folder, name = split_path(file)
        original = file.removesuffix(name) + without_copy_mark(name)
        for role, pattern in patterns.items():
            match = pattern.fullmatch(original)
            if match:
                found = Candidate(file, folder, original != file)
                patients[match["case"]][role].append(found)
    alone = [case_id for case_id, roles in patients.items() if set(roles) == {"mask"}]
    spare = [found.file for case_id in alone for found in patients.pop(case_id)["mask"]]
    return patients, spare


def _absent(described: Description, absent: list[str]) -> BrainSegError:
    there = [name for name in SEQUENCES if name in described.patterns]
    return BrainSegError(
        "E-MISSING",
        described.path,
        f"has no pattern for {', '.join(absent)}; its sequences are {there}.",
        "Add the pattern, or name fewer sequences in the parameters.",
    )


def _no_match(tree: Tree, described: Description) -> BrainSegError:
    return BrainSegError(
        "E-ROOT",
        tree.root,
        f"holds no patients: none of its {len(tree.files)} files matches a pattern of "
        f"{described.path}: {described.patterns}.",
        "Correct the patterns; they begin at this folder and use / between names.",
    )


def _missing(
    tree: Tree, described: Description, case_id: str, missing: list[str]
) -> BrainSegError:
    tried = [fill_pattern(described.patterns[role], case_id) for role in missing]
    return BrainSegError(
        "E-MISSING",
        tree.root / split_path(tried[0])[0],
        f"patient {case_id} has no {', '.join(missing)} (files tried: {tried}).",
        "Add the file, correct the pattern, or name fewer sequences in the parameters.",
    )


def _spare_mask(tree: Tree, file: str) -> BrainSegError:
    return BrainSegError(
        "W-NAME",
        tree.root / file,
        "was not used: it matches the mask's pattern, but no sequence of this patient "
        "was found.",
        "Rename it if it belongs to a patient; else leave it.",
    )
