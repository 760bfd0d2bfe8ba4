import os
import shutil

import pytest
from patients import write_patient
from refusals import assert_explained

from brainseg_utils.cases import find_cases


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_the_misnamed_mask_of_brats_2020_is_taken_as_it_is(patient_folder):
    name = "BraTS20_Training_355"
    folder = patient_folder(name)
    mask = folder / name / "W39_1998.09.19_Segm.nii.gz"
    (folder / name / f"{name}_seg.nii.gz").rename(mask)
    cases, problems = find_cases(folder)
    assert problems == [] and cases[0].mask == mask
    assert cases[0].labels.name == "BraTS 2018-2022"


def test_any_other_misnamed_mask_is_missed_with_the_name_it_needs(patient_folder):
    folder = patient_folder("P0", "P1")
    mask = folder / "P1" / "P1_seg.nii.gz"
    mask.rename(mask.with_name("W39_1998.09.19_Segm.nii.gz"))
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P0"]
    assert_explained(only(problems), "E-MISSING", folder / "P1")
    assert (
        "found 1 unmatched NIfTI ['W39_1998.09.19_Segm.nii.gz']: "
        "rename to P1_seg.nii.gz" in problems[0].remedy
    )


def test_the_name_that_is_proposed_follows_the_data_set(patient_folder):
    folder = patient_folder("P1", style="brats2023")
    image = folder / "P1" / "P1-t2f.nii.gz"
    image.rename(image.with_name("P1-fla.nii.gz"))
    _, (missing, odd) = find_cases(folder)
    assert "rename to P1-t2f.nii.gz" in missing.remedy
    assert_explained(odd, "E-NAME", image.with_name("P1-fla.nii.gz"))
    assert "ends with 'fla'" in odd.what


def test_files_of_other_patients_in_a_flat_folder_are_not_proposed(tmp_path):
    for name in ("P0", "P1"):
        write_patient(tmp_path / "trees", name)
        for file in (tmp_path / "trees" / name).iterdir():
            file.rename(tmp_path / file.name)
    shutil.rmtree(tmp_path / "trees")
    (tmp_path / "P0_seg.nii.gz").rename(tmp_path / "P0_mask.nii.gz")
    (tmp_path / "P1_seg.nii.gz").unlink()
    (tmp_path / "P9_seg.nii.gz").touch()
    _, problems = find_cases(tmp_path)
    assert [(p.code, os.path.basename(p.path)) for p in problems] == [
        ("E-MISSING", tmp_path.name),
        ("E-NAME", "P0_mask.nii.gz"),
        ("E-MISSING", tmp_path.name),
        ("W-NAME", "P9_seg.nii.gz"),
    ]
    assert "P0_mask.nii.gz" in problems[0].remedy
    assert "found" not in problems[2].remedy


def test_masks_of_the_validation_patients_are_told_not_to_exist(patient_folder):
    folder = patient_folder("BraTS20_Validation_001", "P1")
    for name in ("BraTS20_Validation_001", "P1"):
        (folder / name / f"{name}_seg.nii.gz").unlink()
    _, (validation, other) = find_cases(folder)
    assert "publishes none for its validation patients" in validation.remedy
    assert "validation" not in other.remedy


@pytest.mark.parametrize("twin", ["P1_t1.nii", "P1_t1 (1).nii.gz", "P1_T1N.nii.gz"])
def test_two_candidates_are_named_both(patient_folder, twin):
    folder = patient_folder("P0", "P1")
    shutil.copy(folder / "P1" / "P1_t1.nii.gz", folder / "P1" / twin)
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P0"]
    assert_explained(only(problems), "E-AMBIGUOUS", folder / "P1")
    assert "'P1/P1_t1.nii.gz'" in problems[0].what
    assert repr(f"P1/{twin}") in problems[0].what


def test_two_candidates_for_a_sequence_not_wanted_stop_nobody(patient_folder):
    folder = patient_folder("P0")
    shutil.copy(folder / "P0" / "P0_t1.nii.gz", folder / "P0" / "P0_t1.nii")
    cases, problems = find_cases(folder, ("flair",))
    assert len(cases) == 1 and problems == []


def test_two_masks_are_ambiguous_where_one_is_needed(patient_folder):
    folder = patient_folder("P0", style="upenn")
    (folder / "copy").mkdir()
    shutil.copy(folder / "images_segm" / "P0_segm.nii.gz", folder / "copy")
    problem = only(find_cases(folder)[1])
    assert problem.code == "E-AMBIGUOUS"
    assert "copy/P0_segm.nii.gz" in problem.what
    cases, problems = find_cases(folder, need_mask=False)
    assert cases[0].mask is None and problems == []


def test_a_copy_alone_is_not_taken(patient_folder):
    folder = patient_folder("P0")
    image = folder / "P0" / "P0_t1.nii.gz"
    copy = image.with_name("P0_t1 (1).nii.gz")
    image.rename(copy)
    (folder / "P0" / "P0_seg.nii.gz").unlink()
    cases, (missing, odd) = find_cases(folder)
    assert cases == []
    assert_explained(missing, "E-MISSING", folder / "P0")
    assert_explained(odd, "E-NAME", copy)
    assert "Rename it to P0_t1.nii.gz" in odd.remedy


