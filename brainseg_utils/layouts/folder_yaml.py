"""Read the small YAML file that describes a folder of patients.

```yaml
# {case} stands for the patient's name, * for anything within a name.
sequences:
  t1: "{case}/anat/{case}_T1w.nii.gz"
  flair: {file: "{case}/anat/*_4d.nii.gz", volume: 2}   # Counted from 0.
mask: "derivatives/{case}_lesion.nii.gz"
labels: {1: lesion, 2: oedema}       # Or the key of a known scheme.
not_tumour: {4: resection cavity}    # Labels that may stand beside these.
```
"""

from __future__ import annotations

import re
import reprlib
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from brainseg_utils.errors import BrainSegError
from brainseg_utils.labels import SCHEMES, LabelScheme
from brainseg_utils.layouts import SEQUENCES
from brainseg_utils.layouts.folders import unreadable
from brainseg_utils.layouts.path_patterns import compile_pattern

MAX_BYTES = 64 * 2**10
MAX_VOLUMES = 1024
QUOTES = "Correct it; a pattern that begins with { or * needs quotes round it."
KEYS = ("sequences", "mask", "labels", "not_tumour")


class Description(NamedTuple):
    """What a YAML file says about a folder.

    Attributes:
        path: The YAML file.
        patterns: Pattern of each role's files, keyed by sequence and `"mask"`.
        parts: Number of the volume, for sequences that are part of a 4-D file.
        labels: Scheme of the masks; None where the file names none.
    """

    path: Path
    patterns: dict[str, str]
    parts: dict[str, int]
    labels: LabelScheme | None


class _Loader(yaml.BaseLoader):
    """Take all values as text: YAML would turn `no` into False and 1:20 into 80."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        value = super().construct_mapping(node, deep)
        if len(value) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "a key stands there twice", node.start_mark
            )
        return value


def read_description(path: str | Path) -> Description:
    """Read the YAML file that describes a folder.

    Raises:
        BrainSegError: `E-LAYOUT` with the key that is wrong; `E-READ` when the system
            refuses the file.
    """
    path = Path(path)
    content = _load(path)
    unknown = [key for key in content if key not in KEYS]
    if unknown:
        raise _wrong(path, reprlib.repr(unknown[0]), f"wanted one of {list(KEYS)}.")
    sequences = content.get("sequences")
    if not isinstance(sequences, dict) or not sequences:
        raise _wrong(
            path, "sequences", f"wanted a pattern for each, got {_text(sequences)}."
        )
    patterns, parts = {}, {}
    for name, value in sequences.items():
        key = f"sequences: {reprlib.repr(name)}"
        if name not in SEQUENCES:
            raise _wrong(path, key, f"wanted one of {list(SEQUENCES)}.")
        patterns[name], volume = _read_sequence(path, key, value)
        if volume is not None:
            parts[name] = volume
    if "mask" in content:
        patterns["mask"] = _read_pattern(path, "mask", content["mask"])
    return Description(path, patterns, parts, _read_labels(path, content))


def _load(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise _wrong(path, "", "there is no such file.", "Check the path.")
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > MAX_BYTES:
        raise _wrong(path, "", f"has more than {MAX_BYTES:,} bytes.")
    try:
        # A BaseLoader makes text, lists and dicts, and never objects.
        value = yaml.load(content.decode("utf-8-sig"), _Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = " ".join(str(error).split())[:300]
        raise _wrong(path, "", f"is not valid YAML: {what}.", QUOTES) from None
    if not isinstance(value, dict):
        raise _wrong(path, "", f"wanted keys and values, got {_text(value)}.")
    return value


def _read_sequence(path: Path, key: str, value: Any) -> tuple[str, int | None]:
    if not isinstance(value, dict):
        return _read_pattern(path, key, value), None
    if set(value) != {"file", "volume"}:
        raise _wrong(
            path,
            key,
            f"wanted a pattern or {{file: , volume: }}, got {_text(value)}.",
            QUOTES,
        )
    volume = value["volume"]
    if not _is_number(volume, MAX_VOLUMES - 1):
        what = f"wanted a number from 0 to {MAX_VOLUMES - 1}, got {_text(volume)}."
        raise _wrong(path, f"{key}: volume", what)
    return _read_pattern(path, f"{key}: file", value["file"]), int(volume)


def _read_pattern(path: Path, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(path, key, f"wanted a pattern, got {_text(value)}.")
    try:
        compile_pattern(value)
    except ValueError as error:
        raise _wrong(path, key, f"{error}; got {_text(value)}.") from None
    return value


def _read_labels(path: Path, content: dict[str, Any]) -> LabelScheme | None:
    labels = content.get("labels")
    if "not_tumour" in content and not isinstance(labels, dict):
        raise _wrong(path, "not_tumour", "stands beside labels such as {1: lesion}.")
    if labels is None:
        return None
    if isinstance(labels, str) and labels in SCHEMES:
        return SCHEMES[labels]
    names = _read_names(path, "labels", labels)
    others = _read_names(path, "not_tumour", content.get("not_tumour", {}))
    both = sorted(set(names) & set(others))
    if not names or both:
        what = f"{both} stand under not_tumour too" if both else "no label is named"
        raise _wrong(path, "labels", f"{what}.")
    listed = ", ".join(map(str, [*names, *(f"not {label}" for label in others)]))
    return LabelScheme(f"{path.name} (labels {listed})", names, path.name, others)


def _read_names(path: Path, key: str, value: Any) -> dict[int, str]:
    wanted = f"wanted values and names such as {{1: lesion}}, or one of {list(SCHEMES)}"
    if not isinstance(value, dict):
        raise _wrong(path, key, f"{wanted}, got {_text(value)}.")
    for label, name in value.items():
        named = isinstance(name, str) and name.isprintable()
        if not named or not _is_number(label, 2**16 - 1):
            raise _wrong(path, f"{key}: {_text(label)}", f"{wanted}.")
    return {int(label): name for label, name in value.items() if int(label)}


def _is_number(value: Any, largest: int) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch("0|[1-9][0-9]{0,4}", value) is not None
        and int(value) <= largest
    )


def _text(value: Any) -> str:
    return "nothing" if value in (None, "") else reprlib.repr(value)


def _wrong(
    path: Path, key: str, what: str, remedy: str = "Correct the file."
) -> BrainSegError:
    return BrainSegError("E-LAYOUT", path, f"{key}: {what}" if key else what, remedy)
