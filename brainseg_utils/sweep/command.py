"""What `brainseg sweep` does: a grid from the command line, and its table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brainseg_utils.errors import BrainSegError
from brainseg_utils.execution.parameters import parse_setting
from brainseg_utils.sweep.executors import open_executor
from brainseg_utils.sweep.points import expand_grid
from brainseg_utils.sweep.running import run_sweep
from brainseg_utils.sweep.tables import write_table
from brainseg_utils.workspace import open_workspace


def sweep_notebook(
    notebook: str | Path,
    grid: Sequence[str] = (),
    seeds: Sequence[int] = (),
    settings: Sequence[str] = (),
    workers: int = 2,
    timeout: float = 0,
    folder: str | Path = "",
    dask: str = "",
) -> bool:
    """Execute a notebook over a grid of parameters, and print and write the table.

    Args:
        notebook: The notebook; it needs a cell tagged `parameters`.
        grid: `"name=[value, value]"` for each parameter that varies.
        seeds: Values of the parameter `seed`.
        settings: `"name=value"` for each other parameter that differs from its default.
        workers: How many at a time on this machine.
        timeout: Seconds that a cell may take; 0 for any time.
        folder: Where executed notebooks and `results.csv` go; by default below runs/.
        dask: Address of a Dask scheduler whose workers to use in place of this machine.

    Returns:
        Whether every run is done.

    Raises:
        BrainSegError: `E-PARAM` for what does not fit the notebook, before any runs.
    """
    workspace = open_workspace()
    notebook = Path(notebook).expanduser()
    folder = Path(folder or workspace.root / "runs" / "sweeps" / notebook.stem)
    fixed = {name: [value] for name, value in map(parse_setting, settings)}
    varied = dict(_varied(setting) for setting in grid)
    if seeds:
        varied["seed"] = [*seeds]
    points = expand_grid(notebook, {**fixed, **varied})
    with open_executor(dask) as executor:
        outcomes = run_sweep(
            points,
            folder,
            cwd=workspace.root,
            executor=executor,
            workers=workers,
            timeout=timeout,
        )
    table = write_table(outcomes, folder / "results.csv")
    print(f"\n{table.drop(columns='error').to_string(index=False)}")
    print(f"\nwritten: {os.path.relpath(folder / 'results.csv')}")
    return all(outcome.status != "failed" for outcome in outcomes)


def _varied(setting: str) -> tuple[str, list[Any]]:
    name, values = parse_setting(setting)
    if not isinstance(values, list) or not values:
        what = f"wanted a list of values, got {values!r}."
        remedy = f"Write {name}=[first,second], or use --set for a single value."
        raise BrainSegError("E-PARAM", name, what, remedy)
    return name, values
