"""One page of a patient's predicted mask: pictures, measures, warnings, the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brainseg_utils import pictures
from brainseg_utils.evaluation import dice_score
from brainseg_utils.files import write_text
from brainseg_utils.intervals import bootstrap_interval, spread_in_words
from brainseg_utils.page import (
    folded,
    heading,
    paragraph,
    picture,
    render_page,
    table,
    verbatim,
)
from brainseg_utils.pictures.figures import doubt_of
from brainseg_utils.prediction.case_views import view_case
from brainseg_utils.runs import Run

if TYPE_CHECKING:
    from brainseg_utils.prediction.case_prediction import CasePrediction

NOT_FOR = (
    "Research software, and no medical device: not for diagnosis, treatment or any "
    "decision about a patient. Look at every mask before you use it."
)
DOUBTFUL = 0.5  # A doubt of more than this is a probability between 0.25 and 0.75.


def view_prediction(prediction: CasePrediction) -> pictures.View:
    """Return a predicted patient for showing, with the reference mask if there is one.

    Raises:
        BrainSegError: The patient's files cannot be read.
    """
    case, affine = prediction.case, prediction.affine
    return view_case(case, prediction.mask, affine, prediction.probability)


def write_case_report(
    path: str | Path, prediction: CasePrediction, run: Run, view: pictures.View
) -> None:
    """Write a page that opens offline, of 2 to 4 MB.

    Args:
        path: Where to; a page that is there is replaced.
        prediction: The mask.
        run: Whose network predicted it.
        view: Of the same patient, from `view_prediction`.
    """
    name, sequence = prediction.case.id, [*view.images][-1]
    page = render_page(
        f"{name}: tumour as {run.folder.name} sees it",
        paragraph(NOT_FOR, note=True),
        table(measure_rows(prediction, view), head=False),
        _warnings(prediction),
        heading("Where the tumour is largest"),
        _draw(pictures.draw_planes(view, sequence), f"{name} in three planes"),
        heading("Look through the slices"),
        pictures.make_viewer(view, sequence, f"{name}, slice by slice").as_html(),
        heading("From the lowest slice with tumour to the highest"),
        _draw(pictures.draw_montage(view, sequence), f"{name}, axial slices"),
        heading("Where the model is in doubt"),
        paragraph(
            "Doubt lies along borders. Where it fills a region, the model has not "
            "decided; where there is none, it may still be wrong."
        ),
        _draw(pictures.draw_doubt(view, sequence), f"{name}, doubt in three planes"),
        *describe_model(run),
    )
    write_text(path, page)


def measure_rows(
    prediction: CasePrediction, view: pictures.View
) -> list[tuple[str, str]]:
    """Return what is known of the mask, as pairs of text."""
    size = prediction.measures
    doubtful = (doubt_of(prediction.probability) > DOUBTFUL).sum()
    voxel_ml = view.spacing_mm[0] * view.spacing_mm[1] * view.spacing_mm[2] / 1000
    rows = [
        ("volume", f"{size.volume_ml:.1f} ml"),
        ("largest diameter", f"{size.diameter_mm:.0f} mm"),
        ("axial slices with tumour", str(size.slices)),
        ("tumour from a probability of", f"{prediction.threshold:g}"),
        ("in doubt (between 0.25 and 0.75)", f"{doubtful * voxel_ml:.1f} ml"),
        ("voxels", " x ".join(f"{mm:.3g}" for mm in view.spacing_mm) + " mm"),
    ]
    if view.truth is not None:
        rows.append(("Dice with the reference mask", f"{_dice(view):.3f}"))
    return rows


def describe_model(run: Run) -> list[str]:
    """Return what a run's network is and how good, as parts of a page."""
    facts, scores = run.config, run.scores
    rows = [("patients", "Dice per patient volume", "95 % interval over patients")]
    for part in ("validation", "test"):
        dice = bootstrap_interval(of["dice_volume"] for of in scores[part].values())
        figures = f"{dice['mean']:.3f}", spread_in_words(dice)
        rows.append((f"{len(scores[part])} of {part}", *figures))
    patients = len(facts["split"]["train"])
    trained = f"{run.folder.name}, trained on {patients} patients of {facts['cohort']}."
    card = run.folder / "MODEL_CARD.md"
    return [
        heading("The model"),
        paragraph(trained),
        table(rows),
        folded("Model card", verbatim(card.read_text(encoding="utf-8"))),
    ]


def _dice(view: pictures.View) -> float:
    return dice_score(view.truth, view.mask)


def _warnings(prediction: CasePrediction) -> str:
    texts = [paragraph(str(warning), note=True) for warning in prediction.warnings]
    return heading("Warnings") + "".join(texts) if texts else ""


def _draw(figure: object, text: str) -> str:
    return picture(pictures.figure_png(figure), text)
