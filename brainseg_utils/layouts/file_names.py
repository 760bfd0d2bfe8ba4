"""What the name of a NIfTI file says: whose it is, and which sequence or the mask."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from brainseg_utils.labels import BRATS_2018, BRATS_2023, UPENN_GBM, LabelScheme
from brainseg_utils.layouts import (
    SEQUENCE_OF,
    SEQUENCES,
    split_path,
    without_copy_mark,
)

ROLE_OF = {**SEQUENCE_OF, "seg": "mask", "segm": "mask"}
NIFTI_ENDING = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
ENDING = re.compile(r"\.(nii|hdr|img)(\.gz)?$", re.IGNORECASE)
PARTS = re.compile(r"(?P<id>.+)(?P<separator>[_-])(?P<alias>[^_-]+)", re.DOTALL)

# BraTS 2020 published the mask of one patient under the name that it had in the
# hospital, and its mirrors keep it.
OTHER_NAMES = {
    ("BraTS20_Training_355", "W39_1998.09.19_Segm"): "BraTS20_Training_355_seg",
}


class NamedFile(NamedTuple):
    """A NIfTI file, or half of a .hdr/.img pair, and what its name says.

    Attributes:
        file: Path relative to the tree's root.
        folder: Folder in which the patient's files lie.
        stem: The name without ending and without the mark of a second copy.
        ending: `.nii`, `.nii.gz`, `.hdr`..., as written.
        copy: Whether the name is marked as a second copy.
        id: The patient; empty where the name has no two parts.
        alias: What the name calls its role, in small letters.
    """

    file: str
    folder: str
    stem: str
    ending: str
    copy: bool
    id: str
    alias: str

    @property
    def is_nifti(self) -> bool:
        """Whether it is one file and no half of a pair."""
        return bool(NIFTI_ENDING.search(self.ending))

    @property
    def role(self) -> str:
        """A sequence or `"mask"`; empty where the alias is not known."""
        return ROLE_OF.get(self.alias, "")


class Style(NamedTuple):
    """How one data set names the files of a patient, and the labels it uses."""

    separator: str
    aliases: dict[str, str]
    labels: LabelScheme

    def stem(self, case_id: str, roles: Sequence[str]) -> str:
        """Return the name, without ending, that the file of these roles should bear."""
        aliases = [self.aliases[role] for role in roles]
        alias = aliases[0] if len(aliases) == 1 else f"{{{','.join(aliases)}}}"
        return f"{case_id}{self.separator}{alias}"


def _style(separator: str, aliases: str, labels: LabelScheme) -> Style:
    roles = (*SEQUENCES, "mask")
    return Style(separator, dict(zip(roles, aliases.split(), strict=True)), labels)


BRATS_STYLE = _style("_", "t1 t1ce t2 flair seg", BRATS_2018)
STYLES = {
    **dict.fromkeys(
        ("t1n", "t1c", "t2w", "t2f"), _style("-", "t1n t1c t2w t2f seg", BRATS_2023)
    ),
    **dict.fromkeys(("t1gd", "segm"), _style("_", "T1 T1GD T2 FLAIR segm", UPENN_GBM)),
}


def style_of(aliases: set[str]) -> Style:
    """Return the style that uses one of these aliases; BraTS 2018 where none tells."""
    return next((STYLES[a] for a in STYLES if a in aliases), BRATS_STYLE)


def read_name(relative: str) -> NamedFile | None:
    """Return what the name of a file says; None where it is no NIfTI file's."""
    folder, name = split_path(relative)
    above, wrapper = split_path(folder)
    if NIFTI_ENDING.search(wrapper) and NIFTI_ENDING.search(name):
        # Some archives unpack each file into a folder that bears its name, and mirrors
        # of BraTS 2021 keep there the name that the file had in the hospital. But the
        # folder may also be that of a patient who is called so.
        wrapped = _read(relative, above, wrapper)
        if wrapped and wrapped.alias in ROLE_OF:
            return wrapped
    return _read(relative, folder, name)


def _read(relative: str, folder: str, name: str) -> NamedFile | None:
    original = without_copy_mark(name)
    ending = ENDING.search(original)
    if not ending:
        return None
    stem = original[: ending.start()]
    stem = OTHER_NAMES.get((split_path(folder)[1], stem), stem)
    parts = PARTS.fullmatch(stem)
    return NamedFile(
        relative,
        folder,
        stem,
        ending[0],
        original != name,
        parts["id"] if parts else "",
        parts["alias"].lower() if parts else "",
    )
