"""One point in a process of its own, which ends with whoever started it.

Run as a module: it reads a task as JSON and prints its outcome as JSON. A process for
each point gives every kernel its own folder, environment and share of the machine, and
its death is nobody else's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from brainseg_utils.execution.notebook import execute_notebook
from brainseg_utils.sweep.points import Outcome, Point
from brainseg_utils.sweep.records import read_record, write_record

PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Task:
    """What a worker is to do; all of it can cross to another machine.

    Attributes:
        point: What to execute.
        folder: Where the executed notebook and its record go.
        cwd: Folder in which the kernel starts.
        timeout: Seconds that a cell may take; 0 for any time.
        recorded: Whether a record that fits makes the point count as done.
        environment: Variables for the worker and its kernel.
    """

    point: Point
    folder: Path
    cwd: Path
    timeout: float = 0
    recorded: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


def run_task(task: Task) -> Outcome:
    """Execute a point in a new process and wait for it; failures come back as such.

    A worker that was killed is started once more: what ended it may have meant another.
    """
    started = time.perf_counter()
    for _ in range(2):
        # A list, so no shell; parameters go through the input, as JSON.
        process = subprocess.run(  # noqa: S603
            # The name is for whoever looks at the list of processes.
            [sys.executable, "-m", __name__, task.folder / task.point.output_name],
            input=json.dumps(asdict(task), default=str),
            env={**os.environ, **task.environment, "PYTHONPATH": _python_path()},
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - started
        if process.returncode >= 0:
            return _read_outcome(task, process, seconds)
    error = f"E-KERNEL  the worker was ended by signal {-process.returncode}, twice."
    return Outcome(task.point, "failed", seconds, error=error)


def _read_outcome(
    task: Task, process: subprocess.CompletedProcess, seconds: float
) -> Outcome:
    try:
        answer = json.loads(process.stdout.strip().split("\n")[-1])
    except ValueError:
        last = process.stderr.strip().split("\n")[-1]
        error = f"E-KERNEL  the worker ended with {process.returncode}: {last}"
        return Outcome(task.point, "failed", seconds, error=error)
    output = task.folder / task.point.output_name
    return Outcome(task.point, output=output, **answer)


def _python_path() -> str:
    # A checkout that is not installed must be found wherever the worker starts.
    others = os.environ.get("PYTHONPATH")
    return f"{PACKAGE}{os.pathsep}{others}" if others else str(PACKAGE)


def _execute(task: Task) -> dict[str, Any]:
    output = task.folder / task.point.output_name
    for folder in (task.folder, task.cwd):
        folder.mkdir(parents=True, exist_ok=True)
    # Where a lost worker's task was given to another, its kernel may still wind down.
    with FileLock(output.with_name(f".{output.stem}.lock")):
        record = read_record(task.point, task.folder) if task.recorded else None
        if not record:
            started = time.perf_counter()
            arguments = task.point.notebook, output, task.point.parameters, task.cwd
            execute_notebook(*arguments, timeout=task.timeout)
            write_record(task.point, task.folder, time.perf_counter() - started)
            record = read_record(task.point, task.folder)
    return {"seconds": record["seconds"], "figures": record["figures"]}


def _main() -> None:
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    asked = json.load(sys.stdin)
    point = Point(Path(asked["point"]["notebook"]), asked["point"]["parameters"])
    paths = {name: Path(asked[name]) for name in ("folder", "cwd")}
    task = Task(point, **paths, timeout=asked["timeout"], recorded=asked["recorded"])
    started = time.perf_counter()
    try:
        answer = {"status": "done", **_execute(task)}
    except Exception as error:  # Whatever it is, the other points go on.
        seconds = time.perf_counter() - started
        answer = {"status": "failed", "seconds": seconds, "error": str(error)}
    print(json.dumps(answer))


def _end_with(parent: int) -> None:
    # A killed parent cannot end its workers; their kernels end with them.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    _main()
