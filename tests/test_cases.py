import os
from pathlib import Path

import pytest
from patients import write_patient
from refusals import assert_explained, refused

from brainseg_utils.cases import SEQUENCES, find_cases
from brainseg_utils.volumes import load_case

REPOSITORY = Path(__file__).parents[1]


def real_patients():
    beside = REPOSITORY.parent / "shared" / "data" / "upenn-gbm"
    folder = Path(os.environ.get("BRAINSEG_REAL_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no real patients: set BRAINSEG_REAL_DATA ({folder} is missing)")
    return folder


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize(
    ("style", "scheme"),
    [
        ("brats2018", "BraTS 2018-2022"),
        ("brats2023", "BraTS 2023+"),
        ("upenn", "UPENN-GBM"),
    ],
)
def test_every_naming_style_is_known_by_its_names(patient_folder, style, scheme):
    cases, problems = find_cases(patient_folder("P_2", "P_1", style=style))
    assert problems == []
    assert [case.id for case in cases] == ["P_1", "P_2"]
    for case in cases:
        assert tuple(case.sequences) == SEQUENCES
        assert case.labels.name == scheme
        files = [*case.sequences.values(), case.mask]
        assert len(set(files)) == 5
        assert all(path.is_file() and case.id in path.name for path in files)


def test_styles_may_be_mixed_in_one_folder(patient_folder):
    folder = patient_folder("A")
    write_patient(folder, "B", "brats2023")
    write_patient(folder, "C", "upenn")
    cases, problems = find_cases(folder)
    assert problems == []
    assert len({case.labels.name for case in cases}) == 3


def test_contrast_enhanced_t1_is_not_taken_for_t1(patient_folder):
    for style, t1, t1ce in [("brats2018", "_t1", "_t1ce"), ("upenn", "_T1", "_T1GD")]:
        cases, _ = find_cases(patient_folder(style, style=style))
        case = {case.id: case for case in cases}[style]
        assert case.sequences["t1"].name == f"{style}{t1}.nii.gz"
        assert case.sequences["t1ce"].name == f"{style}{t1ce}.nii.gz"


def test_letter_case_and_compression_do_not_matter(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "P0_t2.nii.gz").rename(folder / "P0" / "P0_T2.NII")
    cases, problems = find_cases(folder)
    assert problems == []
    assert cases[0].sequences["t2"].name == "P0_T2.NII"


def test_channels_follow_the_order_asked_for(patient_folder):
    cases, _ = find_cases(patient_folder(), ("flair", "t1"))
    assert [tuple(case.sequences) for case in cases] == [("flair", "t1")] * 3


def test_a_sequence_that_is_not_asked_for_may_be_missing(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "P0_t2.nii.gz").unlink()
    cases, problems = find_cases(folder, ("flair",))
    assert len(cases) == 1 and problems == []


@pytest.mark.parametrize(
    ("file", "role"), [("P1_t1.nii.gz", "t1"), ("P1_seg.nii.gz", "mask")]
)
def test_a_missing_file_leaves_out_this_patient_only(patient_folder, file, role):
    folder = patient_folder()
    (folder / "P1" / file).unlink()
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P0", "P2"]
    assert_explained(only(problems), "E-MISSING", folder / "P1")
    assert f"P1 has no {role} (" in problems[0].what
    assert ("name fewer sequences" in problems[0].remedy) == (role != "mask")


def test_a_mask_is_not_missed_where_none_is_needed(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "P0_seg.nii.gz").unlink()
    cases, problems = find_cases(folder, need_mask=False)
    assert cases[0].mask is None and problems == []


def test_two_files_for_one_sequence_are_not_chosen_between(patient_folder):
    folder = patient_folder()
    twin = folder / "P1" / "P1_t1c.nii.gz"
    twin.write_bytes((folder / "P1" / "P1_t1ce.nii.gz").read_bytes())
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P0", "P2"]
    assert_explained(only(problems), "E-AMBIGUOUS", folder / "P1")
    assert "P1_t1c.nii.gz" in problems[0].what and "P1_t1ce.nii" in problems[0].what


def test_a_patient_that_stands_in_two_folders_is_refused(patient_folder):
    folder = patient_folder("P0", "P1")
    write_patient(folder / "copy", "P0")
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P1"]
    assert_explained(only(problems), "E-DUP-ID", folder / "P0")
    assert "['P0', 'copy/P0']" in problems[0].what


def test_a_file_of_another_name_is_listed_and_stops_nobody(patient_folder):
    folder = patient_folder("P0")
    odd = folder / "P0" / "P0_adc.nii.gz"
    odd.touch()
    cases, problems = find_cases(folder)
    assert len(cases) == 1
    assert_explained(only(problems), "W-NAME", odd)


def test_a_missing_sequence_points_at_the_odd_file_beside_it(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "P0_t2.nii.gz").rename(folder / "P0" / "P0_tt2.nii.gz")
    _, (missing, odd) = find_cases(folder)
    assert (missing.code, odd.code) == ("E-MISSING", "E-NAME")
    assert "found 1 unmatched NIfTI ['P0_tt2.nii.gz']" in missing.remedy
    assert_explained(odd, "E-NAME", folder / "P0" / "P0_tt2.nii.gz")
    assert "Rename it to P0_t2.nii.gz" in odd.remedy


def test_hidden_files_are_passed_over(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "._P0_t1.nii.gz").touch()
    (folder / ".trash").mkdir()
    (folder / ".trash" / "P0_t1.nii.gz").touch()
    cases, problems = find_cases(folder)
    assert len(cases) == 1 and problems == []


def test_a_folder_named_like_the_file_in_it_is_no_second_file(patient_folder):
    folder = patient_folder("P0")
    wrapper = folder / "P0" / "wrapped" / "P0_t1.nii.gz"
    wrapper.mkdir(parents=True)
    (folder / "P0" / "P0_t1.nii.gz").rename(wrapper / "P0_t1.nii.gz")
    cases, problems = find_cases(folder)
    assert problems == []
    assert cases[0].sequences["t1"] == wrapper / "P0_t1.nii.gz"


@pytest.mark.parametrize(
    "names", [("t1", "pd"), ("flair", "flair"), (), ("FLAIR",), "flair"]
)
def test_unknown_repeated_or_no_sequences_are_refused(patient_folder, names):
    folder = patient_folder("P0")
    with refused("E-SEQUENCE", "sequences") as caught:
        find_cases(folder, names)
    assert str(list(names)) in caught.value.what


def test_a_missing_folder_is_refused(tmp_path):
    with refused("E-ROOT", tmp_path / "absent"):
        find_cases(tmp_path / "absent")


def test_a_file_in_place_of_a_folder_is_refused(patient_folder):
    file = patient_folder("P0") / "P0" / "P0_t1.nii.gz"
    with refused("E-ROOT", file) as caught:
        find_cases(file)
    assert "not a folder" in caught.value.what


@pytest.mark.parametrize("file", ["", "notes.txt", "scan.nii.gz", "P0_adc.nii.gz"])
def test_a_folder_without_patients_is_refused_with_the_wanted_trees(tmp_path, file):
    if file:
        (tmp_path / file).touch()
    with refused("E-ROOT", tmp_path) as caught:
        find_cases(tmp_path)
    assert "holds no patients" in caught.value.what
    assert "BraTS 2023+" in caught.value.remedy


def test_real_patients_are_found_and_read():
    cases, problems = find_cases(real_patients())
    assert problems == []
    assert [case.id for case in cases] == [
        f"UPENN-GBM-{number}_11"
        for number in ("00002", "00006", "00008", "00011", "00093")
    ]
    volumes = load_case(cases[2])
    assert [v.shape for v in volumes.sequences.values()] == [(155, 240, 240)] * 4
    assert volumes.spacing_mm == (1.0, 1.0, 1.0)
    assert volumes.mask.sum() == 29_692
    assert volumes.mask.any(axis=(1, 2)).sum() == 52
    assert volumes.brain[volumes.mask > 0].all()


def test_mask_without_images_is_named_and_is_no_patient(patient_folder):
    folder = patient_folder("A")
    # UPENN-GBM has automatic masks in a folder of their own.
    lone = folder / "automated_segm" / "A_automated_approx_segm.nii.gz"
    lone.parent.mkdir()
    lone.write_bytes(b"")
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["A"]
    assert [(p.code, p.path) for p in problems] == [("W-NAME", str(lone))]
