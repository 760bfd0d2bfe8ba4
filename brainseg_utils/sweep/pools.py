"""The machine's own workers, each with its share of cores, and of GPUs."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from brainseg_utils.sweep.points import Outcome
from brainseg_utils.sweep.workers import Task


class LocalPool(ThreadPoolExecutor):
    """Executes tasks on this machine, a few at a time, each in a process of its own.

    Args:
        workers: How many at a time. They share the cores; where there are several
            GPUs, they take turns on them, one GPU a worker.
    """

    def __init__(self, workers: int):
        super().__init__(workers)
        self._shares: SimpleQueue[dict[str, str]] = SimpleQueue()
        for number in range(workers):
            self._shares.put(_share(number, workers))

    def submit(self, function: Callable[[Task], Outcome], task: Task) -> Future:
        return super().submit(self._run, function, task)

    def _run(self, function: Callable[[Task], Outcome], task: Task) -> Outcome:
        share = self._shares.get()
        try:
            return function(replace(task, environment=share))
        finally:
            self._shares.put(share)


def _share(number: int, workers: int) -> dict[str, str]:
    """Return the environment of one of several workers; the user's own goes first."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    names = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")
    share = {name: os.environ.get(name, threads) for name in names}
    # Two kernels on one GPU: neither may take all of its memory at the start.
    share["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    gpus = _gpus()
    if len(gpus) > 1:
        share["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
    return share


def _gpus() -> list[str]:
    """Return the GPUs that may be used, as CUDA numbers them, without asking CUDA."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [gpu for gpu in allowed.split(",") if gpu.strip() not in ("", "-1")]
    nodes = [path.name for path in Path("/dev").glob("nvidia[0-9]*")]
    return [str(number) for number in range(len(nodes))]
