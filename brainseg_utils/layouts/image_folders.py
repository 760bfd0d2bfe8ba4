"""Find the data sets of a tree that keep files in imagesTr and labelsTr."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import NamedTuple

from brainseg_utils.layouts import SEQUENCES, without_copy_mark
from brainseg_utils.layouts.file_names import read_name
from brainseg_utils.layouts.folders import Tree

PLACE = re.compile(
    r"(?P<base>(?:.*/)?)(?P<kind>images|labels)(?P<part>Tr|Ts)/(?P<name>[^/]+)",
    re.DOTALL,
)
STEM = re.compile(r"(?P<stem>.+)(?P<ending>\.nii(?:\.gz)?)", re.IGNORECASE | re.DOTALL)
CHANNEL = re.compile(r"(?P<id>.+)_(?P<channel>\d{4})", re.DOTALL)


class ImageFile(NamedTuple):
    """A file below imagesTr, labelsTr, imagesTs or labelsTs."""

    file: str  # Relative to the tree's root.
    base: str  # The folder of dataset.json, empty or ending with "/".
    kind: str  # "images" or "labels".
    part: str  # "Tr" or "Ts".
    stem: str  # The name without ending and copy mark; empty if it is no NIfTI's.
    copy: bool


def data_sets(tree: Tree) -> dict[str, list[ImageFile]]:
    """Return the files of each folder that has images, keyed by its relative path."""
    found: dict[str, list[ImageFile]] = defaultdict(list)
    for file in tree.files:
        place = PLACE.fullmatch(file)
        if place:
            one = _image_file(file, place)
            found[one.base].append(one)
    described = {file for file in tree.files if file.endswith("dataset.json")}
    return {
        base: files
        for base, files in found.items()
        if any(one.kind == "images" for one in files)
        and (f"{base}dataset.json" in described or _lacks_description(files))
    }


def _image_file(file: str, place: re.Match) -> ImageFile:
    name = without_copy_mark(place["name"])
    stem = STEM.fullmatch(name)
    where = place.group("base", "kind", "part")
    return ImageFile(file, *where, stem["stem"] if stem else "", name != place["name"])


def _lacks_description(files: list[ImageFile]) -> bool:
    """Return whether nothing but a dataset.json can tell what these files are."""
    named = [read_name(one.file) for one in files if one.stem]
    return bool(named) and not any(one.role in SEQUENCES for one in named)


def is_nnunet(files: list[ImageFile]) -> bool:
    """Return whether each channel is a file of its own, numbered behind the id."""
    masks = {one.stem for one in files if one.kind == "labels"}
    return any(
        one.kind == "images" and one.stem not in masks and CHANNEL.fullmatch(one.stem)
        for one in files
    )
