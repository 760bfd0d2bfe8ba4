from pathlib import Path

import pandas as pd
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils.dropout_sweep import DropoutSweep, read_results
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_json
from brainseg_utils.runs import Run
from brainseg_utils.workspace import Workspace

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


def make_sweep(cohort, **overrides):
    sweep = DropoutSweep(Workspace(ROOT, "test"), overrides)
    sweep.cohort = cohort
    return sweep


def test_both_networks_meet_every_rate_seed_and_fold(cohort):
    points = make_sweep(cohort).points([0.0, 0.1], [0, 1], [0])
    full = [p for p in points if "epochs" not in p.parameters]
    assert len(full) == 2 * 2 * 2
    assert len({p.name for p in points}) == len(points)


def test_half_length_runs_are_of_cnn2_at_the_lowest_rate(cohort):
    points = make_sweep(cohort, epochs=50).points([0.0, 0.1], [0, 1], [0])
    half = [p for p in points if p.parameters["epochs"] == 25]
    assert [p.notebook.stem for p in half] == ["03_cnn2"] * 2
    assert {p.parameters["dropout_rate"] for p in half} == {0.0}


def test_override_goes_only_where_it_is_known(cohort):
    sweep = make_sweep(cohort, fine_learning_rate=1e-6)
    for point in sweep.points([0.0], [0], [0]):
        knows = point.notebook.stem == "03_cnn2"
        assert ("fine_learning_rate" in point.parameters) == knows


def test_unknown_override_is_refused(cohort):
    with pytest.raises(BrainSegError, match="epcohs: .*Did you mean epochs"):
        make_sweep(cohort, epcohs=3)


@pytest.mark.parametrize("name", ["seed", "fold", "dropout_rate"])
def test_what_the_grid_varies_cannot_be_overridden(cohort, name):
    with pytest.raises(BrainSegError, match=f"cannot take '{name}'.*instead"):
        make_sweep(cohort, **{name: 0})


def test_small_cohort_leaves_every_patient_out_once(cohort):
    assert make_sweep(cohort).default_folds() == [0, 1, 2, 3]


def test_runs_of_different_points_never_share_a_folder(cohort):
    sweep = make_sweep(cohort)
    points = sweep.points([0.0, 0.1], [0, 1], [0, 1])
    assert len({sweep.run_of(p).folder for p in points}) == len(points)


def test_curves_of_runs_that_stopped_early_end_in_nan(cohort, tmp_path):
    sweep = DropoutSweep(Workspace(ROOT, "test"), {})
    sweep.workspace = Workspace(tmp_path, "test")
    for name, values in {"a": "0.5\n0.6\n", "b": "0.7\n"}.items():
        folder = tmp_path / "runs" / "test" / "runs" / name
        write_json(folder / "config.json", {})
        (folder / "history.csv").write_text(f"val_dice\n{values}")
        assert Run(folder).history["val_dice"]
    curves = sweep.curves(pd.DataFrame({"run": ["a", "b"]}), "val_dice")
    assert curves[0].tolist() == [0.5, 0.6]
    assert curves[1][0] == 0.7 and pd.isna(curves[1][1])


def test_comparison_without_results_says_what_to_run(tmp_path):
    with pytest.raises(BrainSegError, match="Run notebook 04 first"):
        read_results(Workspace(tmp_path, "test"))
