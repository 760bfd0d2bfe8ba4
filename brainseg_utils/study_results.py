"""What a study found: chosen on validation patients, told by test patients."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd

from brainseg_utils.files import write_json
from brainseg_utils.machine import describe_machine, versions
from brainseg_utils.studies import Study


def choose_variant(table: pd.DataFrame) -> str:
    """Return the variant with the best Dice on validation patients."""
    return str(table["validation_dice"].idxmax())


def conclude(study: Study, table: pd.DataFrame, reference: str) -> str:
    """Say in a few lines which variant is best, and whether patients can tell.

    Args:
        study: The study, run.
        table: Its table, with differences to the reference.
        reference: Name of the variant that the others are compared with.
    """
    chosen = choose_variant(table)
    row, patients = table.loc[chosen], len(study.patient_dice(chosen))
    lines = (
        f"Best on validation patients: {chosen} ({row['validation_dice']:.3f}).",
        f"Its Dice per volume on {patients} test patient(s) is {_score(row)}.",
        _comparison(table, chosen, reference),
        describe_study(study),
    )
    if len(study.folds) > 1:  # So that what was chosen by is what is shown.
        lines += ("Each patient is one fold's validation and another's test patient.",)
    return "\n".join(lines)


def describe_study(study: Study) -> str:
    """Say how many trainings a study is."""
    variants, seeds, folds = map(len, (study.variants, study.seeds, study.folds))
    return (
        f"{variants * seeds * folds} trainings: {variants} variants, {seeds} seed(s), "
        f"{folds} fold(s)."
    )


def _score(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return f"{row['dice']:.3f}; one patient has no interval"
    return f"{row['dice']:.3f} (95 % interval {row['low']:.3f} to {row['high']:.3f})"


def _comparison(table: pd.DataFrame, chosen: str, reference: str) -> str:
    """Say how the chosen variant differs from the reference on test patients."""
    if chosen == reference:
        told = (table["difference_low"] > 0) | (table["difference_high"] < 0)
        return (
            f"That is the reference itself; the test patients tell {told.sum()} of the "
            f"{len(table) - 1} others apart from it."
        )
    row = table.loc[chosen]
    difference = f"Its difference to {reference} is {row['difference']:+.3f}"
    if pd.isna(row["difference_low"]):
        return f"{difference}: one patient cannot tell."
    low, high = row["difference_low"], row["difference_high"]
    spread = table.loc[[chosen, reference], "seed_spread"].max()
    return f"{difference} ({low:+.3f} to {high:+.3f}, p {row['p']:.2f}): " + _verdict(
        low, high, row["difference"], spread
    )


def _verdict(low: float, high: float, difference: float, spread: float) -> str:
    """Say what follows; an interval over patients knows nothing of a seed's luck."""
    if low <= 0 <= high:
        return "the interval holds 0, so these patients cannot tell the two apart."
    better = "better" if difference > 0 else "worse"
    if pd.isna(spread):
        return f"{better} on these patients, which one seed may have done by chance."
    if abs(difference) <= spread:
        return (
            f"{better} on these patients, but seeds alone move a mean by {spread:.3f}, "
            "so it may be chance."
        )
    return f"{better} on these patients, by more than seeds do ({spread:.3f})."


def write_study(study: Study, name: str, reference: str) -> dict[str, Any]:
    """Write `study-NAME.json` below the profile's runs, and return its content.

    It holds the table with each variant's patients, which variant was chosen, the
    conclusion, the cohort, the machine, the date and the versions.

    Args:
        study: The study, run.
        name: What to call it in the file's name.
        reference: Name of the variant that the others are compared with.
    """
    table = study.table(reference)
    rows = table.astype(object).where(table.notna(), None).to_dict("index")
    content = {
        "name": name,
        "variants": {
            variant: {**row, "patients": study.patient_dice(variant)}
            for variant, row in rows.items()
        },
        "reference": reference,
        "chosen": choose_variant(table),
        "conclusion": conclude(study, table, reference),
        "trainings": int(table["runs"].sum()),
        "seeds": study.seeds,
        "folds": study.folds,
        "cohort": {"name": study.cohort.name, "patients": len(study.cohort.cases)},
        "profile": study.workspace.profile,
        "machine": describe_machine(),
        "date": time.strftime("%Y-%m-%d"),
        "versions": versions(),
    }
    write_json(study.workspace.runs / f"study-{name}.json", content)
    return content
