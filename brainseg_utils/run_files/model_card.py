"""One page in a run folder that says what its network is, and what it is not for.

The headings follow Mitchell et al. 2019, "Model cards for model reporting",
https://doi.org/10.1145/3287560.3287596.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainseg_utils.cohorts import of_phantoms
from brainseg_utils.config import TrainingConfig
from brainseg_utils.files import write_text
from brainseg_utils.intervals import spread_in_words
from brainseg_utils.planning.recipes import RECIPES
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import Run

FILE = "MODEL_CARD.md"
Interval = Mapping[str, float | None]

PAGE = """\
# {name}

{model}, {filters} filters in its first level, {parameters:,} weights, by the recipe
"{recipe}". It gives each pixel of an axial slice the probability that it shows tumour.

    brainseg predict PATIENT --run FOLDER

FOLDER is the one that holds this page.

## Input

{sequences}, skull-stripped (0 outside the brain) and registered to one another.
Slices of {image_size} x {image_size} pixels of {pixel_mm:.2g} mm. The training
patients' voxels have {spacing} mm (median), their brains
{brain_low:.0f} to {brain_high:.0f} ml.

## Data

Patients of {cohort}, each in one part alone: {train} to train on, {validation} to
validate on, {test} to test on. Who is in which part stands in `config.json`.

## Dice per patient volume

| patients | mean | 95 % interval over patients |
| --- | ---: | ---: |
{rows}

Choices were made on validation patients, so that their mean flatters. The interval says
how far the mean of such patients can be trusted, and nothing about other hospitals'.

## Recipe

{choices}

## What it is not for

- Diagnosis, treatment, or any decision about a patient: it is research software, and no
  medical device.
- Scans with skull, after surgery or radiation, of children, of metastases or other
  lesions; sequences, scanners or spacings unlike those it was trained on.
- Saying that there is no tumour: it was trained on patients who have one.
{phantoms}
## Versions

{versions}
"""
PHANTOMS = """\
- Real patients as if it knew them: it was trained on synthetic ones, and what it scores
  on those says little about real ones.
"""


def write_model_card(run: Run, dice: Mapping[str, Interval]) -> None:
    """Write `MODEL_CARD.md` into a run folder that is trained and scored.

    Args:
        run: The run; its `inputs.json` is written already.
        dice: Mean and interval of the Dice of `"validation"` and `"test"` patients, as
            `intervals.bootstrap_interval` gives them.
    """
    write_text(run.folder / FILE, card_text(run, dice))


def card_text(run: Run, dice: Mapping[str, Interval]) -> str:
    """Return the page, in Markdown; arguments as of `write_model_card`."""
    config, inputs, facts = run.training_config, RunInputs.read(run.folder), run.config
    counts = {part: len(ids) for part, ids in facts["split"].items()}
    rows = [_row(part, counts[part], dice[part]) for part in ("validation", "test")]
    return PAGE.format(
        name=run.folder.name,
        model=config.model.upper(),
        filters=config.filters,
        parameters=run.training["parameters"],
        recipe=config.recipe,
        sequences=", ".join(inputs.sequences),
        image_size=inputs.image_size,
        pixel_mm=inputs.pixel_mm,
        spacing=" x ".join(f"{mm:.3g}" for mm in inputs.spacing_mm),
        brain_low=inputs.brain_ml[0],
        brain_high=inputs.brain_ml[1],
        cohort=facts["cohort"],
        **counts,
        rows="\n".join(rows),
        choices=_choices(config),
        phantoms=PHANTOMS if of_phantoms(facts["cohort"]) else "",
        versions=_listed(run.training["versions"]),
    )


def _row(part: str, patients: int, interval: Interval) -> str:
    spread = spread_in_words(interval)
    return f"| {patients} of {part} | {interval['mean']:.3f} | {spread} |"


def _choices(config: TrainingConfig) -> str:
    """List every choice that a recipe makes, as it was for this run."""
    names = (*RECIPES[config.recipe], "batch_size", "slices_per_epoch", "seed")
    return _listed({name: getattr(config, name) for name in names})


def _listed(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in values.items())
