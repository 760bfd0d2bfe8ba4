"""Measure several ways of doing one thing so that noise hits all of them alike."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil
from command_line import progress

CORES = os.cpu_count() or 1  # On which every way may work at once.


class WayFailed(Exception):
    """A way that is not ours could not be measured; the others go on."""


@dataclass(frozen=True)
class Way:
    """One way of doing the work.

    Attributes:
        name: Key in the JSON.
        label: What the table calls it.
        measure: Does the work once; returns the figure.
        processes: Processes that do the work, for their memory.
    """

    name: str
    label: str
    measure: Callable[[], float]
    processes: Callable[[], list[psutil.Process]] = lambda: [psutil.Process()]


def interleave(ways: Iterable[Way], repeats: int) -> dict[str, list[float]]:
    """Measure every way once, then every way again; ways that fail are left out."""
    ways = list(ways)
    runs: dict[str, list[float]] = {way.name: [] for way in ways}
    for repeat in range(repeats):
        for way in [way for way in ways if way.name in runs]:
            try:
                runs[way.name].append(way.measure())
                figure = runs[way.name][-1]
                progress(f"{repeat + 1}/{repeats}  {way.label}: {figure:,.2f}")
            except WayFailed as error:
                progress(f"left out: {way.label}: {error}")
                del runs[way.name]
    return runs


def summarise(
    ways: Iterable[Way], runs: dict[str, list[float]], unit: str, best: Callable
) -> dict[str, dict[str, Any]]:
    """Return label, median (under the unit's name), best and all runs of each way."""
    return {
        way.name: {
            "label": way.label,
            unit: median(runs[way.name]),
            "best": best(runs[way.name]),
            "runs": runs[way.name],
        }
        for way in ways
        if way.name in runs
    }


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long a call takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def slices_per_second(batches: Iterator[Any], seconds: float) -> float:
    """Return how many slices a second come out of an endless iterator.

    Args:
        batches: Pairs of images and masks, `[batch, ...]` each.
        seconds: How long to measure, after half as long to warm up.
    """
    _draw(batches, seconds / 2)
    slices, elapsed = _draw(batches, seconds)
    return slices / elapsed


def _draw(batches: Iterator[Any], seconds: float) -> tuple[int, float]:
    start, slices, elapsed = time.perf_counter(), 0, 0.0
    while elapsed < seconds:
        images, _ = next(batches)
        slices += len(images)
        elapsed = time.perf_counter() - start
    return slices, elapsed


def peak_memory_mb(way: Way) -> float:
    """Do the work once more and return the most memory its processes held, in MB.

    Looked at every 5 ms and summed over the processes, in 10^6 bytes; what several
    share counts in each.
    """
    peak, done = [0], threading.Event()

    def watch() -> None:
        while True:
            peak[0] = max(peak[0], _held_by(way.processes()))
            if done.wait(0.005):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        way.measure()
    finally:
        done.set()
        watcher.join()
    return peak[0] / 1e6


def process_tree(pid: int) -> list[psutil.Process]:
    """Return a process and all that it has started; none where it has ended."""
    with suppress(psutil.NoSuchProcess):
        main = psutil.Process(pid)
        return [main, *main.children(recursive=True)]
    return []


def _held_by(processes: Iterable[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.Error):  # One may end while it is looked at.
            total += process.memory_info().rss
    return total
