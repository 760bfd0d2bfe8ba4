"""What `brainseg predict` does: one patient after the other, and a line for each."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError, errors_of
from brainseg_utils.files import refuse_existing
from brainseg_utils.layouts.candidates import id_on_disk
from brainseg_utils.prediction.case_prediction import (
    REPLACE,
    CasePrediction,
    output_paths,
    predict_case,
    write_prediction,
)
from brainseg_utils.prediction.lean_import import without_extras
from brainseg_utils.prediction.new_patient import find_new_patients
from brainseg_utils.prediction.trained_runs import (
    TrainedRun,
    best_run,
    describe,
    load_trained,
)
from brainseg_utils.workspace import open_workspace


class Wanted(NamedTuple):
    """What is written for each patient, and where; see `predict_patients`."""

    output: Path
    force: bool
    probability: bool
    report: bool


def predict_patients(
    folders: Sequence[str | Path],
    run: str | Path = "",
    output: str | Path = "predictions",
    force: bool = False,
    probability: bool = False,
    report: bool = False,
) -> bool:
    """Segment every patient in some folders, and print a line for each.

    One that cannot be used does not keep the others from their masks.

    Args:
        folders: Each of one patient, or of several, in any layout.
        run: As `load_trained` takes it; empty takes `best_run` of the workspace.
        output: Folder for the masks.
        force: Whether to replace masks that are there.
        probability: Whether to write probabilities as well.
        report: Whether to write `<case>_report.html` as well, see `case_report`.

    Returns:
        Whether every patient has its mask.

    Raises:
        BrainSegError: `E-RUN` and others, for the run itself; `E-EXISTS` where
            `output` is a file.
    """
    # Else TensorFlow's log of the machine stands between the lines.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _check_folder(Path(output))
    with without_extras():
        trained = load_trained(run or best_run(open_workspace()))
    print(describe(trained.run))
    failed, done = [], set()
    wanted = Wanted(Path(output), force, probability, report)
    for folder in folders:
        cases, problems = _find(folder, trained)
        for problem in problems:
            print(problem, file=sys.stderr)
        failed += [str(problem.path) for problem in errors_of(problems)]
        for case in cases:
            try:
                _refuse_second(case, done)
                print(_predict(case, trained, wanted))
            except BrainSegError as error:
                failed.append(case.id)
                print(error, file=sys.stderr)
    if failed:
        print(f"without a mask: {', '.join(failed)}", file=sys.stderr)
    return not failed


def _check_folder(output: Path) -> None:
    """Refuse what cannot become a folder, before minutes of work and not after."""
    if os.path.lexists(output) and not output.is_dir():
        what, remedy = "is there, and is no folder.", "Name another one (--output)."
        raise BrainSegError("E-EXISTS", output, what, remedy)


def _find(
    folder: str | Path, trained: TrainedRun
) -> tuple[list[Case], list[BrainSegError]]:
    try:
        return find_new_patients(folder, trained.inputs)
    except BrainSegError as error:
        return [], [error]


def _refuse_second(case: Case, done: set[str]) -> None:
    if id_on_disk(case.id) in done:
        what = f"another patient of this call is called {case.id} as well."
        remedy = "Predict it in a call of its own, with another --output."
        raise BrainSegError(
            "E-DUP-ID", next(iter(case.sequences.values())), what, remedy
        )
    done.add(id_on_disk(case.id))


def _predict(case: Case, trained: TrainedRun, wanted: Wanted) -> str:
    """Segment one patient; return what to say of it."""
    started = time.perf_counter()
    page = wanted.output / f"{case.id}_report.html"
    paths = output_paths(case, wanted.output, wanted.probability)
    for path in [*paths, *[page] * wanted.report] if not wanted.force else ():
        refuse_existing(path, REPLACE)  # Before the work, and not after it.
    prediction = predict_case(case, trained)
    write_prediction(prediction, wanted.output, wanted.force, wanted.probability)
    if wanted.report:
        _report(page, prediction, trained)
    seconds = time.perf_counter() - started
    lines = [f"{_summary(prediction)}  ->  {paths[0]}  ({seconds:.1f} s)"]
    return "\n".join([*lines, *(f"  {warning}" for warning in prediction.warnings)])


def _report(page: Path, prediction: CasePrediction, trained: TrainedRun) -> None:
    # matplotlib takes a second that a mask alone does not need.
    from brainseg_utils.case_report import view_prediction, write_case_report

    try:
        view = view_prediction(prediction)
    except BrainSegError as error:
        # Of the reference mask, which prediction had not read: the page tells of it.
        warnings = (*prediction.warnings, error)
        case = replace(prediction.case, mask=None)
        prediction = replace(prediction, case=case, warnings=warnings)
        view = view_prediction(prediction)
    write_case_report(page, prediction, trained.run, view)


def _summary(prediction: CasePrediction) -> str:
    size = prediction.measures
    return (
        f"{prediction.case.id}: tumour {size.volume_ml:.1f} ml, "
        f"{size.diameter_mm:.0f} mm across, {size.slices} slices"
    )
