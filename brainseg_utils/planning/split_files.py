"""A split kept in a file: one's own, or one to be used again elsewhere."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import read_json, write_new
from brainseg_utils.splits import Split

PARTS = tuple(Split.__dataclass_fields__)
EXAMPLE = '{"train": ["A", "B"], "validation": ["C"], "test": ["D"]}'


def write_split(path: str | Path, split: Split, data: str = "") -> None:
    """Write a split as JSON: a list of case ids for each part.

    Args:
        path: The file; it may not be there yet.
        split: What to write.
        data: Digest of the patients' files, `SliceStore.data_key`; a file with it is
            refused for other data.

    Raises:
        BrainSegError: `E-EXISTS` when the file is there already.
    """
    content = {**({"data": data} if data else {}), **asdict(split)}
    write_new(path, json.dumps(content, indent=2, ensure_ascii=False))


def read_split(path: str | Path, case_ids: Collection[str], data: str = "") -> Split:
    """Read a split of these very cases.

    Args:
        path: A file as `write_split` leaves it; `"data"` may be missing.
        case_ids: Every case of the cohort.
        data: Digest of the patients' files, which `"data"` is held against.

    Raises:
        BrainSegError: `E-SPLIT` when the file cannot be read, names an unknown case or
            misses one; `E-SPLIT-STALE` when it was made for other data; `E-LEAK` when a
            patient stands in two parts.
    """
    path = Path(path).expanduser()
    content = _read(path)
    if content.get("data", data) != data:
        raise BrainSegError(
            "E-SPLIT-STALE",
            path,
            f"was made for other patients' files ({content['data']}, not {data}).",
            'Make the split anew, or take its line "data" out if you know better.',
        )
    _check_names(path, content, case_ids)
    try:
        return Split(*(tuple(content[part]) for part in PARTS))
    except BrainSegError as error:
        raise BrainSegError(error.code, path, error.what, error.remedy) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise _wrong(path, f"cannot be read as JSON: {error}.") from error
    wanted = f"wanted lists of case ids like {EXAMPLE}"
    if not isinstance(content, dict) or not set(PARTS) <= set(content):
        raise _wrong(path, f"{wanted}.")
    for part in PARTS:
        names = content[part]
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise _wrong(path, f"{wanted}, got {names!r:.80} for {part!r}.")
        if not names:
            raise _wrong(path, f"its part {part!r} is empty.")
        if len(set(names)) < len(names):
            raise _wrong(path, f"its part {part!r} names a case twice.")
    return content


def _check_names(
    path: Path, content: dict[str, Any], case_ids: Collection[str]
) -> None:
    named = {name for part in PARTS for name in content[part]}
    unknown, missed = sorted(named - set(case_ids)), sorted(set(case_ids) - named)
    if unknown or missed:
        said = [f"names {unknown}, which are not there"] if unknown else []
        said += [f"misses {missed}"] if missed else []
        raise _wrong(path, f"{' and '.join(said)} (of {len(case_ids)} cases).")


def _wrong(path: Path, what: str) -> BrainSegError:
    return BrainSegError("E-SPLIT", path, what, "Correct the file, or leave it out.")
