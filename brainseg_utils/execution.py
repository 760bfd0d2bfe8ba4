"""Execute one notebook with checked parameters."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from brainseg_utils.errors import BrainSegError


def notebook_parameters(notebook: str | Path) -> dict[str, Any]:
    """Return the defaults in a notebook's parameters cell.

    Raises:
        BrainSegError: `E-NOTEBOOK` when it cannot be read, or has no such cell:
            papermill would inject values that the notebook's own defaults then
            overwrite, in silence.
    """
    import papermill

    try:
        found = papermill.inspect_notebook(_literal(notebook))
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
    return {name: ast.literal_eval(entry["default"]) for name, entry in found.items()}


def check_parameters(notebook: str | Path, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that a notebook does not have, or that are of another type.

    papermill alone only warns of an unknown one and runs with the defaults.

    Raises:
        BrainSegError: Naming the wrong parameter, and what was wanted.
    """
    known = notebook_parameters(notebook)
    for name, value in parameters.items():
        if name not in known:
            what = f"{Path(notebook).name} has no parameter of this name."
            remedy = f"Known: {', '.join(known)}."
            raise BrainSegError("E-PARAM", name, what, remedy)
        check_type(name, value, known[name])


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


def execute_notebook(
    notebook: str | Path,
    output: str | Path,
    parameters: Mapping[str, Any],
    cwd: str | Path,
    progress: TextIO | None = None,
) -> None:
    """Execute a notebook top to bottom in a fresh kernel that starts in `cwd`.

    Args:
        notebook: The notebook to execute; it is not changed.
        output: Where the executed notebook goes, also when a cell fails.
        parameters: Values that differ from the defaults of its parameters cell.
        cwd: Folder in which the kernel starts.
        progress: Where to draw a progress bar; None draws none.

    Raises:
        BrainSegError: `E-PARAM` before anything runs; `E-CELL` with the number,
            the first line and the error of the cell that failed.
    """
    import papermill

    check_parameters(notebook, parameters)
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            _literal(notebook),
            _literal(output),
            dict(parameters),
            kernel_name="python3",
            cwd=str(cwd),
            progress_bar={"file": progress} if progress else False,
        )
    except papermill.PapermillExecutionError as error:
        first_line = error.source.strip().split("\n")[0]
        raise BrainSegError(
            "E-CELL",
            output,
            f"cell {error.cell_index} ({first_line!r}) failed with {error.ename}: "
            f"{error.evalue}",
            "Open the executed notebook; the traceback stands below the cell.",
        ) from None


def _literal(path: str | Path) -> str:
    # papermill fills in {name} in paths, and would stumble over a folder's braces.
    return str(path).replace("{", "{{").replace("}", "}}")
