"""Find the patients of a folder, whichever of the known layouts it follows."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import scheme_named
from brainseg_utils.layouts import (
    SEQUENCES,
    Case,
    Findings,
    Wanted,
    from_json,
    from_names,
    from_slices,
    from_yaml,
)
from brainseg_utils.layouts.folders import Tree, list_tree, unreadable
from brainseg_utils.layouts.slice_stacks import slice_files

__all__ = ["EXPECTED_TREE", "SEQUENCES", "Case", "case_files", "find_cases"]

LAYOUTS = {
    layout.name: layout
    for layout in (
        from_names.LAYOUT,
        from_json.DECATHLON,
        from_json.NNUNET,
        from_slices.LAYOUT,
    )
}

EXPECTED_TREE = "\n  ".join(
    [
        "Wanted one of these trees (.nii or .nii.gz):",
        *(
            line
            for shape in (*(one.shape for one in LAYOUTS.values()), from_yaml.SHAPE)
            for line in shape.split("\n")
        ),
    ]
)


def find_cases(
    folder: str | Path,
    sequences: Sequence[str] = SEQUENCES,
    need_mask: bool = True,
    layout: str | Path = "",
    labels: str = "",
) -> tuple[list[Case], list[BrainSegError]]:
    """Find the patients below `folder` and name what could not be used.

    Args:
        folder: A tree in one of the layouts that `EXPECTED_TREE` shows. Files that
            tell by their names what they are may lie anywhere in it; the naming of
            BraTS 2018-2022, of BraTS 2023+ and of UPENN-GBM may be mixed, and letter
            case does not matter.
        sequences: The sequences a patient must have, in channel order.
        need_mask: Whether a patient must have a mask.
        layout: `"named"`, `"msd"`, `"nnunet"`, `"lgg"`, or the path of a YAML file that
            describes the folder (see `layouts.folder_yaml`); empty to recognise it.
        labels: Key of the scheme in `labels.SCHEMES` that the masks follow; empty takes
            the layout's own.

    Returns:
        The usable patients sorted by id, and one problem for each patient, file, folder
        or link that was left out.

    Raises:
        BrainSegError: `E-ROOT` when the folder is missing or has no patients, `E-READ`
            when it cannot be read, `E-LAYOUT` when its description is wrong or several
            layouts fit, `E-SEQUENCE` or `E-LABEL` when `sequences` or `labels` holds an
            unknown name.
    """
    folder = Path(folder)
    _check_sequences(sequences)
    wanted = Wanted(sequences, need_mask, scheme_named(labels) if labels else None)
    _check_folder(folder)
    tree = list_tree(folder)
    cases, problems = _choose(tree, str(layout))(tree, wanted)
    if not cases and not any(problem.code.startswith("E-") for problem in problems):
        raise _no_patients(tree)
    return cases, [*tree.problems, *problems]


def case_files(case: Case) -> list[Path]:
    """Return every file that is read for a case, each once, in a fixed order.

    Raises:
        BrainSegError: A folder of slices is not whole any more.
    """
    files: list[Path] = []
    for path in case.sequences.values():
        files += slice_files(path, masks=False) if os.path.isdir(path) else [path]
    if case.mask:
        slices = os.path.isdir(case.mask)
        files += slice_files(case.mask, masks=True) if slices else [case.mask]
    return list(dict.fromkeys(files))


def _check_sequences(sequences: Sequence[str]) -> None:
    unknown = [name for name in sequences if name not in SEQUENCES]
    if unknown or not sequences or len(set(sequences)) < len(sequences):
        raise BrainSegError(
            "E-SEQUENCE",
            "sequences",
            f"wanted different names out of {list(SEQUENCES)}, got {list(sequences)}.",
            "Correct the parameter.",
        )


def _check_folder(folder: Path) -> None:
    try:
        found = folder.stat()
    except PermissionError as error:
        raise unreadable(folder, error) from None
    except (OSError, ValueError):
        what = "is not a folder: there is nothing of this name."
        raise BrainSegError(
            "E-ROOT", folder, what, f"Check the path. {EXPECTED_TREE}"
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        what = "is a file and not a folder."
        remedy = f"Name the folder of the patients, unpacked. {EXPECTED_TREE}"
        raise BrainSegError("E-ROOT", folder, what, remedy)


def _choose(tree: Tree, layout: str) -> Callable[[Tree, Wanted], Findings]:
    """Return the function that finds the cases of a tree."""
    if layout in LAYOUTS:
        return LAYOUTS[layout].find
    if layout:
        return partial(from_yaml.find, path=_description(tree, layout))
    if from_yaml.FILE_NAME in tree.files:
        return partial(from_yaml.find, path=tree.root / from_yaml.FILE_NAME)
    claimed = {name: set(one.claims(tree)) for name, one in LAYOUTS.items()}
    # What a dataset.json describes is not looked at for telling names.
    described = claimed["msd"] | claimed["nnunet"]
    for name in ("named", "lgg"):
        claimed[name] -= described
    fitting = [name for name, files in claimed.items() if files]
    if len(fitting) > 1:
        examples = {name: min(claimed[name]) for name in fitting}
        raise BrainSegError(
            "E-LAYOUT",
            tree.root,
            f"holds files of several layouts: {examples}.",
            "Name the folder of one of them, or the layout (layout=).",
        )
    return LAYOUTS[fitting[0] if fitting else "named"].find


def _description(tree: Tree, layout: str) -> Path:
    """Return the YAML file that a user names, here or in the data folder."""
    named = [os.path.expanduser(layout), os.path.join(tree.root, layout)]
    found = next(filter(os.path.isfile, named), None)
    if found or layout.lower().endswith((".yaml", ".yml")):
        return Path(found or named[0])
    raise BrainSegError(
        "E-LAYOUT",
        "layout",
        f"wanted one of {list(LAYOUTS)} or the path of a YAML file, got {layout!r}.",
        "Correct the parameter; empty recognises the layout.",
    )


def _no_patients(tree: Tree) -> BrainSegError:
    if tree.problems and tree.problems[0].path == str(tree.root):
        return tree.problems[0]
    kinds = Counter(_kind(file) for file in tree.files).most_common(4)
    what = f"holds no patients: {len(tree.files)} files"
    if kinds:
        what += f" ({', '.join(f'{count} {kind}' for kind, count in kinds)})"
    if tree.problems:
        what += f", and {len(tree.problems)} problems, first: {tree.problems[0]}"
    remedy = EXPECTED_TREE
    if tree.root.name in ("imagesTr", "imagesTs", "labelsTr"):
        remedy = f"Name the folder above it, which holds dataset.json. {remedy}"
    elif any(kind in (".zip", ".tar", ".tgz", ".tar.gz") for kind, _ in kinds):
        remedy = f"Unpack the archives. {remedy}"
    return BrainSegError("E-ROOT", tree.root, f"{what}.", remedy)


def _kind(file: str) -> str:
    path = PurePosixPath(file.lower())
    inner = PurePosixPath(path.stem).suffix if path.suffix == ".gz" else ""
    return f"{inner}{path.suffix}" or "without ending"
