import json
import os

import pytest
from refusals import refused

from brainseg_utils.layouts import dataset_json
from brainseg_utils.layouts.dataset_json import (
    channel_names,
    file_ending,
    label_scheme,
    read_data_set,
    sequence_of_channel,
)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a value as dataset.json and reads it."""

    def write(value):
        path = tmp_path / "dataset.json"
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        path.write_bytes(content)
        return read_data_set(path)

    return write


def test_a_missing_file_is_refused(tmp_path):
    with refused("E-LAYOUT", tmp_path / "dataset.json"):
        read_data_set(tmp_path / "dataset.json")


def test_a_folder_or_a_pipe_in_its_place_is_refused(tmp_path):
    with refused("E-LAYOUT", tmp_path):
        read_data_set(tmp_path)
    os.mkfifo(tmp_path / "dataset.json")
    with refused("E-LAYOUT", tmp_path / "dataset.json"):
        read_data_set(tmp_path / "dataset.json")


def test_a_file_that_may_not_be_read_is_told_as_such(write, monkeypatch):
    path = write({}).path

    def refusing(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refusing)
    with refused("E-READ", path) as caught:
        read_data_set(path)
    assert "chmod" in caught.value.remedy


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b"1" * 5000,
        b'{"labels": 1, "labels": 2}',
        b"<html>",
    ],
)
def test_damaged_files_are_refused(tmp_path, write, content):
    with refused("E-LAYOUT", tmp_path / "dataset.json") as caught:
        write(content)
    assert len(str(caught.value)) < 600


def test_a_file_of_unlikely_size_is_refused_before_it_is_parsed(
    tmp_path, write, monkeypatch
):
    monkeypatch.setattr(dataset_json, "MAX_BYTES", 20)
    assert write(b"{}" + b" " * 18).content == {}
    with refused("E-LAYOUT", tmp_path / "dataset.json") as caught:
        write(b"{}" + b" " * 19)
    assert "more than 20 bytes" in caught.value.what


def test_a_byte_order_mark_is_no_damage(write):
    assert write(b'\xef\xbb\xbf{"a": 1}').content == {"a": 1}


@pytest.mark.parametrize("key", ["modality", "channel_names"])
def test_channels_come_in_the_order_of_their_numbers(write, key):
    channels = {str(number): f"C{number}" for number in reversed(range(12))}
    assert channel_names(write({key: channels})) == [f"C{n}" for n in range(12)]


def test_the_newer_key_goes_before_the_older(write):
    value = {"modality": {"0": "old"}, "channel_names": {"0": "new"}}
    assert channel_names(write(value)) == ["new"]


@pytest.mark.parametrize(
    "channels",
    [
        None,
        {},
        [],
        ["T1"],
        "T1",
        {"0": 1},
        {"0": None},
        {"1": "T1"},
        {"0": "T1", "2": "T2"},
        {"00": "T1"},
        {"zero": "T1"},
        {str(n): "T1" for n in range(65)},
    ],
)
def test_channels_of_another_form_are_refused(tmp_path, write, channels):
    with refused("E-LAYOUT", tmp_path / "dataset.json") as caught:
        channel_names(write({"channel_names": channels}))
    assert "'channel_names'" in caught.value.what


@pytest.mark.parametrize(
    ("sequence", "names"),
    [
        ("t1", ["T1", "T1w", "t1n", "T1_w"]),
        ("t1ce", ["T1ce", "T1gd", "t1c", "T1Gd", "T1-CE"]),
        ("t2", ["T2", "T2w"]),
        ("flair", ["FLAIR", "Flair", "t2f"]),
        (None, ["ADC", "MRI", "", "T1wFLAIR", "noNorm"]),
    ],
)
def test_channels_are_known_by_name(sequence, names):
    assert {sequence_of_channel(name) for name in names} == {sequence}


def test_files_are_nifti_unless_stated(write):
    assert file_ending(write({})) == ".nii.gz"
    assert file_ending(write({"file_ending": ".nii"})) == ".nii"


@pytest.mark.parametrize(
    "ending", [".nrrd", ".png", "/../x.nii.gz", "nii.gz", "", None, 1, [".nii"]]
)
def test_other_endings_are_refused(tmp_path, write, ending):
    with refused("E-LAYOUT", tmp_path / "dataset.json") as caught:
        file_ending(write({"file_ending": ending}))
    assert repr(ending) in caught.value.what


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"0": "background", "1": "edema", "3": "core"}, {1: "edema", 3: "core"}),
        ({"background": 0, "edema": 1, "core": 3}, {1: "edema", 3: "core"}),
        (
            {"background": 0, "whole": [1, 2], "core": [2]},
            {1: "whole", 2: "whole / core"},
        ),
        ({"0": "nothing", "255": "tumour"}, {255: "tumour"}),
        ({"edema": 2}, {2: "edema"}),
    ],
)
def test_all_labels_but_the_background_are_tumour(write, labels, names):
    scheme = label_scheme(write({"labels": labels}))
    assert scheme.names == names and not scheme.not_tumour


@pytest.mark.parametrize(
    "labels",
    [
        None,
        [],
        {},
        {"background": 0},
        {"0": "background"},
        {"background": 1, "edema": 2},
        {"edema": True},
        {"edema": 1.0},
        {"edema": "one"},
        {"edema": -1},
        {"edema": 65_536},
        {"65536": "edema"},
        {"edema": 10**30},
        {"edema": None},
        {"whole": []},
        {"whole": [0, 1]},
        {"whole": [1, [2]]},
        {"bell\x07": 1},
        {"\ud800": 1},
    ],
)
def test_labels_of_another_form_are_refused(tmp_path, write, labels):
    with refused("E-LAYOUT", tmp_path / "dataset.json") as caught:
        label_scheme(write({"labels": labels}))
    assert "'labels'" in caught.value.what
    assert str(caught.value).encode()


def test_voxels_to_ignore_are_refused_by_their_value(tmp_path, write):
    labels = {"background": 0, "tumour": 1, "ignore": 4}
    with refused("E-LAYOUT", tmp_path / "dataset.json") as caught:
        label_scheme(write({"labels": labels}))
    assert "value 4 are to be ignored" in caught.value.what


def test_schemes_of_different_labels_have_different_names(write):
    one = label_scheme(write({"name": "A", "labels": {"a": 1}}))
    other = label_scheme(write({"name": "A", "labels": {"a": 1, "b": 2}}))
    assert (one.name, other.name) == ("A (labels 1)", "A (labels 1, 2)")


@pytest.mark.parametrize("name", [None, "", "x" * 81, "a\nb", ["A"], 7])
def test_a_name_that_is_no_title_is_left_out(write, name):
    scheme = label_scheme(write({"name": name, "labels": {"a": 1}}))
    assert scheme.name == "dataset.json (labels 1)"
