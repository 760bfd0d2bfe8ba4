"""`make run`: execute the notebooks in order, then show one table and one page."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from brainseg_utils.execution.notebook import execute_notebook
from brainseg_utils.execution.parameters import notebook_parameters
from brainseg_utils.files import read_json, write_json
from brainseg_utils.report import describe_cohort, result_rows, text_table, write_report
from brainseg_utils.suite.settings import (
    check_settings,
    parameters_for,
    read_parameters,
)
from brainseg_utils.workspace import Workspace, open_workspace

NOTEBOOKS = (
    "01_data_exploration",
    "02_cnn1",
    "03_cnn2",
    "04_dropout_sweep",
    "05_comparison",
)
# On request: the paper's open questions train most, and the last shows what came of it.
FURTHER = (
    "06_learning_rates",
    "07_dropout_placement",
    "08_beyond_the_paper",
    "09_prediction",
)


def run_suite(
    profile: str = "quick",
    data_dir: str = "",
    settings: Sequence[str] = (),
    further: bool = False,
) -> dict[str, Any]:
    """Execute notebooks 01 to 05 and leave `report.html` and `summary.json`.

    Args:
        profile: `"quick"`, or the name of a file in `notebooks/params/`.
        data_dir: Folder of real patients; empty for phantom patients.
        settings: Other parameters as `"name=value"`, values in Python or YAML.
        further: Whether to execute the notebooks from 06 on as well.

    Returns:
        The summary, as notebook 05 wrote it, with the whole suite's peak memory.

    Raises:
        BrainSegError: A parameter no notebook knows, or a cell that failed.
    """
    workspace = open_workspace(profile)
    folder = workspace.notebooks
    parameters = read_parameters(folder, profile, data_dir, settings)
    names = (*NOTEBOOKS, *FURTHER) if further else NOTEBOOKS
    known = {name: notebook_parameters(folder / f"{name}.ipynb") for name in names}
    check_settings(parameters, known)
    _set_aside_other_results(workspace, parameters)
    outputs = []
    with _memory_watch() as watch:
        for number, name in enumerate(names, 1):
            started = time.perf_counter()
            print(f"[{number}/{len(names)}] {name}", flush=True)
            outputs.append(workspace.runs / f"{name}.ipynb")
            wanted = parameters_for(name, parameters, known)
            paths = folder / f"{name}.ipynb", outputs[-1]
            with _kernel_noise_to(workspace.runs / "kernels.log"):
                execute_notebook(*paths, wanted, workspace.root, sys.stdout)
            print(f"      {time.perf_counter() - started:.0f} s", flush=True)
    summary = read_json(workspace.runs / "summary.json")
    summary["peak_memory_mb"] = round(watch["peak"] / 1e6)
    write_json(workspace.runs / "summary.json", summary)
    write_report(workspace.runs / "report.html", outputs, summary)
    _show(summary, workspace)
    return summary


def _set_aside_other_results(workspace: Workspace, parameters: dict[str, Any]) -> None:
    """Move results of other parameters away before new ones take their names."""
    asked = workspace.runs / "asked.json"
    if asked.is_file() and read_json(asked) != parameters:
        aside = workspace.runs / "earlier" / time.strftime("%Y-%m-%d-%H%M%S")
        aside.mkdir(parents=True)
        for path in [p for p in workspace.runs.iterdir() if p.is_file()]:
            shutil.move(path, aside / path.name)
        print(f"earlier results with other parameters are kept in {aside}")
    write_json(asked, parameters)


@contextmanager
def _kernel_noise_to(path: Path) -> Iterator[None]:
    """Send what kernels write to the process's stderr to a file: TensorFlow's log."""
    sys.stderr.flush()
    saved = os.dup(2)
    with open(path, "ab") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@contextmanager
def _memory_watch() -> Iterator[dict[str, float]]:
    """Sample the memory of this process and all it started, in bytes."""
    watch, stop = {"peak": 0.0}, threading.Event()

    def sample() -> None:
        while not stop.wait(0.5):
            watch["peak"] = max(watch["peak"], _tree_memory())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


def _tree_memory() -> float:
    total = 0
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            info = process.memory_full_info()
            # Shared pages count once: pss divides them among their users.
            total += getattr(info, "pss", info.rss)
        except psutil.Error:
            continue  # It ended in the meantime.
    return total


def _show(summary: dict[str, Any], workspace: Workspace) -> None:
    print(f"\n{text_table(result_rows(summary))}\n\n{describe_cohort(summary)}")
    print(f"peak memory {summary['peak_memory_mb']} MB, {os.cpu_count()} cores")
    print(f"report: {workspace.runs / 'report.html'}")
