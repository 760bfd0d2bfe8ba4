"""Read the `dataset.json` of the Medical Segmentation Decathlon and of nnU-Net."""

from __future__ import annotations

import json
import re
import reprlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import LabelScheme
from brainseg_utils.layouts import SEQUENCE_OF
from brainseg_utils.layouts.folders import unreadable

MAX_BYTES = 8 * 2**20  # A list of every file of thousands of patients stays below.
MAX_CHANNELS = 64
MAX_TITLE = 80  # Characters.
MAX_LABEL = 2**16 - 1
FILE_ENDINGS = (".nii.gz", ".nii")


class DataSetFile(NamedTuple):
    """A `dataset.json`: a JSON object and where it lies."""

    path: Path
    content: dict[str, Any]

    def wrong(self, what: str, remedy: str = "Correct the file.") -> BrainSegError:
        """Return the error that tells what is wrong in this file."""
        return BrainSegError("E-LAYOUT", self.path, what, remedy)


def read_data_set(path: Path) -> DataSetFile:
    """Read a `dataset.json`.

    Raises:
        BrainSegError: `E-LAYOUT` when it is missing, too large or not a JSON object;
            `E-READ` when the system refuses it.
    """
    found = DataSetFile(path, {})
    try:
        if not path.is_file():
            raise found.wrong(
                "is missing; it names the channels and the labels.",
                "Get it from where the images came from.",
            )
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > MAX_BYTES:
        raise found.wrong(f"has more than {MAX_BYTES:,} bytes.")
    try:
        value = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise found.wrong(
            f"is not valid JSON: {error}.", "Get it again, or correct it."
        ) from None
    if not isinstance(value, dict):
        raise found.wrong(f"wanted a JSON object, got {type(value).__name__}.")
    return DataSetFile(path, value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        double = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {reprlib.repr(double)} stands there twice")
    return value


def channel_names(data_set: DataSetFile) -> list[str]:
    """Return the names of the channels in their order.

    They stand under `"channel_names"` (nnU-Net since version 2) or `"modality"`.

    Raises:
        BrainSegError: `E-LAYOUT` when they are missing or of another form.
    """
    key = "channel_names" if "channel_names" in data_set.content else "modality"
    value = data_set.content.get(key)
    if not isinstance(value, dict) or not 0 < len(value) <= MAX_CHANNELS:
        raise data_set.wrong(
            f"{key!r}: wanted an object such as {{'0': 'T1', '1': 'FLAIR'}}, "
            f"got {reprlib.repr(value)}."
        )
    if set(value) != {str(number) for number in range(len(value))}:
        raise data_set.wrong(
            f"{key!r}: wanted the numbers from 0 to {len(value) - 1}, "
            f"got {reprlib.repr(sorted(value))}."
        )
    names = [value[str(number)] for number in range(len(value))]
    for name in names:
        if not isinstance(name, str):
            raise data_set.wrong(f"{key!r}: wanted names, got {reprlib.repr(name)}.")
    return names


def sequence_of_channel(name: str) -> str | None:
    """Return the sequence that a channel's name means; None for an unknown one."""
    return SEQUENCE_OF.get(re.sub(r"[\W_]", "", name.lower()))


def file_ending(data_set: DataSetFile) -> str:
    """Return the ending of all image files, `.nii.gz` unless the file says another.

    Raises:
        BrainSegError: `E-LAYOUT` when they are no NIfTI files.
    """
    value = data_set.content.get("file_ending", FILE_ENDINGS[0])
    if value not in FILE_ENDINGS:
        raise data_set.wrong(
            f"'file_ending': wanted one of {list(FILE_ENDINGS)}, "
            f"got {reprlib.repr(value)}.",
            "Convert the images to NIfTI, and their names and this entry with them.",
        )
    return value


def label_scheme(data_set: DataSetFile) -> LabelScheme:
    """Return what the masks' values mean: all but the background is tumour.

    `"labels"` maps a value to its name (Decathlon, nnU-Net version 1), or a name to a
    value or to the values that a region holds (version 2).

    Raises:
        BrainSegError: `E-LAYOUT` when it is missing, of another form, or names voxels
            to ignore.
    """
    value = data_set.content.get("labels")
    if not isinstance(value, dict):
        raise data_set.wrong(
            "'labels': wanted an object such as {'background': 0, 'tumour': 1}, "
            f"got {reprlib.repr(value)}."
        )
    names: dict[int, list[str]] = {}
    for name, number in _name_number_pairs(data_set, value):
        names.setdefault(number, []).append(name)
    _check_special(data_set, names)
    meaning = {n: " / ".join(names[n]) for n in sorted(names) if n}
    if not meaning:
        raise data_set.wrong("'labels': names no label but the background.")
    title = data_set.content.get("name")
    fits = isinstance(title, str) and 0 < len(title) <= MAX_TITLE
    if not fits or not title.isprintable():
        title = data_set.path.name
    numbers = ", ".join(map(str, meaning))
    return LabelScheme(f"{title} (labels {numbers})", meaning, data_set.path.name)


def _name_number_pairs(
    data_set: DataSetFile, labels: dict[str, Any]
) -> list[tuple[str, int]]:
    pairs = []
    for key, value in labels.items():
        if isinstance(value, str) and re.fullmatch("[0-9]{1,5}", key):
            key, value = value, int(key)
        region = isinstance(value, list)
        numbers = value if region else [value]
        valid = all(_is_label(number, 1 if region else 0) for number in numbers)
        if not numbers or not valid:
            raise data_set.wrong(
                f"'labels': wanted values from 0 to {MAX_LABEL}, or lists of values "
                f"other than 0, got {reprlib.repr({key: value})}."
            )
        pairs += [(key, number) for number in numbers]
    return pairs


def _is_label(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= MAX_LABEL


def _check_special(data_set: DataSetFile, names: dict[int, list[str]]) -> None:
    for number, meant in names.items():
        lowered = {name.lower() for name in meant}
        odd = [name for name in meant if not name.isprintable()]
        if odd:
            raise data_set.wrong(f"'labels': wanted plain text, got {odd[0]!r:.80}.")
        if "ignore" in lowered:
            raise data_set.wrong(
                f"'labels': voxels of value {number} are to be ignored, since nobody "
                "judged them; here every voxel is tumour or not.",
                "Leave out the patients that hold it, or declare what the values mean "
                "with labels=.",
            )
        if number and "background" in lowered:
            raise data_set.wrong(
                f"'labels': wanted 0 for the background, got {number}."
            )
