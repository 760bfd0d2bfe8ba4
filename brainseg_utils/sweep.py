"""A grid of papermill executions of notebooks, of which only the missing ones run."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brainseg_utils.execution import check_parameters, execute_notebook
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
        seconds: How long it took here.
        output: The executed notebook; None for a kept point.
        error: Cell and cause of a failure, else empty.
    """

    point: Point
    status: str
    seconds: float = 0.0
    output: Path | None = None
    error: str = ""


def expand_grid(notebook: str | Path, grid: Mapping[str, Sequence[Any]]) -> list[Point]:
    """Return a point for every combination of the grid's values."""
    combinations = itertools.product(*grid.values())
    return [
        Point(Path(notebook), dict(zip(grid, values, strict=True)))
        for values in combinations
    ]


def run_sweep(
    points: Sequence[Point],
    folder: str | Path,
    is_done: Callable[[Point], bool],
    cwd: str | Path,
    executor: Executor | None = None,
    workers: int = 2,
    report: Callable[[str], None] = print,
) -> list[Outcome]:
    """Execute the points that are not done; keep going when one fails.

    Args:
        points: What to execute. All parameters are checked before anything runs.
        folder: Where the executed notebooks go.
        is_done: Tells from a completion record whether a point is done. It is asked
            again after a run: one that left no record has failed.
        cwd: Folder in which the kernels start.
        executor: Any `concurrent.futures.Executor` of processes; a pool of `workers`
            processes on this machine when None, which share its cores.
        workers: Size of that pool.
        report: Takes one line for each point as it ends.

    Returns:
        An outcome for each point, in the order of `points`.

    Raises:
        BrainSegError: A parameter is unknown or of the wrong type.
    """
    for point in points:
        check_parameters(point.notebook, point.parameters)
    missing = [point for point in points if not is_done(point)]
    report(f"{len(points) - len(missing)} of {len(points)} runs are done already")
    with _pool(workers) if executor is None else _borrowed(executor) as pool:
        done = {
            outcome.point.name: outcome
            for outcome in _execute_all(
                missing, Path(folder), Path(cwd), pool, is_done, report
            )
        }
    return [done.get(point.name, Outcome(point, "kept")) for point in points]


def _execute_all(
    points: Sequence[Point],
    folder: Path,
    cwd: Path,
    pool: Executor,
    is_done: Callable[[Point], bool],
    report: Callable[[str], None],
) -> Iterable[Outcome]:
    futures = {pool.submit(_execute_point, p, folder, cwd): p for p in points}
    for number, future in enumerate(as_completed(futures), 1):
        point = futures[future]
        outcome = _outcome_of(future, point)
        if outcome.status == "done" and not is_done(point):
            outcome = replace(outcome, status="failed", error="left no complete run")
        line = f"[{number}/{len(points)}] {outcome.status:6} {outcome.seconds:5.0f} s"
        report(f"{line}  {point.name}  {outcome.error}".rstrip())
        yield outcome


def _outcome_of(future: Future, point: Point) -> Outcome:
    error = future.exception()
    # A worker that was killed leaves an exception of the pool and no outcome.
    return Outcome(point, "failed", error=repr(error)) if error else future.result()


def _execute_point(point: Point, folder: Path, cwd: Path) -> Outcome:
    """Run in a worker process; every failure comes back as an outcome."""
    started = time.perf_counter()
    output = folder / point.output_name
    try:
        execute_notebook(point.notebook, output, point.parameters, cwd)
        status, error = "done", ""
    except Exception as failure:  # Whatever it is, the other points go on.
        status, error = "failed", str(failure)
    return Outcome(point, status, time.perf_counter() - started, output, error)


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    threads = max(1, (os.cpu_count() or 1) // workers)
    # Fresh processes: a forked copy of a kernel would share its sockets.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, context, initializer=_prepare_worker, initargs=(threads, os.getpid())
    ) as pool:
        yield pool


@contextmanager
def _borrowed(executor: Executor) -> Iterator[Executor]:
    yield executor  # Whoever made it closes it.


def _prepare_worker(threads: int, parent: int) -> None:
    """Set up a worker: its share of the machine, and its end with its parent."""
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(threads))
    # Two kernels on one GPU: neither may take all of its memory at the start.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    # A killed parent cannot end its workers; their kernels end with them.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
