"""What all folder layouts share: the case they lead to and the words they use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import LabelScheme
from brainseg_utils.layouts.folders import Tree

SEQUENCES = ("t1", "t1ce", "t2", "flair")

# What the sequences are called in file names and lists of channels. BraTS renamed its
# sequences in 2023; UPENN-GBM names contrast-enhanced T1 after gadolinium.
ALIASES = {
    "t1": ("t1", "t1n", "t1w"),
    "t1ce": ("t1ce", "t1c", "t1gd"),
    "t2": ("t2", "t2w"),
    "flair": ("flair", "t2f"),
}
SEQUENCE_OF = {alias: name for name, aliases in ALIASES.items() for alias in aliases}

# What browsers and file managers add to the name of a second copy.
COPY_MARK = re.compile(
    r"^copy of |(\s*\(\d+\)| - copy| copy)(?=(\.nii|\.tiff?)?(\.gz)?$)", re.IGNORECASE
)


@dataclass(frozen=True)
class Case:
    """A patient's scans: where their files lie.

    Attributes:
        id: The patient's name in the data set.
        sequences: Path of each sequence, keyed `"t1"`, `"t1ce"`, `"t2"`, `"flair"`: a
            NIfTI file, or a folder of slices.
        mask: Path of the mask, of the same kinds; None where there is none.
        labels: What the values in the mask mean.
        parts: Which volume of a 4-D file, or which colour channel of the slices, each
            sequence is, from 0; empty where each sequence is a 3-D file of its own.
    """

    id: str
    sequences: dict[str, Path]
    mask: Path | None
    labels: LabelScheme
    parts: Mapping[str, int] = field(default_factory=dict)


class Wanted(NamedTuple):
    """What a caller asks of each patient.

    Attributes:
        sequences: Names out of `SEQUENCES`, in channel order.
        need_mask: Whether a patient must have a mask.
        labels: Scheme of the masks; None takes that of the layout.
    """

    sequences: Sequence[str]
    need_mask: bool
    labels: LabelScheme | None

    @property
    def roles(self) -> list[str]:
        """The sequences, and `"mask"` where one is needed."""
        return [*self.sequences, *(["mask"] if self.need_mask else [])]


class Candidate(NamedTuple):
    """A file that is named as one role of one patient.

    Attributes:
        file: Path relative to the tree's root; a folder for slices.
        folder: Folder in which the patient's files lie.
        copy: Whether the name is marked as a second copy.
    """

    file: str
    folder: str
    copy: bool = False


Roles = Mapping[str, list[Candidate]]
Findings = tuple[list[Case], list[BrainSegError]]


@dataclass(frozen=True)
class Layout:
    """One way in which data sets are laid out.

    Attributes:
        name: What to call it as a parameter.
        shape: Lines that show how its tree looks.
        claims: The files of a tree that are named as this layout's images.
        find: The cases of a tree and the problems met.
    """

    name: str
    shape: str
    claims: Callable[[Tree], Iterable[str]]
    find: Callable[[Tree, Wanted], Findings]


def without_copy_mark(name: str) -> str:
    """Return a file name as it was before a second copy was made."""
    return COPY_MARK.sub("", name)


def split_path(relative: str) -> tuple[str, str]:
    """Return folder and name of a relative path."""
    folder, _, name = relative.rpartition("/")
    return folder, name
