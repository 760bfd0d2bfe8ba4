"""Patients whose files say in their names what they are, as in BraTS and UPENN-GBM."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import BRATS_2023, BRATS_2024, LabelScheme
from brainseg_utils.layouts import SEQUENCES, Candidate, Findings, Layout, Wanted
from brainseg_utils.layouts.candidates import make_cases
from brainseg_utils.layouts.file_names import (
    ROLE_OF,
    NamedFile,
    Style,
    read_name,
    style_of,
)
from brainseg_utils.layouts.folders import Tree

SHAPE = """\
BraTS 2018-2022   <case>/<case>_{t1,t1ce,t2,flair,seg}.nii.gz
BraTS 2023+       <case>/<case>-{t1n,t1c,t2w,t2f,seg}.nii.gz
UPENN-GBM         images_structural/<case>/<case>_{T1,T1GD,T2,FLAIR}.nii.gz
                  images_segm/<case>_segm.nii.gz"""

# BraTS-GLI counts scans after treatment from 100; they alone show resection cavities.
AFTER_TREATMENT = re.compile(r"BraTS-GLI-\d+-1\d\d")


class _Names:
    """The NIfTI files of a tree, by what their names say.

    Attributes:
        patients: Candidates for each role of each patient that has a sequence.
        pairs: The .hdr/.img files, by patient and role.
        strays: Files of no patient or no known role, and spare pairs.
        aliases: Aliases that each patient's files use.
        home: Folder of each patient's images.
        residents: Patients whose images lie in a folder.
    """

    def __init__(self, files: Iterable[str]):
        named = [*filter(None, map(read_name, files))]
        images = [one for one in named if one.role in SEQUENCES]
        self.home = {one.id: one.folder for one in reversed(images)}
        self.residents = defaultdict(set)
        self.patients: dict[str, dict[str, list[Candidate]]] = {}
        for case_id, folder in self.home.items():
            self.residents[folder].add(case_id)
            self.patients[case_id] = defaultdict(list)
        self.pairs: dict[str, dict[str, NamedFile]] = defaultdict(dict)
        self.strays: list[NamedFile] = []
        self.aliases = defaultdict(set)
        for one in named:
            self._sort(one)

    def _sort(self, one: NamedFile) -> None:
        if not one.is_nifti:
            if one.role:
                self.pairs[one.id].setdefault(one.role, one)
        elif one.role and one.id in self.patients:
            found = Candidate(one.file, one.folder, one.copy)
            self.patients[one.id][one.role].append(found)
            self.aliases[one.id].add(one.alias)
        else:
            # A mask alone is no patient: UPENN-GBM ships automatic ones as well.
            self.strays.append(one)

    @cached_property
    def _strays_by_place(self) -> dict[tuple[str, str], list[NamedFile]]:
        by_place = defaultdict(list)
        for stray in self.strays:
            by_place["id", stray.id].append(stray)
            by_place["folder", stray.folder].append(stray)
        return by_place

    def beside(self, case_id: str, missing: list[str]) -> list[NamedFile]:
        """Return the files that might be what a patient lacks."""
        home = self.home[case_id]
        alone = self.residents[home] == {case_id}
        copies = [c.file for role in missing for c in self.patients[case_id][role]]
        found = {
            *map(read_name, copies),
            *self._strays_by_place["id", case_id],
            *(self._strays_by_place["folder", home] if alone else ()),
        }
        return sorted(found)

    def style(self, case_id: str) -> Style:
        """Return how the data set names this patient's files."""
        return style_of(self.aliases[case_id])

    def labels(self, case_id: str) -> LabelScheme:
        """Return the label scheme that a patient's names stand for."""
        labels = self.style(case_id).labels
        treated = labels is BRATS_2023 and AFTER_TREATMENT.fullmatch(case_id)
        return BRATS_2024 if treated else labels


def claims(tree: Tree) -> list[str]:
    """Return the files that are named as a sequence of a patient."""
    named = filter(None, map(read_name, tree.files))
    return [one.file for one in named if one.role in SEQUENCES]


