import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from builds import contents
from refusals import refused
from tiny_cohort import make_tiny_cohort

from brainseg_utils.cli import main
from brainseg_utils.config import TrainingConfig
from brainseg_utils.errors import BrainSegError
from brainseg_utils.evaluation import evaluate_run
from brainseg_utils.files import read_json, write_json
from brainseg_utils.nifti import read_volume
from brainseg_utils.prediction.case_prediction import predict_case
from brainseg_utils.prediction.trained_runs import (
    best_run,
    describe,
    load_trained,
    validation_dice,
)
from brainseg_utils.pretrained import PACKAGED
from brainseg_utils.runs import Run
from brainseg_utils.training import load_model, train
from brainseg_utils.workspace import Workspace

CONFIG = TrainingConfig(
    "cnn2", filters=2, epochs=3, learning_rate=1e-2, slices_per_epoch=64, mirror=True
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def runs(cohort, home):
    """Return two finished CNN2 and a CNN1 of the quick profile."""
    done = []
    for config in (CONFIG, replace(CONFIG, seed=1), replace(CONFIG, model="cnn1")):
        run = train(config, cohort, Workspace(home, "quick"), verbose=False)
        evaluate_run(run, load_model(run, cohort), cohort)
        done.append(run)
    return done


@pytest.fixture
def spoilt(runs, tmp_path):
    """Return a function that copies a run and changes a file of it."""

    def change(name, content, seal=True):
        folder = tmp_path / "runs/quick/runs" / runs[0].folder.name
        for file in runs[0].folder.rglob("*"):
            target = folder / file.relative_to(runs[0].folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.is_file():
                target.write_bytes(file.read_bytes())
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            write_json(folder / name, content(read_json(folder / name)))
        if seal:
            Run(folder).finish()
        return folder

    return change


def scored(run, validation, test):
    """Give a run other Dice, and a record that fits them."""
    scores = run.scores
    for part, dice in (("validation", validation), ("test", test)):
        for of_patient in scores[part].values():
            of_patient["dice_volume"] = dice
    write_json(run.folder / "scores.json", scores)
    run.finish()


def test_a_run_s_own_network_gives_its_own_predictions(runs, cohort):
    """From files and from the run folder alone, as evaluation did from the cohort."""
    trained = load_trained(runs[0].folder)
    assert trained.config == CONFIG
    for case_id in runs[0].config["split"]["test"]:
        prediction = predict_case(cohort.cases[case_id], trained)
        kept = read_volume(runs[0].prediction(case_id)).data
        assert np.array_equal(prediction.mask, kept) and kept.any()


def test_the_best_run_is_chosen_on_validation_patients_alone(runs, home):
    one, other, cnn1 = runs
    workspace = Workspace(home, "quick")
    scored(one, validation=0.6, test=0.9)
    scored(other, validation=0.7, test=0.1)
    scored(cnn1, validation=0.99, test=0.99)
    assert best_run(workspace) == other
    scored(one, validation=0.8, test=0.0)
    assert best_run(workspace) == one
    assert validation_dice(one) == pytest.approx(0.8)


def test_runs_that_are_not_finished_do_not_count(runs, home):
    one, other, _ = runs
    scored(one, validation=0.8, test=0.5)
    scored(other, validation=0.7, test=0.5)
    (one.folder / "done.json").rename(one.folder / "kept.json")
    assert best_run(Workspace(home, "quick")) == other
    (one.folder / "kept.json").rename(one.folder / "done.json")


def test_runs_on_the_patients_of_the_last_run_alone_count(runs, home):
    one, other, _ = runs
    workspace = Workspace(home, "quick")
    scored(one, validation=0.8, test=0.5)
    config = {**one.config, "cohort": "others"}
    before = (one.folder / "config.json").read_bytes()
    write_json(one.folder / "config.json", config)
    one.finish()
    os.utime(other.folder / "done.json", (1e9, 1e9))
    assert best_run(workspace) == one
    os.utime(one.folder / "done.json", (9e8, 9e8))
    assert best_run(workspace) == other
    (one.folder / "config.json").write_bytes(before)
    one.finish()


def test_a_run_of_another_profile_counts_and_the_later_profile_s_before_better_ones(
    runs, home
):
    later = Run(home / "runs/paper/runs/cnn2_later")
    shutil.copytree(runs[1].folder, later.folder)
    assert validation_dice(runs[1]) > 0.2
    scored(later, validation=0.2, test=0.2)
    os.utime(later.folder / "done.json", (4e9, 4e9))
    for profile in ("quick", "paper"):
        assert best_run(Workspace(home, profile)) == later
    shutil.rmtree(later.folder)


def test_where_there_is_no_run_the_package_s_own_is_taken(tmp_path):
    assert best_run(Workspace(tmp_path, "quick")).folder == PACKAGED


@pytest.mark.parametrize("name", ["phantom-0-1mm", "phantom-wide-100-2mm"])
def test_runs_on_phantoms_alone_give_way_to_the_package_s_own(spoilt, name):
    of_phantoms = spoilt("config.json", lambda found: {**found, "cohort": name})
    workspace = Workspace(of_phantoms.parents[3], "quick")
    assert [*workspace.run_folder("x").parent.iterdir()] == [of_phantoms]
    assert best_run(workspace).folder == PACKAGED
    assert "2 phantom patients and no real one" in describe(Run(of_phantoms))


def test_a_run_on_real_patients_counts_beside_better_ones_on_phantoms(runs, spoilt):
    phantoms = {"cohort": "phantom-0-1mm"}
    of_phantoms = Run(spoilt("config.json", lambda found: {**found, **phantoms}))
    real = Run(of_phantoms.folder.with_name("cnn2_real"))
    shutil.copytree(runs[1].folder, real.folder)
    scored(of_phantoms, validation=0.9, test=0.9)
    scored(real, validation=0.1, test=0.1)
    workspace = Workspace(real.folder.parents[3], "quick")
    assert best_run(workspace) == real
    assert describe(real).startswith("cnn2_real: trained on 2 patients of tiny, ")


def test_where_no_run_on_real_patients_is_as_now_it_is_said(spoilt):
    run = Run(spoilt("config.json", lambda found: {**found, "cohort": "a"}, seal=False))
    workspace = Workspace(run.folder.parents[3], "quick")
    with refused("E-RUN", run.folder) as caught:
        best_run(workspace)
    assert "notebook again" in caught.value.remedy and "phantom" in caught.value.remedy
    run.finish()
    assert best_run(workspace) == run
    run.folder.parents[1].rename(workspace.root / "runs/smoke")
    assert best_run(workspace).folder == PACKAGED


@pytest.mark.parametrize("told", [None, 5, "\x1b[2J"])
def test_a_run_that_tells_what_cannot_be_is_not_described(spoilt, told):
    run = Run(spoilt("config.json", lambda found: {**found, "cohort": told}))
    with refused("E-RUN", run.folder / "config.json"):
        describe(run)


def test_a_folder_of_patients_that_begins_like_phantoms_is_real(spoilt):
    change = {"cohort": "phantom-limb-study"}
    run = Run(spoilt("config.json", lambda found: {**found, **change}))
    assert best_run(Workspace(run.folder.parents[3], "quick")) == run


def test_what_is_no_finished_run_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        with refused("E-RUN", folder):
            load_trained(folder)


@pytest.mark.parametrize(
    ("name", "code", "named"),
    [
        ("weights.npz", "E-CKPT", "weights.npz"),
        ("inputs.json", "E-RUN", ""),
        ("config.json", "E-RUN", "config.json"),
    ],
)
def test_files_that_are_not_those_of_the_record_are_refused(spoilt, name, code, named):
    folder = spoilt(name, b"{}", seal=False)
    with refused(code, folder / named):
        load_trained(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inputs.json", lambda found: {"sequences": found["sequences"]}),
        ("inputs.json", lambda found: {**found, "image_size": "96"}),
        ("inputs.json", lambda found: {**found, "image_size": 10**9}),
        ("inputs.json", lambda found: {**found, "sequences": ["t1", "../t2"]}),
        ("inputs.json", lambda found: [1]),
        ("inputs.json", b"["),
        ("config.json", lambda found: {**found, "threshold": "half"}),
        ("config.json", lambda found: {**found, "model": "cnn3"}),
        ("config.json", lambda found: []),
        ("config.json", lambda found: {"filters": 2}),
    ],
)
def test_a_record_of_nonsense_is_refused(spoilt, name, content):
    folder = spoilt(name, content)
    with pytest.raises(BrainSegError, match="E-RUN") as caught:
        load_trained(folder)
    assert caught.value.path in (str(folder), str(folder / name))


# Of a million filters a network would fill the memory, were it built.
@pytest.mark.parametrize("filters", [4, 10**6])
def test_weights_of_another_network_are_refused(spoilt, filters):
    folder = spoilt("config.json", lambda found: {**found, "filters": filters})
    with refused("E-CKPT-MISMATCH", folder / "weights.npz"):
        load_trained(folder)


def test_the_command_takes_the_best_run_by_itself(runs, home, monkeypatch, capsys):
    scored(runs[0], validation=0.8, test=0.5)
    monkeypatch.setenv("BRAINSEG_HOME", str(home))
    patient = sorted(home.parent.glob("cohort*/patients/P1"))[-1]
    before = contents(patient)
    output = home / "masks"
    assert main(["predict", str(patient), "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert runs[0].folder.name in said and "validation Dice 0.800" in said
    assert [path.name for path in output.iterdir()] == ["P1_mask.nii.gz"]
    assert contents(patient) == before
