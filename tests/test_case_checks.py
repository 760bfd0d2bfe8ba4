import numpy as np
import pytest
from patients import BRAIN, SHAPE
from refusals import assert_explained

from brainseg_utils.cases import find_cases
from brainseg_utils.doctor.case_checks import check_volumes
from brainseg_utils.doctor.profiles import profile_case
from brainseg_utils.nifti import read_volume, write_volume
from brainseg_utils.volumes import load_case


@pytest.fixture
def case(patient_folder):
    return find_cases(patient_folder("P0"))[0][0]


def problems_of(case):
    volumes = load_case(case)
    return check_volumes(case, volumes, profile_case(volumes))


def rewrite(path, change):
    data, affine = read_volume(path)
    write_volume(path, change(data.copy()), affine)


def box(low, high):
    mask = np.zeros(SHAPE, np.uint8)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 2
    return mask


def test_a_good_patient_has_no_problems(case):
    assert problems_of(case) == []


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_sequence_is_named(case, value):
    def constant(data):
        data[BRAIN] = value
        return data

    rewrite(case.sequences["t2"], constant)
    (problem,) = problems_of(case)
    assert_explained(problem, "E-SEQ-CONST", case.sequences["t2"])
    assert f"t2 is {value} in every voxel" in problem.what


def test_two_values_are_not_constant(case):
    def two(data):
        data[BRAIN] = 7
        data[10, 10, 5] = 8
        return data

    rewrite(case.sequences["t2"], two)
    assert problems_of(case) == []


def test_one_scan_under_two_names_is_named(case):
    copy = case.sequences["t1"].read_bytes()
    case.sequences["flair"].write_bytes(copy)
    (problem,) = problems_of(case)
    assert_explained(problem, "E-SEQ-DUP", case.sequences["t1"].parent)
    assert "t1 and flair" in problem.what


def test_scans_that_differ_in_one_voxel_are_two(case):
    def touched(data):
        data[5, 5, 2] += 1
        return data

    case.sequences["flair"].write_bytes(case.sequences["t1"].read_bytes())
    rewrite(case.sequences["flair"], touched)
    assert problems_of(case) == []


def test_a_sequence_without_background_is_a_warning(case):
    rewrite(case.sequences["t2"], lambda data: data.max() + 1 - data)
    problems = [p for p in problems_of(case) if p.code != "W-MASK"]
    (problem,) = problems
    assert_explained(problem, "W-RANGE", case.sequences["t2"])


def test_where_no_sequence_has_background_none_is_named(case):
    for path in case.sequences.values():
        rewrite(path, lambda data: data + 1)
    assert "W-RANGE" not in [problem.code for problem in problems_of(case)]


def test_an_empty_mask_is_a_warning(case):
    rewrite(case.mask, np.zeros_like)
    (problem,) = problems_of(case)
    assert_explained(problem, "W-EMPTY", case.mask)


# The brain of a made-up patient is x 4-20, y 2-18, z 1-11: 2,560 voxels.
@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        ((4, 2, 1), (20, 18, 6), None),  # Half of it exactly.
        ((4, 2, 1), (20, 18, 7), "60% of the brain"),
        ((12, 4, 2), (22, 6, 4), "only 80%"),
        ((11, 4, 2), (21, 6, 4), None),  # Nine columns of ten on the brain.
        ((0, 0, 0), (2, 2, 1), "only 0%"),
    ],
)
def test_a_mask_that_does_not_fit_the_brain_is_a_warning(case, low, high, said):
    rewrite(case.mask, lambda _: box(low, high))
    problems = problems_of(case)
    assert [p.code for p in problems] == (["W-MASK"] if said else [])
    if said:
        assert_explained(problems[0], "W-MASK", case.mask)
        assert said in problems[0].what
