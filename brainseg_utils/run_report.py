"""One page of a run: its patients' scores, its best and worst masks, its curves."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from brainseg_utils import pictures
from brainseg_utils.case_report import NOT_FOR, describe_model
from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import dice_score
from brainseg_utils.files import write_text
from brainseg_utils.intervals import bootstrap_interval, spread_in_words
from brainseg_utils.nifti import read_volume
from brainseg_utils.page import heading, paragraph, picture, render_page, table
from brainseg_utils.plotting import plot_history
from brainseg_utils.prediction.case_views import view_case
from brainseg_utils.report import NAMES
from brainseg_utils.runs import HISTORY, Run

CURVES = ("epoch", "loss", "val_loss", "dice", "val_dice")
MAX_HISTORY_BYTES = 2**24
LARGEST = 1e9
SAME_DICE = 1e-3  # What rounding makes, and no other mask.
COLUMNS = {
    "Dice": ("dice_volume", ".3f"),
    "HD95 mm": ("hd95_mm", ".1f"),
    "surface Dice": ("surface_dice", ".3f"),
    "tumour ml": ("tumour_ml", ".1f"),
    "predicted ml": ("predicted_ml", ".1f"),
}


def write_run_report(
    path: str | Path,
    run: Run,
    cases: Mapping[str, Case] | None = None,
    thresholded: Mapping[str, Mapping[str, float]] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write a page that opens offline, of about 1 MB.

    Args:
        path: Where to; a page that is there is replaced.
        run: A finished run; one of others comes from
            `run_files.scored_runs.open_scored`.
        cases: Its test patients among them, keyed by id; None makes no pictures.
        thresholded: What `judging.controls.best_threshold` scores on the test
            patients, if known.
        notes: What the reader must know, such as what the page goes without.

    Raises:
        BrainSegError: `E-MISSING` where one of the patients to show is not in `cases`;
            `E-SHAPE` where one is not whom the mask is of; else as
            `volumes.load_case`.
    """
    scores = run.scores["test"]
    page = render_page(
        f"Run {run.folder.name}",
        paragraph(NOT_FOR, note=True),
        *(paragraph(note, note=True) for note in notes),
        *describe_model(run),
        heading("Controls"),
        table(control_rows(scores, thresholded)),
        heading("Learning curves"),
        _show_history(run),
        heading("Test patients"),
        table(score_rows(scores)),
        paragraph("Volumes per patient; HD95 and surface Dice (within 1 mm) in 3-D."),
        *_masks(run, cases),
    )
    write_text(path, page)


def control_rows(
    scores: Mapping[str, Mapping[str, float]],
    thresholded: Mapping[str, Mapping[str, float]] | None = None,
) -> list[tuple[str, str, str]]:
    """Return the network beside its controls on the test patients, as rows of text."""
    dice = {
        "this network": [of["dice_volume"] for of in scores.values()],
        # By the rule for empty masks, which follows from the tumour alone.
        NAMES["predict_nothing"]: [of["tumour_ml"] == 0 for of in scores.values()],
    }
    if thresholded:
        figures = [of["dice_volume"] for of in thresholded.values()]
        dice[NAMES["best_threshold"]] = figures
    rows = [("test patients", "Dice per patient volume", "95 % interval")]
    for name, values in dice.items():
        interval = bootstrap_interval(values)
        rows.append((name, f"{interval['mean']:.3f}", spread_in_words(interval)))
    return rows


def score_rows(scores: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Return patients from the highest Dice to the lowest, as rows of text."""
    names = sorted(scores, key=lambda name: -scores[name]["dice_volume"])
    figures = COLUMNS.values()
    return [
        ["patient", *COLUMNS],
        *(
            [name, *(format(scores[name][key], form) for key, form in figures)]
            for name in names
        ),
    ]


def ranked(scores: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return who has the best, the median and the worst Dice; each patient once."""
    names = sorted(scores, key=lambda name: scores[name]["dice_volume"])
    places = {"best": names[-1], "median": names[len(names) // 2], "worst": names[0]}
    first = {name: rank for rank, name in reversed(places.items())}
    return {rank: name for rank, name in places.items() if first[name] == rank}


def curves_of(run: Run) -> dict[str, list[float]]:
    """Return a run's history; empty where it has none that can be drawn."""
    try:
        if (run.folder / "history.csv").stat().st_size > MAX_HISTORY_BYTES:
            return {}
        history = run.history
    except (OSError, ValueError, TypeError, csv.Error):  # Anybody may have made it.
        return {}
    drawn = {name: history.get(name, []) for name in CURVES}
    if not all(drawn.values()):
        return {}
    # What lies beyond all axes is left out like what is no number.
    return {
        name: [value if abs(value) < LARGEST else math.nan for value in values]
        for name, values in drawn.items()
    }


def draw_history(run: Run, history: Mapping[str, Sequence[float]]) -> Figure:
    """Draw a run's loss and Dice over its epochs, with the switch of phases."""
    fig, axs = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for ax, figure in zip(axs, ("loss", "dice"), strict=True):
        plot_history(ax, history, figure, run.training_config.switch_epoch)
    plt.close(fig)
    return fig


def _show_history(run: Run) -> str:
    if not (run.folder / HISTORY).is_file():
        return paragraph("How it learned, epoch by epoch, was not kept.")
    history = curves_of(run)
    if not history:
        return paragraph("The run holds no history that can be drawn.")
    figure = draw_history(run, history)
    return picture(pictures.figure_png(figure), "loss and Dice over epochs")


def _masks(run: Run, cases: Mapping[str, Case] | None) -> list[str]:
    if cases is None:
        return [paragraph("Its test patients are not at hand, so no mask is shown.")]
    best_to_worst = ranked(run.scores["test"]).items()
    return [_show(run, cases, rank, name) for rank, name in best_to_worst]


def _show(run: Run, cases: Mapping[str, Case], rank: str, name: str) -> str:
    if name not in cases:
        what = f"{run.folder.name} was tested on {name}, who is not among the patients."
        raise BrainSegError("E-MISSING", name, what, "Name the folder it was made of.")
    dice = run.scores["test"][name]["dice_volume"]
    title = f"{rank} Dice: {name}, {dice:.3f}"
    # A name may be a stranger's, and must not lead to other files than the run's.
    if f"predictions/{name}.nii.gz" not in run.results():
        return heading(title) + paragraph("The run holds no mask of this patient.")
    view = _view(run.prediction(name), cases[name])
    figure = pictures.draw_planes(view, [*view.images][-1])
    return (
        heading(title)
        + _doubt_whether_scored_so(view, dice)
        + picture(pictures.figure_png(figure), title)
    )


def _view(path: Path, case: Case) -> pictures.View:
    mask, affine = read_volume(path)
    try:
        return view_case(case, mask > 0, affine)
    except ValueError as error:
        what = f"has another shape than the files of {case.id}."
        remedy = "Name the folder of the patients that the run was made of."
        raise BrainSegError("E-SHAPE", path, what, remedy) from error


def _doubt_whether_scored_so(view: pictures.View, dice: float) -> str:
    """Return a note where a patient of this name is not the one who was scored."""
    here = dice if view.truth is None else dice_score(view.truth, view.mask)
    if abs(here - dice) <= SAME_DICE:
        return ""
    what = f"With the reference mask here the Dice is {here:.3f}: not the patient, or "
    return paragraph(f"{what}not the mask, that the run was scored with.", note=True)
