"""What a benchmark leaves: a table for people, JSON for programs."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from brainseg_utils.cases import Case
from brainseg_utils.files import write_json
from brainseg_utils.machine import describe_machine, versions
from brainseg_utils.workspace import open_workspace

ALSO_USED = ("isal", "opencv-python-headless")
BUSY_PERCENT = 10  # Of all cores, at which figures suffer.


def describe_run(name: str, data: Path, cases: Sequence[Case]) -> dict[str, Any]:
    """Return when, where and on what a benchmark runs; called before it measures."""
    return {
        "benchmark": name,
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": {
            "description": describe_machine(),
            "cpu": describe_machine().rsplit(", ", 2)[0],
            "cores": os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "busy_percent": psutil.cpu_percent(1.0),
            "python": versions()["python"],
            "versions": versions() | _also_used(),
        },
        "data": str(data),
        "patients": [case.id for case in cases],
    }


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder on the disk on which prepared slices are kept."""
    home = open_workspace().data
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=home) as folder:
        yield Path(folder)


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the command line's settings for the JSON."""
    own = ("data", "json")
    return {name: value for name, value in vars(options).items() if name not in own}


def both_ratios(
    results: dict[str, dict[str, Any]], unit: str, wanted: dict[str, tuple[str, str]]
) -> dict[str, dict[str, float]]:
    """Return quotients of medians and of best figures, where both ways were measured.

    Args:
        results: The ways' figures.
        unit: What the median is called in them.
        wanted: For each ratio the ways to divide.
    """
    return {
        key: {
            name: results[over][figure] / results[under][figure]
            for name, (over, under) in wanted.items()
            if over in results and under in results
        }
        for key, figure in (("ratios", unit), ("ratios_of_best", "best"))
    }


def show(
    outcome: dict[str, Any], rows: list[tuple[str, ...]], notes: str, path: Path | None
) -> None:
    """Print the table, the ratios and what to know of them; write JSON if asked for."""
    from brainseg_utils.report import text_table

    machine, patients = outcome["machine"], len(outcome["patients"])
    of_patients = f"{patients} patients of " if patients else ""
    print(f"{outcome['benchmark']}: {of_patients}{outcome['data']}")
    print(f"{outcome['date']}, {machine['description']}\n")
    print(text_table(rows), end="\n\n")
    if outcome["ratios"]:
        print(text_table(ratio_rows(outcome)), end="\n\n")
    if machine["busy_percent"] > BUSY_PERCENT:
        busy = f"{machine['busy_percent']:.0f} %"
        print(f"Other work kept the machine {busy} busy when this began.\n")
    print(notes)
    if path:
        write_json(path, outcome)


def ratio_rows(outcome: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the ratios as rows of a table, header first."""
    best = outcome["ratios_of_best"]
    return [
        ("ratio", "of medians", "of best"),
        *(
            (name.replace("_", " "), f"{value:.2f}", f"{best[name]:.2f}")
            for name, value in outcome["ratios"].items()
        ),
    ]


def _also_used() -> dict[str, str]:
    found = {}
    for name in ALSO_USED:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
