"""One page of a run: its patients' scores, its best and worst masks, its curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from brainseg_utils import pictures
from brainseg_utils.case_report import NOT_FOR, describe_model
from brainseg_utils.case_views import view_case
from brainseg_utils.cases import Case
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_text
from brainseg_utils.nifti import read_volume
from brainseg_utils.page import heading, paragraph, picture, render_page, table
from brainseg_utils.plotting import plot_history
from brainseg_utils.runs import Run

COLUMNS = {
    "Dice": ("dice_volume", ".3f"),
    "HD95 mm": ("hd95_mm", ".1f"),
    "surface Dice": ("surface_dice", ".3f"),
    "tumour ml": ("tumour_ml", ".1f"),
    "predicted ml": ("predicted_ml", ".1f"),
}


def write_run_report(
    path: str | Path, run: Run, cases: Mapping[str, Case] | None
) -> None:
    """Write a page that opens offline, of about 1 MB.

    Args:
        path: Where to; a page that is there is replaced.
        run: A finished run.
        cases: Its test patients among them, keyed by id; None where their files or
            predicted masks are not at hand, and none is shown.

    Raises:
        BrainSegError: `E-MISSING` where one of the patients to show is not in `cases`;
            else as `volumes.load_case`.
    """
    scores = run.scores["test"]
    page = render_page(
        f"Run {run.folder.name}",
        paragraph(NOT_FOR, note=True),
        *describe_model(run),
        heading("Learning curves"),
        _curves(run),
        heading("Test patients"),
        table(score_rows(scores)),
        paragraph("Volumes per patient; HD95 and surface Dice (within 1 mm) in 3-D."),
        *_masks(run, cases),
    )
    write_text(path, page)


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


def draw_history(run: Run) -> Figure:
    """Draw a run's loss and Dice over its epochs, with the switch of phases."""
    fig, axs = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for ax, figure in zip(axs, ("loss", "dice"), strict=True):
        plot_history(ax, run.history, figure, run.training_config.switch_epoch)
    plt.close(fig)
    return fig


def _curves(run: Run) -> str:
    if not run.history:
        return paragraph("How it learned, epoch by epoch, was not kept.")
    return picture(pictures.figure_png(draw_history(run)), "loss and Dice over epochs")


def _masks(run: Run, cases: Mapping[str, Case] | None) -> list[str]:
    if cases is None:
        return [paragraph("Its test patients are not at hand, so no mask is shown.")]
    best_to_worst = ranked(run.scores["test"]).items()
    return [_show(run, cases, rank, name) for rank, name in best_to_worst]


def _show(run: Run, cases: Mapping[str, Case], rank: str, name: str) -> str:
    if name not in cases:
        what = f"{run.folder.name} was tested on {name}, who is not among the patients."
        raise BrainSegError("E-MISSING", name, what, "Name the folder it was made of.")
    mask, affine = read_volume(run.prediction(name))
    view = view_case(cases[name], mask, affine)
    figure = pictures.draw_planes(view, [*view.images][-1])
    dice = run.scores["test"][name]["dice_volume"]
    title = f"{rank} Dice: {name}, {dice:.3f}"
    return heading(title) + picture(pictures.figure_png(figure), title)
