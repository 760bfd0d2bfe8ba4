from pathlib import Path

import pytest

from brainseg_utils.layouts.folders import Tree
from brainseg_utils.layouts.image_folders import data_sets, is_nnunet


def tree(*files):
    return Tree(Path("root"), files, ())


@pytest.mark.parametrize("base", ["", "Task01/", "a/b/"])
def test_a_data_set_is_found_at_any_depth(base):
    found = data_sets(
        tree(
            f"{base}dataset.json",
            f"{base}imagesTr/A.nii.gz",
            f"{base}labelsTr/A.nii",
            f"{base}imagesTs/B (1).nii.gz",
            f"{base}imagesTr/deeper/C.nii.gz",
            f"{base}readme.txt",
        )
    )
    assert list(found) == [base]
    assert [one[2:] for one in found[base]] == [
        ("images", "Tr", "A", False),
        ("labels", "Tr", "A", False),
        ("images", "Ts", "B", True),
    ]


def test_masks_without_images_are_no_data_set():
    assert data_sets(tree("dataset.json", "labelsTr/A.nii.gz")) == {}


def test_images_without_description_are_a_data_set_that_lacks_it():
    assert list(data_sets(tree("imagesTr/BRATS_001.nii.gz"))) == [""]


def test_images_that_tell_what_they_are_need_no_description():
    files = ("imagesTr/P0_t1.nii.gz", "imagesTr/P0_flair.nii.gz")
    assert data_sets(tree(*files)) == {}
    assert list(data_sets(tree("dataset.json", *files))) == [""]


def test_other_files_count_where_a_description_stands():
    assert data_sets(tree("imagesTr/a.png")) == {}
    found = data_sets(tree("dataset.json", "imagesTr/a.nrrd"))
    assert found[""][0].stem == ""


@pytest.mark.parametrize(
    ("images", "masks", "nnunet"),
    [
        (["A_0000", "A_0001"], ["A"], True),
        (["BRATS_001"], ["BRATS_001"], False),
        (["BRATS_0001"], ["BRATS_0001"], False),
        (["A_0000"], [], True),
        (["BRATS_001"], [], False),
    ],
)
def test_channels_are_files_where_their_number_is_no_part_of_the_id(
    images, masks, nnunet
):
    files = [f"imagesTr/{name}.nii.gz" for name in images]
    files += [f"labelsTr/{name}.nii.gz" for name in masks]
    assert is_nnunet(data_sets(tree(*files))[""]) == nnunet
