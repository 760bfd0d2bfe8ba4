"""A grid of executions of notebooks, and what becomes of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainseg_utils.files import value_digest


@dataclass(frozen=True)
class Point:
    """One execution of a notebook: its file, and the parameters that differ."""

    notebook: Path
    parameters: dict[str, Any]

    @property
    def name(self) -> str:
        """The point in words, for progress lines and tables."""
        values = " ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.notebook.stem} {values}"

    @property
    def output_name(self) -> str:
        """File name of the executed notebook; values never become part of a path."""
        return f"{self.notebook.stem}-{value_digest(self.parameters, length=10)}.ipynb"


@dataclass(frozen=True)
class Outcome:
    """What became of a point.

    Attributes:
        point: Which one.
        status: `"kept"` (done before), `"done"` or `"failed"`.
        seconds: How long it took, also where that was in an earlier sweep.
        output: The executed notebook; None where only the run it left is known.
        error: Cell and cause of a failure, else empty.
        figures: What the notebook reported by `show_result`.
    """

    point: Point
    status: str
    seconds: float = 0.0
    output: Path | None = None
    error: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


def expand_grid(notebook: str | Path, grid: Mapping[str, Sequence[Any]]) -> list[Point]:
    """Return a point for every combination of the grid's values."""
    combinations = itertools.product(*grid.values())
    return [
        Point(Path(notebook), dict(zip(grid, values, strict=True)))
        for values in combinations
    ]
