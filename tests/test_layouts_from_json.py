import json
import shutil

import pytest
from miniatures import write_json, write_miniature
from refusals import assert_explained, refused

from brainseg_utils.cases import find_cases


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def edit(folder, **changes):
    content = json.loads((folder / "dataset.json").read_text())
    write_json(folder / "dataset.json", content | changes)


@pytest.fixture(params=["msd", "nnunet"])
def folder(request, tmp_path):
    return write_miniature(tmp_path, request.param)


@pytest.fixture
def msd(tmp_path):
    return write_miniature(tmp_path, "msd")


@pytest.fixture
def nnunet(tmp_path):
    return write_miniature(tmp_path, "nnunet")


def test_the_order_of_channels_is_read_and_not_assumed(msd):
    edit(msd, modality={"0": "T2w", "1": "t1gd", "2": "FLAIR", "3": "T1w"})
    cases, _ = find_cases(msd)
    assert {tuple(case.parts.items()) for case in cases} == {
        (("t1", 3), ("t1ce", 1), ("t2", 0), ("flair", 2))
    }


def test_the_channels_of_nnunet_are_files(nnunet):
    edit(nnunet, channel_names={"0": "FLAIR", "1": "T1", "2": "T1ce", "3": "T2"})
    case = find_cases(nnunet, ("t2", "flair"))[0][0]
    assert case.parts == {}
    assert [path.name for path in case.sequences.values()] == [
        "BraTS-001_0003.nii.gz",
        "BraTS-001_0000.nii.gz",
    ]


def test_one_channel_is_a_file_of_three_axes(msd):
    edit(msd, modality={"0": "FLAIR"})
    case = find_cases(msd, ("flair",))[0][0]
    assert case.parts == {}


def test_channels_of_unknown_name_are_named_where_a_sequence_is_missing(folder):
    channels = {"0": "T1", "1": "MR two", "2": "T2", "3": "FLAIR"}
    edit(folder, channel_names=channels)
    cases, problems = find_cases(folder)
    assert cases == []
    assert_explained(only(problems), "E-NAME", folder / "dataset.json")
    assert "['MR two']" in problems[0].what and "t1ce" in problems[0].what


def test_channels_of_unknown_name_stop_nobody_who_does_not_need_them(folder):
    edit(folder, channel_names={"0": "T1", "1": "MR two", "2": "T2", "3": "FLAIR"})
    cases, problems = find_cases(folder, ("t1", "flair"))
    assert len(cases) == 3
    assert_explained(only(problems), "W-NAME", folder / "dataset.json")


def test_a_name_of_unlikely_length_is_told_in_short(folder):
    edit(folder, channel_names={"0": "T1", "1": "x" * 10_000, "2": "T2", "3": "FLAIR"})
    assert len(str(only(find_cases(folder)[1]))) < 600


def test_a_sequence_that_no_channel_is_is_missing(folder):
    edit(folder, channel_names={"0": "T1", "1": "FLAIR"})
    cases, problems = find_cases(folder)
    assert cases == []
    assert_explained(only(problems), "E-MISSING", folder / "dataset.json")
    assert "has no t1ce, t2; its channels are t1, flair." in problems[0].what


def test_two_channels_of_one_sequence_are_ambiguous(folder):
    edit(folder, channel_names={"0": "T1", "1": "T1w", "2": "T2", "3": "FLAIR"})
    problem = only(find_cases(folder, ("t1", "t2"))[1])
    assert_explained(problem, "E-AMBIGUOUS", folder / "dataset.json")
    assert len(find_cases(folder, ("t2",))[0]) == 3


def test_a_missing_description_is_refused(folder):
    (folder / "dataset.json").unlink()
    with refused("E-LAYOUT", folder / "dataset.json"):
        find_cases(folder)


def test_images_of_another_format_are_refused(nnunet):
    edit(nnunet, file_ending=".nrrd")
    for image in (nnunet / "imagesTr").iterdir():
        image.rename(image.with_name(image.name.replace(".nii.gz", ".nrrd")))
    with refused("E-LAYOUT", nnunet / "dataset.json") as caught:
        find_cases(nnunet)
    assert "'.nrrd'" in caught.value.what


