import nibabel
import numpy as np
import pytest
from builds import contents
from standins import (
    RADIUS_MM,
    SHAPE,
    from_tumour,
    places,
    straight,
    trained_on_formula,
    write_formula_patient,
)

from brainseg_utils import case_report
from brainseg_utils.cli import main
from brainseg_utils.prediction import command as predict_command

TUMOUR = from_tumour(places(straight(), SHAPE)) <= RADIUS_MM


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return the command with a stand-in network; what it takes are arguments."""
    trained = trained_on_formula(tmp_path / "home")
    monkeypatch.setattr(predict_command, "load_trained", lambda run: trained)
    monkeypatch.setattr(predict_command, "describe", lambda run: "the run")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main(["predict", *map(str, arguments), "--run", "run"])


@pytest.fixture
def patients(tmp_path):
    return [
        write_formula_patient(tmp_path / "patients" / name, straight())
        for name in ("P1", "P2", "P3")
    ]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_patients_becomes_a_folder_of_masks(
    command, patients, tmp_path, capsys
):
    before = contents(tmp_path / "patients")
    assert command(tmp_path / "patients") == 0
    output = tmp_path / "predictions"
    assert names(output) == [f"P{n}_mask.nii.gz" for n in (1, 2, 3)]
    assert np.array_equal(nibabel.load(output / "P2_mask.nii.gz").dataobj, TUMOUR)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "the run"
    ml = TUMOUR.sum() * 2.5**3 / 1000
    assert said[1].startswith(f"P1: tumour {ml:.1f} ml, ") and "slices" in said[1]
    assert "predictions/P1_mask.nii.gz" in said[1]
    assert contents(tmp_path / "patients") == before


def test_one_that_fails_keeps_no_other_from_its_mask(command, patients, capsys):
    (patients[1] / "P2_t2.nii.gz").write_bytes(b"")
    (patients[2] / "P3_t2.nii.gz").unlink()
    assert command(*patients, "nowhere") == 1
    said = capsys.readouterr()
    assert "P1: tumour" in said.out and "P2: tumour" not in said.out
    for code in ("E-NII-EMPTY", "E-MISSING", "E-ROOT"):
        assert code in said.err
    last = said.err.strip().splitlines()[-1]
    assert last == f"without a mask: P2, {patients[2]}, nowhere"


def test_what_is_there_is_refused_before_any_work(command, patients, capsys, tmp_path):
    assert command(patients[0], "--output", "out") == 0
    kept = (tmp_path / "out" / "P1_mask.nii.gz").stat()
    assert command(*patients[:2], "--output", "out", "--probability") == 1
    said = capsys.readouterr()
    assert "E-EXISTS" in said.err and "--force" in said.err
    assert "P2: tumour" in said.out
    assert names(tmp_path / "out") == [
        *("P1_mask.nii.gz", "P2_mask.nii.gz", "P2_probability.nii.gz")
    ]
    assert (tmp_path / "out" / "P1_mask.nii.gz").stat() == kept
    assert command(patients[0], "--output", "out", "--force") == 0


def test_a_page_lies_beside_the_mask_on_demand(
    command, patients, tmp_path, monkeypatch, capsys
):
    # The stand-in is no run with scores to tell of.
    monkeypatch.setattr(case_report, "describe_model", lambda run: [])
    assert command(patients[0], "--report") == 0
    output = tmp_path / "predictions"
    assert names(output) == ["P1_mask.nii.gz", "P1_report.html"]
    assert "P1: tumour" in (output / "P1_report.html").read_text()
    (output / "P1_mask.nii.gz").unlink()
    assert command(patients[0], "--report") == 1
    assert "P1_report.html" in capsys.readouterr().err
    assert names(output) == ["P1_report.html"]


def test_a_reference_mask_that_cannot_be_read_costs_neither_mask_nor_page(
    command, patients, tmp_path, monkeypatch
):
    monkeypatch.setattr(case_report, "describe_model", lambda run: [])
    (patients[0] / "P1_seg.nii.gz").write_bytes(b"")
    assert command(patients[0], "--report") == 0
    page = (tmp_path / "predictions" / "P1_report.html").read_text()
    assert "E-NII-EMPTY" in page and "Dice with the reference mask" not in page


def test_two_patients_of_one_name_do_not_share_a_mask(command, patients, tmp_path):
    other = write_formula_patient(tmp_path / "other" / "P1", straight())
    assert command(patients[0], other, "--force") == 1
    assert names(tmp_path / "predictions") == ["P1_mask.nii.gz"]


def test_warnings_follow_their_patient(command, tmp_path, capsys):
    shape = (32, 36, 8)
    affine = straight((2.5, 2.5, 10.0), shape)
    write_formula_patient(tmp_path / "P1", affine, shape)
    assert command("P1") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].startswith("P1: ") and said[2].startswith("  W-SPACING  ")


def test_names_that_a_file_system_cannot_tell_apart_do_not_either(
    command, patients, tmp_path, capsys
):
    other = write_formula_patient(tmp_path / "other" / "p1", straight())
    assert command(patients[0], other, "--force") == 1
    assert "E-DUP-ID" in capsys.readouterr().err
    assert names(tmp_path / "predictions") == ["P1_mask.nii.gz"]


def test_a_file_in_place_of_the_folder_is_refused_before_any_work(
    command, patients, tmp_path, capsys, monkeypatch
):
    (tmp_path / "out").write_text("notes")
    monkeypatch.setattr(predict_command, "load_trained", pytest.fail)
    assert command(*patients, "--output", "out") == 1
    assert capsys.readouterr().err.startswith("E-EXISTS  out: ")
    assert (tmp_path / "out").read_text() == "notes"
