import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from brainseg_utils.study_results import (
    choose_variant,
    conclude,
    write_study,
)
from brainseg_utils.workspace import Workspace

EMPTY = {"difference": np.nan, "difference_low": np.nan, "difference_high": np.nan}
BASE = {
    **{"validation_dice": 0.7, "dice": 0.80, "low": 0.75, "high": 0.85},
    **{**EMPTY, "p": np.nan, "seed_spread": 0.02, "seconds": 9.0, "runs": 2},
}


def table_of(lowest, highest, spread=0.02, **changes):
    """Return a table whose second variant is best on validation patients."""
    differences = {
        "difference": (lowest + highest) / 2,
        "difference_low": lowest,
        "difference_high": highest,
    }
    best = {**BASE, **differences, "p": 0.04, "validation_dice": 0.9, **changes}
    rows = {"base": BASE, "other": best}
    rows = {name: {**row, "seed_spread": spread} for name, row in rows.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


class MadeUpStudy:
    def __init__(self, folder, table):
        self.workspace = Workspace(folder, "test")
        self.made = table
        self.variants, self.seeds, self.folds = dict.fromkeys(table.index), [0, 1], [0]
        store = SimpleNamespace(name="made-up", cases={"P0": None, "P1": None})
        self.cohort = store

    def table(self, reference):
        return self.made

    def patient_dice(self, name):
        return {"P0": 0.7, "P1": 0.9}


def conclusion(table, reference="base"):
    return conclude(MadeUpStudy(".", table), table, reference)


def test_the_best_is_chosen_by_validation_and_not_by_test_patients():
    assert choose_variant(table_of(-0.3, -0.1, dice=0.2)) == "other"


def test_conclusion_names_figures_of_test_patients_and_counts_trainings():
    text = conclusion(table_of(0.01, 0.09))
    assert text.startswith("Best on validation patients: other (0.900).")
    assert "on 2 test patient(s) is 0.800 (95 % interval 0.750 to 0.850)" in text
    assert "difference to base is +0.050 (+0.010 to +0.090, p 0.04)" in text
    assert text.endswith("4 trainings: 2 variants, 2 seed(s), 1 fold(s).")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (table_of(-0.01, 0.05), "holds 0, so these patients cannot tell the two apart"),
        (table_of(0.01, 0.09), "better on these patients, by more than seeds do"),
        (table_of(-0.09, -0.01), "worse on these patients, by more than seeds do"),
        (table_of(0.01, 0.09, spread=0.06), "seeds alone move a mean by 0.060"),
        (table_of(0.01, 0.09, spread=np.nan), "which one seed may have done by chance"),
        (table_of(np.nan, np.nan, difference=0.1), "+0.100: one patient cannot tell"),
        (table_of(0.01, 0.09, low=np.nan), "0.800; one patient has no interval"),
    ],
)
def test_conclusion_claims_no_more_than_patients_and_seeds_tell(table, said):
    assert said in conclusion(table)


@pytest.mark.parametrize(("ends", "told"), [((0.01, 0.09), 1), ((-0.01, 0.09), 0)])
def test_the_reference_itself_may_be_best(ends, told):
    text = conclusion(table_of(*ends, validation_dice=0.6))
    assert f"is the reference itself; the test patients tell {told} of the 1" in text


def test_what_was_written_is_read_and_is_plain_json(tmp_path):
    study = MadeUpStudy(tmp_path, table_of(0.01, 0.09))
    written = write_study(study, "rates", "base")
    path = tmp_path / "runs" / "test" / "study-rates.json"
    assert "NaN" not in path.read_text(encoding="utf-8")
    assert written == json.loads(path.read_text(encoding="utf-8"))
    assert written["chosen"] == "other" and written["trainings"] == 4
    assert written["variants"]["base"]["p"] is None
    assert written["variants"]["other"]["patients"] == {"P0": 0.7, "P1": 0.9}
    assert {"machine", "date", "versions", "cohort"} <= set(written)
