"""What `brainseg predict` does: one patient after the other, and a line for each."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError, errors_of
from brainseg_utils.files import refuse_existing
from brainseg_utils.leaving_out import leaving_out
from brainseg_utils.new_patient import find_new_patients
from brainseg_utils.patient_prediction import (
    CasePrediction,
    output_paths,
    predict_case,
    write_prediction,
)
from brainseg_utils.trained_runs import TrainedRun, best_run, describe, load_trained
from brainseg_utils.workspace import open_workspace

# Keras imports them where they are installed, which takes as long as its own start.
UNUSED = ("matplotlib", "pandas", "sklearn")


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
        run: Folder of a finished run; empty takes `best_run` of the workspace.
        output: Folder for the masks.
        force: Whether to replace masks that are there.
        probability: Whether to write probabilities as well.
        report: Whether to write `<case>_report.html` as well, see `case_report`.

    Returns:
        Whether every patient has its mask.

    Raises:
        BrainSegError: `E-RUN` and others, for the run itself.
    """
    # Else TensorFlow's log of the machine stands between the lines.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with leaving_out(*UNUSED):
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


def _find(
    folder: str | Path, trained: TrainedRun
) -> tuple[list[Case], list[BrainSegError]]:
    try:
        return find_new_patients(folder, trained.inputs)
    except BrainSegError as error:
        return [], [error]


def _refuse_second(case: Case, done: set[str]) -> None:
    if case.id in done:
        what = f"another patient of this call is called {case.id} as well."
        remedy = "Predict it in a call of its own, with another --output."
        raise BrainSegError(
            "E-DUP-ID", next(iter(case.sequences.values())), what, remedy
        )
    done.add(case.id)


def _predict(case: Case, trained: TrainedRun, wanted: Wanted) -> str:
    """Segment one patient; return what to say of it."""
    started = time.perf_counter()
    page = wanted.output / f"{case.id}_report.html"
    paths = output_paths(case, wanted.output, wanted.probability)
    for path in [*paths, *[page] * wanted.report] if not wanted.force else ():
        refuse_existing(path)  # Before the work, and not after it.
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

    write_case_report(page, prediction, trained.run, view_prediction(prediction))


def _summary(prediction: CasePrediction) -> str:
    size = prediction.measures
    return (
        f"{prediction.case.id}: tumour {size.volume_ml:.1f} ml, "
        f"{size.diameter_mm:.0f} mm across, {size.slices} slices"
    )
