"""A notebook's parameters: read, and checked before anything runs."""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from brainseg_utils.cohorts import DataConfig
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError

MAX_LENGTH = 4000  # Of a value on the command line; deep nesting takes YAML seconds.


def notebook_parameters(notebook: str | Path) -> dict[str, Any]:
    """Return the defaults in a notebook's parameters cell.

    Raises:
        BrainSegError: `E-NOTEBOOK` when it cannot be read, or has no such cell:
            papermill would inject values that the notebook's own defaults then
            overwrite, in silence.
    """
    import papermill

    try:
        found = papermill.inspect_notebook(literal(notebook))
    except (OSError, ValueError) as error:
        raise BrainSegError(
            "E-NOTEBOOK", notebook, f"cannot be read: {error}.", "Check the path."
        ) from error
    if not found:
        raise BrainSegError(
            "E-NOTEBOOK",
            notebook,
            "has no cell tagged 'parameters'.",
            "Tag the cell that holds its defaults (in Jupyter: Property Inspector).",
        )
    return {name: _default(notebook, entry) for name, entry in found.items()}


def check_parameters(notebook: str | Path, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that a notebook does not have, or that do not fit it.

    papermill alone only warns of an unknown name and runs with the defaults, and it
    pastes names, and values that are no JSON, into the notebook as code.

    Raises:
        BrainSegError: `E-PARAM` naming the wrong parameter, and what was wanted.
    """
    known = notebook_parameters(notebook)
    for name, value in parameters.items():
        if name not in known:
            what = f"{Path(notebook).name} has no parameter of this name."
            raise unknown_parameter(name, what, known)
        check_type(name, value, known[name])
    _check_ranges({**known, **parameters})


def check_type(name: str, value: Any, default: Any) -> None:
    """Refuse a value of another type than the parameter's default.

    A whole number serves where the default is a fraction.

    Raises:
        BrainSegError: `E-PARAM` with what was wanted and what came.
    """
    whole = isinstance(default, float) and type(value) is int
    if type(value) is not type(default) and not whole:
        what = f"wanted {type(default).__name__} as in {default!r}, got {value!r}."
        raise BrainSegError("E-PARAM", name, what, "Correct the value.")
    if not is_json(value):
        what = f"wanted what JSON can hold, got {value!r}."
        remedy = "Use text, finite numbers, true and false, lists, and dicts of them."
        raise BrainSegError("E-PARAM", name, what, remedy)


def parse_setting(setting: str) -> tuple[str, Any]:
    """Read `name=value`; YAML for words whose quotes the shell has taken off.

    Raises:
        BrainSegError: `E-PARAM` where it is no such thing.
    """
    name, equals, value = setting.partition("=")
    try:
        if not (equals and value and name.isidentifier()) or len(value) > MAX_LENGTH:
            raise ValueError
        try:
            return name, ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError):
            return name, _load_yaml(value)
    except (ValueError, yaml.YAMLError, RecursionError, MemoryError):
        raise BrainSegError(
            "E-PARAM",
            setting[:100],
            f"wanted name=value, of at most {MAX_LENGTH} characters.",
            "For example epochs=4, dropout_rates=[0.0,0.2] or on_bad=exclude.",
        ) from None


def unknown_parameter(
    name: object, what: str, known: Mapping[str, Any]
) -> BrainSegError:
    """Return `E-PARAM` for an unknown name, with the nearest known one."""
    near = difflib.get_close_matches(str(name), known, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return BrainSegError(
        "E-PARAM", str(name), what, f"{guess}Known: {', '.join(known)}."
    )


def literal(path: str | Path) -> str:
    """Return a path as papermill takes it, which fills in `{name}` in paths."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _default(notebook: str | Path, entry: Mapping[str, Any]) -> Any:
    try:
        return ast.literal_eval(entry["default"])
    except (ValueError, SyntaxError):
        what = f"its parameter {entry['name']} has the default {entry['default']}."
        remedy = "Write a literal there: text, a number, a list or a dict."
        raise BrainSegError("E-NOTEBOOK", notebook, what, remedy) from None


def is_json(value: Any) -> bool:
    """Tell whether JSON can hold a value, and give it back as it was."""
    if isinstance(value, list):
        return all(map(is_json, value))
    if isinstance(value, dict):
        return all(type(k) is str and is_json([k, v]) for k, v in value.items())
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is str:  # Not what stands for bytes that are no text, as in names.
        return value == value.encode(errors="replace").decode()
    return value is None or type(value) in (int, bool)


def _check_ranges(values: Mapping[str, Any]) -> None:
    # Names mean the same in every notebook, and so do their ranges; where a notebook
    # has another type under a name, such as a list of folds, it means something else.
    plain = {n: v for n, v in values.items() if _is_plain(n, v)}
    TrainingConfig.from_parameters("cnn2", plain)
    DataConfig.from_parameters(plain)


def _load_yaml(text: str) -> Any:
    # A few aliases of aliases would make a value larger than any memory.
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
        raise ValueError
    return yaml.safe_load(text)


def _is_plain(name: str, value: Any) -> bool:
    return not isinstance(value, list) or name == "sequences"
