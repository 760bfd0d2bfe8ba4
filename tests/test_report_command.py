"""`brainseg report`: a page on a finished run, whoever made it and what it lacks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from builds import contents
from scored import changed, write_scored_run
from test_hostile_names import NAMES, Elements
from tiny_cohort import make_tiny_cohort

from brainseg_utils import run_report
from brainseg_utils.cases import SEQUENCES
from brainseg_utils.cli import main
from brainseg_utils.commands.run_page import WITHOUT, threshold_scores
from brainseg_utils.files import write_json
from brainseg_utils.judging.controls import best_threshold
from brainseg_utils.nifti import write_volume
from brainseg_utils.pretrained import PACKAGED
from brainseg_utils.run_report import control_rows
from brainseg_utils.runs import SCORES_VERSION, Run
from brainseg_utils.splits import Split


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort"), 6)


@pytest.fixture(scope="module")
def made(cohort, tmp_path_factory):
    return write_scored_run(tmp_path_factory.mktemp("made") / "run", cohort)


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """Return a copy of a finished run, in a workspace without its patients."""
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))
    return Run(shutil.copytree(made.folder, tmp_path / "run"))


@pytest.fixture
def patients(cohort):
    return cohort.folder / "patients"


def report(run, *options):
    return main(["report", str(run.folder), *map(str, options)])


def page_of(run):
    return (run.folder / "report.html").read_text(encoding="utf-8")


def pictures(page):
    return Elements(page).tags.count("img")


def test_a_page_lies_in_the_run_folder_and_leaves_the_run_as_it_was(
    run, patients, capsys
):
    before, files = contents(run.folder), contents(patients)
    assert report(run, "--data", patients) == 0
    page = page_of(run)
    assert pictures(page) == 4  # The curves; best, median and worst.
    for words in ("control: predict nothing", "control: best threshold", "95 %"):
        assert words in page
    for rank in ("best", "median", "worst"):
        assert f"{rank} Dice: P" in page
    assert "With the reference mask here" not in page
    assert capsys.readouterr().err == ""
    (run.folder / "report.html").unlink()
    assert contents(run.folder) == before and contents(patients) == files
    assert run.done


def test_without_patients_the_page_says_what_it_lacks(run, capsys):
    assert report(run) == 0
    page = page_of(run)
    assert WITHOUT.partition("'")[0] in page and pictures(page) == 1
    assert "control: predict nothing" in page
    assert "best threshold</td>" not in page
    assert str(run.folder.parent) not in page  # Nothing of whose machine it was.
    assert WITHOUT in capsys.readouterr().err


def test_patients_in_the_workspace_are_found_by_the_cohort_s_name(run, patients):
    home = run.folder.parent / "home/data"
    shutil.copytree(patients, home / "tiny")
    assert report(run) == 0
    assert pictures(page_of(run)) == 4
    (home / "tiny/P5/P5_t2.nii.gz").write_bytes(b"")  # Worst or best, and shown.
    assert report(run, "--force") == 0
    assert pictures(page_of(run)) == 1


def test_patients_of_a_described_layout_are_shown(run, patients, tmp_path):
    described = tmp_path / "brainseg.yaml"
    files = {name: f"{{case}}/{{case}}_{name}.nii.gz" for name in SEQUENCES}
    mask = "masks/{case}.nii.gz"
    described.write_text(
        json.dumps({"sequences": files, "mask": mask, "labels": "brats2018"})
    )
    others = Path(shutil.copytree(patients, tmp_path / "others"))
    (others / "masks").mkdir()
    for file in others.glob("P*/*_seg.nii.gz"):
        file.rename(others / "masks" / f"{file.parent.name}.nii.gz")
    assert report(run, "--data", others, "--layout", described) == 0
    page = page_of(run)
    assert pictures(page) == 4 and "control: best threshold" in page


@pytest.mark.parametrize("option", ["--layout", "--labels"])
def test_a_layout_or_labels_are_of_patients_that_are_named(run, option, capsys):
    assert report(run, option, "lgg") == 1
    assert capsys.readouterr().err.startswith(f"E-PARAM  {option[2:]}: ")
    assert not (run.folder / "report.html").exists()


def test_labels_that_are_none_are_refused(run, patients, capsys):
    assert report(run, "--data", patients, "--labels", "brats1999") == 1
    assert capsys.readouterr().err.startswith("E-LABEL  labels: ")


@pytest.mark.parametrize("name", ["../tiny", "..", ".", "", "/", "a/../../tiny"])
def test_a_cohort_s_name_leads_nowhere_else(run, patients, name):
    shutil.copytree(patients, run.folder.parent / "home/tiny")
    (run.folder.parent / "home/data/a").mkdir(parents=True)
    changed(run, "config.json", lambda found: {**found, "cohort": name})
    assert report(run) == 0
    assert pictures(page_of(run)) == 1


def test_nothing_is_overwritten_unless_it_is_asked_for(run, tmp_path, capsys):
    notes = run.folder / "report.html"
    notes.write_text("notes")
    assert report(run) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"E-EXISTS  {notes}: ") and "--force" in said
    assert notes.read_text() == "notes"
    assert report(run, "--output", tmp_path / "new/other.HTML") == 0
    assert (tmp_path / "new/other.HTML").is_file() and notes.read_text() == "notes"
    assert report(run, "--force") == 0
    assert "<!doctype html>" in page_of(run)


@pytest.mark.parametrize("name", ["run/weights.npz", "run/MODEL_CARD.md", "a.html"])
def test_no_other_kind_of_file_is_replaced(run, tmp_path, capsys, name):
    (tmp_path / "a.html").mkdir()
    before = contents(tmp_path)
    assert report(run, "--output", tmp_path / name, "--force") == 1
    assert capsys.readouterr().err.startswith("E-PARAM")
    assert contents(tmp_path) == before


HISTORIES = {
    "empty": b"",
    "head alone": b"epoch,loss,val_loss,dice,val_dice\n",
    "other columns": b"epoch,loss\n1,0.5\n",
    "short row": b"epoch,loss,val_loss,dice,val_dice\n1,0.5\n",
    "words": b"epoch,loss,val_loss,dice,val_dice\n1,a,b,c,d\n",
    "no text": b"\xff\xfe" * 100,
    "endless cell": b"epoch,loss,val_loss,dice,val_dice\n" + b"1" * 200_000,
    "too large": b"epoch,loss,val_loss,dice,val_dice\n" + b"1,1,1,1,1\n" * 1_700_000,
}


@pytest.mark.parametrize("kind", HISTORIES)
def test_a_history_that_cannot_be_drawn_is_left_out(run, kind):
    changed(run, "history.csv", HISTORIES[kind])
    assert report(run) == 0
    assert "no history" in page_of(run) and pictures(page_of(run)) == 0


def test_immense_figures_of_a_history_are_left_out_of_its_curves(run):
    rows = b"1,inf,nan,1e308,-1e308\n2,0.5,0.5,0.5,0.5\n"
    changed(run, "history.csv", b"epoch,loss,val_loss,dice,val_dice\n" + rows)
    assert report(run) == 0
    assert pictures(page_of(run)) == 1


@pytest.mark.parametrize("sealed", [True, False])
def test_a_run_may_come_without_history_and_masks(run, patients, sealed):
    shutil.rmtree(run.folder / "predictions")
    (run.folder / "history.csv").unlink()
    if sealed:
        run.finish()
    assert report(run, "--data", patients) == 0
    page = page_of(run)
    assert "was not kept" in page and page.count("no mask of this patient") == 3


def test_patients_who_are_not_there_are_named(run, patients, tmp_path, capsys):
    assert report(run, "--data", tmp_path / "nowhere") == 1
    assert capsys.readouterr().err.startswith("E-ROOT")
    some = shutil.copytree(patients, tmp_path / "some")
    shutil.rmtree(some / "P0")  # Trained on, and not shown.
    assert report(run, "--data", some) == 0
    assert "E-MISSING" in capsys.readouterr().err
    assert "Without the best threshold" in page_of(run)
    shutil.rmtree(some / "P5")
    assert report(run, "--data", some, "--force") == 1
    assert "E-MISSING  P5: " in capsys.readouterr().err


def test_a_mask_of_another_patient_is_told(run, patients, capsys):
    mask = run.prediction("P5")
    write_volume(mask, np.ones((20, 20, 8), np.uint8), np.eye(4))
    run.finish()
    assert report(run, "--data", patients) == 0
    assert "With the reference mask here the Dice is" in page_of(run)
    write_volume(mask, np.ones((4, 4, 4), np.uint8), np.eye(4))
    run.finish()
    assert report(run, "--data", patients, "--force") == 1
    assert capsys.readouterr().err.startswith(f"E-SHAPE  {mask}: ")


def test_names_in_a_run_are_shown_as_text(run):
    names = [name for name in NAMES if name.isprintable()]
    one = run.scores["test"]["P5"]
    tested = {name: {**one, "dice_volume": n / 99} for n, name in enumerate(names)}
    changed(run, "scores.json", lambda found: {**found, "test": tested})
    split = {**run.config["split"], "test": names}
    facts = {"split": split, "cohort": names[0]}
    changed(run, "config.json", lambda found: {**found, **facts})
    changed(run, "MODEL_CARD.md", "\n".join(NAMES).encode())
    page = run.folder / "report.html"
    cases = dict.fromkeys(names)  # Whose masks the run does not hold.
    run_report.write_run_report(page, run, cases, notes=NAMES)
    found = Elements(page_of(run))
    assert page_of(run).count("alert") >= 3 * len(names)
    assert found.tags.count("img") == 1  # The curves.
    assert not {*found.tags} & {"script", "svg", "iframe", "b"}
    assert not any(key.startswith("on") for key, _ in found.attributes)
    page.unlink()
    assert report(run) == 0
    assert Elements(page_of(run)).tags.count("img") == 1


def test_a_name_leads_to_no_mask_outside_of_the_run(run, monkeypatch):
    name = "../../secret"
    shutil.copy(run.prediction("P5"), run.folder.parent / "secret.nii.gz")
    tested = {name: run.scores["test"]["P5"]}
    changed(run, "scores.json", lambda found: {**found, "test": tested})
    assert run.prediction(name).is_file()
    monkeypatch.setattr(run_report, "read_volume", pytest.fail)
    words = run_report._show(run, {name: None}, "worst", name)
    assert "no mask of this patient" in words


def test_a_folder_s_name_that_is_no_text_is_shown_as_it_can_be(run):
    other = Run(run.folder.rename(run.folder.parent / "run\udcff<b>"))
    assert report(other) == 0
    assert "Run run\\udcff&lt;b&gt;" in page_of(other)


HOSTILE = {
    "scores that are a list": ("scores.json", b"[]"),
    "no scores": ("scores.json", b"{}"),
    "scores of nobody": ("scores.json", lambda f: {**f, "test": {}}),
    "scores of others": ("scores.json", lambda f: {**f, "test": f["validation"]}),
    "scores in words": ("scores.json", lambda f: scored(f, "high")),
    "a truth value": ("scores.json", lambda f: scored(f, True)),
    "no number": ("scores.json", lambda f: scored(f, float("nan"))),
    "infinite": ("scores.json", lambda f: scored(f, float("inf"))),
    "above 1": ("scores.json", lambda f: scored(f, 1.5)),
    "below 0": ("scores.json", lambda f: scored(f, -0.1)),
    "immense": ("scores.json", lambda f: scored(f, 10**400)),
    "immense ml": ("scores.json", lambda f: scored(f, 10**400, "tumour_ml")),
    "no split": ("config.json", lambda f: {**f, "split": None}),
    "split of numbers": ("config.json", lambda f: divided(f, [1, 2])),
    "split of nobody": ("config.json", lambda f: divided(f, [])),
    "split of too many": ("config.json", lambda f: divided(f, ["a"] * 5001)),
    "name that clears the screen": ("config.json", lambda f: divided(f, ["\x1b[2J"])),
    "name of no text": ("config.json", lambda f: divided(f, ["\ud800"])),
    "endless name": ("config.json", lambda f: divided(f, ["a" * 10**6])),
    "cohort that is a number": ("config.json", lambda f: {**f, "cohort": 1}),
    "card of no text": ("MODEL_CARD.md", b"\xff"),
    "endless card": ("MODEL_CARD.md", b"a" * (2**20 + 1)),
    "inputs that are a list": ("inputs.json", b"[]"),
    "inputs of other sequences": ("inputs.json", lambda f: {**f, "sequences": ["x"]}),
}


def scored(found, value, figure="dice_volume"):
    test = {name: {**of, figure: value} for name, of in found["test"].items()}
    return {**found, "test": test}


def divided(found, train):
    return {**found, "split": {**found["split"], "train": train}}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_run_makes_no_page(run, kind, capsys):
    name, content = HOSTILE[kind]
    changed(run, name, content)
    before = contents(run.folder)
    assert report(run) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"E-RUN  {run.folder / name}: ") and len(said) < 800
    assert contents(run.folder) == before


UNFINISHED = {
    "no record": ("done.json", lambda path: path.unlink()),
    "a record of no files": ("done.json", lambda path: path.write_text("{}")),
    "other scores": ("scores.json", lambda path: path.write_text("{}")),
    "no scores": ("scores.json", lambda path: path.unlink()),
    "no card": ("MODEL_CARD.md", lambda path: path.unlink()),
    "another mask": ("predictions/P5.nii.gz", lambda path: path.write_bytes(b"")),
    "another history": ("history.csv", lambda path: path.write_bytes(b"")),
    "a link": ("inputs.json", lambda path: linked(path)),
    "a mask of nobody": ("predictions/P9.nii.gz", lambda path: path.write_bytes(b"")),
}


def linked(path):
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize("kind", UNFINISHED)
def test_files_that_are_not_those_of_the_record_make_no_page(run, kind, capsys):
    name, change = UNFINISHED[kind]
    change(run.folder / name)
    assert report(run) == 1
    assert capsys.readouterr().err.startswith(f"E-RUN  {run.folder}")
    assert not (run.folder / "report.html").exists()


def test_a_run_that_another_version_scored_is_told(run, capsys):
    record = {"scores_version": SCORES_VERSION - 1, "files": run.digests(run.results())}
    write_json(run.folder / "done.json", record)
    assert report(run) == 1
    assert "not of this version's scores" in capsys.readouterr().err


def test_the_threshold_is_scored_as_in_notebook_05(run, cohort):
    split = Split(**{part: tuple(ids) for part, ids in run.config["split"].items()})
    _, wanted = best_threshold(cohort, split)
    assert {*wanted} == {"P3", "P4", "P5"}
    assert threshold_scores(run, cohort.cases) == wanted


def test_masks_behind_a_link_are_no_results_of_a_run(run):
    linked(run.folder / "predictions")
    assert run.prediction("P5").is_file()
    assert not [name for name in run.results() if "P5" in name]


def test_other_parts_of_a_split_do_no_harm(run, patients):
    changed(run, "config.json", lambda f: {**f, "split": {**f["split"], "note": 1}})
    assert report(run, "--data", patients) == 0
    assert "Without the best threshold" not in page_of(run)


def test_the_package_s_run_has_a_page_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    assert main(["report", "phantom"]) == 0
    scores = Run(PACKAGED).scores["test"].values()
    dice = np.mean([score["dice_volume"] for score in scores])
    page = (tmp_path / "phantom_report.html").read_text(encoding="utf-8")
    assert f"{dice:.3f}" in page


@pytest.mark.parametrize("image_size", [16, 4096])
def test_slices_larger_than_any_are_not_prepared(run, patients, capsys, image_size):
    sizes = {"image_size": image_size, "crop_size": 4096}
    changed(run, "inputs.json", lambda found: {**found, **sizes})
    assert report(run, "--data", patients) == 0
    assert "at most 512 pixels" in capsys.readouterr().err
    assert not (run.folder.parent / "home").exists()


def test_to_predict_nothing_scores_where_there_is_no_tumour():
    scores = {
        "a": {"dice_volume": 0.5, "tumour_ml": 0.0},
        "b": {"dice_volume": 0.7, "tumour_ml": 2.0},
    }
    rows = {name: mean for name, mean, _ in control_rows(scores)}
    assert rows["control: predict nothing"] == "0.500"
    assert rows["this network"] == "0.600"
    assert "control: best threshold" not in rows
