"""A finished run that anybody may have made, for what it tells without its network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import file_digest
from brainseg_utils.run_files.foreign_runs import (
    GET_IT,
    check_plain,
    open_run,
    read_object,
)
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import (
    EVALUATED,
    HISTORY,
    RECORD,
    SCORES_VERSION,
    WHOLE_RUN,
    Run,
)

# A history is shown where there is one, and nothing else is made of it.
NEEDED = tuple(name for name in (*WHOLE_RUN, *EVALUATED) if name != HISTORY)
PARTS = ("train", "validation", "test")
MOST_PATIENTS = 5000  # Of more, an interval's draws would fill the memory.
MAX_CARD_BYTES = 2**20
LARGEST = 1e9  # Millimetres or millilitres of no patient.
FIGURES = ("dice_volume", "hd95_mm", "surface_dice", "tumour_ml", "predicted_ml")
SHARES = ("dice_volume", "surface_dice")
AGAIN = "Execute its notebook again: what is trained is kept, and scored."


def open_scored(folder: str | Path) -> Run:
    """Return the finished run in a folder, of which all that a page shows is sound.

    Its history may be missing or anything; a page goes without it.

    Args:
        folder: A run folder on this machine.

    Raises:
        BrainSegError: As `foreign_runs.open_run`; `E-RUN` as well for a run that is not
            finished, was scored by another version, has other files than its record
            tells, or scores, patients or a card that cannot be.
    """
    run = open_run(folder)
    _check_record(run)
    check_told(run)
    _check_texts(run)
    return run


def check_told(run: Run) -> None:
    """Refuse patients and scores that cannot be, by `E-RUN`, before they are shown."""
    _check_patients(run)
    _check_scores(run)


def _check_record(run: Run) -> None:
    path = run.folder / RECORD
    if not os.path.lexists(path):
        raise BrainSegError("E-RUN", run.folder, "is no finished run.", AGAIN)
    check_plain(path)
    record = read_object(path)
    digests = record.get("files")
    if record.get("scores_version") != SCORES_VERSION or not isinstance(digests, dict):
        raise BrainSegError("E-RUN", path, "is not of this version's scores.", AGAIN)
    for name in NEEDED:
        check_plain(run.folder / name)
    # Only names of our own are read: a record could name any file.
    results = run.results()
    masks = [name for name in results if name.endswith(".nii.gz")]
    for name in {*NEEDED, *digests, *masks} & {*results}:
        if digests.get(name) != file_digest(run.folder / name):
            raise _wrong(run, name, "is not what done.json tells: its SHA-256 differs.")


def _check_patients(run: Run) -> None:
    config = read_object(run.folder / "config.json")
    split = config.get("split")
    parts = [split.get(part) for part in PARTS] if isinstance(split, dict) else [None]
    if not _is_name(config.get("cohort")) or not all(map(_are_names, parts)):
        raise _wrong(run, "config.json", "tells not on whom it was trained.")


def _are_names(part: Any) -> bool:
    few = isinstance(part, list) and 0 < len(part) <= MOST_PATIENTS
    return few and all(map(_is_name, part))


def _is_name(value: Any) -> bool:
    # What is not printable could write over the terminal that shows it.
    return isinstance(value, str) and len(value) <= 255 and value.isprintable()


def _check_scores(run: Run) -> None:
    scores, split = read_object(run.folder / "scores.json"), run.config["split"]
    for part in PARTS[1:]:
        of = scores.get(part)
        if not isinstance(of, dict) or {*of} != {*split[part]}:
            what = f"has not the {part} patients of config.json."
            raise _wrong(run, "scores.json", what)
        if not all(map(_are_scores, of.values())):
            what = f"holds what are no scores of {part} patients."
            raise _wrong(run, "scores.json", what)


def _are_scores(found: Any) -> bool:
    return isinstance(found, dict) and all(
        type(found.get(name)) in (int, float)
        # No number that is none is within them either.
        and 0 <= found[name] <= (1 if name in SHARES else LARGEST)
        for name in FIGURES
    )


def _check_texts(run: Run) -> None:
    card = run.folder / "MODEL_CARD.md"
    if card.stat().st_size > MAX_CARD_BYTES:
        raise _wrong(run, card.name, f"has more than {MAX_CARD_BYTES:,} bytes.")
    try:
        card.read_text(encoding="utf-8")
    except ValueError as error:
        raise _wrong(run, card.name, "is no text in UTF-8.") from error
    try:
        RunInputs.read(run.folder)
    except (ValueError, KeyError, TypeError, AttributeError, BrainSegError) as error:
        what = f"tells not what its network sees: {str(error)[:200]}."
        raise _wrong(run, "inputs.json", what) from error


def _wrong(run: Run, name: str, what: str) -> BrainSegError:
    return BrainSegError("E-RUN", run.folder / name, what, GET_IT)
