from pathlib import Path

import pytest
from refusals import refused

from brainseg_utils.layouts.slice_names import order_slices, read_slice_name

HOME = Path("P")


def names(*numbers, mask="", ending=".tif"):
    return [f"P_1999_{number}{mask}{ending}" for number in numbers]


def test_slices_are_ordered_by_number_and_not_by_letter():
    stack = order_slices(HOME, names(*range(12, 0, -1)))
    assert stack.id == "P_1999"
    assert stack.images == names(*range(1, 13)) and stack.masks == []


def test_masks_are_told_from_images():
    both = names(1, 2, mask="_mask") + names(1, 2)
    stack = order_slices(HOME, both)
    assert stack.images == names(1, 2)
    assert stack.masks == names(1, 2, mask="_mask")


def test_endings_and_leading_zeros_may_vary():
    mixed = ["P_01.TIFF", "P_2.tif", "P_003.Tif", "notes.txt", "P_4.png"]
    assert order_slices(HOME, mixed).images == mixed[:3]


@pytest.mark.parametrize(
    ("numbers", "missing"), [((1, 3), 2), ((2, 3), 1), ((5,), 1), ((1, 2, 3, 5), 4)]
)
def test_a_gap_in_the_numbers_is_named(numbers, missing):
    with refused("E-MISSING", HOME / names(missing)[0]):
        order_slices(HOME, names(*numbers))


def test_numbers_may_begin_at_0():
    assert order_slices(HOME, names(2, 0, 1)).images == names(0, 1, 2)
    with refused("E-MISSING", HOME / names(1)[0]):
        order_slices(HOME, names(0, 2))


def test_a_slice_without_mask_is_named():
    with refused("E-MISSING", HOME / names(2, mask="_mask")[0]):
        order_slices(HOME, names(1, 2, 3) + names(1, 3, mask="_mask"))


def test_a_mask_without_slice_is_named():
    with refused("E-MISSING", HOME / names(3)[0]):
        order_slices(HOME, names(1, 2) + names(1, 2, 3, mask="_mask"))


def test_a_far_number_does_not_list_all_before_it():
    with refused("E-MISSING", HOME / names(1)[0]) as caught:
        order_slices(HOME, names(100_000))
    assert "and 99994 others" in caught.value.what
    with refused("E-MISSING", HOME / names(1)[0]) as caught:
        order_slices(HOME, names(6))
    assert "others" not in caught.value.what


@pytest.mark.parametrize("twin", ["P_1999_2 (1).tif", "P_1999_02.tif", "P_1999_2.tiff"])
def test_two_files_for_one_slice_are_named(twin):
    with refused("E-AMBIGUOUS", HOME) as caught:
        order_slices(HOME, [*names(1, 2, 3), twin])
    assert twin in caught.value.what and "'P_1999_2.tif'" in caught.value.what


def test_a_copy_alone_is_not_taken():
    with refused("E-NAME", HOME / "P_1999_2 (1).tif"):
        order_slices(HOME, [*names(1), "P_1999_2 (1).tif"])


def test_slices_of_several_patients_in_one_folder_are_refused():
    with refused("E-NAME", HOME) as caught:
        order_slices(HOME, [*names(1), "Q_1.tif"])
    assert "['P_1999', 'Q']" in caught.value.what


def test_a_folder_without_slices_is_refused():
    with refused("E-NAME", HOME):
        order_slices(HOME, ["P.tif", "notes.txt"])


@pytest.mark.parametrize("name", ["P.tif", "P_x.tif", "P_1_seg.tif", "P_1.tif.gz"])
def test_other_names_are_no_slices(name):
    assert read_slice_name(name) is None
