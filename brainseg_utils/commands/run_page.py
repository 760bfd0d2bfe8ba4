"""What `brainseg report` does: a finished run's page, with its patients if at hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainseg_utils.cases import Case, find_cases
from brainseg_utils.cohorts import Cohort
from brainseg_utils.errors import BrainSegError, errors_of
from brainseg_utils.files import refuse_existing
from brainseg_utils.judging.controls import best_threshold
from brainseg_utils.prediction.trained_runs import PHANTOM
from brainseg_utils.pretrained import PACKAGED
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.run_files.scored_runs import PARTS, open_scored
from brainseg_utils.run_report import write_run_report
from brainseg_utils.runs import Run
from brainseg_utils.slices import prepare_slices
from brainseg_utils.splits import Split
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.workspace import open_workspace

Cases = Mapping[str, Case]
LARGEST_SIDE = 512  # Larger slices, as a stranger's run may want, would fill a disk.

REPLACE = "Choose another file (--output), or have it replaced (--force)."

# On the page as well, and so without the paths of a machine that errors name.
WITHOUT = (
    "Without pictures and the best threshold: the run's patients were not at hand. "
    "Name their folder (--data) to have both."
)


def report_run(
    folder: str | Path,
    data: str | Path = "",
    output: str | Path = "",
    force: bool = False,
    layout: str | Path = "",
    labels: str = "",
) -> Path:
    """Write a page on a finished run, print what it goes without, and where it lies.

    Args:
        folder: The run folder; anybody may have made it. `"phantom"` is the run in the
            package, whose page goes into the current folder.
        data: Folder of its patients. Empty looks in the workspace's data for a folder
            of the cohort's name; without one the page has no pictures, and says so.
        output: Where to, `*.html`; empty is `report.html` in the run folder, which the
            run's own record does not cover.
        force: Whether to replace a page that is there.
        layout: How the files in `data` lie; see `cases.find_cases`.
        labels: Scheme of the masks there; see the same.

    Returns:
        Where the page lies.

    Raises:
        BrainSegError: As `run_files.scored_runs.open_scored`; `E-PARAM` or `E-EXISTS`
            for `output`; `E-PARAM` for `layout` or `labels` without `data`; for `data`,
            as `cases.find_cases`, or `E-MISSING` where a patient to show is not in it.
    """
    packaged = str(folder) == PHANTOM
    beside = f"{PHANTOM}_report.html" if packaged else Path(folder) / "report.html"
    path = Path(output or beside).expanduser()
    _check_described(data, layout, labels)
    _check_output(path)
    run = open_scored(PACKAGED if packaged else folder)
    if not force:
        refuse_existing(path, REPLACE)
    if data:
        _write(path, run, _cases(run, Path(data).expanduser(), layout, labels))
    else:
        _write_with_what_is_there(path, run)
    print(f"{run.folder.name}  ->  {path}")
    return path


def _check_output(path: Path) -> None:
    # So that no scan, mask or file of a run is ever replaced, whatever is forced.
    if path.suffix.lower() != ".html" or os.path.isdir(path):
        what = "wanted a file whose name ends in .html."
        raise BrainSegError("E-PARAM", path, what, "Name another one (--output).")


def _check_described(data: str | Path, layout: str | Path, labels: str) -> None:
    # Else a wrong one would cost the pictures, and no more than a line would say so.
    if (layout or labels) and not data:
        what = "tells of the patients in data, and none is named."
        name = "layout" if layout else "labels"
        raise BrainSegError("E-PARAM", name, what, "Name their folder (--data).")


def _cases(run: Run, folder: Path, layout: str | Path = "", labels: str = "") -> Cases:
    sequences = RunInputs.read(run.folder).sequences
    cases, problems = find_cases(folder, sequences, False, layout, labels)
    for problem in errors_of(problems):  # Why a patient is not among them.
        print(problem, file=sys.stderr)
    return {case.id: case for case in cases}


def _write(path: Path, run: Run, cases: Cases) -> None:
    """Write the page with pictures, and with the threshold's scores if there are."""
    try:
        thresholded, notes = threshold_scores(run, cases), []
    except BrainSegError as error:
        print(error, file=sys.stderr)
        thresholded = None
        needs = "which needs all training and test patients"
        notes = [f"Without the best threshold, {needs} ({error.code})."]
    write_run_report(path, run, cases, thresholded, notes)


def _write_with_what_is_there(path: Path, run: Run) -> None:
    """Write the page with the cohort of the workspace, or without pictures."""
    name = run.config["cohort"]
    try:
        _write(path, run, _cases(run, _folder_of(name)))
    except BrainSegError as error:
        # Nobody asked for these patients, so that they cost no page.
        print(error, WITHOUT, sep="\n", file=sys.stderr)
        write_run_report(path, run, notes=[WITHOUT])


def _folder_of(cohort: str) -> Path:
    """Return where a cohort of this name lies in the workspace."""
    # The name is a stranger's, and must not lead out of the folder.
    folder = open_workspace().data / cohort
    if folder.name != cohort or cohort == ".." or not os.path.isdir(folder):
        what = f"{cohort[:100]!r}, the run's cohort, is not there."
        raise BrainSegError("E-ROOT", open_workspace().data, what, "Name its folder.")
    return folder


def threshold_scores(run: Run, cases: Cases) -> dict[str, Any]:
    """Return what the best threshold scores on a run's test patients, by id.

    Slices are prepared for it as for the run; those that are there are used.

    Raises:
        BrainSegError: `E-MISSING` where a patient of the run is not in `cases`; else as
            `slices.prepare_slices`.
    """
    split = Split(**{part: tuple(run.config["split"][part]) for part in PARTS})
    names = [*split.train, *split.test]
    if missing := [name for name in names if name not in cases]:
        what = f"{len(missing)} of the run's {len(names)} patients are not there."
        raise BrainSegError("E-MISSING", missing[0][:100], what, "Add them.")
    inputs = RunInputs.read(run.folder)
    if max(inputs.image_size, inputs.crop_size) > LARGEST_SIDE:
        what = f"wanted slices of at most {LARGEST_SIDE} pixels and voxels."
        raise BrainSegError("E-RUN", run.folder / "inputs.json", what, "Look at it.")
    grid, folder = SliceGrid(inputs.crop_size, inputs.image_size), open_workspace().data
    store = prepare_slices([cases[name] for name in names], folder / "prepared", grid)
    cohort = Cohort(run.config["cohort"], folder, dict(cases), store, ())
    return best_threshold(cohort, split)[1]
