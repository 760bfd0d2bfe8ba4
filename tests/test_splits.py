import numpy as np
import pytest
from refusals import refused

from brainseg_utils.splits import (
    Split,
    automatic_folds,
    folds_to_run,
    patient_of,
    split_cases,
)


def make_cohort(patients, seed=0):
    volumes = np.random.default_rng(seed).lognormal(3.0, 1.0, patients)
    return {f"P{index:03d}": float(ml) for index, ml in enumerate(volumes)}


def random_cohorts():
    rng = np.random.default_rng(1)
    for seed in range(60):
        patients = int(rng.integers(3, 60))
        yield make_cohort(patients, seed), int(rng.integers(3, patients + 1)), seed


def test_no_patient_stands_in_two_parts_and_none_is_lost():
    for cohort, folds, seed in random_cohorts():
        for fold in range(folds):
            split = split_cases(cohort, fold, folds, seed)
            parts = split.train + split.validation + split.test
            assert sorted(parts) == sorted(cohort)
            assert split.train and split.validation and split.test


def cohorts_with_several_scans(count):
    """Yield tumour volumes and patients, both by case, of people scanned repeatedly."""
    rng = np.random.default_rng(2)
    patterns = ("BraTS-GLI-{:05d}-{:03d}", "UPENN-GBM-{:05d}_{:02d}")
    for seed in range(count):
        numbers = rng.choice(10_000, int(rng.integers(3, 40)), replace=False)
        patient = {
            patterns[seed % 2].format(number, scan): number
            for number in numbers
            for scan in range(int(rng.integers(1, 5)))
        }
        yield {case: float(rng.lognormal(3.0, 1.0)) for case in patient}, patient


def test_in_2000_random_cohorts_no_patient_stands_on_both_sides_of_a_split():
    for seed, (cohort, patient) in enumerate(cohorts_with_several_scans(2000)):
        folds = 0 if len(set(patient.values())) > 8 else 3
        split = split_cases(cohort, seed % 3, folds, seed).as_dict()
        parts = [{patient[case] for case in part} for part in split.values()]
        assert sum(map(len, parts)) == len(set.union(*parts)), "someone is on two sides"
        assert sorted(sum(split.values(), [])) == sorted(cohort)


def test_over_all_folds_every_patient_is_tested_once_and_validated_once():
    for cohort, folds, seed in random_cohorts():
        splits = [split_cases(cohort, fold, folds, seed) for fold in range(folds)]
        for part in ("test", "validation"):
            dealt = [name for split in splits for name in getattr(split, part)]
            assert sorted(dealt) == sorted(cohort)


def test_folds_differ_in_size_by_one_at_most():
    for cohort, folds, seed in random_cohorts():
        sizes = [len(split_cases(cohort, k, folds, seed).test) for k in range(folds)]
        assert max(sizes) - min(sizes) <= 1


def test_of_any_4_neighbours_in_size_each_fold_of_4_tests_one():
    # Names are in another order than sizes: 7 and 20 have no common divisor.
    cohort = {f"P{(7 * ml) % 20:02d}": float(ml) for ml in range(20)}
    for fold in range(4):
        test = split_cases(cohort, fold, 4).test
        groups = sorted(int(cohort[name]) // 4 for name in test)
        assert groups == [0, 1, 2, 3, 4]


def test_the_largest_tumours_are_shared_among_the_parts():
    cohort = {f"P{ml:02d}": float(ml) for ml in range(12)}
    largest = {"P08", "P09", "P10", "P11"}
    for seed in range(10):
        split = split_cases(cohort, 0, 4, seed)
        counts = [len(largest & set(ids)) for ids in split.as_dict().values()]
        assert counts == [2, 1, 1]


def test_the_order_of_the_patients_does_not_matter():
    cohort = make_cohort(11)
    cohort |= {"P003": 5.0, "P004": 5.0, "P005": 5.0}  # Ties are the danger.
    backwards = dict(reversed(cohort.items()))
    assert split_cases(cohort) == split_cases(backwards)


def test_a_seed_repeats_its_split_and_another_changes_it():
    cohort = make_cohort(24)
    assert split_cases(cohort, seed=3) == split_cases(cohort, seed=3)
    assert len({split_cases(cohort, seed=seed) for seed in range(5)}) == 5


def test_small_cohorts_leave_one_out():
    assert [automatic_folds(n) for n in (3, 8, 9, 100)] == [3, 8, 5, 5]
    assert [len(split_cases(make_cohort(8), k).test) for k in range(8)] == [1] * 8


def test_three_patients_are_enough():
    split = split_cases({"A": 1.0, "B": 2.0, "C": 3.0})
    assert {*split.train, *split.validation, *split.test} == {"A", "B", "C"}


@pytest.mark.parametrize("patients", [0, 1, 2])
def test_too_few_patients_are_refused(patients):
    with refused("E-FEW", "patients") as caught:
        split_cases(make_cohort(patients))
    assert f"have {patients}, need at least 3" in caught.value.what


@pytest.mark.parametrize(("fold", "folds"), [(0, 2), (0, 7), (5, 5), (-1, 5), (0, -1)])
def test_folds_that_do_not_fit_are_refused(fold, folds):
    with refused("E-FOLD", "fold, folds") as caught:
        split_cases(make_cohort(6), fold, folds)
    assert f"got fold={fold}, folds={folds}" in caught.value.what


def test_a_patient_in_two_parts_is_refused():
    with refused("E-LEAK", "split") as caught:
        Split(train=("A", "B"), validation=("C",), test=("B",))
    assert "['B']" in caught.value.what


def test_a_split_becomes_lists_for_json():
    split = Split(train=("A",), validation=("B",), test=("C",))
    assert split.as_dict() == {"train": ["A"], "validation": ["B"], "test": ["C"]}


@pytest.mark.parametrize(
    ("case_id", "patient"),
    [
        ("BraTS-GLI-00005-001", "BraTS-GLI-00005"),
        ("UPENN-GBM-00002_21", "UPENN-GBM-00002"),
        ("BraTS20_Training_355", "BraTS20_Training_355"),
        ("BraTS2021_00495", "BraTS2021_00495"),
        ("Phantom_003", "Phantom_003"),
    ],
)
def test_time_points_are_of_one_patient(case_id, patient):
    assert patient_of(case_id) == patient


def test_time_points_of_a_patient_stay_in_one_part():
    rng = np.random.default_rng(0)
    names = [f"BraTS-GLI-{n:05}-00{t}" for n in range(12) for t in range(2)]
    tumour_ml = dict(zip(names, rng.uniform(5, 200, len(names)), strict=True))
    for fold in range(5):
        split = split_cases(tumour_ml, fold)
        parts = (split.train, split.validation, split.test)
        patients = [{patient_of(name) for name in part} for part in parts]
        assert sum(map(len, patients)) == 12, "every patient in one part"
        assert sum(map(len, parts)) == 24, "with all of the patient's scans"


def test_split_by_hand_that_parts_a_patient_is_refused():
    with refused("E-LEAK", "split"):
        Split(("UPENN-GBM-00002_11",), ("UPENN-GBM-00006_11",), ("UPENN-GBM-00002_21",))


def test_small_cohorts_run_every_fold():
    folds = [len(folds_to_run(n)) for n in (5, 8, 9, 19, 20, 300)]
    assert folds == [5, 8, 5, 5, 1, 1]
