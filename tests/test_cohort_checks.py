"""Statistical checks on phantom patients, which look as sequences do."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from brainseg_utils.cases import Case
from brainseg_utils.doctor.cohort_checks import check_cohort
from brainseg_utils.doctor.profiles import profile_case
from brainseg_utils.labels import BRATS_2018
from brainseg_utils.phantom import make_phantom
from brainseg_utils.volumes import CaseVolumes

NAMES = ("t1", "t1ce", "t2", "flair")


@cache
def phantom(index):
    made = make_phantom(0, index, 4.0)
    return {name: made[name].T for name in NAMES}


def profile_of(sequences):
    brain = np.any([array != 0 for array in sequences.values()], axis=0)
    return profile_case(CaseVolumes(sequences, brain, None, np.eye(4), (4.0,) * 3))


def check(change=None, patients=5, changed=1):
    """Return the codes found for each patient when one of them is changed."""
    cohort = [dict(phantom(index)) for index in range(patients)]
    if change:
        cohort[changed] = change(cohort[changed])
    cases = [
        Case(f"P{n}", {name: Path(f"P{n}", name) for name in NAMES}, None, BRATS_2018)
        for n in range(patients)
    ]
    found = check_cohort(cases, [profile_of(sequences) for sequences in cohort])
    return [[problem.code for problem in problems] for problems in found]


def swapped(one, other):
    return lambda case: {**case, one: case[other], other: case[one]}


def changed(name, function):
    def change(case):
        inside = case[name] != 0
        array = case[name].astype(np.float32)
        return {**case, name: np.where(inside, function(array), 0)}

    return change


def only(code, patients=5, changed=1):
    return [[code] if n == changed else [] for n in range(patients)]


def test_patients_as_they_are_have_no_problems():
    assert check(patients=8) == 8 * [[]]


@pytest.mark.parametrize("pair", [("t1", "flair"), ("t1", "t2"), ("t1ce", "t2")])
def test_swapped_sequences_are_suspected(pair):
    assert check(swapped(*pair)) == only("W-SWAP")


@pytest.mark.parametrize("name", ["t1", "t2"])
def test_dark_and_bright_interchanged_are_suspected(name):
    assert check(changed(name, lambda x: x.max() + 1 - x)) == only("W-RANGE")


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda x: 1e6 * x, True),
        (lambda x: x / 100, True),
        (lambda x: x - 2000, True),
        (lambda x: 10 * x, False),
        (lambda x: x / 10 + 7, False),
    ],
)
def test_ranges_far_from_the_others_are_suspected(function, found):
    codes = check(changed("t2", function))
    assert codes == (only("W-RANGE") if found else 5 * [[]])


def test_fewer_than_three_patients_say_nothing_of_what_is_usual():
    assert check(swapped("t1", "flair"), patients=2) == [[], []]


def test_a_copied_patient_is_an_error_of_the_later_one():
    codes = check(lambda _: phantom(0), patients=2, changed=1)
    assert codes == [[], ["E-DUP-DATA"]]


def test_one_scan_copied_from_another_patient_is_an_error():
    codes = check(lambda case: {**case, "t2": phantom(0)["t2"]}, patients=2)
    assert codes == [[], ["E-DUP-DATA"]]


def test_a_scan_that_differs_in_one_voxel_is_no_copy():
    def touched(_):
        t2 = phantom(0)["t2"].copy()
        t2[20, 30, 30] += 1
        return {**phantom(1), "t2": t2}

    assert check(touched, patients=2) == [[], []]
