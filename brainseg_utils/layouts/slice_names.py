"""Order the files of a patient that is kept as a folder of TIFF slices."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from brainseg_utils.errors import BrainSegError
from brainseg_utils.layouts import without_copy_mark

SLICE_NAME = re.compile(
    r"(?P<id>.+)_(?P<number>\d{1,6})(?P<mask>_mask)?\.tiff?", re.IGNORECASE | re.DOTALL
)
LISTED_FILES = 5


class Stack(NamedTuple):
    """The slices of one patient, in the order of their numbers.

    Attributes:
        id: The patient's name, with which the files begin.
        images: Names of the files of the image.
        masks: Names of the files of the mask; empty where there is none.
    """

    id: str
    images: list[str]
    masks: list[str]


def read_slice_name(name: str) -> re.Match | None:
    """Return id, number and mask of a slice's name, which may be marked as a copy."""
    return SLICE_NAME.fullmatch(without_copy_mark(name))


def order_slices(folder: Path, names: Iterable[str]) -> Stack:
    """Sort the names of the files in a patient's folder; others are passed over.

    Raises:
        BrainSegError: `E-NAME` for the slices of no or of several patients or for a
            copy alone, `E-AMBIGUOUS` for two files of one slice, `E-MISSING` where
            the numbers are not 1, 2, 3... (or 0, 1, 2...) or only some slices have a
            mask.
    """
    found: dict[tuple[str, bool], dict[int, list[str]]]
    found = defaultdict(lambda: defaultdict(list))
    for name in sorted(names):
        match = read_slice_name(name)
        if match:
            found[match["id"], bool(match["mask"])][int(match["number"])].append(name)
    ids = sorted({case_id for case_id, _ in found})
    if len(ids) != 1:
        raise BrainSegError(
            "E-NAME",
            folder,
            f"wanted the slices of one patient, got those of {ids[:LISTED_FILES]}.",
            "Give each patient a folder of its own, with <patient>_1.tif and so on.",
        )
    images, masks = found[ids[0], False], found[ids[0], True]
    for files in (*images.values(), *masks.values()):
        _check_single(folder, files)
    _check_complete(folder, ids[0], set(images), set(masks))
    return Stack(ids[0], *([by[n][0] for n in sorted(by)] for by in (images, masks)))


def missing_slices(folder: Path, files: list[str]) -> BrainSegError:
    """Tell which files of a stack are missing."""
    more = len(files) - LISTED_FILES
    others = f" and {more} others" if more > 0 else ""
    return BrainSegError(
        "E-MISSING",
        folder / files[0],
        f"the slices lack {files[:LISTED_FILES]}{others}.",
        "Add the files; slices are numbered 1, 2, 3... and each has its mask, or none.",
    )


def _check_single(folder: Path, files: list[str]) -> None:
    if len(files) > 1:
        raise BrainSegError(
            "E-AMBIGUOUS",
            folder,
            f"has several files for one slice: {files}.",
            "Keep one of them.",
        )
    original = without_copy_mark(files[0])
    if files[0] != original:
        raise BrainSegError(
            "E-NAME",
            folder / files[0],
            f"is marked as a copy, and there is no {original}.",
            f"Rename it to {original} if it is meant.",
        )


def _check_complete(
    folder: Path, case_id: str, images: set[int], masks: set[int]
) -> None:
    there = images | masks
    numbers = range(min(1, *there), max(there) + 1)
    lacking = [f"{case_id}_{n}.tif" for n in numbers if n not in images]
    lacking += [f"{case_id}_{n}_mask.tif" for n in numbers if masks and n not in masks]
    if lacking:
        raise missing_slices(folder, lacking)
