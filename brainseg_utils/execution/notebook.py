"""Execute one notebook, and believe only what shows that all of it ran."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from brainseg_utils.errors import BrainSegError
from brainseg_utils.execution.parameters import check_parameters, literal
from brainseg_utils.files import replacing
from brainseg_utils.system.disks import explaining_disk

if TYPE_CHECKING:
    import nbformat

OPEN_IT = "Open the executed notebook; the traceback stands below the cell."


def execute_notebook(
    notebook: str | Path,
    output: str | Path,
    parameters: Mapping[str, Any],
    cwd: str | Path,
    progress: TextIO | None = None,
    timeout: float = 0,
) -> None:
    """Execute a notebook top to bottom in a fresh kernel that starts in `cwd`.

    Args:
        notebook: The notebook to execute; it is not changed.
        output: Where the executed notebook goes when all of it ran. One that failed
            goes beside it, see `failed_path`.
        parameters: Values that differ from the defaults of its parameters cell.
        cwd: Folder in which the kernel starts.
        progress: Where to draw a progress bar; None draws none.
        timeout: Seconds that one cell may take; 0 for any time.

    Raises:
        BrainSegError: `E-PARAM` before anything runs; `E-CELL` with the number, the
            first line and the error of the cell that failed, also for one that ended
            the notebook early; `E-TIMEOUT`; `E-KERNEL` when the kernel died.
    """
    check_parameters(notebook, parameters)
    output = Path(output)
    with replacing(output) as temporary:
        try:
            with _explained(temporary, failed_path(output), timeout):
                _papermill(notebook, temporary, parameters, cwd, progress, timeout)
                _check_whole(temporary, failed_path(output))
        except BrainSegError:
            if temporary.exists():
                os.replace(temporary, failed_path(output))
            raise
    with explaining_disk(output, ours=True):
        failed_path(output).unlink(missing_ok=True)


def failed_path(output: Path) -> Path:
    """Return where a notebook that failed is kept for reading."""
    return output.with_name(f"{output.stem}.failed{output.suffix}")


def _papermill(
    notebook: str | Path,
    output: Path,
    parameters: Mapping[str, Any],
    cwd: str | Path,
    progress: TextIO | None,
    timeout: float,
) -> None:
    import papermill

    papermill.execute_notebook(
        literal(notebook),
        literal(output),
        dict(parameters),
        kernel_name="python3",
        cwd=str(cwd),
        progress_bar={"file": progress} if progress else False,
        execution_timeout=timeout or None,
    )


@contextmanager
def _explained(executed: Path, output: Path, timeout: float) -> Iterator[None]:
    """Turn what papermill raises into an error that names the cell and the cause."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError

    try:
        yield
    except PapermillExecutionError as error:
        what = (
            f"{_place(error.cell_index, error.source)} failed with {error.ename}: "
            f"{error.evalue}"
        )
        raise BrainSegError("E-CELL", output, what, OPEN_IT) from None
    except CellTimeoutError:
        what = f"{_last_started(executed)} was not done after {timeout:g} s."
        remedy = "Give it more time, or see what it waits for."
        raise BrainSegError("E-TIMEOUT", output, what, remedy) from None
    except (DeadKernelError, RuntimeError) as error:
        reason = str(error).strip() or type(error).__name__
        what = f"its kernel died in {_last_started(executed)}: {reason}."
        remedy = "Often memory ended: use fewer workers or a smaller batch_size."
        raise BrainSegError("E-KERNEL", output, what, remedy) from None


def _check_whole(executed: Path, output: Path) -> None:
    """Refuse a notebook of which a part never ran, as after `sys.exit(0)`."""
    import nbformat

    cells = nbformat.read(executed, as_version=4).cells
    # papermill in the end calls every cell completed; its number it has from a kernel.
    if any(_has_code(cell) and cell.execution_count is None for cell in cells):
        what = f"{_last_started(executed)} ended it; the cells below never ran."
        raise BrainSegError("E-CELL", output, what, "Take out what ends it.")


def _last_started(executed: Path) -> str:
    import nbformat

    cells = nbformat.read(executed, as_version=4).cells
    # A kernel that dies at once says nothing of its cell, so the count cannot tell.
    begun = [cell.metadata.get("papermill", {}).get("start_time") for cell in cells]
    started = [number for number, time in enumerate(begun) if time]
    return _place(started[-1], cells[started[-1]].source) if started else "its start"


def _has_code(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _place(number: int, source: str) -> str:
    return f"cell {number} ({source.strip().split(chr(10))[0]!r})"
