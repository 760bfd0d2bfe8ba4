import json

import pytest
from refusals import refused

from brainseg_utils.planning.split_files import read_split, write_split
from brainseg_utils.splits import Split

SPLIT = Split(("A", "B"), ("C",), ("D",))
IDS = "ABCD"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "split.json"


def write(path, **parts):
    content = {"train": ["A", "B"], "validation": ["C"], "test": ["D"], **parts}
    path.write_text(json.dumps(content))


def test_a_split_comes_back_as_it_was_written(path):
    write_split(path, SPLIT, "key")
    assert read_split(path, IDS, "key") == SPLIT


def test_a_file_made_by_hand_needs_no_digest(path):
    write(path)
    assert read_split(path, IDS, "any") == SPLIT


def test_a_file_that_is_there_is_not_overwritten(path):
    path.write_text("mine")
    with refused("E-EXISTS", path):
        write_split(path, SPLIT)
    assert path.read_text() == "mine"


def test_a_patient_in_two_parts_is_a_leak_and_there_is_no_way_round(path):
    write(path, train=["A", "B", "C"])
    with refused("E-LEAK", path) as caught:
        read_split(path, IDS)
    assert "['C']" in caught.value.what


def test_two_scans_of_one_patient_in_two_parts_are_a_leak(path):
    ids = [f"BraTS-GLI-0000{n}" for n in ("1-000", "1-001", "2-000", "3-000")]
    write(path, train=[ids[0]], validation=[ids[1], ids[2]], test=[ids[3]])
    with refused("E-LEAK", path):
        read_split(path, ids)


@pytest.mark.parametrize(
    ("ids", "said"), [("ABC", "names ['D']"), ("ABCDE", "misses ['E']")]
)
def test_unknown_and_missed_patients_are_named(path, ids, said):
    write(path)
    with refused("E-SPLIT", path) as caught:
        read_split(path, ids)
    assert said in caught.value.what


def test_a_file_made_for_other_data_is_stale(path):
    write_split(path, SPLIT, "old")
    with refused("E-SPLIT-STALE", path) as caught:
        read_split(path, IDS, "new")
    assert "old" in caught.value.what and "new" in caught.value.what


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"train": ["A"]}', '{"train": "A", "validation": [], "test": []}'),
        *("[" * 100_000, "9" * 5000, " " * 17 * 2**20),
    ],
)
def test_a_file_that_is_no_split_is_refused(path, content):
    path.write_text(content)
    with refused("E-SPLIT", path):
        read_split(path, IDS)


def test_an_empty_part_is_refused(path):
    write(path, train=["A", "B", "C"], validation=[])
    with refused("E-SPLIT", path) as caught:
        read_split(path, IDS)
    assert "'validation' is empty" in caught.value.what


def test_a_missing_file_is_refused(path):
    with refused("E-SPLIT", path):
        read_split(path, IDS)
