"""What `make run` left of a notebook: its executed twin, and a line on the run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brainseg_utils.cohorts import of_phantoms
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import read_json, value_digest
from brainseg_utils.gallery.page import INJECTED
from brainseg_utils.suite.running import FURTHER
from brainseg_utils.workspace import Workspace

# Where the project is published does not change what a notebook does.
ADDRESS = re.compile(
    r"((?:colab\.research\.google\.com/github|git\+https://github\.com)/)"
    r"[\w-]+/(?:(?!\.git\b)[\w.-])+"
)


def notebook_stamp(path: str | Path) -> str:
    """Return the SHA-256 of a notebook's cells, whatever its metadata and address."""
    return value_digest(_sources(read_notebook(path).cells), length=64)


def read_notebook(path: str | Path) -> Any:
    """Return a notebook, executed or not."""
    import nbformat

    return nbformat.read(path, as_version=4)


def is_kept(path: Path, workspace: Workspace) -> bool:
    """Tell whether a notebook was to be executed on request, and was not."""
    return path.stem in FURTHER and not (workspace.runs / path.name).is_file()


def read_executed(path: Path, workspace: Workspace) -> Any:
    """Return the executed twin of a notebook, with the address of today.

    Raises:
        BrainSegError: It is missing, stopped half-way, or of another version.
    """
    twin = workspace.runs / path.name
    if not twin.is_file():
        raise _refuse(workspace, twin, "this notebook was not executed yet.")
    present, executed = read_notebook(path), read_notebook(twin)
    for place, cell in enumerate(executed.cells):
        runs = cell.cell_type == "code" and cell.source.strip()
        if runs and cell.execution_count is None:
            raise _refuse(workspace, twin, f"it stopped before cell {place}.")
    own = [c for c in executed.cells if INJECTED not in c.metadata.get("tags", [])]
    if _sources(own) != _sources(present.cells):
        what = f"it was executed from another version of notebooks/{path.name}."
        raise _refuse(workspace, twin, what)
    for cell, source in zip(own, present.cells, strict=True):
        cell.source = source.source
    return executed


def describe_run(workspace: Workspace, path: Path) -> str:
    """Return one line on date, machine and versions, from a run's summary."""
    if not path.is_file():
        raise _refuse(workspace, path, "the run left no summary.")
    summary = read_json(path)
    if not of_phantoms(summary["cohort"]["name"]):
        raise BrainSegError(
            "E-GALLERY",
            path,
            f"the run shows patients of {summary['cohort']['name']}, and the gallery "
            "is published.",
            "Run `make run` on phantom patients, then `make gallery`.",
        )
    versions = ", ".join(f"{name} {of}" for name, of in summary["versions"].items())
    return (
        f"*Executed {summary['date']} on {summary['machine']}, with {versions}; "
        f"profile {workspace.profile}.*"
    )


def _sources(cells: Sequence[Any]) -> list[tuple[str, str]]:
    return [(cell.cell_type, ADDRESS.sub(r"\1", cell.source)) for cell in cells]


def _refuse(workspace: Workspace, path: Path, what: str) -> BrainSegError:
    run = "make run ALL=1" if path.stem in FURTHER else "make run"
    remedy = f"Run `{run} && make gallery`."
    if workspace.profile != "quick":
        name = workspace.profile
        command = f"python -m brainseg_utils.gallery --profile {name}"
        remedy = f"Run `{run} PROFILE={name}`, then `{command}`."
    return BrainSegError("E-GALLERY", path, what, remedy)
