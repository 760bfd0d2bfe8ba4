"""Figures that a notebook hands to whoever executed it, through its own outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brainseg_utils.errors import BrainSegError
from brainseg_utils.execution.parameters import is_json

MIME = "application/vnd.brainseg.result+json"


def show_result(**figures: Any) -> None:
    """Show figures in a notebook, such that a sweep's table takes them up.

    Args:
        figures: Named values that JSON can hold, such as `dice=0.91`.

    Raises:
        BrainSegError: `E-PARAM` for a value that JSON cannot hold.
    """
    from IPython.display import display

    for name, value in figures.items():
        if not is_json(value):
            what = f"wanted what JSON can hold, got {value!r}."
            raise BrainSegError("E-PARAM", name, what, "Use float(...) or str(...).")
    text = "  ".join(f"{name} = {value}" for name, value in figures.items())
    display({MIME: figures, "text/plain": text}, raw=True)


def read_result(notebook: str | Path) -> dict[str, Any]:
    """Return what an executed notebook showed by `show_result`, all calls together."""
    import nbformat

    figures: dict[str, Any] = {}
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            figures |= output.get("data", {}).get(MIME, {})
    return figures
