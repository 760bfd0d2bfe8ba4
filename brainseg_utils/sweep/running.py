"""Execute the points of a sweep that are missing, wherever there are workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import replace
from pathlib import Path

from brainseg_utils.execution.parameters import check_parameters
from brainseg_utils.sweep.points import Outcome, Point
from brainseg_utils.sweep.pools import LocalPool
from brainseg_utils.sweep.records import kept, read_record
from brainseg_utils.sweep.workers import Task, run_task
from brainseg_utils.times import in_words


def run_sweep(
    points: Sequence[Point],
    folder: str | Path,
    is_done: Callable[[Point], bool] | None = None,
    cwd: str | Path = ".",
    executor: Executor | None = None,
    workers: int = 2,
    timeout: float = 0,
    report: Callable[[str], None] = print,
) -> list[Outcome]:
    """Execute the points that are not done; keep going when one fails.

    Killed at any moment and called again, it repeats nothing that was done.

    Args:
        points: What to execute. All parameters are checked before anything runs.
        folder: Where the executed notebooks and their completion records go.
        is_done: Tells from a completion record of its own whether a point is done; the
            sweep's own records count when None. It is asked again after a run: one that
            left no record has failed.
        cwd: Folder in which the kernels start.
        executor: Any `concurrent.futures.Executor`, such as dask.distributed's
            `Client.get_executor(pure=False)`; `workers` on this machine when None.
            Its workers must see `folder`, `cwd` and the notebooks under the same paths.
        workers: How many at a time on this machine, which share its cores and GPUs.
        timeout: Seconds that a cell may take; 0 for any time.
        report: Takes one line for each point as it ends.

    Returns:
        An outcome for each point, in the order of `points`.

    Raises:
        BrainSegError: `E-PARAM` for a parameter that does not fit its notebook.
    """
    for point in points:
        check_parameters(point.notebook, point.parameters)
    folder, cwd = Path(folder).resolve(), Path(cwd).resolve()
    done = is_done or (lambda point: read_record(point, folder) is not None)
    missing = [point for point in points if not done(point)]
    report(f"{len(points) - len(missing)} of {len(points)} runs are done already")
    tasks = [Task(p, folder, cwd, timeout, recorded=not is_done) for p in missing]
    pool = LocalPool(workers) if executor is None else executor
    try:
        outcomes = {o.point.name: o for o in _run_all(tasks, pool, done, report)}
    finally:
        if executor is None:  # Whoever made another one closes it.
            pool.shutdown(cancel_futures=True)
    outcomes = [outcomes.get(p.name) or kept(p, folder) for p in points]
    _list_failures(outcomes, report)
    return outcomes


def _run_all(
    tasks: Sequence[Task],
    pool: Executor,
    is_done: Callable[[Point], bool],
    report: Callable[[str], None],
) -> Iterable[Outcome]:
    started = time.perf_counter()
    futures = {pool.submit(run_task, _absolute(task)): task.point for task in tasks}
    for number, future in enumerate(as_completed(futures), 1):
        point = futures[future]
        outcome = replace(_outcome_of(future, point), point=point)
        if outcome.status == "done" and not is_done(point):
            outcome = replace(outcome, status="failed", error="left no complete run")
        line = f"[{number}/{len(tasks)}] {outcome.status:6} {outcome.seconds:5.0f} s"
        each = (time.perf_counter() - started) / number
        left = (len(tasks) - number) * each
        ending = f"  ({in_words(left)} left)" if left else ""
        report(f"{line}  {point.name}{ending}")
        yield outcome


def _absolute(task: Task) -> Task:
    # A worker may start in another folder.
    point = replace(task.point, notebook=task.point.notebook.resolve())
    return replace(task, point=point)


def _outcome_of(future: Future, point: Point) -> Outcome:
    error = future.exception()
    # An executor that lost its worker for good leaves an exception and no outcome.
    return Outcome(point, "failed", error=repr(error)) if error else future.result()


def _list_failures(outcomes: Sequence[Outcome], report: Callable[[str], None]) -> None:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        report(f"{len(failed)} of {len(outcomes)} runs failed; the others are kept:")
    for outcome in failed:
        report(f"  {outcome.point.name}\n    {outcome.error}")
