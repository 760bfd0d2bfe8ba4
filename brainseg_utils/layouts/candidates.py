"""From the files that bear a patient's name to a case, or to the reasons why not."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import LabelScheme
from brainseg_utils.layouts import (
    SEQUENCES,
    Candidate,
    Case,
    Findings,
    Roles,
    Wanted,
)
from brainseg_utils.layouts.folders import Tree


def make_cases(
    tree: Tree,
    patients: Mapping[str, Roles],
    wanted: Wanted,
    explain_missing: Callable[[str, list[str]], list[BrainSegError]],
    labels_of: Callable[[str], LabelScheme],
    parts: Mapping[str, int] | None = None,
) -> Findings:
    """Turn the files of each patient into a case, or into the reasons why not.

    Args:
        tree: Where the files lie.
        patients: The candidates for each role of each patient.
        wanted: What a patient must have.
        explain_missing: Tells from a patient and the missing roles what to do.
        labels_of: Gives a patient's label scheme, where the caller declares none.
        parts: `Case.parts` of every patient, for all sequences.
    """
    # Candidates of one patient mostly share their folder, and resolving one is slow.
    real_path = lru_cache(maxsize=8)(os.path.realpath)
    twins = _ids_alike(patients)
    cases = []
    problems = [_ids_clash(tree, ids, patients) for ids in twins]
    for case_id in sorted(set(patients).difference(*twins)):
        roles = {
            role: _distinct(tree, found, real_path)
            for role, found in patients[case_id].items()
        }
        trouble = _doubles(tree, case_id, roles, wanted)
        missing = [role for role in wanted.roles if not _originals(roles, role)]
        if missing:
            trouble += explain_missing(case_id, missing)
        problems += trouble
        if not trouble:
            labels = wanted.labels or labels_of(case_id)
            cases.append(_make_case(tree, case_id, roles, wanted, labels, parts or {}))
    return cases, problems


def _make_case(
    tree: Tree,
    case_id: str,
    roles: Roles,
    wanted: Wanted,
    labels: LabelScheme,
    parts: Mapping[str, int],
) -> Case:
    paths = {n: tree.root / _originals(roles, n)[0].file for n in wanted.sequences}
    masks = _originals(roles, "mask")
    # Where no mask is needed, none is better than one out of several.
    mask = tree.root / masks[0].file if len(masks) == 1 else None
    used = {name: parts[name] for name in wanted.sequences if name in parts}
    return Case(case_id, paths, mask, labels, used)


def _originals(roles: Roles, role: str) -> list[Candidate]:
    return [found for found in roles.get(role, ()) if not found.copy]


def _distinct(
    tree: Tree, candidates: list[Candidate], real_path: Callable[[str], str]
) -> list[Candidate]:
    """Drop candidates that are links to others."""
    if len(candidates) < 2:
        return candidates
    by_target: dict[str, Candidate] = {}
    for found in sorted(candidates):
        folder, name = os.path.split(os.path.join(tree.root, found.file))
        target = os.path.join(real_path(folder), name)
        if os.path.islink(target):
            target = os.path.realpath(target)
        # The file itself comes before the links to it.
        if target == os.path.join(real_path(str(tree.root)), found.file):
            by_target[target] = found
        by_target.setdefault(target, found)
    return sorted(by_target.values())


def _doubles(
    tree: Tree, case_id: str, roles: Roles, wanted: Wanted
) -> list[BrainSegError]:
    """Tell where a patient, or a role of one, stands in several places."""
    for name in SEQUENCES:
        folders = sorted({found.folder or "." for found in roles.get(name, ())})
        if len(folders) > 1:
            return [_patient_twice(tree, case_id, folders)]
    return [
        BrainSegError(
            "E-AMBIGUOUS",
            tree.root / roles[role][0].folder,
            f"patient {case_id} has several files for {role}: "
            f"{[found.file for found in roles[role]]}.",
            "Keep one of them.",
        )
        for role in wanted.roles
        if len(roles.get(role, ())) > 1 and _originals(roles, role)
    ]


def _patient_twice(tree: Tree, case_id: str, folders: list[str]) -> BrainSegError:
    return BrainSegError(
        "E-DUP-ID",
        tree.root / folders[0],
        f"patient {case_id} stands in several folders: {folders}.",
        "Keep one of them, or name the folder above one of them as data folder.",
    )


def _ids_alike(patients: Iterable[str]) -> list[list[str]]:
    """Group ids that some file systems could not tell apart."""
    groups = defaultdict(list)
    for case_id in sorted(patients):
        groups[id_on_disk(case_id)].append(case_id)
    return [ids for ids in groups.values() if len(ids) > 1]


def id_on_disk(case_id: str) -> str:
    """Return what is equal for ids that some file systems could not tell apart."""
    return unicodedata.normalize("NFC", case_id).casefold()


def _ids_clash(
    tree: Tree, ids: list[str], patients: Mapping[str, Roles]
) -> BrainSegError:
    every = [c for i in ids for found in patients[i].values() for c in found]
    folders = sorted({found.folder or "." for found in every}) or ["."]
    return BrainSegError(
        "E-DUP-ID",
        tree.root / folders[0],
        f"the patients {ids} differ only by letter case or the form of an accent; they "
        f"stand in {folders}.",
        "Rename the files of one of them, or bring the files of one patient together.",
    )
