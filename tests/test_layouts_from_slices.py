import shutil

import pytest
from miniatures import LGG_SEQUENCES, case_names, write_miniature
from refusals import assert_explained

from brainseg_utils.cases import find_cases

IDS = case_names("lgg")


@pytest.fixture
def folder(tmp_path):
    return write_miniature(tmp_path, "lgg") / "kaggle_3m"


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_a_sequence_that_slices_do_not_hold_is_missing(folder):
    cases, problems = find_cases(folder)
    assert cases == []
    assert_explained(only(problems), "E-MISSING", folder)
    assert "has no t2: its slices hold t1, flair, t1ce." in problems[0].what


def test_the_folder_of_one_patient_may_be_named(folder):
    cases, _ = find_cases(folder / IDS[0], LGG_SEQUENCES)
    assert [case.id for case in cases] == [IDS[0]]
    assert cases[0].mask == cases[0].sequences["t1"] == folder / IDS[0]


@pytest.mark.parametrize("file", ["_7.tif", "_7_mask.tif"])
def test_a_missing_slice_leaves_out_this_patient_only(folder, file):
    path = folder / IDS[1] / f"{IDS[1]}{file}"
    path.unlink()
    cases, problems = find_cases(folder, LGG_SEQUENCES)
    assert [case.id for case in cases] == [IDS[0], IDS[2]]
    assert_explained(only(problems), "E-MISSING", path)


def test_masks_are_needed_in_training_only(folder):
    for path in (folder / IDS[1]).glob("*_mask.tif"):
        path.unlink()
    cases, problems = find_cases(folder, LGG_SEQUENCES)
    assert len(cases) == 2
    missing = folder / IDS[1] / f"{IDS[1]}_1_mask.tif"
    assert_explained(only(problems), "E-MISSING", missing)
    cases, problems = find_cases(folder, LGG_SEQUENCES, need_mask=False)
    assert [case.mask is None for case in cases] == [False, True, False]
    assert problems == []


def test_slices_without_any_mask_are_recognised(folder):
    for path in folder.rglob("*_mask.tif"):
        path.unlink()
    cases, _ = find_cases(folder, LGG_SEQUENCES, need_mask=False)
    assert len(cases) == 3


def test_the_tree_that_lies_twice_in_kaggles_archive_is_refused(folder):
    shutil.copytree(folder, folder.parent / "lgg-mri-segmentation" / "kaggle_3m")
    cases, problems = find_cases(folder.parent, LGG_SEQUENCES)
    assert cases == []
    assert [problem.code for problem in problems] == ["E-DUP-ID"] * 3
    assert f"lgg-mri-segmentation/kaggle_3m/{IDS[0]}" in problems[0].what
    assert len(find_cases(folder, LGG_SEQUENCES)[0]) == 3


def test_the_slices_of_several_patients_in_one_folder_are_refused(folder):
    for path in (folder / IDS[1]).iterdir():
        path.rename(folder / IDS[0] / path.name)
    cases, problems = find_cases(folder, LGG_SEQUENCES)
    assert [case.id for case in cases] == [IDS[2]]
    assert_explained(only(problems), "E-NAME", folder / IDS[0])