def test_a_copied_folder_is_the_same_patient_twice(patient_folder):
    folder = patient_folder("P0", "P1")
    shutil.copytree(folder / "P0", folder / "P0 (1)")
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P1"]
    assert_explained(only(problems), "E-DUP-ID", folder / "P0")
    assert "['P0', 'P0 (1)']" in problems[0].what


def test_a_folder_that_is_linked_beside_itself_is_one_patient(patient_folder):
    folder = patient_folder("P0")
    (folder / "A link").symlink_to(folder / "P0")
    cases, problems = find_cases(folder)
    assert problems == []
    assert cases[0].sequences["t1"] == folder / "P0" / "P0_t1.nii.gz"


def test_linked_patients_are_found(patient_folder, tmp_path):
    elsewhere = patient_folder("P0", "P1")
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "first").symlink_to(elsewhere / "P0")
    (folder / "P1").mkdir()
    for file in (elsewhere / "P1").iterdir():
        (folder / "P1" / file.name).symlink_to(file)
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P0", "P1"] and problems == []
    assert cases[0].sequences["t1"] == folder / "first" / "P0_t1.nii.gz"


@pytest.mark.parametrize(
    ("one", "other"),
    [("P0", "p0"), ("PO\u0308", "P\u00d6"), ("STRASSE", "stra\u00dfe")],
)
def test_ids_that_some_systems_cannot_tell_apart_are_refused(tmp_path, one, other):
    write_patient(tmp_path / "a", one)
    write_patient(tmp_path / "b", other)
    write_patient(tmp_path, "Q")
    cases, problems = find_cases(tmp_path)
    assert [case.id for case in cases] == ["Q"]
    assert_explained(only(problems), "E-DUP-ID", tmp_path / "a" / one)
    assert f"b/{other}" in problems[0].what


def test_ids_that_differ_by_more_are_different(tmp_path):
    for name in ("P0", "P00", "P-0", "PO"):
        write_patient(tmp_path, name)
    cases, problems = find_cases(tmp_path)
    assert len(cases) == 4 and problems == []


@pytest.mark.parametrize(
    "name",
    ["ü é 脑", "a b", "{x}", "100%", 'it\'s "so"', "two\nlines", "a" * 240, "[a]*?"],
)
def test_odd_names_of_patients_work(tmp_path, name):
    write_patient(tmp_path, "P")
    (tmp_path / name).mkdir()
    short = name[:200]
    for file in (tmp_path / "P").iterdir():
        file.rename(tmp_path / name / file.name.replace("P", short, 1))
    (tmp_path / "P").rmdir()
    cases, problems = find_cases(tmp_path)
    assert [case.id for case in cases] == [short] and problems == []
    assert all(path.is_file() for path in cases[0].sequences.values())


def pair(path):
    path.with_name(f"{path.name.removesuffix('.nii.gz')}.hdr").touch()
    path.rename(path.with_name(f"{path.name.removesuffix('.nii.gz')}.img"))


def test_a_pair_of_header_and_image_is_refused_with_the_remedy(patient_folder):
    folder = patient_folder("P0", "P1")
    pair(folder / "P1" / "P1_t2.nii.gz")
    cases, problems = find_cases(folder)
    assert [case.id for case in cases] == ["P0"]
    assert_explained(only(problems), "E-NII-TYPE", folder / "P1" / "P1_t2.hdr")
    assert "Convert the pair" in problems[0].remedy


def test_patients_of_nothing_but_pairs_are_told_as_such(patient_folder):
    folder = patient_folder("P0")
    for path in sorted((folder / "P0").iterdir()):
        pair(path)
    cases, problems = find_cases(folder)
    assert cases == []
    assert [p.code for p in problems] == ["E-NII-TYPE"] * 5


def test_a_pair_beside_the_file_that_is_read_stops_nobody(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0" / "P0_t2.hdr").touch()
    (folder / "P0" / "P0_t2.img").touch()
    cases, problems = find_cases(folder)
    assert len(cases) == 1
    assert_explained(only(problems), "W-NAME", folder / "P0" / "P0_t2.hdr")
    assert "half of a .hdr/.img pair" in problems[0].what


def test_what_was_not_used_is_told_with_the_reason(patient_folder):
    folder = patient_folder("P0")
    (folder / "P0_adc.nii").touch()
    (folder / "P9_seg.nii").touch()
    _, (unknown, lone) = find_cases(folder)
    assert "ends with none of" in unknown.what
    assert "named as a mask" in lone.what


def test_pairs_of_no_patient_are_passed_over(patient_folder):
    folder = patient_folder("P0")
    (folder / "atlas_t1.txt").touch()
    (folder / "template.hdr").touch()
    assert find_cases(folder)[1] == []


@pytest.mark.parametrize(
    ("case_id", "scheme"),
    [
        ("BraTS-GLI-02062-100", "BraTS 2024+ after treatment"),
        ("BraTS-GLI-02062-104", "BraTS 2024+ after treatment"),
        ("BraTS-GLI-00005-001", "BraTS 2023+"),
        ("BraTS-MEN-00005-100", "BraTS 2023+"),
    ],
)
def test_scans_after_treatment_are_told_by_their_number(
    patient_folder, case_id, scheme
):
    cases, _ = find_cases(patient_folder(case_id, style="brats2023"))
    assert cases[0].labels.name == scheme