def find(tree: Tree, wanted: Wanted) -> Findings:
    """Find patients by the names of their files, wherever in the tree they lie."""
    names = _Names(tree.files)
    told: set[str] = set()

    def explain(case_id: str, missing: list[str]) -> list[BrainSegError]:
        paired = names.pairs.get(case_id, {})
        pairs = [paired[role] for role in missing if role in paired]
        lacking = [role for role in missing if role not in paired]
        beside = names.beside(case_id, lacking) if lacking else []
        told.update(one.file for one in (*pairs, *beside))
        problems = [_pair(tree, one) for one in pairs]
        if lacking:
            problems.append(_missing(tree, names, case_id, lacking, beside))
        new = names.style(case_id).stem(case_id, lacking)
        own = [one for one in beside if one.id == case_id]
        return problems + [_unknown_name(tree, one, lacking, new) for one in own]

    cases, problems = make_cases(tree, names.patients, wanted, explain, names.labels)
    spare = [p for i in names.patients for p in names.pairs.get(i, {}).values()]
    unused = [one for one in (*names.strays, *spare) if one.file not in told]
    return cases, problems + [_unused(tree, one) for one in unused]


LAYOUT = Layout("named", SHAPE, claims, find)


def _missing(
    tree: Tree,
    names: _Names,
    case_id: str,
    lacking: list[str],
    beside: list[NamedFile],
) -> BrainSegError:
    home = names.home[case_id]
    aliases = {role: [a for a, r in ROLE_OF.items() if r == role] for role in lacking}
    tried = [f"{role}: {'/'.join(known)}" for role, known in aliases.items()]
    remedy = "Add the file"
    if lacking != ["mask"]:
        remedy += ", or name fewer sequences in the parameters"
    elif "validation" in f"{tree.root.name}/{home}".lower():
        remedy += "; BraTS publishes none for its validation patients"
    if beside:
        found = [one.file.removeprefix(f"{home}/") for one in beside]
        new = names.style(case_id).stem(case_id, lacking) + beside[0].ending
        remedy += f"; found {len(beside)} unmatched NIfTI {found}: rename to {new} "
        remedy += "the one that is meant"
    return BrainSegError(
        "E-MISSING",
        tree.root / home,
        f"patient {case_id} has no {', '.join(lacking)} "
        f"(suffixes tried: {'; '.join(tried)}).",
        f"{remedy}.",
    )


def _unknown_name(
    tree: Tree, one: NamedFile, lacking: list[str], new: str
) -> BrainSegError:
    why = "is marked as a copy" if one.copy else f"ends with {one.alias!r}"
    new = one.stem if one.copy else new
    return BrainSegError(
        "E-NAME",
        tree.root / one.file,
        f"was not used: its name {why}, and {one.id} has no {', '.join(lacking)}.",
        f"Rename it to {new}{one.ending} if it is meant; else leave it.",
    )


def _pair(tree: Tree, one: NamedFile) -> BrainSegError:
    return BrainSegError(
        "E-NII-TYPE",
        tree.root / one.file,
        f"is half of a .hdr/.img pair, and {one.id} has no other {one.role}; wanted "
        "one .nii or .nii.gz file.",
        "Convert the pair: nibabel.save(nibabel.load('x.hdr'), 'x.nii.gz').",
    )


def _unused(tree: Tree, one: NamedFile) -> BrainSegError:
    if not one.is_nifti:
        what = "it is half of a .hdr/.img pair, which is not read."
        remedy = "Convert the pair if it is wanted; else leave it."
    elif one.role == "mask":
        what = "it is named as a mask, but no sequence has the same patient id."
        remedy = "Rename it if it belongs to a patient; else leave it."
    else:
        what = f"its name ends with none of {sorted(ROLE_OF)}."
        remedy = "Rename it if it is one of these; else leave it."
    return BrainSegError(
        "W-NAME", tree.root / one.file, f"was not used: {what}", remedy
    )
