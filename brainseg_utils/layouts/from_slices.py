"""Patients that are folders of TIFF slices, as in Kaggle's LGG data set."""

from __future__ import annotations

from collections import defaultdict

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import KAGGLE_LGG
from brainseg_utils.layouts import Candidate, Findings, Layout, Wanted, split_path
from brainseg_utils.layouts.candidates import make_cases
from brainseg_utils.layouts.file_names import read_name
from brainseg_utils.layouts.folders import Tree
from brainseg_utils.layouts.slice_names import (
    missing_slices,
    order_slices,
    read_slice_name,
)

SHAPE = """\
Kaggle LGG        <case>/<case>_1.tif (2, 3...), <case>/<case>_1_mask.tif"""

# Colours of a slice, by the data set's page (see `KAGGLE_LGG.source`). Where a patient
# lacks one of the T1, its publishers put the FLAIR there again: the check of a
# patient's voxels finds two equal sequences.
CHANNELS = {"t1": 0, "flair": 1, "t1ce": 2}


def claims(tree: Tree) -> list[str]:
    """Return the slices of a tree in which they have masks, or no NIfTI beside them."""
    named = [(file, read_slice_name(split_path(file)[1])) for file in tree.files]
    slices = [(file, match) for file, match in named if match]
    if any(match["mask"] for _, match in slices) or not any(map(read_name, tree.files)):
        return [file for file, _ in slices]
    return []


def find(tree: Tree, wanted: Wanted) -> Findings:
    """Find patients by their folders of slices."""
    absent = [name for name in wanted.sequences if name not in CHANNELS]
    if absent:
        return [], [_absent(tree, absent)]
    by_folder = defaultdict(list)
    for file in tree.files:
        folder, name = split_path(file)
        if read_slice_name(name):
            by_folder[folder].append(name)
    patients = defaultdict(lambda: defaultdict(list))
    problems = []
    for folder, names in by_folder.items():
        try:
            stack = order_slices(tree.root / folder, names)
        except BrainSegError as error:
            problems.append(error)
            continue
        for role in [*CHANNELS, *(["mask"] if stack.masks else [])]:
            patients[stack.id][role].append(Candidate(folder, folder))

    def explain(case_id: str, missing: list[str]) -> list[BrainSegError]:
        # All sequences are in one file, so that only the mask can be missing.
        folder = patients[case_id]["t1"][0].folder
        return [missing_slices(tree.root / folder, [f"{case_id}_1_mask.tif"])]

    cases, found = make_cases(
        tree, patients, wanted, explain, lambda case_id: KAGGLE_LGG, CHANNELS
    )
    return cases, problems + found


LAYOUT = Layout("lgg", SHAPE, claims, find)


def _absent(tree: Tree, absent: list[str]) -> BrainSegError:
    return BrainSegError(
        "E-MISSING",
        tree.root,
        f"has no {', '.join(absent)}: its slices hold {', '.join(CHANNELS)}.",
        f"Name no other sequences in the parameters than {list(CHANNELS)}.",
    )
