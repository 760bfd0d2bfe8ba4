"""Sweep the tiny notebook in a process of its own, to be killed on the way.

Run as a script: `python sweeps.py NOTEBOOK OUT`.
"""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from brainseg_utils.sweep import expand_grid, run_sweep, write_table

VALUES = [1, 2, 3, 4, 5, 6]


def points_of(notebook, pause=0.3):
    notebook = Path(notebook)
    grid = {"folder": [str(notebook.parent)], "value": VALUES, "pause": [pause]}
    return expand_grid(notebook, grid)


def sweep(notebook, out, count=6, **options):
    """Run the sweep, or its first points, and write its table as the command does."""
    out = Path(out)
    outcomes = run_sweep(points_of(notebook)[:count], out, cwd=out.parent, **options)
    return outcomes, write_table(outcomes, out / "results.csv")


def start_sweep(notebook, out, **environment):
    return subprocess.Popen(
        [sys.executable, "-u", __file__, str(notebook), str(out)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def workers_and_kernels(folder):
    """Return the workers and the kernels that belong to sweeps below a folder."""
    found = {"worker": [], "kernel": []}
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            below = Path(process.cwd()).is_relative_to(folder)
        except psutil.Error:
            continue
        if "ipykernel" in words and below:
            found["kernel"].append(process)
        elif "brainseg_utils.sweep.workers" in words and str(folder) in words:
            found["worker"].append(process)
    return found


if __name__ == "__main__":
    sweep(*sys.argv[1:])
