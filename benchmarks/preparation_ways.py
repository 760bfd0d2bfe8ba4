"""Ways from patients' files to training data, and the floor below them all."""

from __future__ import annotations

import gzip
import multiprocessing
import subprocess
import sys
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from bare_floor import unpack_all
from command_line import progress
from isal import igzip
from measuring import CORES, Way, WayFailed, seconds_of
from monai_environment import MonaiPeer, find_monai
from nibabel_ways import has_nifti_alone, prepare_patient

from brainseg_utils.cases import Case, case_files
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store.grid import SliceGrid


def collect_ways(
    cases: list[Case],
    grid: SliceGrid,
    folder: Path,
    without_monai: bool,
    stack: ExitStack,
) -> tuple[list[Way], dict[str, Any]]:
    """Return the ways to measure and facts of their start; `stack` ends them."""
    threads = stack.enter_context(ThreadPoolExecutor(CORES))
    ways = [*floors(cases, threads), *ours(cases, grid, folder)]
    if not has_nifti_alone(cases):
        progress("some patients are not NIfTI: nibabel and MONAI are left out")
        return ways, {}
    nibabel, facts = nibabel_ways(cases, grid, folder, stack)
    monai, monai_facts = [], {}
    if not without_monai:
        monai, monai_facts = monai_ways(cases, stack)
    return [*ways, *nibabel, *monai], {"nibabel_pool": facts, **monai_facts}


def floors(cases: list[Case], threads: Executor) -> list[Way]:
    """Return the floor, here and in a bare process, and the same with Python's gzip."""
    files = all_files(cases)
    script = Path(__file__).with_name("bare_floor.py")
    command = [sys.executable, script, str(CORES), *files]

    def bare() -> float:
        return float(subprocess.run(command, capture_output=True, check=True).stdout)

    isal = partial(unpack_all, threads, igzip.decompress, files)
    plain = partial(unpack_all, threads, gzip.decompress, files)
    return [
        Way("floor_isal", f"floor: isal, {CORES} threads", isal),
        Way("floor_bare", "floor in a bare process", bare, processes=list),
        Way("floor_gzip", f"gzip, {CORES} threads", plain),
    ]


def ours(cases: list[Case], grid: SliceGrid, folder: Path) -> list[Way]:
    """Return our way into a new folder, and on what is there already."""
    prepare_slices(cases, folder / "kept", grid)

    def anew() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            return seconds_of(lambda: prepare_slices(cases, fresh, grid))

    def again() -> float:
        return seconds_of(lambda: prepare_slices(cases, folder / "kept", grid))

    return [
        Way("ours", "ours", anew),
        Way("ours_again", "ours, again", again),
    ]


def nibabel_ways(
    cases: list[Case], grid: SliceGrid, folder: Path, stack: ExitStack
) -> tuple[list[Way], dict[str, float]]:
    """Return the usual way in one process and in a pool, and the pool's start."""
    out = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
    work = partial(
        prepare_patient,
        crop_size=grid.crop_size,
        image_size=grid.image_size,
        folder=out,
    )
    context = multiprocessing.get_context("spawn")
    pool = stack.enter_context(ProcessPoolExecutor(CORES, context))

    def in_turn() -> float:
        return seconds_of(lambda: [work(case) for case in cases])

    def at_once(chosen: list[Case] = cases) -> float:
        return seconds_of(lambda: list(pool.map(work, chosen)))

    def workers() -> list[psutil.Process]:
        return [psutil.Process(p.pid) for p in multiprocessing.active_children()]

    start = at_once(cases[:1] * CORES * 2)
    return [
        Way("nibabel", "nibabel, 1 process", in_turn),
        Way("nibabel_pool", f"nibabel, {CORES} processes", at_once, workers),
    ], {"start_seconds": start}


def monai_ways(
    cases: list[Case], stack: ExitStack
) -> tuple[list[Way], dict[str, dict[str, Any]]]:
    """Return MONAI's way, unless it cannot be had, and facts of its start."""
    python = find_monai()
    if not python:
        return [], {}
    patients = [
        {
            "images": list(dict.fromkeys(map(str, case.sequences.values()))),
            "mask": str(case.mask),
        }
        for case in cases
    ]
    settings = {"patients": patients, "workers": CORES}
    try:
        peer = MonaiPeer(python, {"job": "prepare", "settings": settings})
    except WayFailed as error:
        progress(f"left out: {error}")
        return [], {}
    stack.callback(peer.close)
    label = f"MONAI, {CORES} processes"
    way = Way("monai", label, lambda: peer.ask("prepare"), peer.processes)
    return [way], {"monai": peer.facts}


def all_files(cases: list[Case]) -> list[Path]:
    """Return every file of the patients, each once."""
    return list(dict.fromkeys(path for case in cases for path in case_files(case)))


def read_all(cases: list[Case]) -> None:
    """Bring the files into the page cache."""
    for path in all_files(cases):
        path.read_bytes()