def test_voxels_to_ignore_are_refused_until_a_scheme_is_declared(nnunet):
    edit(nnunet, labels={"background": 0, "tumour": 1, "ignore": 2})
    with refused("E-LAYOUT", nnunet / "dataset.json") as caught:
        find_cases(nnunet)
    assert "ignored" in caught.value.what
    assert len(find_cases(nnunet, labels="brats2023")[0]) == 3


def test_a_missing_mask_leaves_out_this_patient_only(folder):
    mask = sorted((folder / "labelsTr").glob("B*2.nii.gz"))[0]
    mask.unlink()
    cases, problems = find_cases(folder)
    assert len(cases) == 2
    assert_explained(only(problems), "E-MISSING", folder / "labelsTr")
    assert f"labelsTr/{mask.name}" in problems[0].what


def test_a_missing_channel_leaves_out_this_patient_only(nnunet):
    (nnunet / "imagesTr" / "BraTS-002_0003.nii.gz").unlink()
    cases, problems = find_cases(nnunet)
    assert [case.id for case in cases] == ["BraTS-001", "BraTS-003"]
    assert_explained(only(problems), "E-MISSING", nnunet / "imagesTr")
    assert "no flair (files tried: imagesTr/BraTS-002_0003.nii.gz)" in problems[0].what


def test_a_mask_without_images_is_missing_them(folder):
    shutil.copy(
        next((folder / "labelsTr").glob("B*1.nii.gz")), folder / "labelsTr/X.nii"
    )
    cases, problems = find_cases(folder)
    assert len(cases) == 3
    assert only(problems).code == "E-MISSING"
    assert "X has no t1, t1ce, t2, flair" in problems[0].what


def test_test_images_are_used_where_no_mask_is_needed(msd):
    assert [case.id for case in find_cases(msd)[0]] == [
        "BRATS_001",
        "BRATS_002",
        "BRATS_003",
    ]
    cases, problems = find_cases(msd, need_mask=False)
    assert problems == []
    assert [case.id for case in cases if case.mask is None] == ["BRATS_485"]
    assert len(cases) == 4


def test_test_images_alone_are_no_patients_to_train_on(msd):
    shutil.rmtree(msd / "imagesTr")
    shutil.rmtree(msd / "labelsTr")
    with refused("E-ROOT", msd):
        find_cases(msd)
    assert len(find_cases(msd, need_mask=False)[0]) == 1


def test_one_id_for_training_and_test_is_refused(msd):
    shutil.copy(msd / "imagesTr" / "BRATS_001.nii.gz", msd / "imagesTs")
    assert len(find_cases(msd)[0]) == 3
    _, problems = find_cases(msd, need_mask=False)
    assert_explained(only(problems), "E-DUP-ID", msd / "imagesTr")


@pytest.mark.parametrize("part", ["imagesTr", "labelsTr"])
def test_copies_are_ambiguous(folder, part):
    file = sorted((folder / part).glob("B*.nii.gz"))[0]
    shutil.copy(file, file.with_name(file.name.replace(".nii", " (1).nii")))
    cases, problems = find_cases(folder)
    assert len(cases) == 2
    assert {problem.code for problem in problems} == {"E-AMBIGUOUS"}
    assert " (1).nii.gz" in problems[0].what


def test_images_without_number_of_a_channel_are_named(nnunet):
    for name in ("BraTS-001_0004.nii.gz", "BraTS-001.nii.gz"):
        (nnunet / "imagesTr" / name).touch()
    cases, problems = find_cases(nnunet)
    assert len(cases) == 3
    assert {problem.code for problem in problems} == {"W-NAME"}
    assert len(problems) == 2
    assert "(_0000 to _0003)" in problems[0].what


def test_several_data_sets_are_not_chosen_between(tmp_path):
    for name in ("Dataset001_A", "Dataset002_B"):
        write_miniature(tmp_path / name, "nnunet")
    with refused("E-LAYOUT", tmp_path) as caught:
        find_cases(tmp_path)
    assert "['Dataset001_A/', 'Dataset002_B/']" in caught.value.what


def test_the_layout_is_refused_where_no_such_folder_is(tmp_path):
    folder = write_miniature(tmp_path, "brats2018")
    with refused("E-LAYOUT", folder):
        find_cases(folder, layout="msd")
