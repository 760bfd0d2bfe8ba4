from dataclasses import replace

import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import evaluate_run
from brainseg_utils.files import read_json, write_json
from brainseg_utils.masks.predictions import predict_slices
from brainseg_utils.metrics import HardDice
from brainseg_utils.plans import find_run, split_of
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.runs import Run
from brainseg_utils.training import load_model, train
from brainseg_utils.workspace import Workspace

CONFIG = TrainingConfig(
    model="cnn2",
    filters=2,
    epochs=4,
    learning_rate=1e-2,
    fine_learning_rate=1e-3,
    dropout_rate=0.1,
    slices_per_epoch=32,
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("work"), "test")


@pytest.fixture(scope="module")
def run(cohort, workspace):
    return train(CONFIG, cohort, workspace, verbose=0)


def test_run_folder_holds_what_is_needed_to_repeat_it(run, cohort):
    assert run.config["split"] == split_of(CONFIG, cohort).as_dict()
    assert run.config["store"] == cohort.store.key
    assert run.config["learning_rate"] == 1e-2
    assert run.training["seconds"] > 0
    assert {"numpy", "keras"} <= set(run.training["versions"])


def test_history_has_a_row_an_epoch_and_shows_the_switch(run):
    history = run.history
    assert history["epoch"] == [1, 2, 3, 4]
    assert history["learning_rate"] == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3])
    assert set(history) >= {"loss", "dice", "val_loss", "val_dice", "seconds"}


def test_same_configuration_trains_to_the_same_weights(run, cohort, tmp_path):
    again = train(CONFIG, cohort, Workspace(tmp_path, "test"), verbose=0)
    one, other = (np.load(r.folder / "weights.npz") for r in (run, again))
    assert all(np.array_equal(one[name], other[name]) for name in one.files)


def test_finished_training_is_not_repeated(run, cohort, workspace, monkeypatch):
    monkeypatch.setattr("keras.Model.fit", None)
    assert train(CONFIG, cohort, workspace, verbose=0) == run


def test_another_configuration_gets_another_folder(run, cohort, workspace):
    other = find_run(replace(CONFIG, filters=4), cohort, workspace)
    assert other.folder != run.folder
    assert other.folder.name.split("_seed")[0] == run.folder.name.split("_seed")[0]


def test_loaded_weights_are_those_of_the_best_epoch(run, cohort):
    history, best = run.history, run.training["kept_epoch"] - 1
    metric, store = HardDice(), cohort.store
    for case_id in run.config["split"]["validation"]:
        truth = store.masks[store.rows([case_id])][..., None]
        pred = predict_slices(load_model(run, cohort), store, case_id, CONFIG)
        metric.update_state(truth, pred[..., None])
    assert best == int(np.argmin(history["val_loss"]))
    assert float(metric.result()) == pytest.approx(history["val_dice"][best], abs=1e-5)


def test_evaluation_completes_the_run(run, cohort):
    assert not run.done
    scores = evaluate_run(run, load_model(run, cohort), cohort)
    assert run.done
    assert set(scores["test"]) == set(run.config["split"]["test"])
    assert all(run.prediction(case_id).is_file() for case_id in scores["test"])
    mean = np.mean([score["dice_volume"] for score in scores["test"].values()])
    assert f"of test | {mean:.3f} |" in (run.folder / "MODEL_CARD.md").read_text()
    wanted = RunInputs.of(cohort.store, run.config["split"]["train"])
    assert RunInputs.read(run.folder) == wanted
    (run.folder / "scores.json").write_text("{}")
    assert not run.done, "a changed file no longer fits the record"


def test_a_run_that_an_earlier_version_scored_is_scored_again_not_trained(run, cohort):
    evaluate_run(run, load_model(run, cohort), cohort)
    wanted, weights = run.scores, (run.folder / "weights.npz").stat()
    record = read_json(run.folder / "done.json")
    del record["scores_version"]  # As version 1 left it, of fewer figures.
    older = {part: dict.fromkeys(ids, {}) for part, ids in wanted.items()}
    write_json(run.folder / "scores.json", older)
    record["files"] = run.digests(run.results())
    write_json(run.folder / "done.json", record)
    assert not run.done and run.trained
    assert evaluate_run(run, load_model(run, cohort), cohort) == wanted
    assert run.done
    assert (run.folder / "weights.npz").stat() == weights


def test_unfinished_folder_is_not_taken_for_a_run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert not Run(folder).trained
    assert not Run(folder).done


def test_test_patients_are_not_read_in_training(cohort, tmp_path, monkeypatch):
    seen = []
    from brainseg_utils.fitting import fit as fitting

    def spy(batches, *epochs):
        seen.extend(batches.rows.tolist())
        return real(batches, *epochs)

    real = fitting.make_feed
    monkeypatch.setattr(fitting, "make_feed", spy)
    config = replace(CONFIG, epochs=1, seed=9)
    train(config, cohort, Workspace(tmp_path, "test"), verbose=0)
    held_out = cohort.store.rows(split_of(config, cohort).test)
    assert seen and not set(seen) & set(held_out.tolist())


def test_cnn1_stops_by_the_metric_and_cnn2_by_the_loss():
    assert replace(CONFIG, model="cnn1").monitor == ("val_dice", "max")
    assert CONFIG.monitor == ("val_loss", "min")


def test_phase_switches_after_half_of_the_epochs():
    assert replace(CONFIG, epochs=50).switch_epoch == 25
    assert replace(CONFIG, epochs=25).switch_epoch == 12
    assert replace(CONFIG, fine_learning_rate=0.0).switch_epoch is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "cnn3"),
        ("epochs", 0),
        ("dropout_rate", 1.0),
        ("learning_rate", 0.0),
        ("fine_learning_rate", -1e-6),
        ("patience", 0),
        ("fold", -1),
        ("slices_per_epoch", -1),
    ],
)
def test_wrong_parameter_is_named_with_what_was_wanted(name, value):
    with pytest.raises(BrainSegError) as caught:
        replace(CONFIG, **{name: value})
    assert caught.value.path == name
    assert repr(value) in str(caught.value)
